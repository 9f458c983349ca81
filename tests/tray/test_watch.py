"""The tray's view of a real daemon, and what its clicks do there."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpcore2
import pytest

from reflexd_io.control_client import BlockingClient, NotThere, Place, calls
from reflexd_io.runtime import Runtime
from reflexd_tray import actions as act
from reflexd_tray import at_login, memory, terminal
from reflexd_tray.doing import Doing
from reflexd_tray.model import Look, Seen, look
from reflexd_tray.notices import Notice
from reflexd_tray.watch import Watch
from support.chat import answer
from support.daemon import daemon, settings_for
from support.upstream import ScriptedUpstream
from support.wire import KEY

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # the tray's loop is asyncio's


class Eyes:
    """What was shown and told."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.looks: list[Look] = []
        self.notices: list[Notice] = []

    def show(self, seen: Seen) -> None:
        self.seen = seen
        if not self.looks or self.looks[-1] is not look(seen):
            self.looks.append(look(seen))

    async def until(self, found: Callable[[], object], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not found():  # noqa: ASYNC110 - what is waited for is what a stand-in has seen
                await asyncio.sleep(0.02)


@asynccontextmanager
async def watching(find: Callable[[], Place]) -> AsyncIterator[tuple[Watch, Eyes]]:
    eyes = Eyes()
    watch = Watch(find, Seen(), eyes.show, eyes.notices.append)
    task = asyncio.ensure_future(watch.run())
    try:
        yield watch, eyes
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def place(running: Runtime) -> Place:
    return Place(running.url, running.admin_token)


def ask(url: str, question: str) -> None:
    body = f'{{"model": "gpt-4o", "messages": [{{"role": "user", "content": "{question}"}}]}}'
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    with httpcore2.ConnectionPool() as pool:
        pool.request("POST", f"{url}/v1/chat/completions", headers=headers, content=body.encode())


async def test_hits_pulse_and_clicks_reach_the_daemon(tmp_path: Path) -> None:
    with ScriptedUpstream().running() as upstream:
        upstream.script = answer
        with daemon(settings_for(tmp_path / "store", upstream.url)) as running:
            async with watching(lambda: place(running)) as (watch, eyes):
                await eyes.until(lambda: look(eyes.seen) is Look.ON)
                for _ in range(2):
                    await asyncio.to_thread(ask, running.url, "hello")
                await eyes.until(lambda: eyes.seen.recent)
                assert Look.HIT in eyes.looks
                assert eyes.seen.recent[0].question == "hello"
                doing = Doing(watch, storage=None, leave=lambda: None)
                await doing.do(act.Toggle())
                assert look(eyes.seen) is Look.PAUSED
                assert BlockingClient(place(running)).do(calls.state()).caching is False
                await doing.do(act.Toggle())
                await doing.do(act.PauseUntilTomorrow())
                assert eyes.seen.state is not None
                assert (eyes.seen.state.paused_until or 0) > 0
                BlockingClient(place(running)).do(calls.resume())
                await eyes.until(lambda: look(eyes.seen) is not Look.PAUSED)
                await doing.do(act.UseMode("shadow"))
                assert eyes.seen.state.mode == "shadow"
                assert eyes.notices == []


async def test_the_days_numbers_follow_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reflexd_tray.watch.SOON", 0.05)
    with ScriptedUpstream().running() as upstream:
        upstream.script = answer
        with daemon(settings_for(tmp_path / "store", upstream.url)) as running:
            async with watching(lambda: place(running)) as (_, eyes):
                await eyes.until(lambda: look(eyes.seen) is Look.ON, 60.0)
                for _ in range(2):
                    await asyncio.to_thread(ask, running.url, "hello")
                # Well before REFRESH, and though numbers may be told a moment after the exchange itself.
                await eyes.until(lambda: eyes.seen.state is not None and eyes.seen.state.today_hit_rate == 0.5, 25.0)


async def test_what_the_daemon_refuses_is_taken_back_and_told(tmp_path: Path) -> None:
    with daemon(settings_for(tmp_path / "store", "http://127.0.0.1:9/v1")) as running:
        async with watching(lambda: place(running)) as (watch, eyes):
            await eyes.until(lambda: look(eyes.seen) is Look.ON)
            doing = Doing(watch, storage=None, leave=lambda: None)
            await doing.do(act.UseTenant("nobody"))
            assert eyes.notices[-1].title == "That did not work"
            assert "nobody" in eyes.notices[-1].text
            assert eyes.seen.state is not None
            assert eyes.seen.state.active_tenant == "default"


async def test_a_daemon_that_ends_is_missed_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reflexd_tray.watch.RETRIES", (0.05,))
    running: list[Runtime] = []

    def find() -> Place:
        if not running:
            raise NotThere("no daemon serves this")
        return place(running[0])

    settings = settings_for(tmp_path / "store", "http://127.0.0.1:9/v1")
    async with watching(find) as (watch, eyes):
        await eyes.until(lambda: eyes.seen.offline == "no daemon serves this")
        for _ in range(2):
            with daemon(settings) as found:
                running[:] = [found]
                await eyes.until(lambda: look(eyes.seen) is Look.ON)
                running.clear()
            await eyes.until(lambda: look(eyes.seen) is Look.OFFLINE)
        doing = Doing(watch, storage=None, leave=lambda: None)
        await doing.do(act.Toggle())
        assert eyes.notices[-1].title == "That did not work"


async def test_what_others_do_to_the_entry_at_login_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = tmp_path / "autostart.desktop"
    monkeypatch.setattr(at_login, "place", lambda: entry)
    with daemon(settings_for(tmp_path / "store", "http://127.0.0.1:9/v1")) as running:
        async with watching(lambda: place(running)) as (watch, eyes):
            await eyes.until(lambda: look(eyes.seen) is Look.ON, 60.0)
            at_login.switch(True)
            await watch.refresh()
            assert eyes.seen.at_login
            entry.unlink()
            await watch.refresh()
            assert not eyes.seen.at_login


async def test_local_clicks_stay_local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[list[str]] = []
    copied: list[str] = []
    entry = tmp_path / "autostart.desktop"
    monkeypatch.setattr(terminal, "run", lambda wanted: opened.append(list(wanted)))
    monkeypatch.setattr("pyperclip.copy", copied.append)
    monkeypatch.setattr(at_login, "place", lambda: entry)
    monkeypatch.setattr(memory, "_path", lambda: tmp_path / "tray.json")
    eyes = Eyes()
    watch = Watch(lambda: Place("", ""), Seen(), eyes.show, eyes.notices.append)
    left: list[bool] = []
    doing = Doing(watch, storage=tmp_path, leave=lambda: left.append(True))
    await doing.do(act.Copy("http://x/v1", "the base_url of OpenAI clients"))
    assert (copied, eyes.notices[-1].text) == (["http://x/v1"], "The base_url of OpenAI clients is in the clipboard.")
    await doing.do(act.OpenTerminal("reflex-tui"))
    assert opened[-1][-4:] == ["-m", "reflexd_tui", "--storage-path", str(tmp_path)]
    await doing.do(act.OpenTerminal("reflexd", ("logs", "--follow")))
    assert opened[-1][0] == ("cmd" if os.name == "nt" else "sh")
    await doing.do(act.StartAtLogin(True))
    assert eyes.seen.at_login
    assert entry.exists()
    await doing.do(act.StartAtLogin(False))
    assert not entry.exists()
    await doing.do(act.Notify(False))
    assert not memory.wants_notices(tmp_path / "tray.json")
    assert replace(eyes.seen, notify=True).notify
    await doing.do(act.Quit())
    assert left == [True]
    await doing.do(act.OpenDashboard())
    assert eyes.notices[-1].title == "Copied", "notices are off"
