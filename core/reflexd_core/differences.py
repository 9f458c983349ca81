"""Differences of two JSON values: the exact places in which they are not the same, for people.

Decision: a list is aligned by its items, so that one item put in between is one difference and not a shift of all
that follow. Items are compared by their canonical form; those that changed are looked into.

What the list of differences of ``a`` and ``b`` means: take out what was removed (by its place in ``a``), put in what
was added (by its place in ``b``), and change what changed (by its place in ``b``); that gives ``b``.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TypeVar

from reflexd_core.canonical import Json, JsonObject, canonicalize

Step = str | int
Path = tuple[Step, ...]
T = TypeVar("T")

DEEPEST = 64
"""Levels below which a value is told as a whole."""
MOST_ALIGNED = 64
"""Items of two lists, equal ones at both ends apart, beyond which they are only compared place by place: aligning
takes time that grows with the third power at worst."""
WIDTH = 160
"""Characters of a shown value."""
_BEFORE = 40
"""Of them, those before the first that differs."""

_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


class Kind(StrEnum):
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Difference:
    path: Path
    kind: Kind
    before: Json = None
    """Means nothing where it was added."""
    after: Json = None
    """Means nothing where it was removed."""


def differences(a: Json, b: Json, path: Path = ()) -> Iterator[Difference]:
    """Where ``b`` is not what ``a`` is; none where both have the same canonical form. Raises `Uncomparable`."""
    match a, b:
        case dict(), dict() if len(path) < DEEPEST:
            yield from _in_objects(a, b, path)
        case list(), list() if len(path) < DEEPEST:
            yield from _in_lists(a, b, path)
        case _ if canonicalize(a) != canonicalize(b):
            yield Difference(path, Kind.CHANGED, a, b)


def shown(difference: Difference) -> tuple[str | None, str | None]:
    """Both values as JSON, shortened around the first place in which they differ; None where there is none."""
    before, after = difference.before, difference.after
    match difference.kind:
        case Kind.ADDED:
            return None, _shortened(after)
        case Kind.REMOVED:
            return _shortened(before), None
        case Kind.CHANGED if isinstance(before, str) and isinstance(after, str):
            start = max(0, _common(before, after) - _BEFORE)
            return _shortened(before, start), _shortened(after, start)
        case Kind.CHANGED:
            return _shortened(before), _shortened(after)


def json_path(path: Path) -> str:
    """``$.messages[3].content``; a name that is no word stands as ``$["odd name"]``."""
    return "$" + "".join(map(_step, path))


def _step(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _WORD.fullmatch(step) else f"[{json.dumps(step)}]"


def _in_objects(a: JsonObject, b: JsonObject, path: Path) -> Iterator[Difference]:
    for name in sorted(a.keys() | b.keys()):
        if name not in b:
            yield Difference((*path, name), Kind.REMOVED, a[name])
        elif name not in a:
            yield Difference((*path, name), Kind.ADDED, after=b[name])
        else:
            yield from differences(a[name], b[name], (*path, name))


def _in_lists(a: list[Json], b: list[Json], path: Path) -> Iterator[Difference]:
    for a_from, a_to, b_from, b_to in _blocks([canonicalize(x) for x in a], [canonicalize(x) for x in b]):
        both = min(a_to - a_from, b_to - b_from)
        for place in range(both):
            yield from differences(a[a_from + place], b[b_from + place], (*path, b_from + place))
        for place in range(a_from + both, a_to):
            yield Difference((*path, place), Kind.REMOVED, a[place])
        for place in range(b_from + both, b_to):
            yield Difference((*path, place), Kind.ADDED, after=b[place])


def _blocks(a: Sequence[bytes], b: Sequence[bytes]) -> Iterator[tuple[int, int, int, int]]:
    """Where two lists differ: from and to in the one, from and to in the other."""
    start = _common(a, b)
    rest_a, rest_b = a[start:], b[start:]
    end = _common(rest_a[::-1], rest_b[::-1])
    rest_a, rest_b = rest_a[: len(rest_a) - end], rest_b[: len(rest_b) - end]
    if not rest_a and not rest_b:
        return
    if max(len(rest_a), len(rest_b)) > MOST_ALIGNED:
        yield start, start + len(rest_a), start, start + len(rest_b)
        return
    for kind, a_from, a_to, b_from, b_to in SequenceMatcher(None, rest_a, rest_b, autojunk=False).get_opcodes():
        if kind != "equal":
            yield start + a_from, start + a_to, start + b_from, start + b_to


def _common(a: Sequence[T], b: Sequence[T]) -> int:
    """How many items at the beginning are the same."""
    return next((place for place, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _shortened(value: Json, start: int = 0) -> str:
    if isinstance(value, str):
        text = ("…" if start else "") + value[start : start + WIDTH] + ("…" if len(value) > start + WIDTH else "")
        return json.dumps(text, ensure_ascii=False)
    text = canonicalize(value).decode()
    return text if len(text) <= WIDTH else text[:WIDTH] + "…"
