"""The keeper: writes what the ledger counted, every few seconds and when the daemon stops.

``kill -9`` loses what was counted since the last write. A disk that does not take it is tried again, and meanwhile
the tallies wait in memory, where they are few. A damaged file is set aside and begun anew, and that is told.
"""

import logging
import sqlite3
from functools import partial
from time import time

import anyio
import anyio.to_thread

from reflexd_io.faults import in_words
from reflexd_io.ledger import Ledger
from reflexd_io.stats.file import DAY, NewerFile, Row, StatsFile

log = logging.getLogger(__name__)

INTERVAL = 5.0
"""Seconds between two writes."""
LAST = 5.0
"""Seconds that the last write is given."""

_TROUBLE = (sqlite3.Error, OSError, NewerFile, ValueError, TypeError)
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Keeper:
    def __init__(self, ledger: Ledger, file: StatsFile) -> None:
        self._ledger = ledger
        self._file = file
        self._limiter = anyio.CapacityLimiter(1)
        self.problem: str | None = None
        """Why statistics are not written at present."""

    async def work(self) -> None:
        """For ever."""
        await self._learn()
        while True:
            await anyio.sleep(INTERVAL)
            await self.write()

    async def stop(self) -> None:
        """The last write. What the disk does not take in time is lost."""
        with anyio.move_on_after(LAST):
            await self.write()

    async def write(self) -> None:
        taken = self._ledger.take()
        if not taken:
            return
        add = partial(self._file.add, taken, time())
        try:
            await anyio.to_thread.run_sync(add, limiter=self._limiter)
            self.problem = None
        except _TROUBLE as error:
            self._ledger.give_back(taken)
            await self._trouble(error)

    async def since(self, start: float, tenant: str | None) -> list[Row]:
        """Rows from then on, what is yet to be written included. A file that cannot be read gives none."""
        await self.write()
        try:
            return await anyio.to_thread.run_sync(self._file.since, start, tenant, limiter=self._limiter)
        except _TROUBLE as error:
            await self._trouble(error)
            return []

    async def _learn(self) -> None:
        try:
            names = await anyio.to_thread.run_sync(self._file.names, time() - DAY, limiter=self._limiter)
        except _TROUBLE as error:
            await self._trouble(error)
        else:
            self._ledger.know(names)

    async def _trouble(self, error: BaseException) -> None:
        if getattr(error, "sqlite_errorcode", None) in _DAMAGED:
            try:
                aside = await anyio.to_thread.run_sync(self._file.set_aside, limiter=self._limiter)
            except OSError as failure:
                error = failure
            else:
                log.error("the statistics' file is damaged; it lies at %s now, and a new one is begun", aside)
                return
        if self.problem is None:  # once a spell: a full disk says so every few seconds
            log.warning("statistics are not written, trying every %s s: %s", INTERVAL, error)
        self.problem = in_words(error)
