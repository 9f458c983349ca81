"""What is wrong with a query or a body, in words: the decoder's own are for whoever wrote the shape."""

import difflib
import re
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`(?: - at `\$\.?(?P<place>[^`]*)`)?")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]*)`(?: - at `\$\.?(?P<place>[^`]*)`)?")
_OTHER = re.compile(
    r"(?P<what>Invalid enum value '(?P<value>.*)'|Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`|[A-Z].*?)"
    r"(?: - at `\$\.?(?P<place>[^`]+)`)?"
)
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def told(error: Exception, shape: type[msgspec.Struct]) -> str:
    """The error as whoever sent it can mend it. ``shape``: what it was read as."""
    text = str(error)
    if found := _UNKNOWN.fullmatch(text):
        place, field = found["place"] or "", found["field"]
        known = _fields(_at(shape, place))
        close = difflib.get_close_matches(field, known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(sorted(known)) or 'none'}"
        return f"{_joined(place, field)}: nothing is called so here; {hint}"
    if found := _MISSING.fullmatch(text):
        return f"{_joined(found['place'] or '', found['field'])} is missing"
    found = _OTHER.fullmatch(text)
    if found is None:
        return text
    place = found["place"] or ""
    if found["value"] is not None:
        return f"{place}={found['value']!r}: expected {_choice(_at(shape, place))}"
    said = found["what"]
    if found["wanted"] is not None:
        said = f"expected {_kinds(found['wanted'])}, not {_kinds(found['got'])}"
    return f"{place}: {said[0].lower()}{said[1:]}" if place else said


def _joined(place: str, field: str) -> str:
    return f"{place}.{field}" if place else field


def _kinds(types: str) -> str:
    return " or ".join(_TYPES.get(name, name) for name in types.split(" | "))


def _choice(kind: Any) -> str:
    values = [str(value) for part in _parts(kind) if get_origin(part) is Literal for value in get_args(part)]
    return " or ".join(filter(None, (", ".join(values[:-1]), *values[-1:]))) or "another value"


def _at(kind: Any, place: str) -> Any:
    """What stands at a place of a shape, such as ``filter.text``."""
    for name in re.findall(r"\[[^\]]*\]|[^.\[\]]+", place):
        inner = [
            (get_args(part) or (None,))[-1] if name[0] == "[" else _fields(part).get(name) for part in _parts(kind)
        ]
        kind = next(filter(None, inner), None)
    return kind


def _fields(kind: Any) -> dict[str, Any]:
    shapes = [part for part in _parts(kind) if isinstance(part, type) and issubclass(part, msgspec.Struct)]
    return {field.name: field.type for shape in shapes for field in msgspec.structs.fields(shape)}


def _parts(kind: Any) -> list[Any]:
    """Of a union its members that say more than that there may be nothing."""
    parts = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    return [part for part in parts if part is not type(None)]
