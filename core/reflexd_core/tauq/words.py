"""What an unquoted word of Tauq means, and which texts need no quotes: the one law of reader and writer.

A word is a number, ``true``, ``false``, ``null``, or else a name, which as a value is a string. Numbers are what
Rust's ``i64``, ``u64`` and ``f64`` parse, since the reference asks those: ``+5``, ``007``, ``.5`` and ``5.`` are
numbers, ``1_000`` and ``0x10`` are names, and so must ``inf`` or ``NaN`` be quoted to be a string.
"""

import re

from reflexd_core.canonical import Scalar

BLANK = " \t\r,"
"""What separates words within a line. A comma is nothing but a blank."""
_WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
SPECIAL = _WHITE + r'\[\]{},:;"#'
"""What ends a word: Unicode's White_Space and Tauq's signs, as the inside of a character class."""

LITERALS: dict[str, Scalar] = {"true": True, "false": False, "null": None}

INTEGERS = range(-(2**63), 2**64)
"""The integers that every reader keeps; the reference reads others as doubles."""

_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE | re.ASCII)

_BARE_STRING = re.compile(r"[\w.@/+-]+")
_BARE_KEY = re.compile(r"[\w-]+")
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


class Unfit(ValueError):  # noqa: N818 - it says what the word is
    """The word is a number that JSON cannot hold, or that this interpreter will not read."""


def number_of(word: str) -> int | float | None:
    """The number that a word is; None where it is none. Raises `Unfit`.

    The reference turns a number beyond a double, and the words ``inf`` and ``nan``, into the integer 0, and an
    integer beyond 64 bits into a double. Both lose what was meant in silence: here the one is an error, and the
    other keeps its digits.
    """
    if _INTEGER.fullmatch(word):
        try:
            return int(word)
        except ValueError as error:  # the interpreter's own limit of digits, which keeps reading linear
            raise Unfit("a number of too many digits") from error
    if _FLOAT.fullmatch(word):
        number = float(word)
        if number in (float("inf"), float("-inf")):
            raise Unfit(f"{_shown(word)} is a number that a double cannot hold; quote it if it is a text")
        return number
    if _NOT_FINITE.fullmatch(word):
        raise Unfit(f"{_shown(word)} is a number that JSON cannot hold; quote it if it is a text")
    return None


def is_bare_string(text: str) -> bool:
    """Whether the text, as a value, may stand without quotes."""
    return _is_name(text) and _BARE_STRING.fullmatch(text) is not None


def is_bare_key(text: str) -> bool:
    """Whether the text may stand without quotes as a key, a field or a schema's name."""
    return _is_name(text) and _BARE_KEY.fullmatch(text) is not None


def quote(text: str) -> str:
    """The text in quotes. Tauq knows five escapes; all other characters stand for themselves."""
    return f'"{text.translate(_QUOTED)}"'


def _is_name(text: str) -> bool:
    if not text or not (text[0].isalpha() or text[0] == "_"):
        return False
    return text not in LITERALS and _NOT_FINITE.fullmatch(text) is None


def _shown(word: str) -> str:
    return repr(word if len(word) <= 40 else f"{word[:40]}…")
