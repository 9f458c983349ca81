"""Imports in rows: entries from elsewhere, with what is known of their use, in the writer's transactions."""

import sqlite3
from dataclasses import dataclass
from enum import Enum

from reflexd_io.store import pairings, records
from reflexd_io.store.pairings import Alias
from reflexd_io.store.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An entry from elsewhere."""

    record: Record
    used: float
    hits: int
    pinned: bool
    uses: dict[int, int]
    """How often it answered, by day since 1970."""
    wordings: list[Alias]


class Outcome(Enum):
    STORED = "stored"
    KEPT = "kept"
    """What is there is as new or newer, and stays."""


def take(connection: sqlite3.Connection, taken: Taken, *, overwrite: bool) -> Outcome:
    """Store it, unless something as new lies under its key; ``overwrite``: then too."""
    record = taken.record
    held = connection.execute("SELECT created FROM entries WHERE key = ?", (record.key,)).fetchone()
    if held is not None and held[0] >= record.answer.facts.created and not overwrite:
        return Outcome.KEPT
    records.insert(connection, record)
    connection.execute(
        """
        UPDATE entries SET used = ?1, hits = ?2, pinned = max(pinned, ?3),
            expires = CASE WHEN pinned OR ?3 THEN NULL ELSE ?4 END,
            lapses = CASE WHEN pinned OR ?3 THEN ?4 END
        WHERE key = ?5
        """,
        (taken.used, taken.hits, taken.pinned, record.answer.facts.expires, record.key),
    )
    (number,) = connection.execute("SELECT number FROM entries WHERE key = ?", (record.key,)).fetchone()
    connection.executemany(
        "INSERT INTO uses (entry, day, count) VALUES (?, ?, ?)",
        [(number, day, count) for day, count in taken.uses.items()],
    )
    for wording in taken.wordings:
        if connection.execute("SELECT 1 FROM aliases WHERE key = ?", (wording.key,)).fetchone() is None:
            pairings.promote(connection, wording)
    return Outcome.STORED
