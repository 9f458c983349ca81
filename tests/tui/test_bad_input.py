"""What goes wrong: a calm message each time, and never a traceback."""

import asyncio
import time
from typing import Any

import msgspec
import pytest
from textual.widgets import Static

from reflexd_io.control_client import NotThere, Place
from reflexd_io.control_client.shapes.events import ExchangeEvent, PurgedEvent
from reflexd_tui.views.entries import EntriesView
from reflexd_tui.views.live import LiveView
from reflexd_tui.widgets.answer import AnswerPane
from support.control import ScriptedDaemon
from support.terminal import banner, press, settle, toasts, until
from support.world import NOW, exchange

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "enter", "question_mark", "at"])
async def test_a_terminal_resized_to_nothing(opened: Any, key: str) -> None:
    async with opened() as pilot:
        await press(pilot, key)
        for size in ((1, 1), (2, 1), (1, 40), (300, 2), (20, 5), (120, 30)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
        assert pilot.app.is_running


async def test_the_daemon_goes_and_comes_back_and_what_was_seen_stays(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        view = pilot.app.query_one(LiveView)
        before = view.feed.total
        scripted.stop()
        await until(pilot, lambda: "again in" in banner(pilot))
        assert view.feed.total == before
        await press(pilot, "p")
        assert "no daemon is connected" in toasts(pilot)
        scripted.world.exchanges.append(exchange(150))  # it happened while we were away
        scripted.start()
        await until(pilot, lambda: "● caching" in banner(pilot))
        await until(pilot, lambda: view.feed.total == before + 1)


async def test_the_daemon_goes_in_the_midst_of_a_purge(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "space", "d")
        scripted.cut = "POST /admin/purge"
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "no daemon answers" in toasts(pilot))
        assert len(scripted.world.entries) == 40
        assert pilot.app.query_one(EntriesView).pages.marked  # they can be purged once it is back


async def test_a_daemon_that_is_heard_before_the_screen_is_there() -> None:
    LiveView().update_view()


async def test_a_wrong_token_is_told(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened(find=lambda: Place(scripted.url, "stale"), linked=False) as pilot:
        await until(pilot, lambda: "refuses this token (again in" in banner(pilot))
        assert "runtime.json" in str(pilot.app.query_one("#empty", Static).render())
        await press(pilot, "S")
        assert "A daemon runs already" in toasts(pilot)


async def test_no_daemon_is_offered_to_be_started(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Place:
        raise NotThere("no Reflex daemon serves /x")

    started = []

    def start(**given: Any) -> Place:
        started.append(given)
        raise NotThere("the daemon did not start: port 8080 is taken")

    monkeypatch.setattr("reflexd_tui.app.start_daemon", start)
    async with opened(find=nowhere, linked=False) as pilot:
        await until(pilot, lambda: "S starts one" in banner(pilot))
        await press(pilot, "S")
        await until(pilot, lambda: "port 8080 is taken" in toasts(pilot))
        assert started == [{"storage": None}]


async def test_an_entry_is_purged_elsewhere_while_open(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "k", "enter")
        del scripted.world.entries["e00002"]
        scripted.tell(PurgedEvent(purge="p", count=1, what="", at=NOW))
        await until(pilot, lambda: "purged meanwhile" in toasts(pilot))
        await press(pilot, "P")
        assert "nothing is stored under that id" in toasts(pilot)


async def test_an_entry_that_has_gone_is_opened(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "2")
        scripted.world.entries.clear()
        await press(pilot, "enter", "l", "l", "c", "C", "P", "d", "escape")
        assert pilot.app.is_running


async def test_control_and_bidi_characters_are_never_interpreted(opened: Any, scripted: ScriptedDaemon) -> None:
    odd = "\x1b]0;owned\x07\x1b[2J \u202eevil\u202c [bold red]x[/] [/nonsense] [@click=app.quit]q[/]\x9b31m"
    async with opened() as pilot:
        row = exchange(300, question=odd, model=odd, tenant=odd, client=odd)
        scripted.tell(ExchangeEvent(exchange=row))
        await until(pilot, lambda: pilot.app.query_one(LiveView).feed.index_of("x00300") is not None)
        drawn = pilot.app.export_screenshot()
        await press(pilot, "enter", "l", "l", "l", "l", "escape")
        scripted.world.state = msgspec.structs.replace(scripted.world.state, active_tenant=odd)
        await pilot.app.session.refresh()
        await pilot.pause()
        drawn += pilot.app.export_screenshot()
        assert not set(drawn) & set("\x1b\x07\x9b\u202e\u202c")
        assert "·evil·" in drawn


async def test_a_five_megabyte_answer_opens_at_once(opened: Any, scripted: ScriptedDaemon) -> None:
    known = scripted.world.entry_details["e00002"]
    answer = "A line of **Markdown** with `code`.\n" * 140_000
    scripted.world.entry_details["e00002"] = msgspec.structs.replace(known, answer_text=answer)
    async with opened() as pilot:
        longest, stop = 0.0, asyncio.Event()

        async def watch() -> None:
            nonlocal longest
            while not stop.is_set():
                before = time.perf_counter()
                await asyncio.sleep(0.01)
                longest = max(longest, time.perf_counter() - before)

        watching = asyncio.create_task(watch())
        await press(pilot, "k", "enter", "l", "l", "l")
        stop.set()
        await watching
        shown = str(pilot.app.screen.query_one(AnswerPane).query("Static").last().render())
        assert "5.0 MB in all" in shown
        assert longest < 5.0, f"the loop stood still for {longest:.2f} s"
        await press(pilot, "c")
        assert len(pilot.app.copied[0]) == len(answer)


async def test_a_slow_daemon_leaves_the_keys_free(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        scripted.delay = 10.0
        await pilot.press("2", "1", "k", "k")
        assert not pilot.app.query_one(EntriesView).pages.rows  # no answer came yet
        assert pilot.app.query_one(LiveView).rows.cursor == len(scripted.world.exchanges) - 3
        scripted.delay = 0.0


@pytest.mark.parametrize("kept", [b"", b"{", b'{"theme": 5}', b'{"theme": "no such", "hidden": ["question"]}'])
async def test_settings_that_cannot_be_read(opened: Any, tmp_path: Any, kept: bytes) -> None:
    (tmp_path / "tui.json").write_bytes(kept)
    async with opened() as pilot:
        assert pilot.app.query_one(LiveView).feed.total


@pytest.mark.parametrize("refused", ["/admin/entries", "/admin/tenants", "/admin/stats", "/admin/exchanges"])
async def test_an_endpoint_that_fails(opened: Any, scripted: ScriptedDaemon, refused: str) -> None:
    scripted.refusals[refused] = (500, "the store cannot be read")
    async with opened() as pilot:
        await press(pilot, "2", "3", "4", "1", "enter", "escape", "at")
        assert pilot.app.is_running
        if refused != "/admin/exchanges":  # the feed goes on without what came before
            assert "the store cannot be read" in toasts(pilot)
