"""Which lists of objects Tauq writes as tables, and what their schemas are called: the reference's own choices."""

from dataclasses import dataclass

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.tauq.words import is_bare_key


@dataclass(frozen=True, slots=True)
class Table:
    """A schema that is about to be written."""

    name: str
    fields: tuple[str, ...]


def rows_of(value: Json) -> list[JsonObject] | None:
    """The elements, if the value is a list that a schema fits: two or more objects with the same keys.

    Fields cannot be quoted, so keys that need quotes rule a schema out: the reference writes them all the same and
    then reads something else.
    """
    if not isinstance(value, list) or len(value) < 2:
        return None
    rows = [row for row in value if isinstance(row, dict)]
    if len(rows) != len(value) or not rows[0]:
        return None
    keys = rows[0].keys()
    if any(row.keys() != keys for row in rows) or not all(map(is_bare_key, keys)):
        return None
    return rows


class Tables:
    """The schemas of one document, each name given once."""

    def __init__(self) -> None:
        self._by_keys: dict[frozenset[str], Table] = {}
        self._names: set[str] = set()
        self._counts: dict[str, int] = {}

    def table(self, fields: tuple[str, ...], key: str | None) -> Table:
        """The schema for these fields, in whatever order; ``key``: the key that the list stands under."""
        keys = frozenset(fields)
        found = self._by_keys.get(keys)
        if found is None:
            found = self._by_keys[keys] = Table(self._unused(_base_name(fields, key)), fields)
        return found

    def all(self) -> list[Table]:
        """By name."""
        return sorted(self._by_keys.values(), key=lambda table: table.name)

    def _unused(self, base: str) -> str:
        """The name itself, or with the next free number; the reference gives numbers that a key may have too."""
        name, count = base, self._counts.get(base, 1)
        while name in self._names:
            count += 1
            name = f"{base}{count}"
        self._counts[base] = count
        self._names.add(name)
        return name


def _base_name(fields: tuple[str, ...], key: str | None) -> str:
    if key is not None:
        name = _pascal_case(_singular(key))
        if is_bare_key(name):
            return name
    lower = {field.lower() for field in fields}
    if lower & {"user_id", "userid"}:
        return "User"
    if lower & {"product_id", "productid"}:
        return "Product"
    has_id = any(field == "id" or field.endswith("_id") for field in lower)
    match has_id, "name" in lower:
        case True, True:
            return "Record"
        case True, False:
            return "Item"
        case False, True:
            return "Entry"
        case _:
            return "Row"


def _singular(key: str) -> str:
    if key.endswith("ies"):
        return key[:-3] + "y"
    return key[:-1] if key.endswith("s") and not key.endswith("ss") and len(key) > 1 else key


def _pascal_case(text: str) -> str:
    """Of ASCII letters only, as in the reference: others have no upper case of one character."""
    words = text.replace("-", "_").split("_")
    return "".join(_ascii_upper(word[:1]) + "".join(map(_ascii_lower, word[1:])) for word in words)


def _ascii_upper(character: str) -> str:
    return character.upper() if character.isascii() else character


def _ascii_lower(character: str) -> str:
    return character.lower() if character.isascii() else character
