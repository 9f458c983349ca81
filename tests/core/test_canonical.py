"""Canonical JSON: the official vectors, a slow reference written from the RFC, and what has no canonical form."""

import json
import math
import struct
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.canonical import Json, Uncomparable, canonicalize, es6_number, read_json
from support.shared import shared_path

CASES = ("arrays", "french", "structures", "unicode", "values", "weird")

# Characters on both sides of the place where UTF-8 and UTF-16 order differ, and all that must be escaped.
TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('\0\x1f\b\f\n\r\t"\\/\x7f\ue000￿😀𐀀'))
)
NUMBERS = st.one_of(
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1e21, 1e20, 1e-6, 1e-7, 5e-324, 2.0**53, 1e23]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(TEXT, inner, max_size=5)),
    max_leaves=20,
)


def reference(value: Json) -> str:
    """RFC 8785 sections 3.2.2 and 3.2.3, word for word and slow; integers keep their digits."""
    match value:
        case None | True | False:
            return json.dumps(value)
        case str():
            return reference_string(value)
        case int():
            return str(value)
        case float():
            return reference_number(value)
        case list():
            return "[" + ",".join(reference(item) for item in value) + "]"
        case dict():
            names = sorted(value, key=lambda name: name.encode("utf-16-be"))
            return "{" + ",".join(f"{reference_string(name)}:{reference(value[name])}" for name in names) + "}"


def reference_string(text: str) -> str:
    short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if ord(c) < 0x20 else c) for c in text) + '"'


def reference_number(number: float) -> str:
    """ECMA-262, Number::toString, with the letters s, k and n of its text."""
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    s, k = "".join(map(str, digits)), len(digits)
    n = exponent + k
    if k <= n <= 21:
        text = s + "0" * (n - k)
    elif 0 < n <= 21:
        text = s[:n] + "." + s[n:]
    elif -6 < n <= 0:
        text = "0." + "0" * -n + s
    else:
        text = (s if k == 1 else s[0] + "." + s[1:]) + "e" + ("+" if n > 0 else "-") + str(abs(n - 1))
    return "-" * sign + text


@pytest.mark.parametrize("name", CASES)
def test_the_official_documents_become_the_official_bytes(name: str) -> None:
    folder = shared_path("protocol/jcs")
    written = canonicalize(read_json((folder / "input" / f"{name}.json").read_bytes()))
    assert written == (folder / "output" / f"{name}.json").read_bytes()
    assert written == bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())


def test_the_official_numbers_are_written_as_ecmascript_writes_them() -> None:
    lines = shared_path("protocol/jcs/es6_numbers_10000.txt").read_text().split()
    vectors = [
        (struct.unpack(">d", bytes.fromhex(bits.zfill(16)))[0], text)
        for bits, text in (line.split(",") for line in lines)
    ]
    assert len(vectors) == 10_000
    assert [text for _, text in vectors] == [es6_number(number) for number, _ in vectors]
    # The same numbers on the fast path, which writes them by another way.
    assert canonicalize([number for number, _ in vectors]).decode() == f"[{','.join(text for _, text in vectors)}]"


@given(VALUES)
def test_what_is_written_is_what_the_slow_reference_writes(value: Json) -> None:
    assert canonicalize(value).decode() == reference(value)


@given(VALUES)
def test_the_canonical_form_is_its_own_canonical_form(value: Json) -> None:
    written = canonicalize(value)
    assert canonicalize(read_json(written)) == written


@given(VALUES)
def test_a_reader_gets_the_value_back(value: Json) -> None:
    assert read_json(json.dumps(value).encode()) == value


@given(st.dictionaries(TEXT, VALUES, max_size=8), st.randoms())
def test_the_order_of_keys_does_not_matter(value: dict[str, Json], random) -> None:
    names = list(value)
    random.shuffle(names)
    assert canonicalize({name: value[name] for name in names}) == canonicalize(value)


@given(VALUES, VALUES)
def test_two_values_share_a_form_only_when_they_are_equal(first: Json, second: Json) -> None:
    assert (canonicalize(first) == canonicalize(second)) is (reference(first) == reference(second))


def test_keys_stand_in_the_order_of_their_utf16_units() -> None:
    # U+1F600 is D83D DE00 in UTF-16 and so comes before U+E000 and U+FFFF; in UTF-8 it comes after both.
    value: Json = {"￿": 1, "\ue000": -0.0, "😀": [1e16, 2**64 + 1, 0.5], "z": {"￿": None, "😀": 1e-7}, "é": True}
    assert canonicalize(value).decode() == (
        '{"z":{"😀":1e-7,"￿":null},"é":true,"😀":[10000000000000000,18446744073709551617,0.5],"\ue000":0,"￿":1}'
    )


def test_such_characters_in_values_only_do_no_harm() -> None:
    assert canonicalize({"b": "😀￿", "a": 1.0}).decode() == '{"a":1,"b":"😀￿"}'


@pytest.mark.parametrize("digits", ["9007199254740993", "-9007199254740993", "18446744073709551617", "1" * 400])
def test_an_integer_beyond_2_53_keeps_its_digits(digits: str) -> None:
    # The decoder that settles fractions must not touch its neighbours.
    assert canonicalize(read_json(f"[{digits},1.50]".encode())) == f"[{digits},1.5]".encode()


def test_two_64_bit_ids_that_differ_in_the_last_digit_are_two_ids() -> None:
    assert canonicalize(read_json(b"9223372036854775807")) != canonicalize(read_json(b"9223372036854775806"))


@pytest.mark.parametrize("zero", [b"0", b"-0", b"0.0", b"-0.0", b"0e400", b"-0.000e-999"])
def test_zero_is_zero_however_it_is_written(zero: bytes) -> None:
    assert canonicalize(read_json(zero)) == b"0"


@pytest.mark.parametrize(
    ("one", "other"), [(b"1", b"1.0"), (b"100", b"1E2"), (b"0.5", b"5.00e-1"), (b'"\\u0061"', b'"a"')]
)
def test_spelling_does_not_matter(one: bytes, other: bytes) -> None:
    assert canonicalize(read_json(one)) == canonicalize(read_json(other))


@pytest.mark.parametrize(
    ("one", "other"), [(b"1", b"true"), (b"0", b"null"), (b"0", b"false"), (b'"1"', b"1"), (b"[]", b"{}")]
)
def test_kinds_do_matter(one: bytes, other: bytes) -> None:
    assert canonicalize(read_json(one)) != canonicalize(read_json(other))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b'{"a":1,"a":1}', id="duplicate key"),
        pytest.param(b'[{"b":{"a":1,"a":2}}]', id="duplicate key, deep"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="duplicate key, escaped"),
        pytest.param(b"1e400", id="too large"),
        pytest.param(b"[-1e400]", id="too small"),
        pytest.param(b"1e-400", id="too near zero"),
        pytest.param(b"-0." + b"0" * 400 + b"1", id="too near zero, without exponent"),
        pytest.param(b"9" * 5000, id="more digits than the interpreter reads"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"[Infinity]", id="infinity"),
        pytest.param(b'{"a":-Infinity}', id="negative infinity"),
        pytest.param(b'"\xff"', id="not UTF-8"),
        pytest.param(b'"\xed\xa0\x80"', id="surrogate in UTF-8"),
        pytest.param(b'"\xc0\x80"', id="overlong UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"a":1}}', id="more than one value"),
        pytest.param(b"[1,]", id="trailing comma"),
        pytest.param(b"{'a':1}", id="single quotes"),
        pytest.param(b"01", id="leading zero"),
        pytest.param(b'"\n"', id="raw control character"),
    ],
)
def test_what_cannot_be_compared_safely_is_not_read(raw: bytes) -> None:
    with pytest.raises(Uncomparable):
        read_json(raw)


@pytest.mark.parametrize("raw", [b'"\\ud800"', b'{"\\udc00":1}', b'["\\udc00\\ud800"]'])
def test_a_lone_surrogate_has_no_canonical_form(raw: bytes) -> None:
    with pytest.raises(Uncomparable):
        canonicalize(read_json(raw))


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert canonicalize(read_json(b'"\\ud83d\\ude00"')).decode() == '"😀"'


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(math.nan, id="NaN"),
        pytest.param([None, math.inf], id="infinity"),
        pytest.param({"a": {"b": -math.inf}, "null": None}, id="negative infinity"),
        pytest.param(object(), id="not JSON"),
        pytest.param({"a": {1.5: object()}}, id="not JSON, deep"),
        pytest.param({"￿😀": math.nan}, id="NaN beside keys of another order"),
    ],
)
def test_what_json_cannot_say_has_no_canonical_form(value: Json) -> None:
    with pytest.raises(Uncomparable):
        canonicalize(value)


def nested(depth: int) -> Json:
    value: Json = 0
    for _ in range(depth):
        value = [value]
    return value


NESTINGS = [("[", "1", "]"), ('{"a":', "1", "}"), ('[{"￿":', '"😀"', "}]")]


@pytest.mark.parametrize(("opening", "inner", "closing"), NESTINGS)
def test_what_is_nested_too_deep_is_not_compared(opening: str, inner: str, closing: str) -> None:
    with pytest.raises(Uncomparable):
        canonicalize(read_json((opening * 100_000 + inner + closing * 100_000).encode()))
    with pytest.raises(Uncomparable):
        canonicalize(nested(100_000))


@pytest.mark.parametrize(("opening", "inner", "closing"), NESTINGS)
@pytest.mark.parametrize("depth", [10, 100, 300, 900, 10_000])
def test_how_deep_is_too_deep_is_the_interpreters_to_say(opening: str, inner: str, closing: str, depth: int) -> None:
    raw = (opening * depth + inner + closing * depth).encode()
    try:
        assert canonicalize(read_json(raw)) == raw
        assert depth < 10_000 or sys.version_info >= (3, 12)
    except Uncomparable:
        assert depth > 100


def test_null_is_not_mistaken_for_what_the_codec_writes_as_null() -> None:
    assert canonicalize([None, "null", {"null": None}]) == b'[null,"null",{"null":null}]'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_only_finite_numbers_are_written(number: float) -> None:
    with pytest.raises(Uncomparable):
        es6_number(number)
