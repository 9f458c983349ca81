"""Reading: the golden texts, every rule of the grammar, and what tries to make a reader fail, hang or grow."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.canonical import Json
from reflexd_core.tauq import DEEPEST, TauqError, decode
from support.tauq import (
    FLOATS,
    GOLDEN,
    GOLDEN_ERRORS,
    GOLDEN_IN_STYLE,
    GOLDEN_TO_READ,
    INTEGERS,
    json_of,
    nested,
    told,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[(text, value) for value, text in GOLDEN],
        *[(text, value) for value, _, text in GOLDEN_IN_STYLE],
        *GOLDEN_TO_READ,
    ],
)
def test_the_golden_texts(text: str, value: Json) -> None:
    assert told(decode(text)) == told(value)


@pytest.mark.parametrize("text", GOLDEN_ERRORS)
def test_the_golden_errors(text: str) -> None:
    with pytest.raises(TauqError):
        decode(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a 1\na 2", {"a": 2}, id="of equal keys the last counts"),
        pytest.param("{a 1 a 2}", {"a": 2}, id="in an object too"),
        pytest.param("a true b null c x", {"a": True, "b": None, "c": "x"}, id="words are values"),
        pytest.param('1 "s" true', [1, "s", True], id="several results are a list"),
        pytest.param("[[] {} [;\n]]", [[], {}, []], id="nothing inside"),
        pytest.param("[a:b :c]", ["a", "b", "c"], id="colons in a list are blanks"),
        pytest.param("{a:1;b:{c:[]}\n'd' 2}", {"a": 1, "b": {"c": []}, "'d'": 2}, id="separators in an object"),
        pytest.param('{"" 1 "a b":2}', {"": 1, "a b": 2}, id="quoted keys"),
        pytest.param("!def A x y\n1 [2 3]\n{a 1} {}", [{"x": 1, "y": [2, 3]}, {"x": {"a": 1}, "y": {}}], id="cells"),
        pytest.param("!def A x y\n1 2 z:3 w:4 5", [{"x": 1, "y": 2, "z": 3, "w": 4}, {"x": 5}], id="names go on"),
        pytest.param("!def A x y\ny:1 2 3", {"y": 3, "x": 2}, id="names do not count as filled"),
        pytest.param("!def A x\n[!use A 1;2]", {"x": [{"x": 1}, {"x": 2}]}, id="a table in a cell"),
        pytest.param("!def A x\n[1]\n2", [{"x": [1]}, {"x": 2}], id="a list in a row has no schema"),
        pytest.param("!def A x y\n---\n[1 !use A 2 3 4]", [1, {"x": 2, "y": 3}, {"x": 4}], id="from there on"),
        pytest.param("!def A x y\n---\n[!use A 1 !use A 2]", [{"x": 1}, {"x": 2}], id="a directive ends a row"),
        pytest.param("!def A x\n---\n[!use A 1] [2]", [[{"x": 1}], [2]], id="only until the list ends"),
        pytest.param("!def B p q\n!def A x:B y\n{1 2} z", {"x": {"p": 1, "q": 2}, "y": "z"}, id="typed"),
        pytest.param("!def B p q\n!def A x:B\n{q:1}\n{}", [{"x": {"q": 1}}, {"x": {}}], id="typed, named or empty"),
        pytest.param(
            "!def B p q\n!def A x:[B]\n[{1 2};{\n3 4\n}\n5 6 7 8 {} ]",
            {"x": [{"p": 1, "q": 2}, {"p": 3, "q": 4}, {"p": 5, "q": 6}, {"p": 7, "q": 8}, {}]},
            id="typed list, with braces and without",
        ),
        pytest.param("!def B p\n!def A x:[B]\nx:[1]", {"x": [{"p": 1}]}, id="typed and named"),
    ],
)
def test_what_texts_mean(text: str, value: Json) -> None:
    assert decode(text) == value


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("just", 1, 5, "expected a value for 'just', found the end of the text"),
        ("just\n1", 1, 5, "expected a value for 'just', found the end of the line"),
        ("a ---", 1, 3, "expected a value for 'a', found '---'"),
        ("a {b}", 1, 5, "expected a value for 'b', found '}'"),
        ("{a\n1}", 1, 3, "expected a value for 'a', found the end of the line"),
        ("x }", 1, 3, "found '}'"),
        ("]", 1, 1, "found ']'"),
        ('"a": 1', 1, 4, "found ':'"),
        ("{1 2}", 1, 2, "expected a key, an unquoted or quoted word, found '1'"),
        ("{true 2}", 1, 2, "expected a key"),
        ("{: 2}", 1, 2, "expected a key"),
        ("{!use A}", 1, 2, "expected a key, an unquoted or quoted word, found the directive !use"),
        ("a 1\nb [1\n 2", 2, 3, "the list that begins here is not closed by ']'"),
        ("[{a 1", 1, 2, "the object that begins here is not closed by '}'"),
        ("[1}", 1, 3, "found '}'"),
        ("{a 1]", 1, 5, "found ']'"),
        ("[---]", 1, 2, "expected a value, found '---'"),
        ("[!def A x]", 1, 2, "expected a value, found the directive !def"),
        ("!def A x\n---\na [!use A !def]", 3, 11, "expected a row of 'A', found the directive !def"),
        ("!def A x\n---\na [!use A 1}", 3, 12, "expected a row of 'A', found '}'"),
        ("!def A x\n}", 2, 1, "expected a row of 'A', found '}'"),
        ("!def A x\n:", 2, 1, "expected a value for 'x', found ':'"),
        ("!def A x\ny: ", 2, 4, "expected a value for 'y', found the end of the text"),
        ("!def B p\n!def A x:B\n1", 3, 1, "expected a 'B' in braces for 'x', found '1'"),
        ("!def B p\n!def A x:B\n{1 2}", 3, 4, "expected '}' behind a 'B', found '2'"),
        ("!def B p\n!def A x:B\n{1\n}", 3, 3, "expected '}' behind a 'B', found the end of the line"),
        ("!def B p\n!def A x:[B]\n1", 3, 1, "expected a list of 'B' for 'x', found '1'"),
        ("!def B p\n!def A x:[B]\n[1", 3, 1, "the list that begins here is not closed by ']'"),
        ("!def B p\n!def A x:[B]\n[!use B]", 3, 2, "expected a row of 'B', found the directive !use"),
        ("!def B p\n!def A x:[B]\n[1}", 3, 3, "expected a row of 'B', found '}'"),
        ("!def B\n!def A x:[B]\n[1]", 3, 2, "expected a row of 'B', which has no fields, found '1'"),
    ],
)
def test_where_and_why_a_text_means_nothing(text: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(TauqError) as raised:
        decode(text)
    assert problem in raised.value.problem
    assert (raised.value.line, raised.value.column) == (line, column)


# Strings whose JSON needs no escape but those that Tauq has as well.
_PLAIN = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), max_size=6)


@given(json_of(st.one_of(INTEGERS, FLOATS), _PLAIN), st.sampled_from([None, 2]))
def test_json_is_read_as_what_it_is_where_it_needs_no_other_escapes(value: Json, indent: int | None) -> None:
    assert told(decode(json.dumps([value], ensure_ascii=False, indent=indent))) == told([value])


def test_json_escapes_are_not_tauqs() -> None:
    assert decode(r'"\u0041\/\b"') == r"\u0041\/\b"


@given(st.text('ab:1 \n;,[]{}"\\#!-.e+', max_size=40))
def test_any_text_means_something_or_is_an_error(text: str) -> None:
    _decoded_or_refused(text)


_SIGNS = ["[", "]", "{", "}", "\n", ";", "---", "#x\n"]
_DIRECTIVES = ["!def A a b\n", "!def B p:A q:[A]\n", "!use A", "!use B\n", "!schemas\n"]


@given(st.lists(st.sampled_from(["a", "b:", "1", '"s"', *_SIGNS, *_DIRECTIVES]), max_size=16))
def test_any_words_mean_something_or_are_an_error(pieces: list[str]) -> None:
    _decoded_or_refused(" ".join(pieces))


def _decoded_or_refused(text: str) -> None:
    try:
        json.dumps(decode(text), allow_nan=False)
    except TauqError as error:
        assert 1 <= error.line <= text.count("\n") + 1  # noqa: PT017 - either is right
        assert 1 <= error.column <= len(text) + 1  # noqa: PT017


@pytest.mark.parametrize("objects", [False, True])
def test_nesting_up_to_the_limit(objects: bool) -> None:
    opening, closing = ("{a ", "}") if objects else ("[", "]")
    assert decode(f"[{opening * (DEEPEST - 1)}0{closing * (DEEPEST - 1)}]") == [nested(DEEPEST - 1, objects=objects)]
    with pytest.raises(TauqError, match="nested deeper than 100"):
        decode(f"[{opening * DEEPEST}0{closing * DEEPEST}]")


@pytest.mark.parametrize(
    ("schemas", "opening"),
    [
        *[("", "["), ("", "{a "), ("", "[{a ")],
        *[("!def A x\n", "[!use A "), ("!def A x:A\n", "{"), ("!def A x:[A]\n", "["), ("!def A x:[A]\n", "[{")],
    ],
)
def test_nesting_far_beyond_it(schemas: str, opening: str) -> None:
    with pytest.raises(TauqError, match="nested deeper than 100"):
        decode(schemas + opening * 10_000)


LONG = {
    "an open string": '"' + "x" * 1_000_000,
    "an open string of backslashes": '"' + "\\" * 1_000_000,
    "a string of escapes": '"' + "\\\\" * 500_000 + '"',
    "quotes": '"' * 100_001,
    "digits": "1" * 1_000_000,
    "digits of a fraction": "0." + "1" * 1_000_000,
    "a word": "a" * 1_000_000,
    "a list of numbers": "[" + "1," * 100_000 + "]",
    "a list of strings": "[" + '"a b" ' * 100_000 + "]",
    "rows": "!def A x y\n" + "1 a\n" * 50_000,
    "rows that one line holds": "!def A x\n" + "1 " * 100_000,
    "short rows of many fields": "!def A " + "x " * 50_000 + "\n" + "1;" * 20_000,
    "names": "!def A x\n" + "y:1 " * 50_000,
    "definitions": "!def A x\n" * 20_000,
    "directives": "!" * 100_000,
    "dashes": "---" * 100_000,
    "lines": "\n" * 1_000_000,
    "comments": "#\n" * 500_000,
    "colons": "[" + ":" * 100_000 + "]",
    "commas": "," * 1_000_000,
    "an error at the very end": "[" + "1\n" * 100_000 + "}",
    "white space of another kind": "a " + "\xa0" * 1_000_000,
}


@pytest.mark.parametrize("what", LONG)
def test_time_grows_with_the_text_and_no_faster(what: str) -> None:
    """A text 32 times as long may take 200 times as long before this fails: squared it would be a thousand times."""
    text = LONG[what]
    size = len(text) // 32 | (what == "quotes")
    short, long = _seconds(text[:size]), _seconds(text)
    assert long < 200 * max(short, 0.002), (short, long)


def _seconds(text: str) -> float:
    """CPU of the better of two runs."""

    def once() -> float:
        began = time.process_time()
        _decoded_or_refused_quickly(text)
        return time.process_time() - began

    return min(once(), once())


def _decoded_or_refused_quickly(text: str) -> None:
    try:
        decode(text)
    except TauqError:
        return


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        pytest.param('a "' + "x" * 10_000_000, id="an open string"),
        pytest.param("[" * 10_000_000, id="brackets"),
        pytest.param("!def A x y\n" + '12345678 "some words of text"\n' * 333_333, id="rows"),
    ],
)
def test_ten_megabytes(text: str) -> None:
    _decoded_or_refused_quickly(text)
