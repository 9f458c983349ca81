"""Changing one entry: pinning it, and how long it still lives. Memory's copy obeys at once.

A pinned entry neither makes room nor expires until it is unpinned; what its lifetime was counts again from then on.
Other wordings it answers no longer than any other entry does: how far meaning may be trusted is not the pin's matter.
"""

import sqlite3
from dataclasses import dataclass
from functools import partial

from reflexd_io.catalogue.shelves import Shelves, Unknown
from reflexd_io.store import browse
from reflexd_io.store.browse import Listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    pinned: bool | None = None
    """None: as it was."""
    sets_expiry: bool = False
    expires: float | None = None
    """With ``sets_expiry``: Unix seconds, or None for never."""


class Changing:
    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    async def change(self, name: str, change: Change) -> tuple[str, Listed]:
        """The entry as it is then, and whose it is. Raises `Unknown`, `Unclear` and `StoreUnavailable`."""
        found = await self._shelves.find(name)
        work = partial(_change, number=found.number, change=change)
        changed = await self._shelves.store.change(found.tenant, work)
        if changed is None:
            raise Unknown(f"Entry {name} has just gone.")
        self._shelves.memory.forget([changed.key])
        return found.tenant, changed


def _change(connection: sqlite3.Connection, number: int, change: Change) -> Listed | None:
    row = connection.execute("SELECT pinned, expires, lapses FROM entries WHERE number = ?", (number,)).fetchone()
    if row is None:
        return None
    was_pinned, expires, lapses = row
    pinned = bool(was_pinned) if change.pinned is None else change.pinned
    lifetime = lapses if was_pinned else expires
    if change.sets_expiry:
        lifetime = change.expires
    connection.execute(
        "UPDATE entries SET pinned = ?, expires = ?, lapses = ? WHERE number = ?",
        (pinned, None if pinned else lifetime, lifetime if pinned else None, number),
    )
    lines = browse.lines_of(connection, [number])
    return lines[0] if lines else None
