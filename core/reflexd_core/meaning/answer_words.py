"""Closed lists for reading answers: languages of code blocks, commands, words that say little or much of a claim."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _lines(text: str) -> frozenset[str]:
    return frozenset(line.strip() for line in text.strip().splitlines())


SHELLS = _words("sh bash shell zsh fish console terminal bat cmd batch powershell ps1 pwsh dockerfile")
SAME_LANGUAGE = {
    "py": "python",
    "python3": "python",
    "js": "javascript",
    "jsx": "javascript",
    "node": "javascript",
    "ts": "javascript",
    "tsx": "javascript",
    "typescript": "javascript",
    "golang": "go",
    "rs": "rust",
    "rb": "ruby",
    "c++": "cpp",
    "cs": "csharp",
    "c#": "csharp",
    "kt": "kotlin",
}
"""TypeScript with JavaScript: answers mix them."""
LANGUAGES = _words("python javascript go rust ruby cpp csharp java kotlin swift php scala perl haskell lua r")
"""Others (text, html, json, shell, sql) stand beside any of these in one answer."""
NESTED = _lines("""
    aws s3
    conda env
    docker compose
    docker container
    docker image
    docker network
    docker system
    docker volume
    gh pr
    gh repo
    git config
    git remote
    git stash
    git submodule
    git worktree
    helm repo
    kubectl config
    kubectl rollout
    npm config
    pip config
    terraform state
""")
"""Commands of which the third word is a command too."""

YES = _words("yes yep yeah correct absolutely definitely")
NO = _words("no nope never")
NEGATIONS = _words("not no never cannot without none nor neither")
COUNTED = {
    word: str(number)
    for number, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"), 2
    )
}
SOFT = _words("a an the please just simply also then can you your")
"""One more or less of them changes nothing."""
COMMON = _words("""
    a about after again all also am an and any are as at be because been before being below between both but by can
    could did do does doing don't down during each either etc even every example few following follows for from
    further get gets give gives given had has have having here how however if in into is it its itself just know let
    like make makes many may might more most much must need needs new no nor not now of off on once one only or other
    our out over own per same see set several she should show shows simply so some such sure take than that the their
    them then there therefore these they think this those through to too two under until up use used uses using very
    want was way we well were what when where which while who why will with within without would yes you your yourself
""")
TYPOGRAPHY = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u00a0": " ",
    "\u2212": "-",
    "\u2013": "-",
    "\u2014": "-",
}
