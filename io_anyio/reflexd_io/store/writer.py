"""The writer: one thread over all tenants' files, committing in groups.

It lives beside the event loop and never makes it wait. Whoever hands in an operation is told, from this thread,
once it is committed or why it was not; a store that was announced survives ``kill -9``.
"""

import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reflexd_io.store import records, schema

log = logging.getLogger(__name__)

Told = Callable[[str | None], None]
"""Called with None once committed, or with the reason why not."""

_GROUP = 256
_TICK = 5.0
"""Seconds between looks at what expired and at how much room is taken."""
_LOCK_WAIT = 2.0
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
        self._connections: dict[str, sqlite3.Connection] = {}
        self._touched: deque[tuple[str, bytes, float]] = deque(maxlen=_TOUCHED)
        self.problems: dict[str, str] = {}
        """Tenants whose file cannot be written at present, and why."""
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
                self._tick()
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
            if len(group) > 1:  # one of them may be at fault for all
                for operation in group:
                    self._commit(tenant, [operation])
                return
            self._report(tenant, error)
            group[0].told(self.problems[tenant])
            return
        self.problems.pop(tenant, None)
        for operation in group:
            operation.told(None)

    @contextmanager
    def _transaction(self, tenant: str) -> Iterator[sqlite3.Connection]:
        connection = self._connections.get(tenant)
        if connection is None:
            connection = self._connections[tenant] = self._open(tenant)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

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
        for tenant in list(self._connections):
            self._guarded(tenant, _drop_expired)
        self._make_room()

    def _guarded(self, tenant: str, run: Callable[[sqlite3.Connection], None]) -> None:
        try:
            with self._transaction(tenant) as connection:
                run(connection)
        except Exception as error:  # noqa: BLE001 - upkeep is tried again at the next tick
            self._report(tenant, error)

    def _make_room(self) -> None:
        """Least recently used first, over all tenants, until a tenth of the limit is free."""
        taken = sum(path.stat().st_size for path in self._folder.glob("*.sqlite3"))
        if taken <= self._max_bytes:
            return
        excess = taken - self._max_bytes * 9 // 10
        for path in self._folder.glob("*.sqlite3"):
            share = excess * path.stat().st_size // taken + 1
            self._guarded(path.stem, lambda db, share=share: _drop_oldest(db, share))  # type: ignore[misc]
            connection = self._connections.get(path.stem)
            if connection is not None:
                with closing(connection.execute("PRAGMA incremental_vacuum")) as cursor:
                    cursor.fetchall()
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _note_uses(connection: sqlite3.Connection, rows: list[tuple[float, int, bytes]]) -> None:
    connection.executemany("UPDATE entries SET used = max(used, ?), hits = hits + ? WHERE key = ?", rows)


def _drop_expired(connection: sqlite3.Connection) -> None:
    now = time.time()
    gone = connection.execute("SELECT key FROM entries WHERE expires <= ? LIMIT 1000", (now,)).fetchall()
    records.remove(connection, [key for (key,) in gone])


def _drop_oldest(connection: sqlite3.Connection, size: int) -> None:
    """Drop entries, least recently used first, whose rows take about ``size`` bytes together."""
    freed = 0
    keys: list[bytes] = []
    for key, length in connection.execute("SELECT key, length(answer) + 512 FROM entries ORDER BY used"):
        if freed >= size:
            break
        freed += length
        keys.append(key)
    records.remove(connection, keys)
