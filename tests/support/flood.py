"""A scripted daemon, in a process of its own, that tells the TUI of so many exchanges a second; what that costs."""

import asyncio
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from reflexd_io.control_client import Place
from reflexd_io.control_client.shapes.events import ExchangeEvent
from reflexd_tui.app import ReflexApp
from reflexd_tui.views.live import LiveView
from support.control import ScriptedDaemon
from support.world import exchange, world

STEP = 0.02
"""Seconds between what is sent, as the real daemon gathers it."""
PROBE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    sent: int
    shown: int
    """Rows of the feed at the end."""
    missed: int
    seconds: float
    """From the first to the last row that was seen."""
    late: list[float]
    """Seconds by which a task of the TUI's loop that sleeps 10 ms woke too late, in order of size."""
    memory: list[tuple[float, int]]
    """Resident bytes, by seconds since the beginning."""

    def lateness(self, share: float) -> float:
        return self.late[min(len(self.late) - 1, int(share * len(self.late)))]

    def grown(self, since: float) -> int:
        """Bytes from then until the end."""
        return self.memory[-1][1] - next(size for at, size in self.memory if at >= since)


async def measure(rate: int, seconds: float, memory: Path) -> Measured:
    """The TUI as it is, 120×40, without a terminal's own cost. Linux, for ``/proc``."""
    with _flooding(rate, seconds) as (place, tell):
        app = ReflexApp(lambda: place, memory=memory)
        async with app.run_test(size=(120, 40)):
            while not app.session.is_linked:  # noqa: ASYNC110 - it says so to nobody else
                await asyncio.sleep(PROBE)
            feed = app.query_one(LiveView).feed
            await asyncio.sleep(0.3)
            tell.send("go")
            late, sizes = list[float](), list[tuple[float, int]]()
            began = last = time.perf_counter()
            seen = 0
            while time.perf_counter() - last < 2.0 and feed._next < rate * seconds:
                before = time.perf_counter()
                await asyncio.sleep(PROBE)
                now = time.perf_counter()
                late.append(max(0.0, now - before - PROBE))
                if feed._next != seen:
                    seen, last = feed._next, now
                if not sizes or now - began - sizes[-1][0] >= 0.5:
                    sizes.append((now - began, _resident()))
            sizes.append((time.perf_counter() - began, _resident()))
            return Measured(
                sent=int(rate * seconds), shown=feed.total, missed=feed.missed, seconds=last - began,
                late=sorted(late), memory=sizes,
            )  # fmt: skip


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def _flooding(rate: int, seconds: float) -> Iterator[tuple[Place, "Connection[str, Place]"]]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_flood, args=(theirs, rate, seconds), daemon=True)
    process.start()
    try:
        yield ours.recv(), ours
    finally:
        process.terminate()
        process.join(10)


def _flood(pipe: "Connection[Place, str]", rate: int, seconds: float) -> None:
    scripted = ScriptedDaemon(world=world(exchanges=0))
    with scripted.running():
        pipe.send(scripted.place())
        pipe.recv()
        began, sent = time.perf_counter(), 0
        while sent < rate * seconds:
            due = min(int(rate * seconds), int((time.perf_counter() - began) * rate))
            scripted.tell(*(ExchangeEvent(exchange=exchange(number)) for number in range(sent, due)))
            sent = due
            time.sleep(STEP)
        time.sleep(30)
