"""The store: every tenant's answers on disk, one SQLite file each.

Reading happens in worker threads over read-only connections, writing in the one writer thread. Whatever fails
here costs a hit, never an answer: `get` raises `StoreUnavailable` and the request is forwarded.
"""

import re
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread

from reflexd_io.memory import Answer
from reflexd_io.store import records, warm
from reflexd_io.store.readers import Readers, StoreUnavailable
from reflexd_io.store.records import Record
from reflexd_io.store.upkeep import tenants_in
from reflexd_io.store.writer import Operation, Writer

__all__ = ["Store", "StoreUnavailable"]

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_OVERHEAD = 1024
"""Bytes that a waiting record takes beside its answer and its request, roughly."""


class Store:
    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """``folder`` is made, readable for its owner only. ``max_bytes`` bounds all files together."""
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._known = tenants_in(folder)
        """Tenants that have a file: looking on the disk would make the event loop wait for it. The writer adds."""
        self._writer = Writer(folder, self._known, max_bytes=max_bytes)
        self._readers = Readers(folder)
        self._limiter = anyio.CapacityLimiter(8)

    def start(self) -> None:
        self._writer.start()

    @property
    def problems(self) -> dict[str, str]:
        """Tenants whose file cannot be used at present, and why."""
        return {**self._readers.problems, **self._writer.problems}

    async def get(self, tenant: str, key: bytes) -> Answer | None:
        """The stored answer, or None. Raises `StoreUnavailable`."""
        if tenant not in self._known or not _TENANT.fullmatch(tenant):
            return None
        reader = self._readers.of(tenant)
        return await anyio.to_thread.run_sync(
            self._readers.get, reader, key, abandon_on_cancel=True, limiter=self._limiter
        )

    async def newest(self, limit: int, max_bytes: int) -> AsyncGenerator[tuple[bytes, Answer]]:
        """For warming up: the most recently used answers, the last used first, ``limit`` and ``max_bytes`` in all.

        What cannot be read is left out. After calling this, close the iterator, which closes its file.
        """
        steps = warm.steps(self._folder, limit, max_bytes)
        limiter = anyio.CapacityLimiter(1)  # its own, so that no lookup waits for it
        try:
            while (step := await anyio.to_thread.run_sync(next, steps, None, limiter=limiter)) is not None:
                for found in step:
                    yield found
        finally:
            steps.close()

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

        size = len(record.answer.recorded) + len(record.request) + _OVERHEAD
        keep = Operation(tenant, lambda connection: records.insert(connection, record), tell, size)
        if not self._writer.submit(keep):
            told("the disk is too slow: too much is waiting to be written")

    def touch(self, tenant: str, key: bytes) -> None:
        """Note that the entry was used now."""
        self._writer.touch(tenant, key, time.time())

    async def close(self) -> bool:
        """Commit what was handed in. False if the disk did not take it within ten seconds."""
        finished = await anyio.to_thread.run_sync(self._writer.stop, 10.0)
        await anyio.to_thread.run_sync(self._readers.close)
        return finished
