"""Looking answers up: a handful of read-only connections, used in worker threads that a hung disk cannot use up.

Whoever asked gives up after a quarter of a second, but a thread cannot be stopped. So no thread waits longer than
that for a connection which another one holds, and only so many may be held up by the disk itself.
"""

import sqlite3
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TypeVar

from reflexd_io.store import schema
from reflexd_io.store.connections import OPEN

T = TypeVar("T")

PATIENCE = 0.2
"""Seconds a thread waits for its turn: less than the driver's `LOOKUP_TIMEOUT`, so that it ends before it is left."""
_THREADS = 16
"""Threads that the disk may hold up; beyond them every lookup is a miss until it answers again."""


class StoreUnavailable(Exception):  # noqa: N818 - it says what the store is
    """The tenant's file cannot be read now; the message says why."""


class IndexNotReady(StoreUnavailable):
    """The scope is too large to be searched without its index, which is being made."""


class Readers:
    """Everything but `read` belongs to the event loop's thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: OrderedDict[str, Reader] = OrderedDict()
        self._leaving: deque[Reader] = deque()
        self._threads = threading.Semaphore(_THREADS)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def problems(self) -> dict[str, str]:
        return {name: reader.problem for name, reader in self._open.items() if reader.problem}

    def of(self, tenant: str) -> "Reader":
        """The tenant's reader; the least recently used one leaves for it, to be closed by the next `read`."""
        reader = self._open.get(tenant)
        if reader is None:
            while len(self._open) >= OPEN:
                self._leaving.append(self._open.popitem(last=False)[1])
            reader = self._open[tenant] = Reader(self._folder / f"{tenant}.sqlite3")
        self._open.move_to_end(tenant)
        return reader

    def forget(self, tenant: str) -> None:
        """Its file goes: whoever reads it still reads to the end, and nobody else does. Blocks for a moment."""
        reader = self._open.pop(tenant, None)
        if reader is not None:
            reader.leave()

    def read(self, reader: "Reader", work: Callable[[sqlite3.Connection], T]) -> T | None:
        """What ``work`` finds in the tenant's file; None where there is no file yet. Blocks.

        Raises `StoreUnavailable`.
        """
        until = monotonic() + PATIENCE
        if not self._threads.acquire(timeout=PATIENCE):
            raise StoreUnavailable("busy")
        try:
            self._close_leaving()
            return reader.read(work, max(0.0, until - monotonic()))
        finally:
            self._threads.release()

    def close(self) -> None:
        """Blocks."""
        self._leaving.extend(self._open.values())
        self._open.clear()
        self._close_leaving()

    def _close_leaving(self) -> None:
        while self._leaving:
            try:
                reader = self._leaving.popleft()
            except IndexError:  # another thread was quicker
                return
            reader.leave()


class Reader:
    """One read-only connection, used by one worker thread at a time; opened anew after any failure."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._left = False
        self.problem: str | None = None

    def read(self, work: Callable[[sqlite3.Connection], T], patience: float) -> T | None:
        """Waits ``patience`` seconds for its turn. Raises `StoreUnavailable`."""
        if not self._lock.acquire(timeout=patience):
            raise StoreUnavailable("busy")
        try:
            return self._read(work)
        finally:
            self._lock.release()
            if self._left:
                self.leave()

    def leave(self) -> None:
        """Close once nobody uses it. A thread that does so now closes it when it is done."""
        self._left = True  # before the lock is tried: whoever holds it looks here after giving it back
        if self._lock.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._lock.release()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        try:
            if self._connection is None and not self._connect():
                return None
            assert self._connection is not None  # noqa: S101 - connecting has set it
            found = work(self._connection)
        except StoreUnavailable:  # the file is as it should be
            raise
        except ValueError as error:  # a damaged row, in a file that can be read
            raise StoreUnavailable(f"{self._path.name}: {error}") from error
        except Exception as error:  # whatever a damaged file makes of it, it costs this hit and no more
            self._drop()
            self.problem = f"{self._path.name}: {error}"
            raise StoreUnavailable(self.problem) from error
        self.problem = None
        return found

    def _connect(self) -> bool:
        """False where the writer is just making the file, or somebody moved it away."""
        if not self._path.exists():
            return False
        self._connection = open_to_read(self._path)
        if not schema.check(self._connection):
            self._drop()
            return False
        return True

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def open_to_read(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=PATIENCE, check_same_thread=False)
