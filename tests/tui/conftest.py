"""A TUI of this process before a scripted daemon of this process, on a clock that stands."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from reflexd_io.control_client import Place
from support import chat
from support.control import ScriptedDaemon
from support.real import Real, RealApp
from support.terminal import ClockedApp, settle, until
from support.upstream import ScriptedUpstream

Open = Callable[..., AbstractAsyncContextManager[Pilot[None]]]


@pytest.fixture
def anyio_backend() -> str:
    """Textual's loop is asyncio's."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def scripted() -> Iterator[ScriptedDaemon]:
    with ScriptedDaemon().running() as running:
        yield running


@pytest.fixture
def opened(scripted: ScriptedDaemon, tmp_path: Path) -> Open:
    """``async with opened() as pilot``: the TUI, linked to the scripted daemon."""

    @asynccontextmanager
    async def run(size: tuple[int, int] = (120, 30), **settings: Any) -> AsyncIterator[Pilot[None]]:
        find = settings.pop("find", scripted.place)
        linked = settings.pop("linked", True)
        app = ClockedApp(find, memory=tmp_path / "tui.json", **settings)
        async with app.run_test(size=size, notifications=True) as pilot:
            if linked:
                await until(pilot, lambda: app.session.is_linked and scripted.listeners > 0)
            await settle(pilot)
            yield pilot

    return run


@pytest.fixture
def inference() -> str:
    """Which models the real daemon loads."""
    return "off"


@pytest.fixture
def real(tmp_path: Path, inference: str) -> Iterator[Real]:
    with ExitStack() as stack:
        upstream = stack.enter_context(ScriptedUpstream().running())
        upstream.script = chat.answer
        yield Real(tmp_path / "storage", upstream, stack, inference)


@pytest.fixture
def real_opened(real: Real, tmp_path: Path) -> Open:
    """``async with real_opened() as pilot``: the TUI, linked to the real daemon, or to what a finder finds."""

    @asynccontextmanager
    async def run(finder: Callable[[], Place] | None = None) -> AsyncIterator[Pilot[None]]:
        app = RealApp(finder or real.place, memory=tmp_path / "tui.json", storage=real.storage)
        async with app.run_test(size=(120, 34), notifications=True) as pilot:
            if finder is None:
                await until(pilot, lambda: app.session.is_linked)
            await settle(pilot)
            yield pilot

    return run
