"""JSON, with comments and trailing commas where an agent allows them, edited by place: all other bytes stay.

Written here because no maintained library edits JSON with comments in place.
"""

import json
from dataclasses import dataclass
from typing import Any

from reflexd_io.agents.files.errors import CannotEdit
from reflexd_io.agents.files.json_scanner import Node, scan

_INDENT = "  "


def read(text: str) -> Any:
    return _plain(scan(text)) if text.strip() else {}


def put(text: str, path: tuple[str | int, ...], value: Any) -> str:
    if not text.strip():
        return json.dumps(_nested(path, value), indent=2, ensure_ascii=False) + "\n"
    way = _way(scan(text), path)
    rest = path[len(way.steps) :]
    if not rest:
        return text[: way.node.start] + json.dumps(value, ensure_ascii=False) + text[way.node.end :]
    if way.node.members is None or not all(isinstance(step, str) for step in rest):
        raise CannotEdit(f"{'.'.join(map(str, path[: len(way.steps)]))} is no object")
    return _with_member(text, way.node, str(rest[0]), _nested(rest[1:], value))


def drop(text: str, path: tuple[str | int, ...]) -> str:
    way = _way(scan(text), path)
    while len(way.steps) > 1 and len(way.parents[-1].members or ()) == 1:  # an object that would be left empty
        way = _Way(way.parents[-1], way.parents[:-1], way.steps[:-1])
    holder, name = way.parents[-1], way.steps[-1]
    members = holder.members or []
    place = next(n for n, member in enumerate(members) if member.name == name)
    member = members[place]
    if place:  # with the comma before it, and whatever stands between
        return text[: members[place - 1].value.end] + text[member.value.end :]
    end = members[1].start if len(members) > 1 else holder.end - 1
    start = holder.start + 1 if len(members) == 1 else member.start
    return text[:start] + text[end:]


@dataclass(frozen=True, slots=True)
class _Way:
    node: Node
    parents: tuple[Node, ...]
    steps: tuple[str | int, ...]
    """As far as the path leads."""


def _way(node: Node, path: tuple[str | int, ...]) -> _Way:
    way = _Way(node, (), ())
    for step in path:
        member = next((member for member in way.node.members or () if member.name == step), None)
        if member is None:
            break
        way = _Way(member.value, (*way.parents, way.node), (*way.steps, step))
    return way


def _with_member(text: str, holder: Node, name: str, value: Any) -> str:
    members = holder.members or []
    outer = _indent_of(text, holder.start)
    if members:
        on_lines = "\n" in text[holder.start : members[0].start]
        inner = _indent_of(text, members[-1].start) if on_lines else ""
    else:
        on_lines, inner = True, outer + _INDENT
    said = json.dumps(value, indent=_INDENT if on_lines else None, ensure_ascii=False).replace("\n", "\n" + inner)
    fresh = f"{json.dumps(name, ensure_ascii=False)}: {said}"
    if not members:
        return f"{text[: holder.start]}{{\n{inner}{fresh}\n{outer}}}{text[holder.end :]}"
    end = members[-1].value.end
    space = "\n" + inner if on_lines else " "
    return f"{text[:end]},{space}{fresh}{text[end:]}"


def _indent_of(text: str, place: int) -> str:
    line = text[text.rfind("\n", 0, place) + 1 : place]
    return line[: len(line) - len(line.lstrip())]


def _nested(path: tuple[str | int, ...], value: Any) -> Any:
    for step in reversed(path):
        value = {step: value}
    return value


def _plain(node: Node) -> Any:
    if node.members is not None:
        return {member.name: _plain(member.value) for member in node.members}
    if node.items is not None:
        return [_plain(item) for item in node.items]
    return node.scalar
