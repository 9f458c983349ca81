"""The TUI on a clock that stands, and how a test waits for it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input, Tabs
from textual.widgets._tabs import Underline

from reflexd_tui.app import ReflexApp
from reflexd_tui.views.entries import EntriesView
from reflexd_tui.widgets.banner import Banner
from support.world import NOW


class Listened(ReflexApp):
    """What it says is kept: a toast goes after some seconds, which a busy machine may take for one key."""

    said: list[str]

    def notify(self, message: str, *, title: str = "", **how: Any) -> None:
        self.said = [*getattr(self, "said", []), f"{title} {message}"]
        super().notify(message, title=title, **how)


class ClockedApp(Listened):
    """Its clock stands, and no desktop's clipboard is touched."""

    copied: list[str]

    def __init__(self, *given: Any, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self.animation_level = "none"

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


async def press(pilot: Pilot[None], *pressed: str) -> None:
    """One key after another, each after what the one before it has brought."""
    for key in pressed:
        await pilot.press(key)
        await settle(pilot)


async def settle(pilot: Pilot[None], *besides: str) -> None:
    """Until no worker but the session's is at work, nor one that waits for a person or of a group ``besides``, and
    all is drawn.
    """
    for _ in range(200):
        for line in pilot.app.screen.query(Input):
            line.cursor_blink = False  # it stands like the clock
        await pilot.pause()
        busy = {worker.group for worker in pilot.app.workers if not worker.is_finished}
        if busy <= {"session", "act", *besides} and all(map(_is_underlined, pilot.app.screen.query(Tabs))):
            return
        await asyncio.sleep(0.02)


def _is_underlined(tabs: Tabs) -> bool:
    """The line under the tabs follows the active one a moment later."""
    line, tab = tabs.query_one(Underline), tabs.active_tab
    if tab is None or not tabs.region:
        return True  # nobody sees it
    place = tab.virtual_region.shrink(tab.styles.gutter)
    return (line.highlight_start, line.highlight_end) == place.column_span


def banner(pilot: Pilot[None]) -> str:
    return str(pilot.app.screen.query_one(Banner).render())


async def until_stored(pilot: Pilot[None], count: int) -> EntriesView:
    """The Entries view, once it shows so many."""
    view = pilot.app.screen_stack[0].query_one(EntriesView)
    await press(pilot, "2")
    for _ in range(100):
        if len(view.pages.rows) == count:
            return view
        await press(pilot, "r")
    raise AssertionError(f"{len(view.pages.rows)} entries are shown, {count} were expected")


def toasts(pilot: Pilot[None]) -> str:
    """All that was said so far."""
    return "\n".join(getattr(pilot.app, "said", []))
