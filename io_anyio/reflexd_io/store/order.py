"""Orders: by what a listing is sorted, and the walk through a tenant's file in that order, from any place on.

Each order has an index of its own, so that a walk sorts nothing but what a search has found. Questions are ordered by
`openings`, since the index of their words knows no order.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge
from operator import itemgetter


class Sort(StrEnum):
    CREATED = "created"
    USED = "used"
    HITS = "hits"
    SIZE = "size"
    EXPIRES = "expires"
    """What never expires counts as last."""
    TENANT = "tenant"
    """Within one tenant's file, by number."""
    DIALECT = "dialect"
    MODEL = "model"
    QUESTION = "question"
    """By its first so many characters (see `schema.OPENING`), ``A`` as ``a``; entries without one come first."""


Value = float | str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listing stands: behind the entry of this number, which had this value."""

    value: Value
    number: int


@dataclass(frozen=True, slots=True)
class Walk:
    """Through which rows, in which order, from behind which place."""

    sort: Sort
    descending: bool
    after: Place | None
    condition: str
    """Over `entries`: whether a row fits."""
    values: tuple[object, ...]
    """Of the condition's parameters."""


_VALUES = {
    Sort.CREATED: "created",
    Sort.USED: "used",
    Sort.HITS: "hits",
    Sort.SIZE: "size",
    Sort.EXPIRES: "coalesce(expires, 9e999)",
    Sort.TENANT: "''",
    Sort.DIALECT: "dialect",
    Sort.MODEL: "entries.model",
    Sort.QUESTION: "opening",
}
_OPENING_OF = "(SELECT opening FROM openings WHERE openings.entry = number)"


Passed = tuple[Value, int, bool]
"""Value and number of an entry, and whether it fits."""


def through_all(connection: sqlite3.Connection, walk: Walk, models: Sequence[str]) -> Iterator[Passed]:
    """Every entry in order; of these models' alone, where there are any and that is as cheap."""
    if walk.sort is not Sort.CREATED or not models:
        return _through(connection, walk, None)
    walks = [_through(connection, walk, model) for model in models]
    return merge(*walks, key=itemgetter(0, 1), reverse=walk.descending)


def _through(connection: sqlite3.Connection, walk: Walk, model: str | None) -> Iterator[Passed]:
    value, way, beyond = _VALUES[walk.sort], *_way(walk.descending)
    rows, number = "entries", "number"
    if walk.sort is Sort.QUESTION:
        rows, number = "openings CROSS JOIN entries ON number = openings.entry", "openings.entry"
    among = ""
    first: tuple[object, ...] = ()
    if model is not None:
        among, first = "AND entries.model = ?", (model,)

    def read(where: str, order: str, *given: object) -> Iterator[tuple[Value, int, bool]]:
        sql = f"SELECT {value}, {number}, {walk.condition} FROM {rows} WHERE {where} {among} ORDER BY {order}"  # noqa: S608
        return connection.execute(sql, (*walk.values, *given, *first))

    # Said of what is constant, `value` would have all of it sorted.
    order = f"{number} {way}" if walk.sort is Sort.TENANT else f"{value} {way}, {number} {way}"
    if walk.after is None:
        yield from read("1", order)
        return
    # Two reads, so that a page in the midst of equal values need not pass over those before it.
    after = walk.after
    yield from read(f"{value} = ? AND {number} {beyond} ?", f"{number} {way}", after.value, after.number)
    yield from read(f"{value} {beyond} ?", order, after.value)


def through_found(
    connection: sqlite3.Connection, walk: Walk, found: str, given: tuple[object, ...]
) -> Iterator[Passed]:
    """The same of the rows of a query, whose parameters are given; only those that fit."""
    value, way, beyond = _VALUES[walk.sort], *_way(walk.descending)
    if walk.sort is Sort.QUESTION:
        value = _OPENING_OF
    behind, place = "1", tuple[object, ...]()
    if walk.after is not None:
        behind, place = f"({value}, number) {beyond} (?, ?)", (walk.after.value, walk.after.number)
    sql = f"""
        SELECT {value}, number, 1 FROM ({found}) AS entries
        WHERE {behind} AND {walk.condition} ORDER BY {value} {way}, number {way}
    """  # noqa: S608 - constants
    yield from connection.execute(sql, (*given, *place, *walk.values))


Met = tuple[str, tuple[object, ...]]
"""A condition over `entries`, and the values of its parameters."""


def few(connection: sqlite3.Connection, narrowing: Iterable[Met], most: int) -> Met | None:
    """The first of these conditions, each with an index of its own, that so many entries meet at most."""
    for condition, values in narrowing:
        sql = f"SELECT count(*) FROM (SELECT 1 FROM entries WHERE {condition} LIMIT ?)"  # noqa: S608 - constants
        if connection.execute(sql, (*values, most + 1)).fetchone()[0] <= most:
            return condition, values
    return None


def _way(descending: bool) -> tuple[str, str]:
    return ("DESC", "<") if descending else ("ASC", ">")
