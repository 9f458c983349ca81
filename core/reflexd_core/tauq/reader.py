"""Reading Tauq: the value that a text means, or where and why it means none.

A document is a row of results: entries gather in an object, a schema in force makes objects of rows, and any other
value stands for itself. One result is the value, several are a list, none is the empty list. This is the reference's
grammar. Where the reference loops for ever, or drops what it does not understand (a value under a schema without
fields, a stray word in a typed list, a typed list that is never closed), this is an error. Imports are refused: they
would read files.
"""

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.tauq.scanner import DEEPEST, Kind, Scanner, TauqError
from reflexd_core.tauq.schemas import Field, Schema, Schemas

_PLAIN = frozenset({Kind.NAME, Kind.LITERAL, Kind.STRING})
_ROW_ENDS = frozenset({Kind.BREAK, Kind.CLOSE_LIST, Kind.CLOSE_OBJECT, Kind.DIRECTIVE, Kind.END})


def decode(text: str) -> Json:
    """The value that a Tauq text means. Raises `TauqError`, which says where it means none.

    Of equal keys the last counts. Most JSON is read as what it is, but not all: Tauq has no ``\\u`` escapes.
    """
    return _Reader(text).document()


class _Reader:
    """Each method but `document` reads what the scanner stands on and leaves it on the token behind."""

    def __init__(self, text: str) -> None:
        self._scan = Scanner(text)
        self._schemas = Schemas(self._scan)
        self._depth = 0

    def document(self) -> Json:
        scan = self._scan
        results: list[Json] = []
        entries: JsonObject = {}
        schema: Schema | None = None
        while (kind := scan.kind) is not Kind.END:
            if kind is Kind.BREAK:
                scan.advance()
            elif kind is Kind.DASHES:
                schema = None
                scan.advance()
            elif kind is Kind.NAME and schema is None:
                self._entry(entries)
            elif kind is Kind.DIRECTIVE:
                entries = _ended(entries, results)
                schema = self._schemas.obey(schema)
            elif schema is not None:
                entries = _ended(entries, results)
                results.append(self._row(schema))
            else:
                results.append(self._value())
        _ended(entries, results)
        return results[0] if len(results) == 1 else results

    def _entry(self, entries: JsonObject) -> None:
        scan = self._scan
        key = str(scan.value)
        scan.advance()
        scan.take(Kind.COLON)
        entries[key] = self._value(key)

    def _value(self, owner: str | None = None) -> Json:
        scan = self._scan
        kind = scan.kind
        if kind in _PLAIN:
            value = scan.value
            scan.advance()
            return value
        if kind is Kind.OPEN_LIST:
            return self._list()
        if kind is Kind.OPEN_OBJECT:
            return self._object()
        whose = f" for {owner!r}" if owner is not None else ""
        raise scan.error(f"expected a value{whose}, found {scan.shown()}")

    def _list(self) -> Json:
        scan = self._scan
        opened = self._open()
        items: list[Json] = []
        schema: Schema | None = None
        while (kind := scan.kind) is not Kind.CLOSE_LIST:
            if kind is Kind.BREAK or kind is Kind.COLON:
                scan.advance()
            elif kind is Kind.END:
                raise self._unclosed("list", "]", opened)
            elif kind is Kind.DIRECTIVE and scan.value == "use":
                schema = self._schemas.used()
            else:
                items.append(self._value() if schema is None else self._row(schema))
        self._close()
        return items

    def _object(self) -> Json:
        scan = self._scan
        opened = self._open()
        entries: JsonObject = {}
        while (kind := scan.kind) is not Kind.CLOSE_OBJECT:
            if kind is Kind.BREAK:
                scan.advance()
            elif kind is Kind.END:
                raise self._unclosed("object", "}", opened)
            elif kind is Kind.NAME or kind is Kind.STRING:
                self._entry(entries)
            else:
                raise scan.error(f"expected a key, an unquoted or quoted word, found {scan.shown()}")
        self._close()
        return entries

    def _row(self, schema: Schema, *, may_be_empty: bool = False) -> Json:
        """An object by a schema: values in the order of its fields, or any ``name: value``."""
        scan = self._scan
        row: JsonObject = {}
        filled = 0
        while (kind := scan.kind) not in _ROW_ENDS:
            if kind is Kind.NAME and scan.colon_follows():
                name = str(scan.value)
                scan.advance()
                scan.advance()
                row[name] = self._field_value(schema.named.get(name) or Field(name))
            elif filled < len(schema.fields):
                field = schema.fields[filled]
                row[field.name] = self._field_value(field)
                filled += 1
            else:
                break  # what is left begins the next row
        if not row and not may_be_empty:
            wants = f"a row of {schema.name!r}" + ("" if schema.fields else ", which has no fields")
            raise scan.error(f"expected {wants}, found {scan.shown()}")
        return row

    def _field_value(self, field: Field) -> Json:
        if field.type is None:
            return self._value(field.name)
        scan = self._scan
        schema = self._schemas.find(field.type, scan.start)
        if not field.many:
            return self._braced(schema, field.name)
        if scan.kind is not Kind.OPEN_LIST:
            raise scan.error(f"expected a list of {schema.name!r} for {field.name!r}, found {scan.shown()}")
        return self._rows(schema)

    def _rows(self, schema: Schema) -> Json:
        """A list of rows, each with braces round it or without."""
        scan = self._scan
        opened = self._open()
        rows: list[Json] = []
        while (kind := scan.kind) is not Kind.CLOSE_LIST:
            if kind is Kind.BREAK:
                scan.advance()
            elif kind is Kind.END:
                raise self._unclosed("list", "]", opened)
            elif kind is Kind.OPEN_OBJECT:
                rows.append(self._braced(schema, several_lines=True))
            else:
                rows.append(self._row(schema))
        self._close()
        return rows

    def _braced(self, schema: Schema, owner: str | None = None, *, several_lines: bool = False) -> Json:
        scan = self._scan
        if scan.kind is not Kind.OPEN_OBJECT:
            raise scan.error(f"expected a {schema.name!r} in braces for {owner!r}, found {scan.shown()}")
        self._open()
        if several_lines:
            self._skip_breaks()
        row = self._row(schema, may_be_empty=True)
        if several_lines:
            self._skip_breaks()
        if not scan.take(Kind.CLOSE_OBJECT):
            raise scan.error(f"expected '}}' behind a {schema.name!r}, found {scan.shown()}")
        self._depth -= 1
        return row

    def _skip_breaks(self) -> None:
        while self._scan.take(Kind.BREAK):
            pass

    def _open(self) -> int:
        """Enter a list or an object; gives its place."""
        opened = self._scan.start
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._scan.error(f"lists and objects are nested deeper than {DEEPEST}")
        self._scan.advance()
        return opened

    def _close(self) -> None:
        self._depth -= 1
        self._scan.advance()

    def _unclosed(self, what: str, by: str, opened: int) -> TauqError:
        return self._scan.error(f"the {what} that begins here is not closed by '{by}'", opened)


def _ended(entries: JsonObject, results: list[Json]) -> JsonObject:
    """Makes a result of the entries gathered so far; gives the object that the next ones gather in."""
    if not entries:
        return entries
    results.append(entries)
    return {}
