"""Writing Tauq: the reference's canonical form, less what the reference could not read back.

Where it writes wrongly, this is written instead: an empty object as ``{}``; a string that is the whole document, in
quotes; a document with a key that needs quotes, as one object in braces; keys that look like numbers, in quotes;
objects within a mixed list, in braces; lists whose keys cannot be fields, without a schema; schemas, each under a
name of its own. What was written is read again and compared before anybody gets it.
"""

import json
from dataclasses import dataclass

from reflexd_core.canonical import Json, JsonObject, Scalar
from reflexd_core.tauq.naming import Table, Tables, rows_of
from reflexd_core.tauq.reader import decode
from reflexd_core.tauq.scanner import DEEPEST, TauqError
from reflexd_core.tauq.words import INTEGERS, is_bare_key, is_bare_string, quote


class Inexpressible(ValueError):  # noqa: N818 - it says what the value is; nothing went wrong
    """No Tauq text means this value to every reader, so it stays JSON. The message says what is in the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a text looks; what it means hangs on none of it."""

    minify: bool = False
    """On one line, with as little white space as the notation allows."""
    commas: bool = False
    """Commas instead of spaces between the fields of a schema and the values of a row."""
    schemas: bool = True
    """Whether lists of like objects become tables."""


DEFAULT = Style()


def encode(value: Json, style: Style = DEFAULT) -> str:
    """The value as Tauq, such that `decode` gives it back: every type, digit and key, the order of keys aside.

    Raises `Inexpressible` for more than `DEEPEST` levels of nesting, integers beyond 64 bits (the reference rounds
    them), NaN, infinity and lone surrogates.
    """
    text = _Writer(style).document(value)
    try:
        text.encode()
        if _told(decode(text)) != _told(value):
            raise Inexpressible("what was written would be read as something else")
    except UnicodeEncodeError as error:
        raise Inexpressible("it holds a lone surrogate, which no UTF-8 can say") from error
    except TauqError as error:
        raise Inexpressible(f"what was written could not be read: {error}") from error
    return text


def _told(value: Json) -> str:
    """Equal for values that are the same in every type and digit: 1, 1.0 and true are three."""
    return json.dumps(value, sort_keys=True)


class _Writer:
    def __init__(self, style: Style) -> None:
        self._style = style
        self._break = ";" if style.minify else "\n"
        self._between = "," if style.commas else " "
        self._tables = Tables()

    def document(self, value: Json) -> str:
        match value:
            case list():
                return self._top_list(value)
            case dict() if value and all(map(is_bare_key, value)):
                body = self._entries(value, 0, 1)
            case dict():
                body = self._object(value, 0, 1)
            case str():
                body = quote(value)  # a lone bare word means nothing
            case _:
                body = _scalar(value)
        definitions = [self._definition(table) for table in self._tables.all()]
        return self._break.join([*definitions, "---", body]) if definitions else body

    def _top_list(self, items: list[Json]) -> str:
        rows = self._rows_of(items)
        if rows is not None:
            table = self._tables.table(tuple(rows[0]), None)
            return self._break.join([self._definition(table), *self._table_rows(table, rows, 2)])
        if not items:
            return "[]"
        written = [self._element(item, 2) for item in items]
        return f"[{' '.join(written)}]" if self._style.minify else "\n".join(["[", *written, "]"])

    def _entries(self, entries: JsonObject, indent: int, level: int) -> str:
        margin = self._margin(indent)
        return self._break.join(
            f"{margin}{_key(key)} {self._entry_value(key, value, indent, level)}" for key, value in entries.items()
        )

    def _entry_value(self, key: str, value: Json, indent: int, level: int) -> str:
        match value:
            case dict():
                return self._object(value, indent, level + 1)
            case list():
                return self._list(key, value, indent, level + 1)
            case _:
                return _value(value)

    def _object(self, entries: JsonObject, indent: int, level: int) -> str:
        _check_depth(level)
        if not entries:
            return "{}"
        return self._block("{", [self._entries(entries, indent + 1, level)], "}", indent)

    def _list(self, key: str, items: list[Json], indent: int, level: int) -> str:
        _check_depth(level)
        rows = self._rows_of(items)
        if rows is not None:
            table = self._tables.table(tuple(rows[0]), key)
            margin = self._margin(indent + 1)
            lines = [f"!use {table.name}", *self._table_rows(table, rows, level + 1)]
            return self._block("[", [margin + line for line in lines], "]", indent)
        if items and all(isinstance(item, dict) for item in items) and not self._style.minify:
            margin = self._margin(indent + 1)
            return self._block("[", [margin + self._element(item, level + 1) for item in items], "]", indent)
        return self._inline(items, level)

    def _block(self, opening: str, lines: list[str], closing: str, indent: int) -> str:
        if self._style.minify:
            return opening + ";".join(lines) + closing
        return "\n".join([opening, *lines, self._margin(indent) + closing])

    def _table_rows(self, table: Table, rows: list[JsonObject], level: int) -> list[str]:
        _check_depth(level)
        return [self._between.join(self._inline(row[field], level + 1) for field in table.fields) for row in rows]

    def _element(self, value: Json, level: int) -> str:
        return "{}" if value == {} else self._inline(value, level)

    def _inline(self, value: Json, level: int) -> str:
        """On one line, braces and brackets always there."""
        match value:
            case dict():
                _check_depth(level)
                return (
                    f"{{ {' '.join(f'{_key(key)} {self._inline(item, level + 1)}' for key, item in value.items())} }}"
                )
            case list():
                _check_depth(level)
                return f"[{' '.join(self._inline(item, level + 1) for item in value)}]"
            case _:
                return _value(value)

    def _rows_of(self, items: list[Json]) -> list[JsonObject] | None:
        return rows_of(items) if self._style.schemas else None

    def _definition(self, table: Table) -> str:
        return f"!def {table.name} {self._between.join(table.fields)}"

    def _margin(self, indent: int) -> str:
        return "" if self._style.minify else "  " * indent


def _key(key: str) -> str:
    return key if is_bare_key(key) else quote(key)


def _value(value: Scalar) -> str:
    if isinstance(value, str):
        return value if is_bare_string(value) else quote(value)
    return _scalar(value)


def _scalar(value: Scalar) -> str:
    """As JSON writes it."""
    if isinstance(value, int) and value not in INTEGERS:
        raise Inexpressible("it holds an integer beyond 64 bits, which readers of Tauq round")
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise Inexpressible("it holds NaN or infinity") from error


def _check_depth(level: int) -> None:
    if level > DEEPEST:
        raise Inexpressible(f"it is nested deeper than {DEEPEST} levels")
