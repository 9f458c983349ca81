"""Canonical JSON (RFC 8785), the form in which requests are compared, and the strict reader before it.

Two departures from the RFC, both because trust wins: an integer beyond ±2^53 keeps its digits instead of being
rounded to a double (two 64-bit ids that differ in the last digit are two ids), and what cannot be compared
safely is refused (`Uncomparable`) instead of guessed at: duplicate keys, numbers that a double cannot hold,
NaN, lone surrogates, nesting beyond the interpreter's limit.

Speed: a walk in Python over a 300 KB agent request costs several milliseconds. Here the codecs do the work in C;
Python code runs once a number with a fraction or an exponent, of which a request holds a handful. Measured on a
327 KB agent request: reading 0.43 ms, writing 0.35 ms, where the standard library's sorted encoder takes 0.83 ms.
"""

import json
import math
import re

import msgspec

Scalar = str | int | float | bool | None
Json = Scalar | list["Json"] | dict[str, "Json"]
"""Any JSON value, as the standard library's reader builds it."""

JsonObject = dict[str, Json]

_SAFE_INTEGER = 2**53
_NONZERO_DIGIT = re.compile(r"[1-9]")


class Uncomparable(ValueError):  # noqa: N818 - it says what the value is; nothing went wrong
    """The value has no canonical form, so two of its kind must never be taken for equal."""


def read_json(raw: bytes) -> Json:
    """Parse a JSON text (UTF-8, strict) into a value that `canonicalize` accepts.

    Raises `Uncomparable` for malformed JSON and for all that the module's head names.
    """
    try:
        value: Json = _DECODER.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Uncomparable(str(error)) from error
    return value


def canonicalize(value: Json) -> bytes:
    """The RFC 8785 form of ``value``, UTF-8, integers beyond ±2^53 digit for digit.

    Raises `Uncomparable` where there is none (NaN, infinity, lone surrogates, what JSON cannot say).
    """
    try:
        written = _SORTED.encode(value)
        if b"null" in written:
            _refuse_not_a_number(value)  # msgspec writes NaN and infinity as null
        if _has_key_orders_that_differ(written):
            return _UNSORTED.encode(_UTF16_ORDER.decode(written.decode("utf-8")))
        odd: list[str] = []
        settled = _number_reader(odd).decode(written)
        return _SORTED.encode(settled) if odd else written
    except (ValueError, TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise Uncomparable(str(error)) from error


def es6_number(number: float) -> str:
    """ECMAScript's ``Number::toString``, which RFC 8785 section 3.2.2.3 prescribes for doubles.

    Python's ``repr`` finds the same shortest digits; only the notation differs.
    """
    if not math.isfinite(number):
        raise Uncomparable("not a finite number")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + ("" if fraction == "0" else fraction)
    point = len(whole) + int(exponent or 0)  # the value is 0.digits times 10^point
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    return sign + _with_notation(digits, point)


def _with_notation(digits: str, point: int) -> str:
    """ECMA-262, Number::toString steps 6 to 10; ``point`` is the specification's n."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    exponent = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return (digits if count == 1 else f"{digits[0]}.{digits[1:]}") + exponent


def _unique_keys(pairs: list[tuple[str, Json]]) -> JsonObject:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise Uncomparable("duplicate key")
    return read


def _float_that_fits(text: str) -> float:
    number = float(text)
    if math.isinf(number) or (number == 0 and _NONZERO_DIGIT.search(re.split("[eE]", text)[0])):
        raise Uncomparable("a number that a double cannot hold")
    return number


def _refuse_constant(name: str) -> float:
    raise Uncomparable(f"{name} is not JSON")


def _refuse_not_a_number(value: Json) -> None:
    json.dumps(value, allow_nan=False)


def _utf16_sorted(pairs: list[tuple[str, Json]]) -> JsonObject:
    return dict(sorted(pairs, key=lambda pair: pair[0].encode("utf-16-be")))


def _raw_number(text: str) -> float:
    # A pre-encoded fragment stands where the float stood; typed as one, since only the encoder ever sees it.
    return msgspec.Raw(es6_number(float(text)).encode())  # type: ignore[return-value]


def _number_reader(odd: list[str]) -> msgspec.json.Decoder[Json]:
    """A decoder that writes each number down anew where msgspec's notation is not ECMAScript's."""

    def settle(text: str) -> float | msgspec.Raw:
        settled = es6_number(float(text))
        if settled != text:
            odd.append(text)
        return msgspec.Raw(settled.encode())

    return msgspec.json.Decoder(float_hook=settle)


def _has_key_orders_that_differ(written: bytes) -> bool:
    """Whether UTF-8 order (the codec's) can differ from UTF-16 order (the RFC's).

    It does only between characters beyond U+FFFF (first byte 0xF0 to 0xF4) and U+E000 to U+FFFF (0xEE, 0xEF).
    """
    return (b"\xee" in written or b"\xef" in written) and any(
        bytes((first,)) in written for first in range(0xF0, 0xF5)
    )


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_keys, parse_float=_float_that_fits, parse_constant=_refuse_constant
)
_UTF16_ORDER = json.JSONDecoder(object_pairs_hook=_utf16_sorted, parse_float=_raw_number)
_SORTED = msgspec.json.Encoder(order="sorted")
_UNSORTED = msgspec.json.Encoder()
