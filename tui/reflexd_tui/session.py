"""The daemon as the TUI sees it: found, watched, lost and found again, by one task that never gives up.

What it hears goes out as messages; events of a fifteenth of a second go out together, so that a burst costs one
drawing a frame and not one an event.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from reflexd_io.control_client import Ask, Client, NotThere, Place, Refused, calls
from reflexd_io.control_client.shapes.events import ChangedEvent, Event, HealthEvent
from reflexd_io.control_client.shapes.tenants import State

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRIES = (1, 2, 5)
"""Seconds between looks for a daemon, the last for ever."""
FRAME = 1 / 15
REFRESH = 10.0
_PARTING = 0.2
UNAUTHORIZED = 401
MOST_WAITING = 20_000
"""Events that wait for a frame; beyond them the oldest go, and are counted."""


class Session:
    def __init__(
        self,
        find: Callable[[], Place],
        *,
        on_link: Callable[[str | None, int], None],
        on_state: Callable[[State], None],
        on_events: Callable[[list[Event], int], None],
    ) -> None:
        """``find`` raises `NotThere` where no daemon is, and `ValueError` or `Refused` where it cannot be used.

        ``on_link`` hears what is wrong (None: nothing) and the seconds until the next look; ``on_events`` also how
        many were lost before these.
        """
        self._find = find
        self._on_link = on_link
        self._on_state = on_state
        self._on_events = on_events
        self._client: Client | None = None
        self._waiting: list[Event] = []
        self._lost = 0
        self._last: int | None = None
        self._hurry = asyncio.Event()
        self._asking: set[asyncio.Future[Any]] = set()
        self.has_looked = False
        """Whether it is known by now that a daemon answers, or that none does."""
        self.is_refused = False
        """Whether a daemon answers and wants another token: none need be started."""

    @property
    def is_linked(self) -> bool:
        return self._client is not None

    async def do(self, ask: Ask[T]) -> T:
        """Raises `NotThere` and `Refused`.

        Whoever no longer wants the answer leaves; the question goes on to its end, which keeps its connection whole.
        """
        if self._client is None:
            raise NotThere("no daemon is connected")
        asking = asyncio.ensure_future(self._client.do(ask))
        self._asking.add(asking)
        asking.add_done_callback(self._forget)
        return await asyncio.shield(asking)

    def _forget(self, asking: "asyncio.Future[Any]") -> None:
        self._asking.discard(asking)
        if not asking.cancelled():
            asking.exception()  # nobody else may ask for it

    async def download(self, target: str) -> AsyncGenerator[bytes]:
        """A stream's bytes as they come. Raises `NotThere` and `Refused`. After calling this, close the generator."""
        if self._client is None:
            raise NotThere("no daemon is connected")
        async with aclosing(self._client.download(target)) as pieces:
            async for piece in pieces:
                yield piece

    def look_now(self) -> None:
        """Somebody has started one."""
        self._hurry.set()

    async def run(self) -> None:
        tries = 0
        while True:
            self._hurry.clear()
            try:
                place = await asyncio.to_thread(self._find)
                async with Client(place) as client:
                    self._on_state(await client.do(calls.state()))
                    self._client, tries, self.is_refused = client, 0, False
                    self._on_link(None, 0)
                    try:
                        await self._listen(client)
                    finally:
                        await self._leave()
            except (NotThere, Refused, ValueError) as error:
                problem = str(error)
                self.is_refused = isinstance(error, Refused) and error.status == UNAUTHORIZED
                if self.is_refused:
                    problem = "the daemon refuses this token"
            finally:
                self._client, self.has_looked = None, True
            pause = RETRIES[min(tries, len(RETRIES) - 1)]
            tries += 1
            for left in range(pause, 0, -1):
                self._on_link(problem, left)
                try:
                    await asyncio.wait_for(self._hurry.wait(), 1)
                    break
                except TimeoutError:
                    continue

    async def _leave(self) -> None:
        """What is still asked for may end, but nobody waits long for that."""
        if self._asking:
            _, late = await asyncio.wait(set(self._asking), timeout=_PARTING)
            for asking in late:
                asking.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def refresh(self) -> None:
        """What the daemon says of itself now; that it does not is heard elsewhere."""
        try:
            self._on_state(await self.do(calls.state()))
        except (NotThere, Refused) as error:
            log.debug("the state could not be read: %s", error)

    async def _listen(self, client: Client) -> None:
        helpers = [asyncio.ensure_future(self._frames()), asyncio.ensure_future(self._refreshing())]
        try:
            async with aclosing(client.events(after=self._last)) as events:
                async for number, event in events:
                    self._last = number
                    self._take(event)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    def _take(self, event: Event) -> None:
        self._waiting.append(event)
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[0]
            self._lost += 1

    async def _frames(self) -> None:
        while True:
            await asyncio.sleep(FRAME)
            if not self._waiting:
                continue
            events, self._waiting = self._waiting, []
            lost, self._lost = self._lost, 0
            self._on_events(events, lost)
            if any(isinstance(event, ChangedEvent | HealthEvent) for event in events):
                await self.refresh()

    async def _refreshing(self) -> None:
        while True:
            await asyncio.sleep(REFRESH)
            await self.refresh()
