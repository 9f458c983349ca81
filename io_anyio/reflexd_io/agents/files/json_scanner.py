"""A scanner for JSON with comments and trailing commas: every value with the place where it stands."""

import json
import re
from dataclasses import dataclass
from typing import Any

from reflexd_io.agents.files.errors import CannotEdit

_SPACE = re.compile(r"(?:[\s\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_SCALAR = re.compile(r"[^\s,\]}/:]+")
_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Node:
    """Exactly one of ``members`` and ``items`` is there for an object and a list, none for a scalar."""

    start: int
    end: int
    members: "list[Member] | None" = None
    items: "list[Node] | None" = None
    scalar: Any = None


@dataclass(frozen=True, slots=True)
class Member:
    start: int
    name: str
    value: Node


def scan(text: str) -> Node:
    """Raises `CannotEdit` where the text is no such JSON."""
    scanner = _Scanner(text)
    node = scanner.value(scanner.space(0), 0)
    if scanner.space(node.end) != len(text):
        raise scanner.bad(node.end)
    return node


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text

    def bad(self, place: int) -> CannotEdit:
        return CannotEdit(f"it is no JSON in line {self._text.count(chr(10), 0, place) + 1}")

    def space(self, place: int) -> int:
        found = _SPACE.match(self._text, place)
        return found.end() if found else place

    def value(self, place: int, depth: int) -> Node:
        if depth > _DEPTH:
            raise CannotEdit("it is nested too deep")
        match self._text[place : place + 1]:
            case "{":
                return self._object(place, depth)
            case "[":
                return self._list(place, depth)
            case _:
                return self._scalar(place)

    def _object(self, start: int, depth: int) -> Node:
        members: list[Member] = []
        place = self.space(start + 1)
        while self._text[place : place + 1] != "}":
            name = self._scalar(place)
            colon = self.space(name.end)
            if not isinstance(name.scalar, str) or self._text[colon : colon + 1] != ":":
                raise self.bad(place)
            if any(member.name == name.scalar for member in members):
                raise CannotEdit(f"it has {name.scalar!r} twice")
            value = self.value(self.space(colon + 1), depth + 1)
            members.append(Member(place, name.scalar, value))
            place = self._after(value.end, "}")
        return Node(start, place + 1, members=members)

    def _list(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        place = self.space(start + 1)
        while self._text[place : place + 1] != "]":
            items.append(self.value(place, depth + 1))
            place = self._after(items[-1].end, "]")
        return Node(start, place + 1, items=items)

    def _after(self, place: int, closing: str) -> int:
        """Where the next item or the end begins."""
        place = self.space(place)
        match self._text[place : place + 1]:
            case ",":
                return self.space(place + 1)
            case found if found == closing:
                return place
            case _:
                raise self.bad(place)

    def _scalar(self, place: int) -> Node:
        found = (_STRING if self._text[place : place + 1] == '"' else _SCALAR).match(self._text, place)
        if found is None:
            raise self.bad(place)
        try:
            return Node(place, found.end(), scalar=json.loads(found[0]))
        except ValueError:
            raise self.bad(place) from None
