"""The writer: one thread over all tenants' files, committing in groups.

It lives beside the event loop and never makes it wait. Whoever hands in an operation is told, from this thread,
once it is committed or why it was not; a store that was announced survives ``kill -9``.
"""

import heapq
import logging
import queue
import sqlite3
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reflexd_io.store import records, schema

log = logging.getLogger(__name__)

Told = Callable[[str | None], None]
"""Called with None once committed, or with the reason why not."""

_GROUP = 256
_TICK = 5.0
"""Seconds between looks at what expired and at how much room is taken."""
_LOCK_WAIT = 2.0
_BATCH = 32
"""Entries dropped at a time to make room."""
_MERGED = 256
"""Pages of the text index that are merged after each batch."""
_MAKING_ROOM = 1.0
"""Seconds a tick may spend on it, so that new answers need not wait long."""
_OPEN = 16
"""Files open at a time, and looked through for what expired in one tick."""
_TOUCHED = 100_000
"""Uses remembered between two ticks; more than that a second would only lose their exact count."""


@dataclass(frozen=True, slots=True)
class Operation:
    tenant: str
    run: Callable[[sqlite3.Connection], None]
    told: Told


class Writer:
    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._queue: queue.SimpleQueue[Operation | None] = queue.SimpleQueue()
        self._connections: OrderedDict[str, sqlite3.Connection] = OrderedDict()
        self._turn = 0  # whose files the next tick looks through for what expired
        self._touched: deque[tuple[str, bytes, float]] = deque(maxlen=_TOUCHED)
        self.problems: dict[str, str] = {}
        """Tenants whose file cannot be written at present, and why."""
        self._neglected: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="reflex-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, operation: Operation) -> None:
        self._queue.put(operation)

    def touch(self, tenant: str, key: bytes, at: float) -> None:
        """Note a use; written with the next tick, lost without harm."""
        self._touched.append((tenant, key, at))  # a deque takes this from any thread without a lock

    def stop(self, timeout: float) -> bool:
        """Commit what was handed in and end the thread. After calling this, submit nothing more."""
        self._queue.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        next_tick = time.monotonic() + _TICK
        going = True
        while going:
            group, going = self._next_group(max(0.0, next_tick - time.monotonic()))
            for tenant in dict.fromkeys(operation.tenant for operation in group):
                self._commit(tenant, [operation for operation in group if operation.tenant == tenant])
            if time.monotonic() >= next_tick or not going:
                try:
                    self._tick()
                except Exception:  # the thread must live, whatever upkeep met
                    log.exception("the store's upkeep failed; it is tried again")
                next_tick = time.monotonic() + _TICK
        for connection in self._connections.values():
            connection.close()

    def _next_group(self, timeout: float) -> tuple[list[Operation], bool]:
        group: list[Operation] = []
        try:
            item = self._queue.get(timeout=timeout)
            while item is not None:
                group.append(item)
                if len(group) >= _GROUP:
                    return group, True
                item = self._queue.get_nowait()
        except queue.Empty:
            return group, True
        return group, False

    def _commit(self, tenant: str, group: list[Operation]) -> None:
        try:
            with self._transaction(tenant) as connection:
                for operation in group:
                    operation.run(connection)
        except Exception as error:  # noqa: BLE001 - whatever it was, the answer was served; it is only not kept
            if len(group) > 1 and not isinstance(error, sqlite3.OperationalError):  # one may be at fault for all
                for operation in group:
                    self._commit(tenant, [operation])
                return
            self._report(tenant, error)  # a lock or a full disk is nobody's fault, and waiting once is enough
            for operation in group:
                _tell(operation, self.problems[tenant])
            return
        self.problems.pop(tenant, None)
        for operation in group:
            _tell(operation, None)

    @contextmanager
    def _transaction(self, tenant: str) -> Iterator[sqlite3.Connection]:
        connection = self._connect(tenant)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                del self._connections[tenant]  # damaged; the file may be moved away, and then a new one is made
                connection.close()
            raise

    def _connect(self, tenant: str) -> sqlite3.Connection:
        """The tenant's connection. Every key that was ever seen may have a file, so only some are open at a time."""
        connection = self._connections.get(tenant)
        if connection is None:
            connection = self._connections[tenant] = self._open(tenant)
            if len(self._connections) > _OPEN:
                self._connections.popitem(last=False)[1].close()
        self._connections.move_to_end(tenant)
        return connection

    def _connected(self, tenant: str) -> sqlite3.Connection | None:
        """As `_connect`; None for a file that cannot be opened."""
        try:
            return self._connect(tenant)
        except (sqlite3.Error, schema.NewerSchema, OSError):
            return None

    def _open(self, tenant: str) -> sqlite3.Connection:
        path = self._folder / f"{tenant}.sqlite3"
        if not path.exists():
            path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=_LOCK_WAIT, isolation_level=None, check_same_thread=False)
        try:
            schema.prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _report(self, tenant: str, error: Exception) -> None:
        reason = f"{tenant}.sqlite3: {error}"
        if self.problems.get(tenant) != reason:
            log.warning("storage is degraded, answers are served but not kept: %s", reason)
        self.problems[tenant] = reason

    def _tick(self) -> None:
        uses: dict[str, dict[bytes, list[float]]] = {}
        while self._touched:
            tenant, key, at = self._touched.popleft()
            uses.setdefault(tenant, {}).setdefault(key, []).append(at)
        for tenant, by_key in uses.items():
            rows = [(max(times), len(times), key) for key, times in by_key.items()]
            self._guarded(tenant, lambda db, rows=rows: _note_uses(db, rows))  # type: ignore[misc]
        files = sorted(self._sizes())
        for tenant in files[self._turn : self._turn + _OPEN]:
            self._guarded(tenant, _drop_expired)
        self._turn = self._turn + _OPEN if self._turn + _OPEN < len(files) else 0
        self._make_room()

    def _guarded(self, tenant: str, run: Callable[[sqlite3.Connection], None]) -> bool:
        """Do some upkeep in a transaction; what fails is tried again at the next tick."""
        try:
            with self._transaction(tenant) as connection:
                run(connection)
        except Exception as error:  # noqa: BLE001 - as in `_commit`
            self._report(tenant, error)
            self._neglected.add(tenant)
            return False
        if tenant in self._neglected:  # a failed commit stays told until the next one is done
            self._neglected.discard(tenant)
            self.problems.pop(tenant, None)
        return True

    def _sizes(self) -> dict[str, int]:
        """Bytes on disk by tenant."""
        sizes: dict[str, int] = {}
        for path in self._folder.glob("*.sqlite3*"):
            with suppress(FileNotFoundError):  # a log that was just folded in
                tenant = path.name.partition(".sqlite3")[0]
                sizes[tenant] = sizes.get(tenant, 0) + path.stat().st_size
        return sizes

    def _make_room(self) -> None:
        """Least recently used first, over all tenants, until a tenth of the limit is free.

        What an entry takes shows only once it is gone, since it may share its request's parts with others; so the
        free pages are counted after each batch.
        """
        sizes = self._sizes()
        if sum(sizes.values()) <= self._max_bytes:
            return
        for tenant in sizes:  # free pages, and logs that repeat what the file says, are no reason to drop anything
            self._shrink(tenant)
        sizes = self._sizes()
        excess = sum(sizes.values()) - self._max_bytes
        if excess <= 0:
            return
        goal = excess + self._max_bytes // 10
        able = set(sizes)
        until = time.monotonic() + _MAKING_ROOM
        while self._free(able) < goal and time.monotonic() < until:
            oldest = self._oldest(able)
            if not oldest:
                break
            for tenant, keys in oldest.items():
                if not self._guarded(tenant, partial(_drop, keys=keys)):
                    able.discard(tenant)
        for tenant in able:
            self._shrink(tenant)

    def _free(self, tenants: set[str]) -> int:
        """Bytes in pages that hold nothing any more."""
        free = 0
        for tenant in tenants:
            connection = self._connected(tenant)
            if connection is not None:
                (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
                (size,) = connection.execute("PRAGMA page_size").fetchone()
                free += pages * size
        return free

    def _oldest(self, tenants: set[str]) -> dict[str, list[bytes]]:
        """Keys of the least recently used entries of all, by tenant."""
        found: list[tuple[float, str, bytes]] = []
        for tenant in tenants:
            connection = self._connected(tenant)
            if connection is not None:
                rows = connection.execute("SELECT used, key FROM entries ORDER BY used LIMIT ?", (_BATCH,))
                found += [(used, tenant, key) for used, key in rows]
        by_tenant: dict[str, list[bytes]] = {}
        for _, tenant, key in heapq.nsmallest(_BATCH, found):
            by_tenant.setdefault(tenant, []).append(key)
        return by_tenant

    def _shrink(self, tenant: str) -> None:
        """Give free pages back to the file system."""
        connection = self._connected(tenant)
        if connection is None:
            return
        try:
            connection.executescript("PRAGMA incremental_vacuum")  # `execute` steps once, which frees a single page
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:  # somebody reads; the next tick comes soon
            log.debug("%s.sqlite3 could not be shrunk: %s", tenant, error)


def _tell(operation: Operation, problem: str | None) -> None:
    try:
        operation.told(problem)
    except Exception:  # the thread must live, whatever is made of its news
        log.exception("a store's end could not be told")


def _note_uses(connection: sqlite3.Connection, rows: list[tuple[float, int, bytes]]) -> None:
    connection.executemany("UPDATE entries SET used = max(used, ?), hits = hits + ? WHERE key = ?", rows)


def _drop_expired(connection: sqlite3.Connection) -> None:
    now = time.time()
    gone = connection.execute("SELECT key FROM entries WHERE expires <= ? LIMIT 1000", (now,)).fetchall()
    records.remove(connection, [key for (key,) in gone])


def _drop(connection: sqlite3.Connection, keys: list[bytes]) -> None:
    records.remove(connection, keys)
    # A deleted text only stops being found; its words leave the index when segments are merged, bit by bit.
    connection.execute("INSERT INTO texts (texts, rank) VALUES ('merge', ?)", (-_MERGED,))
