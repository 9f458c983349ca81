"""Whether two answers say the same: each reason for a verdict, and that nothing is concluded from too little."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reflexd_core.meaning.compare import Agreement, compare

SOFT = """Run

```sh
git reset --soft HEAD~1
```

The commit is gone and its changes stay staged, so you can edit them and commit again."""
LONG = "\n\n".join(f"Step {n} of the way is to look at part {n} and to write down what it does." for n in range(40))


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        pytest.param("443.", "443.", id="equal"),
        pytest.param("", "", id="both empty"),
        pytest.param("Use  `ls -l`\nhere.", "Use `ls -l`\n\nhere.", id="white space"),
        pytest.param("**Use** `ls -l`.", "Use `ls -l`.", id="emphasis"),
        pytest.param(
            SOFT, f"Sure! Here's how you can do it:\n\n{SOFT}\n\nLet me know if you need more.", id="courtesy"
        ),
        pytest.param(SOFT, SOFT.replace("The commit", "commit").replace("edit", "please edit"), id="articles"),
    ],
)
def test_what_differs_in_nothing_is_equal(stored: str, fresh: str) -> None:
    verdict = compare(stored, fresh)
    assert (verdict.agreement, verdict.reason) == (Agreement.SAME, "equal")


@pytest.mark.parametrize(
    ("stored", "fresh", "reason", "words"),
    [
        pytest.param(SOFT, SOFT.replace("--soft", "--hard"), "edited", {"--soft", "--hard"}, id="another flag"),
        pytest.param(
            LONG, LONG.replace("part 9", "part 8"), "edited", {"8", "9"}, id="another number in a long text"
        ),
        pytest.param(SOFT, SOFT.replace("is gone", "is not gone"), "edited", {"not"}, id="a negation more"),
        pytest.param(SOFT, SOFT.replace("can edit", "can't edit"), "edited", {"can't"}, id="a contraction"),
        pytest.param(
            "The capital of Austria is Vienna.",
            "The capital of Austria is Graz.",
            "edited",
            {"Vienna", "Graz"},
            id="a name",
        ),
        pytest.param(
            f"{LONG} It sorts in ascending order.",
            f"{LONG} It sorts in descending order.",
            "edited",
            {"ascending", "descending"},
            id="an opposite",
        ),
        pytest.param(f"{LONG} Use it.", f"{LONG} Use it -f.", "edited", {"-f"}, id="a flag more"),
        pytest.param(
            "Yes, tuples can be keys.", "No. A tuple never changes.", "opening", {"yes", "no"}, id="yes and no"
        ),
        pytest.param(
            "```python\nxs.sort()\n```",
            "```js\nxs.sort((a, b) => a - b)\n```",
            "language",
            {"python", "javascript"},
            id="language",
        ),
        pytest.param(
            "Use `git stash pop`, which applies it.",
            "```sh\ngit stash drop\n```\nThe newest one is thrown away.",
            "code",
            {"pop", "drop"},
            id="another command",
        ),
        pytest.param(
            "Sort it:\n```python\nxs.sort(reverse=True)\n```",
            "Like so:\n```python\nxs.pop()\n```",
            "code",
            {"sort", "pop"},
            id="another method",
        ),
        pytest.param(
            "```\n*/5 * * * *\n```", "`0 */5 * * *` is what you want", "code", {"*/5****"}, id="another schedule"
        ),
        pytest.param(
            "HTTPS has port 443.", "By default, it listens at port 22 for SSH.", "number", {"443", "22"}, id="numbers"
        ),
        pytest.param(
            "It is served from Canberra.",
            "From what I know, that would be Sydney today.",
            "name",
            {"Canberra", "Sydney"},
            id="names",
        ),
    ],
)
def test_a_contradiction_is_seen(stored: str, fresh: str, reason: str, words: set[str]) -> None:
    for one, other in ((stored, fresh), (fresh, stored)):
        verdict = compare(one, other)
        assert (verdict.agreement, verdict.reason) == (Agreement.DIFFERENT, reason)
        assert words <= set(verdict.words)


def test_other_subjects_are_different() -> None:
    bread = " ".join(f"dough{n} flour{n} oven{n}" for n in range(10))
    music = " ".join(f"guitar{n} chord{n} melody{n}" for n in range(10))
    assert compare(bread, music).reason == "subject"
    assert compare(bread, f"{bread} {music}").agreement is Agreement.UNSURE


@pytest.mark.parametrize(
    ("stored", "fresh", "reason"),
    [
        pytest.param(
            SOFT,
            "You can undo it and keep the work:\n\n```bash\ngit reset --soft HEAD~1\n```\n\n- `--soft` keeps it.",
            "code",
            id="the same command",
        ),
        pytest.param(
            "```python\nnumbers.sort(reverse=True)\n```",
            "Use the argument:\n```python\nmy_list.sort(reverse=True)  # in place\n```\nIt changes the list itself.",
            "code",
            id="another name for the list",
        ),
        pytest.param("It is 37 °C.", "37 degrees Celsius, as it were.", "number", id="one number"),
        pytest.param("About 384,400 km.", "Roughly 384,000 kilometres on average.", "number", id="a rounded one"),
        pytest.param("Four bytes.", "That would be 4, I think.", "number", id="a number in words"),
    ],
)
def test_agreement_is_seen(stored: str, fresh: str, reason: str) -> None:
    for one, other in ((stored, fresh), (fresh, stored)):
        verdict = compare(one, other)
        assert (verdict.agreement, verdict.reason) == (Agreement.SAME, reason)
        assert verdict.words


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        pytest.param("", "Something.", id="one is empty"),
        pytest.param("```\n```", "~~~\n~~~", id="nothing but fences"),
        pytest.param("It depends on the engine.", "That varies with what you have.", id="words only"),
        pytest.param("`terraform destroy`", "`terraform destroy -target=aws_instance.web`", id="one says more"),
        pytest.param(
            "Map it with `-p 8080:80`.", "`docker run -p 8080:80 nginx` does that.", id="part of the command"
        ),
        pytest.param("It rose from 5 to 7.", "The fall was one to 5 from 7.", id="the same numbers in another order"),
        pytest.param(
            SOFT, SOFT + "\n\nBut that is never wise where others have pulled the commit.", id="a warning more"
        ),
        pytest.param(
            "Net is 119 / 1.19 = 100.\n\nSo be it.",
            "Net is, as I said, 119 / 1.19 = 100.\n\nThat is that.",
            id="several paragraphs",
        ),
        pytest.param("x" * 40_000 + " 1", "x" * 40_000 + " y z 2 w v u t s r", id="not seen whole"),
    ],
)
def test_what_cannot_be_seen_is_unsure(stored: str, fresh: str) -> None:
    for one, other in ((stored, fresh), (fresh, stored)):
        assert compare(one, other).agreement is Agreement.UNSURE


def test_programs_are_not_told_apart() -> None:
    """A program can be written in a hundred ways: other function names say nothing."""
    program = (
        "```python\n" + "\n".join(f"def step_{{0}}_{n}(x):\n    return first_{n}(x)" for n in range(8)) + "\n```"
    )
    assert compare(program.format("a"), program.format("b").replace("first", "other")).agreement is Agreement.UNSURE


@settings(max_examples=50)
@given(st.text(max_size=200), st.text(max_size=200))
def test_no_text_breaks_it_and_order_does_not_matter(one: str, other: str) -> None:
    verdict = compare(one, other)
    assert compare(other, one).agreement is verdict.agreement
    assert len(verdict.words) <= 8
    assert compare(one, one).agreement is Agreement.SAME


@pytest.mark.parametrize(
    "unit",
    [
        "`",
        "```\n",
        "a ",
        "a. ",
        "-a ",
        "'",
        '"a ',
        "/*",
        "// ",
        "1,",
        "[1,",
        "A",
        "A_",
        "x=",
        ".a",
        "(a",
        "<!-- ",
        "a\n",
        "# ",
    ],
)
def test_no_text_makes_it_endless(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    began = time.process_time()
    compare(text, text[:-7] + "b c d")
    assert time.process_time() - began < 20
