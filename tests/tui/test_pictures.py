"""Each state of each screen as a picture: compared with the one in the repository, on a clock that stands.

``uv run pytest tests/tui/test_pictures.py --snapshot-update`` draws them anew; look at them before keeping them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from reflexd_io.control_client import NotThere, Place
from reflexd_io.control_client.shapes.exchanges import ExchangeRow
from reflexd_tui.remembered import Remembered, save
from support.control import ScriptedDaemon
from support.terminal import ClockedApp, settle, until
from support.world import MISSED, NOW, PARAPHRASE, World, entry, exchange, world

Steps = Callable[[Pilot[None], ScriptedDaemon], Awaitable[None]]
NARROW, WIDE, USUAL = (80, 24), (200, 50), (120, 34)
CONTROLS = "What does \x1b[31mred\x1b[0m do?\x07 \u202edrowssap\u202c [bold]x[/] \u200bhidden"


def keys(*pressed: str) -> Steps:
    async def run(pilot: Pilot[None], _: ScriptedDaemon) -> None:
        for key in pressed:
            await pilot.press(key)
            await settle(pilot)

    return run


NOTHING = keys()


def opens(row: ExchangeRow, *then: str) -> Steps:
    """The exchange is looked for by its question, opened, and looked at."""

    async def run(pilot: Pilot[None], scripted: ScriptedDaemon) -> None:
        app = pilot.app
        assert isinstance(app, ClockedApp)
        from reflexd_tui.screens.exchange import ExchangeScreen

        app.push_screen(ExchangeScreen(row))
        await settle(pilot)
        await keys(*then)(pilot, scripted)

    return run


async def goes_away(pilot: Pilot[None], scripted: ScriptedDaemon) -> None:
    app = pilot.app
    assert isinstance(app, ClockedApp)
    scripted.stop()
    await until(pilot, lambda: not app.session.is_linked)
    app.session._on_link("no Reflex daemon serves /home/me/.local/share/reflexd", 2)
    app.workers.cancel_group(app, "session")
    await settle(pilot)


async def comes_while_reading(pilot: Pilot[None], scripted: ScriptedDaemon) -> None:
    from reflexd_io.control_client.shapes.events import ExchangeEvent
    from reflexd_tui.views.live import LiveView

    await keys("k", "k", "k")(pilot, scripted)
    live = pilot.app.query_one(LiveView)
    scripted.tell(*(ExchangeEvent(exchange=exchange(number)) for number in range(100, 112)))
    await until(pilot, lambda: live.feed.new == 12)
    await settle(pilot)


async def refused(pilot: Pilot[None], scripted: ScriptedDaemon) -> None:
    scripted.refusals["POST /admin/pause"] = (503, "the settings file cannot be written: no space left on device")
    await keys("p")(pilot, scripted)


def odd() -> World:
    made = world()
    made.exchanges += [
        exchange(70, status="hit-l2-semantic", question=CONTROLS),
        exchange(71, http_status=429, status="miss", question="What is a quine? 量子コンピュータとは何ですか 🧑‍🚀"),
        exchange(72, joined=True, status="miss", question="line one\nline two\ttab"),
    ]
    return made


def degraded() -> World:
    made = world()
    made.state = msgspec.structs.replace(
        made.state, status="degraded", problems={"store": "the disk is full: nothing new is stored"}
    )
    return made


def paused() -> World:
    made = world()
    made.state = msgspec.structs.replace(made.state, caching=False, paused_until=NOW + 900)
    return made


def huge() -> World:
    made = world()
    row = entry(2, answer="x")
    made.entries[row.id] = row
    made.entry_details[row.id] = msgspec.structs.replace(
        made.entry_details[row.id], answer_text="A line of a very long answer.\n" * 170_000
    )
    return made


@dataclass(frozen=True)
class Scene:
    steps: Steps = NOTHING
    size: tuple[int, int] = USUAL
    world: Callable[[], World] = world
    theme: str = "textual-dark"
    linked: bool = True
    token: str | None = None
    colour: bool = True
    settings: dict[str, Any] = field(default_factory=dict)


SCENES = {
    "live": Scene(),
    "live-narrow": Scene(size=NARROW),
    "live-wide": Scene(size=WIDE),
    "live-tiny": Scene(size=(30, 8)),
    "live-no-color": Scene(colour=False),
    "live-refused": Scene(linked=False, token="stale"),
    "live-light": Scene(theme="textual-light"),
    "live-contrast": Scene(theme="reflex-contrast"),
    "live-empty": Scene(world=lambda: world(exchanges=0)),
    "live-empty-narrow": Scene(world=lambda: world(exchanges=0), size=NARROW),
    "live-no-daemon": Scene(linked=False),
    "live-disconnected": Scene(goes_away),
    "live-reading": Scene(comes_while_reading),
    "live-filtered": Scene(keys("slash", *"status:hit", "space", *"model:gpt-4o", "enter")),
    "live-bad-filter": Scene(keys("slash", *"status:hti")),
    "live-odd": Scene(world=odd),
    "live-degraded": Scene(world=degraded),
    "live-paused": Scene(world=paused),
    "live-read-only": Scene(settings={"read_only": True}),
    "live-error": Scene(refused),
    "help": Scene(keys("question_mark"), size=(120, 50)),
    "decision": Scene(opens(PARAPHRASE)),
    "decision-light": Scene(opens(PARAPHRASE), theme="textual-light"),
    "decision-narrow": Scene(opens(PARAPHRASE), size=NARROW),
    "decision-miss": Scene(opens(MISSED)),
    "key-diff": Scene(opens(MISSED, "l")),
    "question-diff": Scene(opens(PARAPHRASE, "l", "l")),
    "answer": Scene(opens(PARAPHRASE, "l", "l", "l")),
    "answer-huge": Scene(opens(PARAPHRASE, "l", "l", "l"), world=huge),
    "request": Scene(opens(PARAPHRASE, "h")),
    "entries": Scene(keys("2")),
    "entries-narrow": Scene(keys("2"), size=NARROW),
    "entries-wide": Scene(keys("2"), size=WIDE),
    "entries-marked": Scene(keys("2", "j", "space", "space", "space")),
    "entries-purge": Scene(keys("2", "j", "space", "space", "space", "d")),
    "entries-purged": Scene(keys("2", "j", "space", "space", "d", "tab", "enter")),
    "entries-none": Scene(keys("2"), world=lambda: world(entries=0)),
    "entries-no-match": Scene(keys("2", "slash", *"zzz", "enter")),
    "entry": Scene(keys("2", "j", "j", "enter", "l")),
    "trash": Scene(keys("2", "d", "tab", "enter", "ctrl+t")),
    "tenants": Scene(keys("3")),
    "tenants-narrow": Scene(keys("3"), size=NARROW),
    "tenants-token": Scene(keys("3", "n", *"tablet", "enter")),
    "tenants-remove": Scene(keys("3", "j", "x", *"hom")),
    "tenants-key": Scene(keys("3", "s", *"sk-secret")),
    "stats": Scene(keys("4"), size=(120, 46)),
    "stats-light": Scene(keys("4"), size=(120, 46), theme="textual-light"),
    "stats-narrow": Scene(keys("4"), size=NARROW),
    "stats-wide": Scene(keys("4"), size=WIDE),
}


def nowhere() -> Place:
    raise NotThere("no Reflex daemon serves /home/me/.local/share/reflexd: start one with `reflexd serve`")


@pytest.mark.parametrize("name", SCENES)
def test_picture(
    name: str, snap_compare: Callable[..., bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = SCENES[name]
    if not scene.colour:
        monkeypatch.setenv("NO_COLOR", "1")
    memory = tmp_path / "tui.json"
    save(memory, Remembered(theme=scene.theme))
    scripted = ScriptedDaemon(world=scene.world())
    with scripted.running():
        find = scripted.place if scene.linked else nowhere
        if scene.token is not None:
            given = Place(scripted.url, scene.token)
            find = lambda: given  # noqa: E731
        app = ClockedApp(find, memory=memory, **scene.settings)

        async def before(pilot: Pilot[None]) -> None:
            if scene.linked:
                await until(pilot, lambda: app.session.is_linked and scripted.listeners > 0)
            else:
                await until(pilot, lambda: "again in 1 s" in (app._problem or ""))
                app.workers.cancel_group(app, "session")
            await settle(pilot)
            await scene.steps(pilot, scripted)
            await settle(pilot)

        assert snap_compare(app, terminal_size=scene.size, run_before=before)
