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
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reflexd_io.faults import in_words
from reflexd_io.store import files
from reflexd_io.store.connections import Connections
from reflexd_io.store.room import LimitOf, Room
from reflexd_io.store.upkeep import Upkeep, Uses

log = logging.getLogger(__name__)

Told = Callable[[str | None], None]
"""Called with None once committed, or with the reason why not."""

_GROUP = 256
_TICK = 5.0
"""Seconds between looks at what expired and at how much room is taken."""
_LOCK_WAIT = 2.0
_BASE_WAIT = 60.0
_TOUCHED = 100_000
"""Uses remembered between two ticks; more than that a second would only lose their exact count."""
_MAX_WAITING = 256 * 1024 * 1024
"""Bytes of answers and requests that may wait for a slow disk; each is held in memory until it is written."""
_MAX_PROBLEMS = 100
"""Tenants whose problem is told; on a full disk it is everybody's, and the same."""


@dataclass(frozen=True, slots=True)
class Operation:
    tenant: str
    run: Callable[[sqlite3.Connection], None]
    told: Told
    size: int = 0
    """Bytes it holds in memory while it waits."""


@dataclass(frozen=True, slots=True)
class Between:
    """Something to be done when all that was handed in before is committed."""

    run: Callable[[], str | None]
    """Gives why it failed."""
    told: Told


class Writer:
    def __init__(self, folder: Path, known: set[str], *, max_bytes: int, limit_of: LimitOf) -> None:
        """``known``: tenants that have a file; those made here are added."""
        self._queue: queue.SimpleQueue[Operation | Between | None] = queue.SimpleQueue()
        self._folder = folder
        self._known = known
        self._removed: set[str] = set()
        self._waiting = 0
        self._waiting_lock = threading.Lock()
        self._connections = Connections(folder, known, lock_wait=_LOCK_WAIT)
        room = Room(folder, known, self._connections, max_bytes=max_bytes, limit_of=limit_of, guarded=self._guarded)
        self._upkeep = Upkeep(folder, known, self._connections, room, self._guarded)
        self._touched: deque[tuple[str, bytes, float]] = deque(maxlen=_TOUCHED)
        self.problems: dict[str, str] = {}
        """Tenants whose file cannot be written at present, and why."""
        self._neglected: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="reflex-writer", daemon=True)

    @property
    def evictions(self) -> int:
        return self._upkeep.room.evictions

    def evicted_within(self, seconds: float) -> int:
        return self._upkeep.room.evicted_within(seconds)

    def start(self) -> None:
        self._thread.start()

    def submit(self, operation: Operation) -> bool:
        """False, and it is not taken, where too much waits for the disk already."""
        with self._waiting_lock:
            if self._waiting and self._waiting + operation.size > _MAX_WAITING:
                return False
            self._waiting += operation.size
        self._queue.put(operation)
        return True

    def flush(self, told: Told) -> None:
        """``told`` is called once all that was handed in before is committed, or was given up."""
        self._queue.put(Between(lambda: None, told))

    def remove(self, tenant: str, told: Told, *, for_good: bool) -> None:
        """All that is stored for a tenant goes, after what was handed in before: its file, its log, its index.

        With ``for_good`` nothing is ever stored for it again, whatever is still under way.
        """
        self._queue.put(Between(lambda: self._remove(tenant, for_good=for_good), told))

    def commit_base(self, tenant: str, token: bytes, new: bytes, upto: int) -> bool:
        """Let another search index count for the tenant. False where the one that did was another. Blocks."""
        done = threading.Event()
        counts: list[bool] = []

        def commit(connection: sqlite3.Connection) -> None:
            cursor = connection.execute("UPDATE bases SET token = ?, upto = ? WHERE token = ?", (new, upto, token))
            counts.append(cursor.rowcount > 0)

        def told(problem: str | None) -> None:
            counts.append(problem is None and counts[-1])
            done.set()

        return self.submit(Operation(tenant, commit, told)) and done.wait(_BASE_WAIT) and counts[-1]

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
            group, between, going = self._next_group(max(0.0, next_tick - time.monotonic()))
            for tenant in dict.fromkeys(operation.tenant for operation in group):
                self._commit(tenant, [operation for operation in group if operation.tenant == tenant])
            if between is not None:
                self._do(between)
            if time.monotonic() >= next_tick or not going:
                try:
                    self._tick()
                except Exception:  # the thread must live, whatever upkeep met
                    log.exception("the store's upkeep failed; it is tried again")
                next_tick = time.monotonic() + _TICK
        self._connections.close_all()

    def _next_group(self, timeout: float) -> tuple[list[Operation], Between | None, bool]:
        """What to commit next, what to do after it, and whether to go on then."""
        group: list[Operation] = []
        try:
            item = self._queue.get(timeout=timeout)
            while item is not None:
                if isinstance(item, Between):
                    return group, item, True
                group.append(item)
                if len(group) >= _GROUP:
                    return group, None, True
                item = self._queue.get_nowait()
        except queue.Empty:
            return group, None, True
        return group, None, False

    def _do(self, between: Between) -> None:
        problem = between.run()
        try:
            between.told(problem)
        except Exception:  # the thread must live, whatever is made of its news
            log.exception("the end of something could not be told")

    def _remove(self, tenant: str, *, for_good: bool) -> str | None:
        if for_good:
            self._removed.add(tenant)
        try:
            self._connections.close(tenant)
            self._upkeep.forget(tenant)
            files.remove(self._folder, tenant)
        except (OSError, sqlite3.Error) as error:
            problem = f"{tenant}.sqlite3 cannot be removed: {in_words(error)}"
            log.warning("%s", problem)
            return problem
        self._known.discard(tenant)
        self._neglected.discard(tenant)
        self.problems.pop(tenant, None)
        return None

    def _commit(self, tenant: str, group: list[Operation]) -> None:
        if tenant in self._removed:
            for operation in group:
                self._tell(operation, f"tenant {tenant} was removed")
            return
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
                self._tell(operation, self.problems[tenant])
            return
        self.problems.pop(tenant, None)
        self._upkeep.note_written(tenant)
        for operation in group:
            self._tell(operation, None)

    def _tell(self, operation: Operation, problem: str | None) -> None:
        with self._waiting_lock:
            self._waiting -= operation.size
        try:
            operation.told(problem)
        except Exception:  # the thread must live, whatever is made of its news
            log.exception("a store's end could not be told")

    @contextmanager
    def _transaction(self, tenant: str) -> Iterator[sqlite3.Connection]:
        connection = self._connections.get(tenant)
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                self._connections.close(tenant)  # damaged; the file may be moved away, and then a new one is made
            raise

    def _report(self, tenant: str, error: Exception) -> None:
        reason = f"{tenant}.sqlite3: {in_words(error)}"
        if self.problems.get(tenant) != reason:
            log.warning("storage is degraded, answers are served but not kept: %s", reason)
        self.problems.pop(tenant, None)
        while len(self.problems) >= _MAX_PROBLEMS:
            self.problems.pop(next(iter(self.problems)))
        self.problems[tenant] = reason

    def _tick(self) -> None:
        uses: Uses = {}
        while self._touched:
            tenant, key, at = self._touched.popleft()
            uses.setdefault(tenant, {}).setdefault(key, []).append(at)
        self._upkeep.tick(uses, set(self._neglected))

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
