"""What the daemon says: one task that asks and listens, and is patient while there is none.

It lives in a thread of its own with an event loop; whatever it learns it hands to `Told` and `Seen`, which are
values, and to the one callback that shows them.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from typing import assert_never

from reflexd_io.control_client import Client, NotThere, Place, Refused, calls
from reflexd_io.control_client.shapes.events import (
    ChangedEvent,
    DroppedEvent,
    Event,
    ExchangeEvent,
    HealthEvent,
    PurgedEvent,
    StoredEvent,
)
from reflexd_io.control_client.shapes.exchanges import ExchangeQuery
from reflexd_tray import at_login
from reflexd_tray.model import RECENT, Seen
from reflexd_tray.notices import Notice, Told

log = logging.getLogger(__name__)

RETRIES = (1.0, 2.0, 5.0)
"""Seconds between looks for the daemon, the last for ever."""
REFRESH = 30.0
SOON = 3.0
"""Seconds after an exchange until the day's numbers are asked for anew; what comes meanwhile is among them."""
AUDITS = 600.0
PULSE = 1.5
"""Seconds that the icon shows a hit, and the least between two such."""


class Watch:
    def __init__(
        self, find: Callable[[], Place], seen: Seen, show: Callable[[Seen], None], notify: Callable[[Notice], None]
    ) -> None:
        """``find`` raises `NotThere` where no daemon runs; ``show`` and ``notify`` may be called from this thread."""
        self._find = find
        self.seen = seen
        self._told = Told()
        self._show = show
        self._notify = notify
        self._client: Client | None = None
        self._pulsed_at = 0.0
        self._counted = asyncio.Event()
        """Something has changed the day's numbers."""

    @property
    def client(self) -> Client:
        """Raises `NotThere`."""
        if self._client is None:
            raise NotThere(self.seen.offline or "no daemon runs")
        return self._client

    def change(self, seen: Seen) -> None:
        """Show something else at once."""
        self.seen = seen
        self._told = self._told.on_state(seen, time.time())
        self._publish()

    def tell(self, what: str, more: str) -> None:
        """What came of a click."""
        self._told = self._told.on_click(what, more)
        self._publish()

    async def run(self) -> None:
        tries = 0
        while True:
            try:
                async with self._connected() as client:
                    tries = 0
                    await self._listen(client)
            except NotThere as error:
                self.change(replace(self.seen, offline=str(error)))
            except (Refused, ValueError) as error:
                log.warning("the daemon cannot be watched: %s", error)
                self.change(replace(self.seen, offline=f"it cannot be watched: {error}"))
            await asyncio.sleep(RETRIES[min(tries, len(RETRIES) - 1)])
            self.change(replace(self.seen, at_login=at_login.is_on()))  # and time has passed: somebody may be told
            tries += 1

    async def refresh(self) -> None:
        """Ask for what the daemon says of itself. Raises `NotThere`, `Refused`."""
        state = await self.client.do(calls.state())
        tenants = await self.client.do(calls.list_tenants())
        names = tuple(row.name for row in tenants.items if not row.anonymous)
        self.change(replace(self.seen, state=state, tenants=names, offline=None, at_login=at_login.is_on()))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Client]:
        async with Client(self._find()) as client:
            self._client = client
            try:
                await self.refresh()
                page = await client.do(calls.list_exchanges(ExchangeQuery(status="hit", limit=RECENT)))
                self.change(replace(self.seen, recent=tuple(page.items)))
                yield client
            finally:
                self._client = None

    async def _listen(self, client: Client) -> None:
        asking = [asyncio.ensure_future(self._refreshing()), asyncio.ensure_future(self._auditing(client))]
        try:
            async with aclosing(client.events()) as events:
                async for _, event in events:
                    await self._hear(event)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _hear(self, event: Event) -> None:
        match event:
            case ExchangeEvent(exchange=row):
                self._told = self._told.on_exchange(row)
                self._counted.set()
                if row.status.startswith("hit"):
                    self._pulse(self.seen.with_hit(row))
                else:
                    self._publish()
            case ChangedEvent() | HealthEvent() | PurgedEvent() | DroppedEvent():
                await self.refresh()
            case StoredEvent():
                pass
            case _:
                assert_never(event)

    def _pulse(self, seen: Seen) -> None:
        """Show the hit; the icon blinks at most every so often."""
        now = time.monotonic()
        rests = now - self._pulsed_at < 2 * PULSE
        if not rests:
            self._pulsed_at = now
            asyncio.get_running_loop().call_later(PULSE, self._calm)
        self.change(replace(seen, hit_just_now=self.seen.hit_just_now if rests else True))

    def _calm(self) -> None:
        self.change(replace(self.seen, hit_just_now=False))

    async def _refreshing(self) -> None:
        """What changes without an event: the day's savings, who is connected, a pause that ended."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._counted.wait(), REFRESH)
                await asyncio.sleep(SOON)
            self._counted.clear()
            try:
                await self.refresh()
            except (NotThere, Refused) as error:
                log.debug("could not refresh: %s", error)

    async def _auditing(self, client: Client) -> None:
        while True:
            try:
                self._told = self._told.on_audits(await client.do(calls.audits()))
                self._publish()
            except (NotThere, Refused) as error:
                log.debug("could not ask for audits: %s", error)
            await asyncio.sleep(AUDITS)

    def _publish(self) -> None:
        self._show(self.seen)
        waiting, self._told = self._told.waiting, self._told.shown()
        for notice in waiting if self.seen.notify else ():
            self._notify(notice)
