"""Emptying: all that is stored for a tenant goes at once and for good, its file included.

A purge only moves entries, and SQLite writes into a log of its own before it gives anything back: where the disk is
full, neither can be done. Taking the file away needs no room. What people said of answers and how often audits found
what is kept beside it and put back, since a pairing that was wrong once must not answer again.
"""

import sqlite3
from functools import partial

import anyio

from reflexd_io.catalogue.shelves import Shelves

_OUTLIVING = ("blocks", "labels", "tallies")

Kept = dict[str, list[tuple[object, ...]]]
"""Rows, by their table."""


async def empty(shelves: Shelves, tenant: str) -> int:
    """Gives how many entries went. Raises `StoreUnavailable`, also where something of what is kept was lost."""
    store, memory = shelves.store, shelves.memory
    memory.forget_tenant(tenant)  # what is under way is not to be kept
    await store.flush()
    if not shelves.tenants(tenant):
        return 0
    entries, kept = await store.look(tenant, _looked) or (0, {})
    with anyio.CancelScope(shield=True):  # else whoever stops waiting would lose what is kept
        try:
            await store.remove(tenant, for_good=False)
        finally:
            memory.forget_tenant(tenant)
        if any(kept.values()):
            await store.change(tenant, partial(_put_back, kept=kept), makes=True)
    return entries


def _looked(connection: sqlite3.Connection) -> tuple[int, Kept]:
    (entries,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    return entries, {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in _OUTLIVING}  # noqa: S608


def _put_back(connection: sqlite3.Connection, kept: Kept) -> None:
    for table, rows in kept.items():
        for row in rows:
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608 - constants
