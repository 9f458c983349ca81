"""Guards: differences that no rewording explains are refused, and honest rewordings are not."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.meaning.guards import GUARDS, Refusal, refusal

REFUSED = {
    "raw": [
        ("Translate 你好 to English", "Translate 谢谢 to English"),
        ("What does ∀ mean?", "What does ∃ mean?"),
        ("What does 😀 mean?", "What does 🙃 mean?"),
        ("How do I type é?", "How do I type è?"),
        ("what is año", "what is ano"),
        ("why does it fail?\n```\nf(1)\n```", "why does it fail?\n```\nf(2)\n```"),
        ("explain ```\nf(1)\n```", "explain"),
        ("what does x do in vim", "what does X do in vim"),
    ],
    "url": [("open https://a.example/x", "open https://a.example/y")],
    "flag": [
        ("what does git branch -d do", "what does git branch -D do"),
        ("what does `grep -i` do", "what does `grep -v` do"),
        ("docker run --rm meaning", "docker run --init meaning"),
        (r"regex \d meaning", r"regex \D meaning"),
        ("strftime %m meaning", "strftime %M meaning"),
    ],
    "name": [
        ("sort a list in Python", "sort a list in Java"),
        ("reverse a string in C", "reverse a string in C++"),
        ("read a file in Go", "read a file in Rust"),
        ("postgres upsert", "mysql upsert"),
        ("install docker on Ubuntu", "install docker on Windows"),
        ("capital of Kenya", "capital of Poland"),
        ("orders of Monday", "orders of Tuesday"),
        ("convert json to csv", "convert yaml to csv"),
        ("can I take ibuprofen when pregnant", "may pregnant women take aspirin"),
        ("npm install fails with EACCES", "npm ENOENT on install"),
    ],
    "number": [
        ("open port 8080", "open port 8081"),
        ("top 5 customers", "top ten customers"),
        ("Python 3.9 match", "Python 3.10 match"),
        ("free 10 GB", "free 20GB"),
        ("a timeout of 5 seconds", "a timeout of 5,000 seconds"),
        ("return within 14 days", "return within 30 days"),
        ("more than 5 retries", "more than 6 retries"),
        ("backup at 11:30", "backup at 11:45"),
        ("a discount of 20 percent", "a discount of 30 percent"),
        ("a build of 1.2.3 days", "a build of 2.3.4 days"),
    ],
    "unit": [("cached for 5 minutes", "cached for 5 hours"), ("a file of 10 MB", "a file of 10GB")],
    "bound": [
        ("orders with more than 3 items", "orders with at least 3 items"),
        ("users under 18", "users over 18"),
        ("at most 5 retries", "5 retries or more"),
        ("no more than 5 retries", "no less than 5 retries"),
        ("5 or more stars", "5 or fewer stars"),
    ],
    "identifier": [
        ("what does getItem do in localStorage", "what does setItem do in localStorage"),
        ("difference between foo_bar and baz_qux here", "difference between foo_bar and qux_quux here"),
        ("cat /etc/hosts content", "cat /etc/passwd content"),
        ("my script dies of a KeyError", "IndexError, why?"),
        ("what does == do", "what does === do"),
    ],
    "opposite": [
        ("sort ascending", "sort descending"),
        ("find the largest file", "find the smallest file"),
        ("encode base64", "decode base64"),
        ("list orders placed today", "list orders placed yesterday"),
        ("upload a file to S3", "download a file from S3"),
        ("enable swap on the server", "disable swap on the server"),
        ("add a column", "remove a column"),
        ("git push tags", "git pull tags"),
        ("render on the client side", "render on the server side"),
        ("blink with delay", "blink without delay"),
        ("allow incoming https in the firewall", "firewall rule for outgoing https"),
        ("change the range of the x-axis", "plot limits, y axis"),
        ("limit how much RAM a container may take", "limit the cpu that containers use"),
        ("symptoms of asthma", "How is asthma treated, which treatment is best?"),
        ("rename a table in SQLite", "delete a table, SQLite"),
        ("read a YAML file line by line", "write YAML to a file"),
        ("loop over the keys of an object", "loop over the keys and values of an object"),
        ("log stdout and stderr to a file", "send stderr to a log file"),
    ],
    "polarity": [
        ("Which methods are idempotent?", "Which methods are not idempotent?"),
        ("case-sensitive search in vim", "case-insensitive search in vim"),
        ("copy all files of a folder", "copy all files of a folder except one"),
        ("sql in and exists", "sql not in and exists"),
        ("rows where the email is not null", "find the rows with a null email"),
        ("lines that contain foo", "only the lines that do not contain foo"),
    ],
    "connector": [
        ("redirect after the login", "how to redirect people before login"),
        ("May I eat before a blood test?", "can I have lunch after the blood test"),
        ("scp a file to the server", "scp file from server"),
    ],
    "intent": [
        ("What does CrashLoopBackOff mean?", "how to debug CrashLoopBackOff"),
        ("fix a segmentation fault in C", "what is a segmentation fault"),
    ],
    "roles": [
        ("convert string to int", "convert int to string"),
        ("London to New York flight time", "New York to London flight time"),
        ("call C from Go", "call Go from C"),
        ("advantages of parquet over csv", "advantages of csv over parquet"),
        ("use median instead of mean", "use mean instead of median"),
        ("implement a queue using two stacks", "implement a stack using two queues"),
        ("Is Java faster than Python?", "Is Python faster than Java?"),
        ("brush teeth before breakfast", "breakfast before brush teeth"),
        (
            "render a server component inside a client component",
            "render a client component inside a server component",
        ),
        ("style a parent element based on its child", "style a child element based on its parent"),
        ("rename column old to new", "rename column new to old"),
        ("use || instead of ?? in js", "use ?? instead of || in js"),
        ("a small tower in the west and a tall chapel", "a tall tower in the west and a small chapel"),
        (
            "When should I use a mutex instead of a read-write lock?",
            "When should I use a read-write lock instead of a mutex?",
        ),
    ],
}


@pytest.mark.parametrize(
    ("guard", "one", "other"), [(name, *pair) for name, pairs in REFUSED.items() for pair in pairs]
)
def test_what_is_refused_and_by_whom(guard: str, one: str, other: str) -> None:
    found = refusal(one, other)
    assert found is not None
    assert found.guard == guard
    assert found.words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I center a div?", "css: how to centre a div"),
        ("install python3 on a Mac", "Python 3 installation, macOS"),
        ("what does `git stash` do", "what does git stash do"),
        ("change the name of column 'old' into 'new'", "rename column old to new"),
        ("pick 3 random items", "pick three random items"),
        ("more than 9 docks", "at least 10 docks"),
        ("within two weeks", "within 14 days"),
        ("over two thousand metres", "higher than 2,000 m"),
        ("how 2 sort an array", "How do I sort an array?"),
        ("git push --force-with-lease vs --force", "git push --force-wiht-lease versus --force"),
        ("Array.filter with async in js", "Why does an async callback inside filter keep everything in JavaScript?"),
        ("longest Sigur Rós song", "longest song by Sigur Ros"),
        ("difference between let and var", "difference between var and let"),
        ("compare Java with Python", "compare Python with Java"),
        ("Why is Greenland covered in more ice than Iceland?", "Why is Iceland covered in less ice than Greenland?"),
        ("How much longer is the Volga than the Rhine?", "How much shorter is the Rhine than the Volga?"),
        ("pour the milk before the cereal", "pour the cereal after the milk"),
        ("fold whites into yolks or yolks into whites", "yolks into whites or whites into yolks, which to fold"),
        ("files changed in the last 2 days", "files changed in the last 48 hours"),
        ("larger than 100k", "larger than 100 KB"),
        ("warehouses more than 20% free", "warehouses less than 80% full"),
        ("backup at 11:30 pm", "backup at 23:30"),
        ("courses of fall '17", "courses of fall 2017"),
        ("why is 0.1 + 0.2 not 0.3", "why is 0.1 + 0.2 not 0.30000000000000004"),
        ("no fewer than 5 retries", "5 or more retries"),
        ("HTML code of é", "HTML code of e acute"),
        ("find files with `ls -v`", "find files with `ls --verbose`"),
        ("it doesnt start with -j", "it does not start with -j8"),
        ("cafe menu for Zoë", "café menu for Zoe"),
        ("May I move abroad without a permit?", "Must I have a permit to move abroad?"),
        ("copy all files except logs", "copy all files but not logs"),
        ("give the dog a toy to the cat", "the cat gets a toy"),
        ("introduce my baby to my dog", "introduce my dog to my baby"),
        ("the 2nd row of a table", "the second row of a table"),
        ("we meet at five o'clock", "we meet at 5 o'clock"),
        ("born later than 1980", "born in 1981 or later"),
        ("convert csv to json in pandas", "convert data.csv to json with panads"),
        ("grep exclude a folder", "grep exept a folder"),
        ("Without waiting for Bo, the duke left", "the duke left without waiting for Bo"),
        ("flights on KLM on Monday", "flights on Monday on KLM"),
        ("git avoid conflicts in a team", "How can a team avoid conflicts in git?"),
        ("formula to convert Celsius to Fahrenheit", "Celsius to Fahrenheit formula"),
        (
            "similarities between British English and American English",
            "similarities between American English and British English",
        ),
        ("css margin-left auto on the last item", "move the last css item right with auto margin"),
        ("What does override do in C++?", "Explain override in C++11"),
        ("wait for the pandas DataFrame", "pandas reset_index wait for"),
        ("git undo add of a file", "git remove a file from the index"),
        ("install docker on Ubuntu", "install docker on Linux"),
        ("plot with pandas", "plot a DataFrame in Python"),
        ("the script does not start", "the script fails to start"),
        ("sum without NaN", "sum skipping NaN"),
        ("C# sort", "c-sharp sort"),
        ("use .NET on linux", "use dotnet on linux"),
        ("go to the next page", "move to the next page in Python"),
        ("“quoted” words — here", '"quoted" words - here'),
        ("my JSON shows \\u00e9 where é should be", "json.dumps without unicode escapes"),
        ("resume on one page", "résumé on one page"),
        ("keys and values of a dict, how do they differ", "difference of keys in a dict"),
        ("list the keys or values", "list keys and values"),
        ("find and remove empty lines", "remove empty lines"),
        ("rows where the email is not null", "rows where no email is null are to be dropped"),
        ("lunch before or after the run", "run: lunch before it or after it"),
        ("request a refund from the shop", "refund request to the shop"),
        ("his parents moved before he was born", "he was born after he had lost them"),
        ("switch to main", "switch to main from a branch, git"),
        ("copy to and from the server", "copy from the server and to the server"),
        ("copy a file to a, to an", "copy file from the"),
        ("What does ENOENT mean and how do I fix it?", "fix ENOENT"),
        ("What is the best way to debug a deadlock?", "how to debug a deadlock"),
        ("What does this DOMException mean?", "InvalidStateError, what is it?"),
        ("check out a pull request locally", "fetch a PR and check it out"),
        ("turn a list into a string", "my items are a list, I want them joined with commas"),
        ("find what is read most in my blog", "blog posts that I write and nobody reads"),
        ("Θ(n) meaning", "meaning of theta(n)"),
        ("", ""),
    ],
)
def test_honest_rewordings_pass(one: str, other: str) -> None:
    assert refusal(one, other) is None


def test_the_words_that_cannot_both_be_meant_are_told_the_stored_first() -> None:
    assert refusal("sort ascending", "sort descending") == Refusal("opposite", ("ascending", "descending"))
    assert refusal("sort descending", "sort ascending") == Refusal("opposite", ("descending", "ascending"))
    assert refusal("port 80", "port 81") == Refusal("number", ("80", "81"))


def test_numbers_of_any_length_are_only_text() -> None:
    one, other = "1" * 5_000, "1" * 4_999 + "2"
    assert refusal(f"port {one}", f"port {other}") == Refusal("number", (one, other))
    assert refusal(f"wait {one} pm days percent", f"wait {other} pm days percent") is not None


def test_every_guard_has_an_example() -> None:
    assert set(REFUSED) == {name for name, _ in GUARDS}


TEXT = st.one_of(st.text(), st.text(alphabet="ab '\"`-./\\_AB1 ,:?!é😀~$=+"))
WORDS = st.sampled_from(
    [
        "sort",
        "list",
        "a",
        "b",
        "to",
        "from",
        "not",
        "without",
        "except",
        "in",
        "Python",
        "Java",
        "C",
        "Go",
        "3",
        "4",
        "three",
        "than",
        "more",
        "before",
        "after",
        "into",
        "instead",
        "of",
        "-d",
        "-D",
        "foo_bar",
        "FooBar",
        "/a/b",
        "https://x.y",
        "é",
        "😀",
        "==",
        "===",
        "over",
        "at",
        "least",
        "up",
        "the",
        "and",
        "or",
        "enable",
        "disable",
        "don't",
    ]
)
QUESTION = st.one_of(TEXT, st.lists(WORDS, max_size=10).map(" ".join))


@given(QUESTION, QUESTION)
def test_it_does_not_matter_which_was_stored(one: str, other: str) -> None:
    forth, back = refusal(one, other), refusal(other, one)
    assert (forth is None) == (back is None)
    assert forth is None or back is None or forth.guard == back.guard


@given(QUESTION)
def test_no_question_is_refused_for_itself(question: str) -> None:
    assert refusal(question, question) is None
    assert refusal(question, f" {question} ") is None


UNITS = [
    "a ",
    "to a ",
    "a than b ",
    "-a ",
    "/a",
    "a.",
    "a_",
    "aA",
    "1 ",
    "1,",
    "`",
    "'a ",
    '"',
    "é",
    "😀 ",
    "http://",
    "a@",
    "==",
    "not ",
    "\\d",
    "::",
    "C:\\",
]


@pytest.mark.parametrize("unit", UNITS)
def test_no_text_makes_it_endless(unit: str) -> None:
    long = unit * (100_000 // len(unit))
    began = process_time()
    refusal(long, long[:-1] + "x")
    refusal(long, "sort a list")
    assert process_time() - began < 5  # a fraction of a second is usual; backtracking would take minutes
