"""The TUI before the real daemon: a process of its own, which is killed, started again, and changed by others."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from textual.pilot import Pilot
from textual.widgets import Static, TabbedContent

from reflexd_io.control_client import Place, calls
from reflexd_io.control_client.shapes.entries import Purge
from reflexd_tui.screens.exchange import ExchangeScreen
from reflexd_tui.views.live import LiveView
from reflexd_tui.views.stats import StatsView
from reflexd_tui.views.tenants import TenantsView
from reflexd_tui.widgets.answer import AnswerPane
from reflexd_tui.widgets.dialogs import Confirm, Prompt
from support.real import Real, stored
from support.terminal import banner, press, toasts, until

pytestmark = pytest.mark.anyio
Opened = Callable[..., AbstractAsyncContextManager[Pilot[None]]]
START = 20.0
"""Seconds within which a daemon that was started again is found, on a busy machine."""


def live(pilot: Pilot[None]) -> LiveView:
    return pilot.app.screen_stack[0].query_one(LiveView)


def statuses(pilot: Pilot[None]) -> list[str]:
    feed = live(pilot).feed
    return [feed.row(place).status for place in range(len(feed))]


async def test_a_hit_appears_within_a_second(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        assert "No requests yet" in str(live(pilot).query_one("#empty", Static).render())
        assert real.url in str(live(pilot).query_one("#empty", Static).render())
        await real.ask("How do I centre a div?")
        await until(pilot, lambda: statuses(pilot) == ["miss"])
        await real.ask("How do I centre a div?")
        answered = time.perf_counter()
        await until(pilot, lambda: statuses(pilot) == ["miss", "hit-l1-exact"])
        assert time.perf_counter() - answered < 1.0
        row = live(pilot).feed.row(1)
        assert row.saved_tokens == 19
        assert row.question == "How do I centre a div?"


async def test_what_happened_before_comes_first(real_opened: Opened, real: Real) -> None:
    for number in range(3):
        await real.ask(f"before {number}")
    async with real_opened() as pilot:
        await real.ask("after")
        await until(pilot, lambda: len(live(pilot).feed) == 4)
        shown = [live(pilot).feed.row(place).question for place in range(4)]
        assert shown == ["before 0", "before 1", "before 2", "after"]


async def test_a_miss_is_opened_and_says_in_what_it_differs(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        await real.ask("How do I centre a div?", temperature=0)
        await real.ask("How do I centre a div?", temperature=1)
        await until(pilot, lambda: statuses(pilot) == ["miss", "miss"])
        await press(pilot, "enter")
        screen = pilot.app.screen
        assert isinstance(screen, ExchangeScreen)
        await until(pilot, lambda: screen.entry is not None)
        decision = str(screen.query_one("#decision-lines", Static).render())
        assert "L1 exact key" in decision
        assert "chat" in decision
        await press(pilot, "l")
        assert screen.query_one(TabbedContent).active == "diff"
        told = str(screen.query_one("#diff-lines", Static).render())
        assert "$.temperature" in told
        await press(pilot, "l", "l")
        assert "Grüezi" in str(screen.query_one(AnswerPane).query("MarkdownParagraph").last().render())
        await press(pilot, "C", "c")
        assert "Grüezi" in pilot.app.copied[1]
        assert f"curl {real.url}/v1/chat/completions" in pilot.app.copied[0]
        assert '"temperature":1' in pilot.app.copied[0].replace(" ", "")


async def test_entries_are_found_while_a_word_is_being_typed(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        view = await stored(pilot, real, 3)
        await real.ask("Explain monads with burritos")
        await press(pilot, "slash", *"burri")
        await until(pilot, lambda: [row.question for row in view.pages.rows] == ["Explain monads with burritos"])
        await press(pilot, "escape")
        await until(pilot, lambda: len(view.pages.rows) == 4)


async def test_a_purge_and_its_undo_are_real(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        await stored(pilot, real, 4)
        await press(pilot, "space", "space", "d")
        assert isinstance(pilot.app.screen, Confirm)
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "2 entries purged" in toasts(pilot))
        assert await real.entries() == 2
        await press(pilot, "u")
        await until(pilot, lambda: "2 entries are back" in toasts(pilot))
        assert await real.entries() == 4
        assert (await real.ask("What is the number 3?"))["x-reflex-status"] == "hit-l1-exact"


async def test_an_undo_shows_the_entries_again(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        view = await stored(pilot, real, 2)
        await press(pilot, "d", "tab", "enter")
        await until(pilot, lambda: len(view.pages.rows) == 1)
        await press(pilot, "u")
        await until(pilot, lambda: len(view.pages.rows) == 2)


async def test_a_purge_of_another_client_shows(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        view = await stored(pilot, real, 3)
        await real.do(calls.purge(Purge(everything=True)))
        await until(pilot, lambda: "purged elsewhere" in toasts(pilot))
        await until(pilot, lambda: view.pages.rows == [])


async def test_an_entry_is_purged_elsewhere_while_open(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        await stored(pilot, real, 1)
        await press(pilot, "enter")
        await until(pilot, lambda: pilot.app.screen.entry is not None)
        await real.do(calls.purge(Purge(everything=True)))
        await until(pilot, lambda: "purged meanwhile" in toasts(pilot))
        await press(pilot, "P")
        assert "That did not work" in toasts(pilot)
        await press(pilot, "d", "escape")
        assert pilot.app.is_running


async def test_a_tenant_is_added_and_switched_to_and_new_requests_are_its(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        await press(pilot, "3", "a")
        assert isinstance(pilot.app.screen, Prompt)
        await press(pilot, *"play", "enter")
        view = pilot.app.screen_stack[0].query_one(TenantsView)
        await until(pilot, lambda: "play" in [row.name for row in view._tenants])
        place = [row.name for row in view._tenants].index("play")
        await press(pilot, *["j"] * place, "space")
        await until(pilot, lambda: "⌂ play" in banner(pilot))
        await press(pilot, "1")
        await real.ask("Whose is this?")
        await until(pilot, lambda: len(live(pilot).feed) == 1)
        assert live(pilot).feed.row(0).tenant == "play"


async def test_pausing_is_seen_by_a_client_and_so_is_resuming(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        await real.ask("twice")
        await press(pilot, "p")
        assert "passing through" in banner(pilot)
        assert (await real.ask("twice"))["x-reflex-status"] == "bypass"
        await press(pilot, "p")
        assert "● caching" in banner(pilot)
        assert (await real.ask("twice"))["x-reflex-status"] == "hit-l1-exact"


async def test_what_another_client_pauses_is_seen_here(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        await real.do(calls.pause(seconds=600))
        await until(pilot, lambda: "passing through until" in banner(pilot))
        await real.do(calls.resume())
        await until(pilot, lambda: "● caching" in banner(pilot))


async def test_statistics_of_the_real_daemon(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        for _ in range(3):
            await real.ask("How do I centre a div?")
        view = pilot.app.screen_stack[0].query_one(StatsView)
        await press(pilot, "4")
        await until(pilot, lambda: view._stats is not None)
        assert "67%" in str(view.query_one("#rate", Static).render())
        for _ in range(100):  # hits are written in their own time
            if "How do I centre a div?" in str(view.query_one("#questions", Static).render()):
                break
            await press(pilot, "r")
        else:
            raise AssertionError("the question is not among those asked most")
        assert "exact" in str(view.query_one("#speed", Static).render())


async def test_a_killed_daemon_is_seen_and_found_again_and_the_feed_goes_on(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        await real.ask("before")
        await until(pilot, lambda: len(live(pilot).feed) == 1)
        real.process.kill()
        await until(pilot, lambda: "✗" in banner(pilot))
        assert live(pilot).feed.row(0).question == "before"
        assert pilot.app.screen_stack[0].query_one("#views").has_class("-stale")
        await asyncio.to_thread(real.start)
        await until(pilot, lambda: "● caching" in banner(pilot), START)
        assert not pilot.app.screen_stack[0].query_one("#views").has_class("-stale")
        await real.ask("before")
        await until(pilot, lambda: len(live(pilot).feed) == 2)
        assert statuses(pilot) == ["miss", "hit-l1-exact"]


async def test_what_happened_while_it_was_away_is_shown(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        real.process.kill()
        await until(pilot, lambda: "✗" in banner(pilot))
        await asyncio.to_thread(real.start)
        await real.ask("while nobody listened")
        await until(pilot, lambda: len(live(pilot).feed) == 1, START)
        await asyncio.sleep(0.3)
        assert len(live(pilot).feed) == 1  # told by the page and by the stream, and shown once


async def test_a_wrong_token_is_told_calmly(real_opened: Opened, real: Real) -> None:
    async with real_opened(lambda: Place(real.url, "stale")) as pilot:
        await until(pilot, lambda: "refuses this token (again in" in banner(pilot))
        await press(pilot, "2", "3", "4", "p")
        assert pilot.app.is_running


async def test_the_daemon_is_killed_in_the_midst_of_a_purge(real_opened: Opened, real: Real) -> None:
    async with real_opened() as pilot:
        view = await stored(pilot, real, 3)
        await press(pilot, "space", "space", "d")
        assert isinstance(pilot.app.screen, Confirm)
        real.process.kill()
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "That did not work" in toasts(pilot))
        assert len(view.pages.marked) == 2
        await asyncio.to_thread(real.start)
        await until(pilot, lambda: "● caching" in banner(pilot), START)
        await press(pilot, "d", "tab", "enter")
        await until(pilot, lambda: "2 entries purged" in toasts(pilot))
        assert await real.entries() == 1
