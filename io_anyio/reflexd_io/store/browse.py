"""Browsing: the entries of one tenant's file, sorted, filtered and paged without ever reading all of them.

A page goes on where the last one ended, by value and number, so it costs the same wherever it stands, and what comes
or goes meanwhile moves nothing. Where few entries fit the filter, a page may be short and still have a next one: so
many rows are looked at for it and no more.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from reflexd_io.store.filters import Filter, expression, names_of, narrowing, where
from reflexd_io.store.order import Place, Sort, Value, Walk, few, through_all, through_found
from reflexd_io.store.schema import joined_sql

LOOKED_AT = 10_000
"""Rows looked at for one page or one count, where a filter takes few of them."""
FEW = 5_000
"""Entries that are sorted for a page, where no more than these meet a part of the filter: it is whole then."""
MATCHES = 10_000
"""Entries of a search that are sorted: the last stored of those in which its words occur."""
PREVIEW = 200
"""Characters of the question and of the answer in a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One line of a listing."""

    place: Place
    key: bytes
    dialect: str
    upstream: str
    model: str
    form: str
    created: float
    expires: float | None
    lapses: float | None
    """When it expires once it is no longer pinned."""
    used: float
    hits: int
    size: int
    """Bytes of the answer as recorded."""
    stored_size: int
    """The same as they lie on disk."""
    input_tokens: int | None
    output_tokens: int | None
    pinned: bool
    exact_only: bool
    question: str
    """Its beginning."""
    answer: str
    """Its beginning."""


@dataclass(frozen=True, slots=True)
class Page:
    lines: list[Listed]
    after: Place | None
    """Where the next page begins; None where there is none."""


@dataclass(frozen=True, slots=True)
class Count:
    entries: int
    exact: bool
    """False where there may be more, since not all were looked at."""
    size: int = 0
    """Bytes of their answers as recorded, and the rest likewise; filled by `measure` only."""
    stored_size: int = 0
    pinned: int = 0
    last: int = 0
    """The highest number given when they were counted."""


def _shown(text: str) -> str:
    """The beginning of a text of `texts`, as SQL; of what is cut, each letter has at most one mark more."""
    opening = joined_sql(f"substr({text}, 1, {2 * PREVIEW + 1})")
    return f"(SELECT substr({opening}, 1, {PREVIEW}) FROM texts WHERE rowid = number)"  # noqa: S608 - constants


_COLUMNS = f"""
    number, key, dialect, upstream, entries.model, form, created, expires, lapses, used, hits, size, length(answer),
    input_tokens, output_tokens, pinned, EXISTS (SELECT 1 FROM meanings WHERE entry = number),
    {_shown("question")}, {_shown("answer")}
"""  # noqa: S608 - constants


def page(
    connection: sqlite3.Connection, wanted: Filter, sort: Sort, *, descending: bool, after: Place | None, limit: int
) -> Page:
    """The next ``limit`` entries, or fewer."""
    condition, values = where(connection, replace(wanted, wanted=None))
    walk = Walk(sort, descending, after, condition, values)
    found: list[Place] = []
    seen = 0
    for value, number, fits in _walk(connection, wanted, walk):
        if fits:
            if len(found) == limit:
                return Page(_lines(connection, found), found[-1] if found else None)
            found.append(Place(value, number))
        place, seen = Place(value, number), seen + 1
        if seen == LOOKED_AT:
            return Page(_lines(connection, found), place)
    return Page(_lines(connection, found), None)


def count(connection: sqlite3.Connection, wanted: Filter) -> Count:
    """How many fit, as far as that can be told at little cost."""
    condition, values = where(connection, replace(wanted, wanted=None))
    rows, most = "SELECT * FROM entries ORDER BY number DESC LIMIT ?", LOOKED_AT
    given: tuple[object, ...] = (LOOKED_AT + 1,)
    if wanted.wanted is not None:
        rows, given, most = _MATCHED, (expression(wanted.wanted), MATCHES + 1), MATCHES
    elif condition == "1":
        return Count(connection.execute("SELECT count(*) FROM entries").fetchone()[0], exact=True)
    elif (narrow := few(connection, narrowing(connection, wanted), FEW)) is not None:
        rows, given, most = f"SELECT * FROM entries WHERE {narrow[0]}", narrow[1], FEW  # noqa: S608
    sql = f"SELECT count(*), coalesce(sum({condition}), 0) FROM ({rows}) AS entries"  # noqa: S608 - constants
    looked_at, fitting = connection.execute(sql, (*values, *given)).fetchone()
    return Count(fitting, exact=looked_at <= most)


def measure(connection: sqlite3.Connection, wanted: Filter) -> Count:
    """How many fit and what they take, all of them looked at: before a purge. May take seconds."""
    condition, values = where(connection, wanted)
    row = connection.execute(
        f"""
        SELECT count(*), coalesce(sum(size), 0), coalesce(sum(length(answer)), 0), coalesce(sum(pinned), 0),
            (SELECT max(last, (SELECT coalesce(max(number), 0) FROM entries)) FROM numbers)
        FROM entries WHERE {condition}
        """,  # noqa: S608 - a condition of constants
        values,
    ).fetchone()
    entries, size, stored_size, pinned, last = row
    return Count(entries, exact=True, size=size, stored_size=stored_size, pinned=pinned, last=last)


def numbers(connection: sqlite3.Connection, wanted: Filter, above: int, upto: int, limit: int) -> list[int]:
    """Numbers of the next entries that fit, ascending."""
    condition, values = where(connection, wanted)
    sql = f"SELECT number FROM entries WHERE number > ? AND number <= ? AND {condition} ORDER BY number LIMIT ?"  # noqa: S608
    return [number for (number,) in connection.execute(sql, (above, upto, *values, limit))]


def lines_of(connection: sqlite3.Connection, numbers: list[int]) -> list[Listed]:
    """Those that are still there, in this order."""
    return _lines(connection, [Place(0.0, number) for number in numbers])


def find(connection: sqlite3.Connection, prefix: bytes) -> int | None:
    """The number of the entry whose key begins so, as its id says; 16 bytes name it beyond doubt."""
    row = connection.execute(
        "SELECT number FROM entries WHERE key BETWEEN ? AND ?", (prefix.ljust(32, b"\0"), prefix.ljust(32, b"\xff"))
    ).fetchone()
    return int(row[0]) if row is not None else None


def fits(connection: sqlite3.Connection, number: int, wanted: Filter) -> bool:
    """Whether the entry is there and fits."""
    condition, values = where(connection, wanted)
    sql = f"SELECT 1 FROM entries WHERE number = ? AND {condition}"  # noqa: S608 - constants
    return connection.execute(sql, (number, *values)).fetchone() is not None


_MATCHED = """
    SELECT entries.* FROM (SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rowid DESC LIMIT ?) AS matched
    JOIN entries ON number = matched.rowid
"""


def _walk(connection: sqlite3.Connection, wanted: Filter, walk: Walk) -> Iterator[tuple[Value, int, bool]]:
    """Value and number of every entry behind the place, in order, and whether it fits the filter."""
    if wanted.wanted is not None:
        return through_found(connection, walk, _MATCHED, (expression(wanted.wanted), MATCHES))
    narrow = few(connection, narrowing(connection, wanted), FEW)
    if narrow is not None:
        return through_found(connection, walk, f"SELECT * FROM entries WHERE {narrow[0]}", narrow[1])  # noqa: S608
    return through_all(connection, walk, names_of(connection, wanted.model) if wanted.model is not None else [])


def _lines(connection: sqlite3.Connection, places: list[Place]) -> list[Listed]:
    found: dict[int, tuple[object, ...]] = {}
    for start in range(0, len(places), 500):
        some = [place.number for place in places[start : start + 500]]
        marks = ", ".join("?" * len(some))
        for row in connection.execute(f"SELECT {_COLUMNS} FROM entries WHERE number IN ({marks})", some):  # noqa: S608
            found[row[0]] = row
    lines: list[Listed] = []
    for place in places:
        if place.number in found:
            with suppress(ValueError):  # a damaged row is left out, and can be purged with all others
                lines.append(_line(place, found[place.number]))
    return lines


def _line(place: Place, row: tuple[object, ...]) -> Listed:
    """Raises `ValueError` for a row that no Reflex wrote."""
    match row:
        case (
            int(),
            bytes(key),
            str(dialect),
            str(upstream),
            str(model),
            str(form),
            float(created),
            None | float() as expires,
            None | float() as lapses,
            float(used),
            int(hits),
            int(size),
            int(stored_size),
            None | int() as taken,
            None | int() as given,
            int(pinned),
            int(has_meaning),
            question,
            answer,
        ):
            return Listed(
                place=place,
                key=key,
                dialect=dialect,
                upstream=upstream,
                model=model,
                form=form,
                created=created,
                expires=expires,
                lapses=lapses,
                used=used,
                hits=hits,
                size=size,
                stored_size=stored_size,
                input_tokens=taken,
                output_tokens=given,
                pinned=bool(pinned),
                exact_only=not has_meaning,
                question=question if isinstance(question, str) else "",
                answer=answer if isinstance(answer, str) else "",
            )
        case _:
            raise ValueError(f"row {place.number} of the entries table is damaged")
