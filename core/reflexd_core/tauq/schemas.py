"""Schemas of a Tauq text as it is read: what its directives define, and which of them rows follow."""

from dataclasses import dataclass

from reflexd_core.tauq.scanner import Kind, Scanner


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str | None = None
    """The schema that its values follow, themselves rows; None where they are plain."""
    many: bool = False
    """Whether it holds a list of such rows."""


@dataclass(frozen=True, slots=True)
class Schema:
    name: str
    fields: tuple[Field, ...]
    """In the order of a row's values."""
    named: dict[str, Field]


class Schemas:
    """The schemas defined so far; reads the directives that define them. Raises `TauqError`."""

    def __init__(self, scan: Scanner) -> None:
        self._scan = scan
        self._known: dict[str, Schema] = {}

    def obey(self, in_force: Schema | None) -> Schema | None:
        """Read the directive that the scanner stands on; gives the schema that rows follow from here on."""
        scan = self._scan
        match scan.value:
            case "def":
                scan.advance()
                return self._define()
            case "use":
                return self.used()
            case "schemas" | "models":
                self._block()
                return in_force
            case "import":
                raise scan.error("!import would read a file, which is not allowed here")
            case _:
                scan.advance()  # as the reference does: what stands behind an unknown directive is data
                return in_force

    def used(self) -> Schema:
        """Read ``!use``, which the scanner stands on; gives its schema."""
        scan = self._scan
        scan.advance()
        at = scan.start
        return self.find(self._name("a schema's name behind !use"), at)

    def find(self, name: str, at: int) -> Schema:
        """The schema of that name, mentioned at that place in the text."""
        found = self._known.get(name)
        if found is None:
            raise self._scan.error(f"there is no schema {name!r}; define it above with !def", at)
        return found

    def _block(self) -> None:
        """``!schemas``, a schema on each line, and ``---`` at the end; none of them is in force behind it."""
        scan = self._scan
        opened = scan.start
        scan.advance()
        while scan.kind is not Kind.DASHES:
            kind = scan.kind
            if kind is Kind.BREAK:
                scan.advance()
            elif kind is Kind.END:
                raise scan.error("the block of schemas that begins here is not closed by ---", opened)
            else:
                self._define()
                if scan.kind not in (Kind.BREAK, Kind.DASHES, Kind.END):
                    raise scan.error(f"expected a field's name, found {scan.shown()}")
        scan.advance()

    def _define(self) -> Schema:
        scan = self._scan
        name = self._name("a schema's name")
        fields: list[Field] = []
        while scan.kind is Kind.NAME:
            fields.append(self._field())
        named = {field.name: field for field in reversed(fields)}  # of equal names the first has the type
        schema = self._known[name] = Schema(name, tuple(fields), named)
        return schema

    def _field(self) -> Field:
        scan = self._scan
        name = self._name("a field's name")
        if not scan.take(Kind.COLON):
            return Field(name)
        many = scan.take(Kind.OPEN_LIST)
        schema = self._name(f"the schema of {name!r}")
        if many and not scan.take(Kind.CLOSE_LIST):
            raise scan.error(f"expected ']' behind the schema of {name!r}, found {scan.shown()}")
        return Field(name, schema, many)

    def _name(self, what: str) -> str:
        scan = self._scan
        name = scan.value
        if scan.kind is not Kind.NAME or not isinstance(name, str):
            raise scan.error(f"expected {what}, an unquoted word, found {scan.shown()}")
        scan.advance()
        return name
