"""Events: what has just happened, told to every face that listens.

One ring of the last few thousand, numbered; a listener is a place in it. So publishing never waits for anybody, a
listener that is too slow finds that the ring has moved past it and is told how many it missed, and one that comes
back is given what is still there. Everything here belongs to the event loop's thread.
"""

from collections.abc import Callable
from time import time

import anyio

from reflexd_io.control_client.shapes.events import DroppedEvent, Event

KEPT = 4096
GATHER = 0.02
"""Seconds in which what happens goes out together: a thousand events a second are fifty writes, not a thousand."""
BATCH = 256
"""Events that are made ready at a time."""

Made = Event | Callable[[], Event | None]
"""An event, or how it is made once somebody reads it; None where nothing is known of it any more."""
Numbered = list[tuple[int, Event]]


class Events:
    def __init__(self) -> None:
        # From the clock, so that a number from before a restart is below all of ours.
        self.first = self.next = int(time() * 1000) * 1000
        """The numbers of the first event of all, and of the one that comes next."""
        self._ring: list[Made | None] = [None] * KEPT
        self._news = anyio.Event()
        self._awaited = False
        """Whether somebody waits for news."""
        self.closed = False

    def publish(self, event: Made) -> None:
        self._ring[self.next % KEPT] = event
        self.next += 1
        if self._awaited:
            self._awaited = False
            self._news.set()

    def close(self) -> None:
        """Every listener's stream ends: the daemon is stopping."""
        self.closed = True
        self._news.set()

    def listener(self, after: int | None = None) -> "Listener":
        """One who hears what happens from now on, or what happened since number ``after``.

        A number that was never ours is from before a restart: then all that is still there is news.
        """
        if after is None:
            return Listener(self, self.next)
        return Listener(self, after + 1 if self.first <= after < self.next else self.first)

    def read(self, place: int) -> tuple[Numbered, int]:
        """The next events from this place on, and the place behind them."""
        batch: Numbered = []
        oldest = max(self.next - KEPT, self.first)
        if place < oldest:
            batch.append((oldest - 1, DroppedEvent(count=oldest - place)))
            place = oldest
        until = min(self.next, place + BATCH)
        for number in range(place, until):
            found = self._ring[number % KEPT]
            event = found() if callable(found) else found
            if event is not None:
                batch.append((number, event))
        return batch, until

    async def wait(self) -> None:
        """Until something has happened."""
        if not self._awaited:
            self._awaited, self._news = True, anyio.Event()
        if not self.closed:
            await self._news.wait()


class Listener:
    """A place in the ring; whoever stops waiting for it may go on later."""

    def __init__(self, events: Events, place: int) -> None:
        self._events = events
        self._place = place

    async def heard(self) -> Numbered | None:
        """What happened next; None once nothing more will."""
        events = self._events
        while not events.closed:
            if self._place == events.next:
                await events.wait()
                await anyio.sleep(GATHER)
                continue
            batch, self._place = events.read(self._place)
            return batch
        return None
