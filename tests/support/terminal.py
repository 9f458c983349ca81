"""The TUI on a clock that stands, and how a test waits for it."""

import asyncio
import time
from collections.abc import Callable

from textual.pilot import Pilot

from reflexd_tui.app import ReflexApp
from support.world import NOW


class ClockedApp(ReflexApp):
    """Its clock stands, and no desktop's clipboard is touched."""

    copied: list[str]

    def now(self) -> float:
        return NOW

    def copy(self, text: str, what: str) -> None:
        self.copied = [*getattr(self, "copied", []), text]
        self.say(f"Copied {what}: {len(text)} characters.")


async def until(pilot: Pilot[None], holds: Callable[[], bool], limit: float = 10.0) -> None:
    """Until it holds, or fails."""
    deadline = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        await asyncio.sleep(0.02)
    await pilot.pause()


async def settle(pilot: Pilot[None]) -> None:
    """Until no worker but the session's is at work, and all is drawn."""
    for _ in range(200):
        await pilot.pause()
        busy = [worker for worker in pilot.app.workers if worker.group != "session" and not worker.is_finished]
        waiting = [worker for worker in busy if worker.group == "act"]
        if not [worker for worker in busy if worker not in waiting]:
            return
        await asyncio.sleep(0.02)


def toasts(pilot: Pilot[None]) -> str:
    """All that was said so far and still stands."""
    return "\n".join(f"{note.title} {note.message}" for note in pilot.app._notifications)
