"""The statistics' file: tallies by time, tenant, model and kind, in a SQLite file of their own.

What is old is told less finely: five minutes become an hour after a day, hours a day after eight, and days one sum
for ever after two years, so the file stays small however long it is written. Rows that lie ahead of the clock, which
was set back, are left as they are until their time comes.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reflexd_core.tally import Tally
from reflexd_io.ledger import SLOT, Key

HOUR, DAY = 3_600, 86_400
EVER = 0
"""The span of what is so old that its time is told no more."""

KEPT = ((SLOT, 26 * HOUR, HOUR), (HOUR, 8 * DAY, DAY), (DAY, 731 * DAY, EVER))
"""Span, seconds after which rows of it are rolled up, and into which span. Local midnight lies within 26 hours."""

VERSION = 1
_LOCK_WAIT = 2.0
_SCHEMA = """
CREATE TABLE tallies (
    span INTEGER NOT NULL,       -- seconds; 0: all that is older than days are kept
    start INTEGER NOT NULL,      -- Unix seconds
    tenant TEXT NOT NULL,
    model TEXT NOT NULL,
    what TEXT NOT NULL,          -- a status, coalesced, relayed, wrong or audit-…
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    seconds REAL NOT NULL,
    buckets TEXT NOT NULL,       -- JSON: [count, ...], see reflexd_core.tally
    dollars REAL NOT NULL,
    spared REAL NOT NULL,
    unpriced INTEGER NOT NULL,
    PRIMARY KEY (span, start, tenant, model, what)
) WITHOUT ROWID
"""
_COLUMNS = "requests, errors, input, output, cached, seconds, buckets, dollars, spared, unpriced"


class NewerFile(Exception):  # noqa: N818 - it says what the file is
    """A later version of Reflex wrote it."""


@dataclass(frozen=True, slots=True)
class Row:
    span: int
    start: int
    tenant: str
    model: str
    what: str
    tally: Tally


class StatsFile:
    """Opened for each use: it is written every few seconds and read when somebody looks."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, taken: Mapping[Key, Tally], now: float) -> None:
        """Add tallies to those that are there, and roll up what is old.

        Raises `sqlite3.Error`, `OSError`, `NewerFile`.
        """
        with closing(self._open()) as connection, _transaction(connection):
            for (start, tenant, model, what), tally in taken.items():
                _add(connection, Row(SLOT, start, tenant, model, what, tally))
            for span, age, into in KEPT:
                _roll_up(connection, span, int(now) - age, into)

    def since(self, start: float, tenant: str | None) -> list[Row]:
        """Rows that begin at ``start`` or later; 0 gives all there is. Raises as `add` does."""
        if not self._path.exists():
            return []
        query = f"SELECT span, start, tenant, model, what, {_COLUMNS} FROM tallies WHERE start >= ?"  # noqa: S608
        with closing(self._open()) as connection:
            if tenant is None:
                rows = connection.execute(query, (start,)).fetchall()
            else:
                rows = connection.execute(query + " AND tenant = ?", (start, tenant)).fetchall()
        return [
            Row(span, begun, tenant, model, what, _tally(columns))
            for span, begun, tenant, model, what, *columns in rows
        ]

    def names(self, since: float) -> list[tuple[str, str]]:
        """Pairs of tenant and model that were counted since then."""
        if not self._path.exists():
            return []
        with closing(self._open()) as connection:
            return connection.execute(
                "SELECT DISTINCT tenant, model FROM tallies WHERE start >= ?", (since,)
            ).fetchall()

    def set_aside(self) -> Path:
        """Make room for a new file where this one is damaged; where the old one lies now."""
        aside = self._path.with_suffix(".damaged")
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        return self._path.replace(aside)

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, timeout=_LOCK_WAIT, isolation_level=None)
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise NewerFile(f"{self._path.name} was written by a later version of Reflex")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            if version == 0:
                with _transaction(connection):
                    connection.execute(_SCHEMA)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection


class _transaction:  # noqa: N801 - used like a function
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._connection.execute("ROLLBACK" if kind is not None else "COMMIT")


def _add(connection: sqlite3.Connection, row: Row) -> None:
    key = (row.span, row.start, row.tenant, row.model, row.what)
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM tallies"  # noqa: S608 - columns of our own
        " WHERE span = ? AND start = ? AND tenant = ? AND model = ? AND what = ?",
        key,
    ).fetchone()
    tally = Tally()
    tally.add(row.tally)
    if found is not None:
        tally.add(_tally(found))
    numbers = (tally.requests, tally.errors, tally.input, tally.output, tally.cached, tally.seconds)
    money = (json.dumps(tally.buckets), tally.dollars, tally.spared, tally.unpriced)
    connection.execute(
        "INSERT OR REPLACE INTO tallies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*key, *numbers, *money),
    )


def _roll_up(connection: sqlite3.Connection, span: int, before: int, into: int) -> None:
    """Only whole spans: what one hour is made of is rolled up together, and so it is never told twice."""
    edge = before // into * into if into else before
    old = connection.execute(
        f"SELECT start, tenant, model, what, {_COLUMNS} FROM tallies WHERE span = ? AND start < ?",  # noqa: S608
        (span, edge),
    ).fetchall()
    for start, tenant, model, what, *columns in old:
        coarser = start // into * into if into else 0
        _add(connection, Row(into, coarser, tenant, model, what, _tally(columns)))
    connection.execute("DELETE FROM tallies WHERE span = ? AND start < ?", (span, edge))


def _tally(columns: Sequence[Any]) -> Tally:
    requests, errors, given, made, cached, seconds, buckets, dollars, spared, unpriced = columns
    counts = json.loads(buckets)
    return Tally(requests, errors, given, made, cached, seconds, counts, dollars, spared, unpriced)
