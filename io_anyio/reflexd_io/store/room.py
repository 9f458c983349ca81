"""Room: how much each tenant's file takes, and what goes where that is too much, in the writer's thread.

What can no longer be missed goes first: free pages and logs, then the trash, then entries, least recently used first.
"""

import heapq
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from reflexd_io.store import records, schema, trash
from reflexd_io.store.connections import OPEN, Connections

log = logging.getLogger(__name__)

LimitOf = Callable[[str], int | None]
"""What a tenant's files may take, in bytes; None where it has no limit of its own."""
Guarded = Callable[[str, Callable[[sqlite3.Connection], None]], bool]
"""Do something in a transaction on the tenant's file; False, and told as a problem, where that failed."""

_BATCH = 32
"""Entries dropped at a time to make room."""
_MERGED = 256
"""Pages of the text index that are merged after each batch."""
_MAKING_ROOM = 1.0
"""Seconds a tick may spend on it, so that new answers need not wait long."""
_REMEMBERED = 10_000
"""Batches of evictions that are remembered with their time."""
_UNKNOWN = float("-inf")
_NEVER = float("inf")


class Room:
    def __init__(
        self,
        folder: Path,
        known: set[str],
        connections: Connections,
        *,
        max_bytes: int,
        limit_of: LimitOf,
        guarded: Guarded,
    ) -> None:
        """``known``: tenants that have a file. ``max_bytes``: of all files together; ``limit_of`` is called in the
        writer's thread.
        """
        self._folder = folder
        self._known = known
        self._connections = connections
        self._max_bytes = max_bytes
        self._limit_of = limit_of
        self._guarded = guarded
        self._sizes: dict[str, int] | None = None
        """Bytes on disk by tenant, as far as this process changed them; all are measured before room is made."""
        self._unshrunk: set[str] = set()
        """Tenants whose file may have free pages or a log that repeats what it says."""
        self.trash: dict[str, float] = {}
        """When something in the tenant's trash can no longer be undone, as far as this process has looked."""
        self.evictions = 0
        """Entries that made room for others since the start."""
        self._lately: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)
        self._oldest: dict[str, float] = {}
        """No entry of the tenant was used before; not there where nobody has looked since it was written."""

    def evicted_within(self, seconds: float) -> int:
        """Entries that made room for others that long ago at most. Of the event loop's thread too."""
        since = time.monotonic() - seconds
        return sum(count for at, count in list(self._lately) if at >= since)

    def note_written(self, tenant: str) -> None:
        """Entries of any age may be in it by now."""
        self._oldest.pop(tenant, None)

    def note_changed(self, tenant: str) -> None:
        """Its file may be of another size by now."""
        self._unshrunk.add(tenant)
        if self._sizes is not None:
            self._sizes[tenant] = self.measure(tenant)

    def forget(self, tenant: str) -> None:
        """Its file goes."""
        self._unshrunk.discard(tenant)
        self._oldest.pop(tenant, None)
        if self._sizes is not None:
            self._sizes.pop(tenant, None)

    def survey(self) -> None:
        """Once, before anything is looked at: measure all that is there."""
        if self._sizes is None:
            self._measure_all()
            self._unshrunk = set(self._known)

    def make(self) -> None:
        """In each tenant's file that is above the tenant's own limit, then over all of them."""
        until = time.monotonic() + _MAKING_ROOM
        for tenant, size in list((self._sizes or {}).items()):
            limit = self._limit_of(tenant)
            if limit is not None and size > limit:
                self._make_among({tenant}, limit, until)
        self._make_among(None, self._max_bytes, until)

    def _taken(self, only: set[str] | None) -> int:
        return sum(size for tenant, size in (self._sizes or {}).items() if only is None or tenant in only)

    def _make_among(self, only: set[str] | None, limit: int, until: float) -> None:
        """Least recently used first, over these tenants or all, until a tenth of the limit is free.

        What an entry takes shows only once it is gone, since it may share its request's parts with others; so the
        free pages are counted after each batch.
        """
        if self._taken(only) <= limit:
            return
        for tenant in list(self._unshrunk if only is None else self._unshrunk & only):
            if time.monotonic() > until:  # free pages and logs are no reason to drop anything
                return
            self.shrink(tenant)
        excess = sum(self._measure_all().values()) - self._max_bytes
        if excess > 0 and self.trash:
            self._drop_trash(excess + self._max_bytes // 10, until)
        sizes = self._measure_all()
        excess = self._taken(only) - limit
        if excess <= 0:
            return
        goal = excess + limit // 10
        able = set(sizes) if only is None else set(only)
        freed: dict[str, int] = {}
        while sum(freed.values()) < goal and time.monotonic() < until:
            chosen = self._next_to_go(able)
            if chosen is None:
                break
            for tenant, keys in chosen.items():
                if not self._guarded(tenant, partial(_drop, tenant=tenant, keys=keys, freed=freed)):
                    able.discard(tenant)
                    continue
                self.evictions += len(keys)
                self._lately.append((time.monotonic(), len(keys)))
        for tenant in freed:
            self.shrink(tenant)
            sizes[tenant] = self.measure(tenant)

    def _next_to_go(self, able: set[str]) -> dict[str, list[bytes]] | None:
        """Keys of the least recently used entries of all, by tenant; None where there are none.

        As many files are read as may be open. What was used after the oldest entry that the others may have is
        left alone, so {} means that those are to be read first: they are, when this is called again.
        """
        first = heapq.nsmallest(OPEN + 1, ((self._oldest.get(tenant, _UNKNOWN), tenant) for tenant in able))
        horizon = first.pop()[0] if len(first) > OPEN else _NEVER
        found: list[tuple[float, str, bytes]] = []
        for _, tenant in first:
            rows: list[tuple[float, bytes]] = []
            if not self._guarded(tenant, partial(_read_oldest, into=rows)):
                able.discard(tenant)
                continue
            self._oldest[tenant] = rows[0][0] if rows else _NEVER
            found += [(used, tenant, key) for used, key in rows]
        if not found and horizon == _NEVER:
            return None
        by_tenant: dict[str, list[bytes]] = {}
        for used, tenant, key in heapq.nsmallest(_BATCH, found):
            if used <= horizon:
                by_tenant.setdefault(tenant, []).append(key)
        return by_tenant

    def shrink(self, tenant: str) -> None:
        """Give free pages back to the file system."""
        self._unshrunk.discard(tenant)
        if not (self._folder / f"{tenant}.sqlite3").exists():
            return
        try:
            connection = self._connections.get(tenant)
            connection.executescript("PRAGMA incremental_vacuum")  # `execute` steps once, which frees a single page
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except (sqlite3.Error, schema.NewerSchema, OSError) as error:
            log.debug("%s.sqlite3 could not be shrunk: %s", tenant, error)
            busy = True
        if busy:  # somebody reads; the next tick comes soon
            self._unshrunk.add(tenant)

    def _drop_trash(self, goal: int, until: float) -> int:
        """Make room where it costs no hit; gives the bytes that were freed, roughly."""
        freed = 0
        for tenant in list(self.trash):
            sizes: list[int] = [1]
            while sizes[-1] and freed < goal and time.monotonic() < until:
                if not self._guarded(tenant, partial(_drop_oldest_trash, freed=sizes)):
                    break
                freed += sizes[-1]
            if not sizes[-1]:
                self.trash.pop(tenant, None)
            self.shrink(tenant)
        return freed

    def measure(self, tenant: str) -> int:
        """Bytes that the tenant takes on disk, its index included."""
        size = 0
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):  # a log that was just folded in
                size += (self._folder / f"{tenant}.sqlite3{suffix}").stat().st_size
        with suppress(OSError):  # few have an index, and it may be tidied up just now
            size += sum(path.stat().st_size for path in (self._folder / f"{tenant}.near").iterdir())
        return size

    def _measure_all(self) -> dict[str, int]:
        self._known.update(tenants_in(self._folder))
        self._sizes = {tenant: size for tenant in self._known if (size := self.measure(tenant))}
        return self._sizes


def tenants_in(folder: Path) -> set[str]:
    """Tenants that have a file."""
    return {path.stem for path in folder.glob("*.sqlite3")}


def _read_oldest(connection: sqlite3.Connection, into: list[tuple[float, bytes]]) -> None:
    oldest = "SELECT used, key FROM entries WHERE NOT pinned ORDER BY used LIMIT ?"
    into += connection.execute(oldest, (_BATCH,)).fetchall()


def _drop_oldest_trash(connection: sqlite3.Connection, freed: list[int]) -> None:
    """``freed`` is told how many bytes are in pages that hold nothing any more for it; 0: nothing is left to drop."""
    (before,) = connection.execute("PRAGMA freelist_count").fetchone()
    if not trash.drop_oldest(connection):
        freed.append(0)
        return
    connection.execute("INSERT INTO texts (texts, rank) VALUES ('merge', ?)", (-_MERGED,))
    (after,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    freed.append(max(1, (after - before) * size))


def _drop(connection: sqlite3.Connection, tenant: str, keys: list[bytes], freed: dict[str, int]) -> None:
    """``freed`` is told how many bytes are in pages that hold nothing any more."""
    records.remove(connection, keys)
    # A deleted text only stops being found; its words leave the index when segments are merged, bit by bit.
    connection.execute("INSERT INTO texts (texts, rank) VALUES ('merge', ?)", (-_MERGED,))
    (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    freed[tenant] = pages * size
