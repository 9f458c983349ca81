"""Literals: what of a question must match exactly, and that finding it is cheap on any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.meaning.literals import extract_literals


@pytest.mark.parametrize(
    ("text", "literals"),
    [
        pytest.param("", (), id="nothing"),
        pytest.param("How do I sort a list? Thank you!", (), id="plain words"),
        pytest.param("```py\nprint(1)\n```", ("print(1)",), id="fenced code, fences and language taken off"),
        pytest.param("~~~\nx = 8080\n~~~ and 3", ("3", "x = 8080"), id="tildes, and what follows"),
        pytest.param("````\n```\n````", ("```",), id="a fence inside a longer fence"),
        pytest.param("```\nunclosed 1", ("unclosed 1",), id="a fence that never closes"),
        pytest.param("``` ```", (), id="an empty fence"),
        pytest.param("what is `ls -l`?", ("ls -l",), id="inline code"),
        pytest.param('say "hello world"', ("hello world",), id="double quotes"),
        pytest.param("say “hello world”", ("hello world",), id="curly quotes"),
        pytest.param("say 'hello world', don't", ("hello world",), id="single quotes, not apostrophes"),
        pytest.param("the dogs' and cats' food", (), id="plural possessives"),
        pytest.param(
            "see https://example.com/a?b=1.", ("https://example.com/a?b=1",), id="URL without the full stop"
        ),
        pytest.param("(git+ssh://host/x)", ("git+ssh://host/x",), id="URL in brackets"),
        pytest.param("open ~/notes/a.txt", ("~/notes/a.txt",), id="path in the home folder"),
        pytest.param("./run.sh ../up /etc/hosts", ("../up", "./run.sh", "/etc/hosts"), id="paths"),
        pytest.param("edit src/app.py:12", ("12", "src/app.py"), id="relative path and line"),
        pytest.param(r"C:\Users\me", (r"C:\Users\me",), id="path on Windows"),
        pytest.param("git push --force-with-lease -u", ("--force-with-lease", "-u"), id="flags"),
        pytest.param("call run() and a.b.c()", ("a.b.c()", "run()"), id="calls"),
        pytest.param("mail a.b+c@ex-am.co.uk", ("a.b+c@ex-am.co.uk",), id="address"),
        pytest.param("8080 3.14 1,000 12:30", ("1,000", "12:30", "3.14", "8080"), id="numbers"),
        pytest.param("-7 +3 50% 0xFF 1e-5 v1.2.3", ("+3", "-7", "0xFF", "1e-5", "50%", "v1.2.3"), id="more numbers"),
        pytest.param("10GB 5kg 3D 1st", ("10GB", "1st", "3D", "5kg"), id="numbers with their units"),
        pytest.param("os.path.join a::b x->y", ("a::b", "os.path.join", "x->y"), id="dotted names"),
        pytest.param("foo_bar _private é_ü MAX_SIZE", ("MAX_SIZE", "_private", "foo_bar", "é_ü"), id="snake case"),
        pytest.param("fooBar FooBar but not Foo", ("FooBar", "fooBar"), id="camel case"),
        pytest.param("`b` `a` `b`", ("a", "b", "b"), id="sorted, repeats kept"),
    ],
)
def test_literals_are_found(text: str, literals: tuple[str, ...]) -> None:
    assert extract_literals(text) == literals


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is port 8080 open?", "Is port 8081 open?"),
        ("free 10GB", "free 10MB"),
        ("rm a/b", "rm a/c"),
        ("cut -f", "cut -F"),
        ("say `x`", "say `y`"),
        ("it rose by 5%", "it rose by 5"),
        ("add 2 and 2", "add 2"),
        ("go to https://a.example/x", "go to https://a.example/y"),
    ],
)
def test_questions_that_differ_in_a_literal_have_other_literals(one: str, other: str) -> None:
    assert extract_literals(one) != extract_literals(other)


@given(st.text())
def test_any_text_has_literals_sorted_and_none_empty(text: str) -> None:
    literals = extract_literals(text)
    assert literals == tuple(sorted(literals))
    assert "" not in literals


def test_what_lies_beyond_the_window_is_not_looked_at() -> None:
    assert extract_literals("x " * 32_768 + "8080") == ()
    assert extract_literals("x " * 32_766 + "8080") == ("8080",)


UNITS = [
    "`",
    "~",
    "``` ",
    "a-",
    "a.",
    "a+",
    "a",
    "_",
    "a_",
    "/a",
    "a/-",
    "1,",
    "1.",
    "1e",
    "v1",
    "a.1.",
    "'a",
    "' ",
    '"a ',
    "aA",
    "a:",
    "a://",
    "a@",
    "a.@",
    "a@a-",
    "http",
    "C:\\",
    "_a-",
    "A1_",
    "a-b.c+d ",
    "“a",
    "(",
    "é_",
]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("end", ["_", "@"])
def test_no_text_makes_the_search_endless(unit: str, end: str) -> None:
    # A pattern that backtracks would take minutes, or for ever, for one of these; a quarter of a second is usual.
    text = (unit * 65_536)[: 65_536 - len(end)] + end
    assert "" not in extract_literals(text)
