"""Upkeep: noting uses, dropping what expired and making room, in the writer's thread between its commits.

A tick looks only at the tenants that were used or written since the last one, and at one of the others in turn:
there may be thousands, and nothing changes in most of them.
"""

import sqlite3
import time
from collections import Counter
from functools import partial
from pathlib import Path

from reflexd_io.store import forms, meaning, records, trash
from reflexd_io.store.connections import Connections
from reflexd_io.store.recutting import recut
from reflexd_io.store.room import Guarded, Room

Uses = dict[str, dict[bytes, list[float]]]
"""When each key was used, by tenant."""

_DROPPING = 5
"""Slices of the trash that a tick may drop of one tenant."""
_RECUTTING = 5
"""Slices of an older file's texts that a tick may cut of one tenant."""
DAY = 86_400
_DAYS = 90
"""Days of which it is kept how often an entry answered."""


class Upkeep:
    def __init__(self, folder: Path, known: set[str], connections: Connections, room: Room, guarded: Guarded) -> None:
        """``known``: tenants that have a file."""
        self.room = room
        self._folder = folder
        self._known = known
        self._connections = connections
        self._guarded = guarded
        self._written: set[str] = set()
        self._turn: list[str] = []

    def note_written(self, tenant: str) -> None:
        self._written.add(tenant)
        self.room.note_written(tenant)

    def forget(self, tenant: str) -> None:
        """Its file goes."""
        self._written.discard(tenant)
        if tenant in self._turn:
            self._turn.remove(tenant)
        self.room.forget(tenant)

    def tick(self, uses: Uses, neglected: set[str]) -> None:
        """``neglected``: tenants whose upkeep failed the last time."""
        self.room.survey()
        now = time.time()
        over = {tenant for tenant, until in self.room.trash.items() if until <= now}
        due = self._written | (uses.keys() & self._known) | neglected | over
        self._written = set()
        for tenant in due:
            self._look_at(tenant, uses.get(tenant, {}))
        if not self._turn:
            self._turn = sorted(self._known)
        if self._turn and (tenant := self._turn.pop()) not in due:
            was_open = tenant in self._connections
            self._look_at(tenant, {})
            if not was_open:
                self._connections.close(tenant)
        self.room.make()

    def _look_at(self, tenant: str, uses: dict[bytes, list[float]]) -> None:
        if not (self._folder / f"{tenant}.sqlite3").exists():  # moved away; a new one is made with its next answer
            return
        self._guarded(tenant, partial(_note_uses_and_drop_expired, uses=uses))
        self._empty_trash(tenant)
        self._recut(tenant)
        self.room.note_changed(tenant)

    def _empty_trash(self, tenant: str) -> None:
        """Drop what can no longer be undone, and note when the next of it is due."""
        until: list[float | None] = [self.room.trash.pop(tenant, None)]
        dropped = False
        for _ in range(_DROPPING):
            if not self._guarded(tenant, lambda connection: until.append(trash.drop_due(connection, time.time()))):
                break
            when = until[-1]
            if when is None or when > time.time():
                break
            dropped = True
        if (when := until[-1]) is not None:
            self.room.trash[tenant] = when
        if dropped or until[0] is not None:
            self.room.shrink(tenant)  # the log would go on saying what was dropped for good

    def _recut(self, tenant: str) -> None:
        more: list[bool] = []
        for _ in range(_RECUTTING):
            if not self._guarded(tenant, lambda connection: more.append(recut(connection))) or not more[-1]:
                break


def _note_uses_and_drop_expired(connection: sqlite3.Connection, uses: dict[bytes, list[float]]) -> None:
    rows = [(max(times), len(times), key) for key, times in uses.items()]
    connection.executemany(
        """
        UPDATE entries SET used = max(used, ?1), hits = hits + ?2
        WHERE key = ?3 OR number = (SELECT entry FROM aliases WHERE key = ?3)
        """,
        rows,
    )
    _note_days(connection, uses)
    now = time.time()
    meaning.drop_expired(connection, now, 1000)
    gone = connection.execute("SELECT key FROM entries WHERE expires <= ? LIMIT 1000", (now,)).fetchall()
    records.remove(connection, [key for (key,) in gone])
    forms.drop_old(connection, now)


def _note_days(connection: sqlite3.Connection, uses: dict[bytes, list[float]]) -> None:
    for key, times in uses.items():
        row = connection.execute(
            "SELECT number FROM entries WHERE key = ?1 OR number = (SELECT entry FROM aliases WHERE key = ?1)", (key,)
        ).fetchone()
        if row is None:
            continue
        days = Counter(int(at // DAY) for at in times)
        connection.executemany(
            """
            INSERT INTO uses (entry, day, count) VALUES (?, ?, ?)
            ON CONFLICT (entry, day) DO UPDATE SET count = count + excluded.count
            """,
            [(row[0], day, count) for day, count in days.items()],
        )
        connection.execute("DELETE FROM uses WHERE entry = ? AND day < ?", (row[0], max(days) - _DAYS))
