"""Writing: the golden texts, and that whatever is written is read again as what it was."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reflexd_core.canonical import Json
from reflexd_core.tauq import DEEPEST, DEFAULT, Inexpressible, Style, decode, encode, writer
from support.tauq import FLOATS, GOLDEN, GOLDEN_IN_STYLE, LOOKALIKES, MINIFIED, STYLES, VALUES, json_of, nested, told


@pytest.mark.parametrize(("value", "text"), GOLDEN)
def test_the_golden_texts(value: Json, text: str) -> None:
    assert encode(value) == text


@pytest.mark.parametrize(("value", "style", "text"), GOLDEN_IN_STYLE)
def test_the_golden_texts_in_other_styles(value: Json, style: Style, text: str) -> None:
    assert encode(value, style) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({}, "{}", id="an empty object is not an empty document"),
        pytest.param("hello", '"hello"', id="a lone word would mean nothing"),
        pytest.param({"my key": 1, "a": {"b": 2}}, '{\n  "my key" 1\n  a {\n    b 2\n  }\n}', id="a key in quotes"),
        pytest.param({"inf": 1, "x": 2}, '{\n  "inf" 1\n  x 2\n}', id="a key that is a number"),
        pytest.param({"a": {"NaN": 1}}, 'a {\n  "NaN" 1\n}', id="inside, too"),
        pytest.param({"a": [1, {"k": 1}]}, "a [1 { k 1 }]", id="braces in a mixed list"),
        pytest.param({"a": [[{"k": 1}, {"k": 2}]]}, "a [[{ k 1 } { k 2 }]]", id="no schema in a list of lists"),
        pytest.param([{"2023": 1}, {"2023": 2}], '[\n{ "2023" 1 }\n{ "2023" 2 }\n]', id="fields that are no names"),
        pytest.param({"a": [{"b c": 1}] * 2}, 'a [\n  { "b c" 1 }\n  { "b c" 1 }\n]', id="nor as values"),
        pytest.param([1, [], {}], "[\n1\n[]\n{}\n]", id="a list of all sorts"),
        pytest.param({"a": [{"x": 1}, {}, {"y": 2}]}, "a [\n  { x 1 }\n  {}\n  { y 2 }\n]", id="unlike objects"),
        pytest.param(
            {"u x": [{"a": 1}] * 2}, '!def Row a\n---\n{\n  "u x" [\n    !use Row\n    1\n    1\n  ]\n}', id="both"
        ),
        pytest.param(
            {"user2": [{"a": 1}] * 2, "users": [{"b": 1}] * 2, "user": [{"c": 1}] * 2},
            "!def User b\n!def User2 a\n!def User3 c\n---\nuser2 [\n  !use User2\n  1\n  1\n]\n"
            "users [\n  !use User\n  1\n  1\n]\nuser [\n  !use User3\n  1\n  1\n]",
            id="three schemas, three names",
        ),
    ],
)
def test_what_the_reference_writes_wrongly(value: Json, text: str) -> None:
    assert encode(value) == text
    assert told(decode(text)) == told(value)


def test_styles() -> None:
    value: Json = {"users": [{"id": 1, "tags": ["x", "y"]}, {"id": 2, "tags": []}], "n": [{"a": 1}, 2]}
    assert encode(value, Style(commas=True)) == (
        "!def User id,tags\n---\nusers [\n  !use User\n  1,[x y]\n  2,[]\n]\nn [{ a 1 } 2]"
    )
    assert encode(value, Style(schemas=False)) == (
        "users [\n  { id 1 tags [x y] }\n  { id 2 tags [] }\n]\nn [{ a 1 } 2]"
    )
    assert encode(value, Style(schemas=False, minify=True)) == (
        "users [{ id 1 tags [x y] } { id 2 tags [] }];n [{ a 1 } 2]"
    )
    assert encode([{"a": 1}, {"b": {}}], MINIFIED) == "[{ a 1 } { b {  } }]"


@given(VALUES, STYLES)
@example({"a": [{"k": 1}, 1]}, DEFAULT)
@example([[{}], {"": {}}], MINIFIED)
def test_whatever_is_written_is_read_as_what_it_was(value: Json, style: Style) -> None:
    assert told(decode(encode(value, style))) == told(value)


@pytest.mark.parametrize("text", LOOKALIKES)
def test_strings_and_keys_that_look_like_something_else(text: str) -> None:
    for value in (text, [text], [text, text], {text: text}, {"k": text}, {text: {text: [text]}}, [{text: text}] * 2):
        for style in (DEFAULT, MINIFIED, Style(commas=True)):
            assert decode(encode(value, style)) == value
    assert decode(encode({text: [{text: text, "b": [text]}] * 2})) == {text: [{text: text, "b": [text]}] * 2}


@given(json_of(st.one_of(st.integers(-(2**80), 2**80), FLOATS)), STYLES)
def test_an_integer_that_readers_would_round_is_not_written(value: Json, style: Style) -> None:
    rounds = any(not -(2**63) <= number < 2**64 for number in _integers(value))
    try:
        assert told(decode(encode(value, style))) == told(value)
        assert not rounds
    except Inexpressible as refusal:
        assert rounds, refusal  # noqa: PT017 - either is right


def _integers(value: Json) -> list[int]:
    if isinstance(value, list):
        return [number for item in value for number in _integers(item)]
    if isinstance(value, dict):
        return _integers(list(value.values()))
    return [value] if isinstance(value, int) else []


@given(json_of(st.one_of(st.integers(), FLOATS), st.text(st.characters(), max_size=4)))
def test_all_of_json_has_a_text_or_a_reason(value: Json) -> None:
    """Big integers and lone surrogates too: what has no Tauq stays JSON."""
    try:
        text = encode(value)
    except Inexpressible as refusal:
        assert "64 bits" in str(refusal) or "surrogate" in str(refusal)  # noqa: PT017
        text = json.dumps(value)
        assert told(json.loads(text)) == told(value)
    else:
        assert told(decode(text)) == told(value)
        text.encode()


@pytest.mark.parametrize("number", [2**53, 2**53 + 1, -(2**63), 2**64 - 1, 1.0, -0.0, 5e-324, 1.7976931348623157e308])
def test_numbers_keep_type_and_digits(number: float) -> None:
    found = decode(encode(number))
    assert (repr(found), type(found)) == (repr(number), type(number))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        *[(2**64, "64 bits"), ([-(2**63) - 1], "64 bits"), ({"a": 10**5000}, "64 bits")],
        *[(math.nan, "NaN"), ({"a": math.inf}, "NaN"), ([[-math.inf]], "NaN")],
        *[("\ud800", "surrogate"), ({"\udc00": 1}, "surrogate"), ([{"a": "\ud800"}] * 2, "surrogate")],
        *[(nested(DEEPEST + 1), "nested deeper"), (nested(DEEPEST + 1, objects=True), "nested deeper")],
        *[(nested(100_000), "nested deeper"), (nested(100_000, objects=True), "nested deeper")],
        *[
            ([{"a": nested(DEEPEST - 1)}] * 2, "nested deeper"),
            ({"t": [{"a": nested(DEEPEST - 2)}] * 2}, "nested deeper"),
        ],
    ],
)
def test_what_tauq_cannot_say(value: Json, why: str) -> None:
    with pytest.raises(Inexpressible, match=why):
        encode(value)


@pytest.mark.parametrize("style", [DEFAULT, MINIFIED, Style(schemas=False)])
@pytest.mark.parametrize("objects", [False, True])
def test_nesting_up_to_the_limit(objects: bool, style: Style) -> None:
    for value in (
        nested(DEEPEST, objects=objects),
        {"my key": nested(DEEPEST - 1, objects=objects)},
        [{"a": nested(DEEPEST - 2, objects=objects)}] * 2,
        {"t": [{"a": nested(DEEPEST - 3, objects=objects)}] * 2},
        {"t": nested(DEEPEST - 2, {}, objects=objects)},
    ):
        assert decode(encode(value, style)) == value


def test_a_text_that_would_be_read_as_something_else_never_gets_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "is_bare_string", lambda _: True)
    with pytest.raises(Inexpressible, match="something else"):
        encode(["12"])
    with pytest.raises(Inexpressible, match="could not be read: line 2, column 1"):
        encode(["}"])
