"""The store: every tenant's answers on disk, one SQLite file each.

Reading happens in worker threads over read-only connections, writing in the one writer thread. Whatever fails
here costs a hit, never an answer: `get` raises `StoreUnavailable` and the request is forwarded.
"""

import re
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread

from reflexd_io.memory import Answer
from reflexd_io.store import records, schema
from reflexd_io.store.records import ANSWER_COLUMNS, Record, read_answer
from reflexd_io.store.writer import Operation, Writer

_OPEN = 16
"""Files open for reading at a time."""
_BUSY = 0.2
"""Seconds that a reader waits for its turn; the driver gives the whole look-up a little more."""
_WARM_STEP = 50

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class StoreUnavailable(Exception):  # noqa: N818 - it says what the store is
    """The tenant's file cannot be read now; the message says why."""


class Store:
    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """``folder`` is made, readable for its owner only. ``max_bytes`` bounds all files together."""
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._writer = Writer(folder, max_bytes=max_bytes)
        self._readers: OrderedDict[str, _Reader] = OrderedDict()
        self._limiter = anyio.CapacityLimiter(8)

    def start(self) -> None:
        self._writer.start()

    @property
    def problems(self) -> dict[str, str]:
        """Tenants whose file cannot be used at present, and why."""
        return {**{name: why for name, r in self._readers.items() if (why := r.problem)}, **self._writer.problems}

    async def get(self, tenant: str, key: bytes) -> Answer | None:
        """The stored answer, or None. Raises `StoreUnavailable`."""
        reader = self._reader(tenant)
        if reader is None:
            return None
        return await anyio.to_thread.run_sync(reader.get, key, abandon_on_cancel=True, limiter=self._limiter)

    async def newest(self, count: int, max_bytes: int) -> list[tuple[bytes, Answer]]:
        """The most recently used answers, for warming up, at most so many and so much.

        Tenants whose files changed last come first; what cannot be read is left out.
        """
        found: list[tuple[bytes, Answer]] = []
        files = sorted(self._folder.glob("*.sqlite3"), key=_changed, reverse=True)
        for path in files:
            reader = _Reader(path)  # of its own, so that no request waits for it
            try:
                start = 0
                while len(found) < count and max_bytes > 0:
                    limit = min(_WARM_STEP, count - len(found))
                    step = await anyio.to_thread.run_sync(reader.newest, limit, start, limiter=self._limiter)
                    if not step:
                        break
                    found += step
                    start += limit
                    max_bytes -= sum(answer.size() for _, answer in step)
            finally:
                await anyio.to_thread.run_sync(reader.close, limiter=self._limiter)
        return found

    def put(self, tenant: str, record: Record, told: Callable[[str | None], None]) -> None:
        """Keep the record; ``told`` is called in the event loop, with None once it is safe or with why it is not."""
        if not _TENANT.fullmatch(tenant):
            told(f"{tenant!r} is not a tenant's name")
            return
        token = anyio.lowlevel.current_token()

        def tell(problem: str | None) -> None:
            try:
                anyio.from_thread.run_sync(told, problem, token=token)
            except RuntimeError:  # the event loop ended while the disk was writing: nobody is left to tell
                return

        self._writer.submit(Operation(tenant, lambda connection: records.insert(connection, record), tell))

    def touch(self, tenant: str, key: bytes) -> None:
        """Note that the entry was used now."""
        self._writer.touch(tenant, key, time.time())

    async def close(self) -> bool:
        """Commit what was handed in. False if the disk did not take it within ten seconds."""
        finished = await anyio.to_thread.run_sync(self._writer.stop, 10.0)
        for reader in self._readers.values():
            reader.close()
        return finished

    def _reader(self, tenant: str) -> "_Reader | None":
        reader = self._readers.get(tenant)
        if reader is None:
            path = self._folder / f"{tenant}.sqlite3"
            if not _TENANT.fullmatch(tenant) or not path.exists():
                return None
            reader = self._readers[tenant] = _Reader(path)
            if len(self._readers) > _OPEN:  # every key that was ever seen may have a file
                self._readers.popitem(last=False)[1].retire()
        self._readers.move_to_end(tenant)
        return reader


class _Reader:
    """One read-only connection, used by one worker thread at a time; opened anew after any failure."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._retired = False
        self.problem: str | None = None

    def get(self, key: bytes) -> Answer | None:
        row = self._query(f"SELECT {ANSWER_COLUMNS} FROM entries WHERE key = ?", (key,))  # noqa: S608 - a constant
        if not row:
            return None
        try:
            return read_answer(row[0])[1]
        except ValueError as error:
            raise StoreUnavailable(str(error)) from error

    def newest(self, limit: int, start: int) -> list[tuple[bytes, Answer]]:
        found: list[tuple[bytes, Answer]] = []
        try:
            rows = self._query(
                f"SELECT {ANSWER_COLUMNS} FROM entries ORDER BY used DESC LIMIT ? OFFSET ?",  # noqa: S608
                (limit, start),
            )
        except StoreUnavailable:
            return found
        for row in rows:
            with suppress(ValueError):
                found.append(read_answer(row))
        return found

    def close(self) -> None:
        with self._lock:
            self._drop()

    def retire(self) -> None:
        """Close as soon as nobody reads; never waits."""
        self._retired = True
        if self._lock.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._lock.release()

    def _query(self, sql: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        if not self._lock.acquire(timeout=_BUSY):  # a disk that hangs must not gather threads
            raise StoreUnavailable(f"{self._path.name}: busy")
        try:
            return self._ask(sql, values)
        finally:
            if self._retired:
                self._drop()
            self._lock.release()

    def _ask(self, sql: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        try:
            if self._connection is None:
                uri = f"{self._path.absolute().as_uri()}?mode=ro"
                self._connection = sqlite3.connect(uri, uri=True, timeout=0.2, check_same_thread=False)
                if not schema.check(self._connection):
                    self._drop()  # just being made by the writer
                    return []
            rows: list[tuple[object, ...]] = self._connection.execute(sql, values).fetchall()
        except (sqlite3.Error, schema.NewerSchema) as error:
            self._drop()
            self.problem = f"{self._path.name}: {error}"
            raise StoreUnavailable(self.problem) from error
        self.problem = None
        return rows

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
