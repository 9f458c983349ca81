"""Tokens: where each begins, what it means, and what is none."""

import pytest

from reflexd_core.canonical import Scalar
from reflexd_core.tauq import LARGEST, TauqError
from reflexd_core.tauq.scanner import Kind, Scanner


def tokens(text: str) -> list[tuple[Kind, Scalar]]:
    """Every token but the end, with its value where it has one."""
    scan = Scanner(text)
    found: list[tuple[Kind, Scalar]] = []
    while scan.kind is not Kind.END:
        valued = scan.kind in (Kind.NAME, Kind.LITERAL, Kind.STRING, Kind.DIRECTIVE)
        found.append((scan.kind, scan.value if valued else None))
        scan.advance()
    return found


def kinds(text: str) -> list[Kind]:
    return [kind for kind, _ in tokens(text)]


def test_each_kind() -> None:
    assert tokens('a 1 1.5 true false null "s" !def --- : [ ] { } ;') == [
        *((Kind.NAME, "a"), (Kind.LITERAL, 1), (Kind.LITERAL, 1.5)),
        *((Kind.LITERAL, True), (Kind.LITERAL, False), (Kind.LITERAL, None)),
        *((Kind.STRING, "s"), (Kind.DIRECTIVE, "def"), (Kind.DASHES, None), (Kind.COLON, None)),
        *((Kind.OPEN_LIST, None), (Kind.CLOSE_LIST, None), (Kind.OPEN_OBJECT, None), (Kind.CLOSE_OBJECT, None)),
        (Kind.BREAK, None),
    ]


@pytest.mark.parametrize("text", ["", " ", "\t\r,, ,", "#", "# all of it", " # ,,"])
def test_nothing(text: str) -> None:
    assert tokens(text) == []


@pytest.mark.parametrize("text", ["\n", ";", "\n\n", ";\n,;", "\n # c\n\n;# d", "# c\n"])
def test_any_number_of_breaks_is_one(text: str) -> None:
    assert kinds(text) == [Kind.BREAK]


@pytest.mark.parametrize(
    "word", ["a'b", "é", "x-y", "--b", "-x", "a!b", "a---", "tru", "nulls", "i", "--", "a\\b", "1_000", "٣", "\ufeff"]
)
def test_words_that_are_names(word: str) -> None:
    assert tokens(word) == [(Kind.NAME, word)]


@pytest.mark.parametrize(
    ("text", "number"),
    [("-0", 0), ("007", 7), ("1234567890123456789", 1234567890123456789), ("+1", 1), ("1.", 1.0)],
)
def test_words_that_are_numbers(text: str, number: float) -> None:
    ((kind, value),) = tokens(text)
    assert (kind, value, type(value)) == (Kind.LITERAL, number, type(number))


def test_dashes_count_only_where_a_word_begins() -> None:
    assert tokens("----a") == [(Kind.DASHES, None), (Kind.NAME, "-a")]
    assert kinds("---[") == [Kind.DASHES, Kind.OPEN_LIST]


def test_words_end_at_signs_quotes_and_comments() -> None:
    assert tokens('a"b"c') == [(Kind.NAME, "a"), (Kind.STRING, "b"), (Kind.NAME, "c")]
    assert tokens("x:1") == [(Kind.NAME, "x"), (Kind.COLON, None), (Kind.LITERAL, 1)]
    assert tokens("v#c\n1") == [(Kind.NAME, "v"), (Kind.BREAK, None), (Kind.LITERAL, 1)]
    assert tokens("12#c") == [(Kind.LITERAL, 12)]


def test_directives() -> None:
    assert tokens("!def! !é_1-x") == [
        *((Kind.DIRECTIVE, "def"), (Kind.DIRECTIVE, ""), (Kind.DIRECTIVE, "é_1"), (Kind.NAME, "-x"))
    ]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        *[('""', ""), ('"a b"', "a b"), ('"a\nb\r\0"', "a\nb\r\0"), ('"#{}[]:;,"', "#{}[]:;,")],
        *[(r'"\"\\\n\r\t"', '"\\\n\r\t'), (r'"\u0041\/\x"', r"\u0041\/\x"), ('"\\\n"', "\\\n"), (r'"\\n"', r"\n")],
    ],
)
def test_strings(written: str, text: str) -> None:
    assert tokens(written) == [(Kind.STRING, text)]


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ('a "b', 1, 3, "no closing quote"),
        ('a\n\n  "b\nc\\"', 3, 3, "no closing quote"),
        ('"\\', 1, 1, "no closing quote"),
        ("a\xa0b", 1, 2, r"U\+00A0"),
        ("é\n \u2028", 2, 2, r"U\+2028"),
        ("\x0b", 1, 1, r"U\+000B"),
        ("[inf]", 1, 2, "'inf' is a number"),
        ("a " + "9" * 5000, 1, 3, "digits"),
        ("1" * 50 + "e999", 1, 1, "1…' is a number"),
    ],
)
def test_what_is_no_token(text: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(TauqError, match=problem) as raised:
        tokens(text)
    assert (raised.value.line, raised.value.column) == (line, column)
    assert str(raised.value) == f"line {line}, column {column}: {raised.value.problem}"


def test_a_text_that_is_too_long() -> None:
    assert kinds(" " * LARGEST) == []
    with pytest.raises(TauqError, match="longer than"):
        Scanner(" " * (LARGEST + 1))


def test_taking_a_token() -> None:
    scan = Scanner("[ a")
    assert not scan.take(Kind.NAME)
    assert scan.take(Kind.OPEN_LIST)
    assert scan.kind is Kind.NAME


@pytest.mark.parametrize(("text", "follows"), [("a:1", True), ("a ,\t:1", True), ("a 1:", False), ("a\n:", False)])
def test_a_colon_ahead(text: str, follows: bool) -> None:
    assert Scanner(text).colon_follows() is follows


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *[("", "the end of the text"), ("\n", "the end of the line"), (";", "';'"), ("!x", "the directive !x")],
        *[("[", "'['"), (" ab ", "'ab'"), ('"a b"', "'\"a b\"'"), ("x" * 41, f"'{'x' * 40}…'")],
    ],
)
def test_how_a_token_is_shown(text: str, shown: str) -> None:
    assert Scanner(text).shown() == shown
