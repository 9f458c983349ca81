"""The trash: purged entries, out of every lookup at once and whole again for a while, in the writer's transactions.

A purge moves rows, so that nothing which reads entries can find what was purged. Texts, request parts and uses stay
where they are, since nothing reaches them but through an entry. Two purges of the same share the work; one that is
cut short has moved what it has moved, which its row here says.
"""

import sqlite3
from dataclasses import dataclass
from time import monotonic

from reflexd_io.store import forms, records

UNDO = 600.0
"""Seconds for which a purge can be undone."""

SLICE = 0.1
"""Seconds that the writer gives to a purge at a time, so that new answers need not wait long."""
_STEP = 64
"""Entries moved between looks at the clock."""

_ENTRY = (
    "number, key, dialect, upstream, model, form, created, expires, used, hits, has_usage, asked_usage, "
    "input_tokens, output_tokens, cached_tokens, exact_only, scope, headers, answer, size, request, pinned, lapses"
)
_MEANING = "entry, scope, question, form, expires, model"
_ALIAS = "entry, key, question, form, score, similarity, model, reason, at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """A purge as a tenant's file knows it."""

    id: str
    at: float
    until: float
    """Unix seconds until which it can be undone."""
    what: str
    finished: bool
    """False while it goes on, and for ever where it was cut short: then the rest was not purged."""
    entries: int
    """Those that still lie in the trash."""
    size: int
    """Bytes of their answers as recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What one slice of work has done."""

    keys: list[bytes]
    """Exact keys that answer no more, aliases included; or, of what was restored, those that answer again."""
    entries: int
    size: int
    left: int
    """Rows that are still to be done."""
    outdone: int = 0
    """Of what was restored, entries that stayed away since a newer one has their key."""


def begin(connection: sqlite3.Connection, purge: str, what: str, at: float) -> int:
    """Note that a purge is about to move entries; gives the highest number that any of them can have."""
    connection.execute(
        "INSERT INTO purges (id, at, until, what) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        (purge, at, at + UNDO, what),
    )
    return last_number(connection)


def last_number(connection: sqlite3.Connection) -> int:
    """The highest number that any entry has."""
    row = connection.execute("SELECT max(last, (SELECT coalesce(max(number), 0) FROM entries)) FROM numbers")
    return int(row.fetchone()[0])


def knows(connection: sqlite3.Connection, purge: str) -> bool:
    return connection.execute("SELECT 1 FROM purges WHERE id = ?", (purge,)).fetchone() is not None


def finish(connection: sqlite3.Connection, purge: str) -> None:
    """It has moved all that it is to move; one that moved nothing is forgotten."""
    connection.execute("UPDATE purges SET finished = 1 WHERE id = ?", (purge,))
    _forget_empty(connection, purge)


def move(connection: sqlite3.Connection, purge: str, numbers: list[int]) -> Moved:
    """Move as many of these entries as fit a slice; those that have gone meanwhile are passed over."""
    until = monotonic() + SLICE
    keys: list[bytes] = []
    entries = size = done = 0
    while done < len(numbers) and (not done or monotonic() < until):
        step = numbers[done : done + _STEP]
        done += len(step)
        for number in step:
            row = connection.execute(
                "SELECT key, CAST(size AS INTEGER) FROM entries WHERE number = ?", (number,)
            ).fetchone()
            if row is not None:
                aliases = connection.execute("SELECT key FROM aliases WHERE entry = ?", (number,)).fetchall()
                keys += [row[0], *(key for (key,) in aliases)]
                entries, size = entries + 1, size + row[1]
                _move(connection, purge, number)
    return Moved(keys=keys, entries=entries, size=size, left=len(numbers) - done)


def _move(connection: sqlite3.Connection, purge: str, number: int) -> None:
    """The triggers of the schema take away what is left of the entry once its row goes."""
    connection.execute(
        f"INSERT INTO trash (purge, {_ENTRY}) SELECT ?, {_ENTRY} FROM entries WHERE number = ?",  # noqa: S608
        (purge, number),
    )
    connection.execute(
        f"""
        INSERT INTO trash_meanings ({_MEANING}, vector)
        SELECT meanings.entry, meanings.scope, question, form, expires, vectors.model, vector
        FROM meanings LEFT JOIN vectors ON vectors.entry = meanings.entry WHERE meanings.entry = ?
        """,  # noqa: S608 - constants
        (number,),
    )
    connection.execute(
        f"INSERT INTO trash_aliases ({_ALIAS}) SELECT {_ALIAS} FROM aliases WHERE entry = ?",  # noqa: S608
        (number,),
    )
    connection.execute("DELETE FROM entries WHERE number = ?", (number,))


def restore(connection: sqlite3.Connection, purge: str, now: float) -> Moved | None:
    """Bring as much of a purge back as fits a slice; None where it is unknown or its time is over.

    A key that answers something newer by now keeps that, and so does a wording that was barred meanwhile.
    """
    row = connection.execute("SELECT until FROM purges WHERE id = ?", (purge,)).fetchone()
    if row is None or row[0] <= now:
        return None
    until = monotonic() + SLICE
    keys: list[bytes] = []
    entries = size = outdone = 0
    while True:
        sql = "SELECT number, key, CAST(size AS INTEGER), request FROM trash WHERE purge = ? ORDER BY number LIMIT ?"
        rows = connection.execute(sql, (purge, _STEP)).fetchall()
        for number, key, bytes_, request in rows:
            if connection.execute("SELECT 1 FROM entries WHERE key = ?", (key,)).fetchone() is None:
                keys += _restore(connection, number, key)
                entries, size = entries + 1, size + bytes_
            else:
                records.release(connection, number, request)
                connection.execute("DELETE FROM trash WHERE number = ?", (number,))
                outdone += 1
        if len(rows) < _STEP or monotonic() > until:
            break
    left = _left(connection, purge)
    if not left:
        connection.execute("DELETE FROM purges WHERE id = ?", (purge,))
    return Moved(keys=keys, entries=entries, size=size, left=left, outdone=outdone)


def _restore(connection: sqlite3.Connection, number: int, key: bytes) -> list[bytes]:
    """Gives the keys that it answers again."""
    connection.execute("DELETE FROM aliases WHERE key = ?", (key,))  # its own entry outranks another's
    connection.execute(
        f"INSERT INTO entries ({_ENTRY}) SELECT {_ENTRY} FROM trash WHERE number = ?",  # noqa: S608
        (number,),
    )
    connection.execute(
        f"INSERT INTO meanings ({_MEANING}) SELECT {_MEANING} FROM trash_meanings WHERE entry = ?",  # noqa: S608
        (number,),
    )
    connection.execute(  # under a new id, by which the search index finds it as something new
        """
        INSERT INTO vectors (entry, scope, model, vector)
        SELECT entry, scope, model, vector FROM trash_meanings WHERE entry = ? AND vector IS NOT NULL
        """,
        (number,),
    )
    connection.execute(
        f"""
        INSERT INTO aliases ({_ALIAS}) SELECT {_ALIAS} FROM trash_aliases
        WHERE entry = ?1 AND key NOT IN (SELECT key FROM aliases) AND key NOT IN (SELECT key FROM entries)
            AND form NOT IN (SELECT form FROM blocks WHERE entry_key = ?2)
            AND EXISTS (SELECT 1 FROM meanings WHERE meanings.entry = ?1)
        """,  # noqa: S608 - constants
        (number, key),
    )
    connection.execute("DELETE FROM trash WHERE number = ?", (number,))
    aliases = connection.execute("SELECT key FROM aliases WHERE entry = ?", (number,)).fetchall()
    return [key, *(alias for (alias,) in aliases)]


def drop(connection: sqlite3.Connection, purge: str) -> Moved | None:
    """Drop as much of a purge for good as fits a slice; None where it is unknown."""
    if connection.execute("SELECT 1 FROM purges WHERE id = ?", (purge,)).fetchone() is None:
        return None
    connection.execute("UPDATE purges SET until = 0 WHERE id = ?", (purge,))  # a part of it is no undo
    entries, size = _drop_rows(connection, "purge = ?", (purge,), monotonic() + SLICE)
    left = _left(connection, purge)
    if not left:
        connection.execute("DELETE FROM purges WHERE id = ?", (purge,))
    return Moved(keys=[], entries=entries, size=size, left=left)


def drop_due(connection: sqlite3.Connection, now: float) -> float | None:
    """Drop what can no longer be undone, as much as fits a slice; gives when to come again, None for never."""
    over = "purge IN (SELECT id FROM purges WHERE until <= ?) OR purge NOT IN (SELECT id FROM purges)"
    _drop_rows(connection, over, (now,), monotonic() + SLICE)
    connection.execute(
        "DELETE FROM purges WHERE until <= ? AND NOT EXISTS (SELECT 1 FROM trash WHERE purge = purges.id)", (now,)
    )
    row = connection.execute("SELECT min(until) FROM purges").fetchone()
    return float(row[0]) if row[0] is not None else None


def drop_oldest(connection: sqlite3.Connection) -> int:
    """Make room: drop some of what was purged first, undo or not; gives how many entries went."""
    row = connection.execute("SELECT id FROM purges ORDER BY at LIMIT 1").fetchone()
    if row is None:
        return 0
    moved = drop(connection, row[0])
    return moved.entries if moved is not None else 0


def purges(connection: sqlite3.Connection, now: float) -> list[Purge]:
    """Those that can still be undone, the newest first."""
    rows = connection.execute(
        """
        SELECT id, at, until, what, finished, count(number), coalesce(sum(size), 0)
        FROM purges LEFT JOIN trash ON purge = id WHERE until > ? GROUP BY id ORDER BY at DESC
        """,
        (now,),
    )
    return [
        Purge(id=id_, at=at, until=until, what=what, finished=bool(finished), entries=entries, size=size)
        for id_, at, until, what, finished, entries, size in rows
    ]


def _drop_rows(
    connection: sqlite3.Connection, where: str, values: tuple[object, ...], until: float
) -> tuple[int, int]:
    entries = size = 0
    while True:
        sql = f"SELECT number, key, CAST(size AS INTEGER), request FROM trash WHERE {where} LIMIT ?"  # noqa: S608 - constants
        rows = connection.execute(sql, (*values, _STEP)).fetchall()
        for number, key, bytes_, request in rows:
            records.release(connection, number, request)
            connection.execute("DELETE FROM trash WHERE number = ?", (number,))
            if connection.execute("SELECT 1 FROM entries WHERE key = ?", (key,)).fetchone() is None:
                connection.execute("DELETE FROM audits WHERE entry_key = ?", (key,))  # they quote it
                forms.forget(connection, key)
            entries, size = entries + 1, size + bytes_
        if len(rows) < _STEP or monotonic() > until:
            return entries, size


def _left(connection: sqlite3.Connection, purge: str) -> int:
    return int(connection.execute("SELECT count(*) FROM trash WHERE purge = ?", (purge,)).fetchone()[0])


def _forget_empty(connection: sqlite3.Connection, purge: str) -> None:
    connection.execute(
        "DELETE FROM purges WHERE id = ? AND NOT EXISTS (SELECT 1 FROM trash WHERE purge = ?)", (purge, purge)
    )
