"""Building: a tenant's base and the parts of its large scopes, made from what SQLite has.

Every build reads all small scopes anew, which takes seconds for a million vectors; of large scopes only what no part
holds yet. When that has become a scope of its own size it becomes a part, together with those before it that are
not much larger, so that parts stay few and each vector is put into a graph only a handful of times.
"""

import heapq
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from reflexd_io.near import parts, rows
from reflexd_io.near.base import Base, Coded, whole, write_base
from reflexd_io.near.codes import encode
from reflexd_io.near.files import name_of
from reflexd_io.near.parts import PartFacts, make_part

T = TypeVar("T")

LARGE = 32_768
"""Vectors of a scope from which on it has parts: a scan of so many takes 0.6 ms, and a graph is not much quicker."""

_MUCH_LARGER = 2
_ALIVE = 0.75
"""A part of which less is left is made anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is built from."""

    connection: sqlite3.Connection
    folder: Path
    model: str
    number: int
    dimension: int
    upto: int
    go_on: Callable[[], None]
    """Raises to stop it."""


@dataclass(frozen=True, slots=True)
class Built:
    token: bytes
    files: set[str]


def build(plan: Plan, old: Base | None) -> Built:
    """Write a base, and the parts that those of the ``old`` one lack.

    After calling this, commit the token, and tidy up. Raises `OSError`, and `sqlite3.Error`.
    """
    had = old.footer.parts if old is not None and old.footer.model == plan.model else {}
    kept: dict[bytes, list[PartFacts]] = {}
    for scope in rows.large_scopes(plan.connection, plan.number, plan.upto, LARGE):
        kept[scope] = _parts_of(plan, scope, had.get(scope.hex(), []))
    small = rows.by_scope(plan.connection, plan.number, plan.dimension, plan.upto, kept)
    rest = (_rest_of(plan, scope, kept[scope]) for scope in sorted(kept))
    groups = heapq.merge(small, rest, key=lambda group: group.scope)
    token = write_base(
        plan.folder, _while(plan, groups), kept, model=plan.model, dimension=plan.dimension, upto=plan.upto
    )
    return Built(token, {name_of(token)} | {part.name for listed in kept.values() for part in listed})


def _parts_of(plan: Plan, scope: bytes, had: list[PartFacts]) -> list[PartFacts]:
    """The scope's parts from now on: those that are worth keeping, and new ones."""
    kept: list[PartFacts] = []
    for part in had:
        alive = rows.count(plan.connection, plan.number, scope, part.first - 1, part.last)
        if alive >= _ALIVE * part.count:
            kept.append(part)
        else:
            kept += _made(plan, scope, part.first - 1, part.last)
    above = kept[-1].last if kept else 0
    fresh = rows.count(plan.connection, plan.number, scope, above, plan.upto)
    if fresh <= LARGE:
        return kept
    while kept and kept[-1].count <= _MUCH_LARGER * fresh and kept[-1].count + fresh <= parts.LARGEST:
        fresh += kept.pop().count
    return kept + _made(plan, scope, kept[-1].last if kept else 0, plan.upto)


def _made(plan: Plan, scope: bytes, above: int, upto: int) -> list[PartFacts]:
    made: list[PartFacts] = []
    while True:
        blocks = rows.of_scope(plan.connection, plan.number, plan.dimension, scope, above, upto, parts.LARGEST)
        part = make_part(plan.folder, _while(plan, blocks), plan.dimension, plan.go_on)
        if part is None:
            return made
        made.append(part)
        above = part.last


def _rest_of(plan: Plan, scope: bytes, kept: list[PartFacts]) -> Coded:
    """What no part holds."""
    above = kept[-1].last if kept else 0
    blocks = rows.of_scope(plan.connection, plan.number, plan.dimension, scope, above, plan.upto, LARGE)
    pieces = [Coded(scope, np.empty((0, plan.dimension), np.int8), np.empty(0, np.int64), np.empty(0, np.float32))]
    for ids, vectors in blocks:
        codes, scales = encode(vectors)
        pieces.append(Coded(scope, codes, ids, scales))
    return whole(pieces)


def _while(plan: Plan, items: Iterable[T]) -> Iterator[T]:
    for item in items:
        plan.go_on()
        yield item
