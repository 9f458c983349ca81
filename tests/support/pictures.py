"""What is pictured of the TUI: each screen in each state it has, in each theme, narrow and wide.

A scene is a world, a size, a theme and what somebody does there. The states are drawn dark; every screen is drawn
once in each of the other looks, and once in each of the other sizes. None waits for a time, only for what it shows.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec
from textual.pilot import Pilot
from textual.widgets import Input, TabbedContent

from reflexd_io.control_client.shapes.entries import TrashRow
from reflexd_io.control_client.shapes.events import DroppedEvent, ExchangeEvent
from reflexd_io.control_client.shapes.exchanges import ExchangeRow
from reflexd_io.control_client.shapes.stats import Stats
from reflexd_io.control_client.shapes.tenants import TenantRow
from reflexd_tui.screens.exchange import ExchangeScreen
from reflexd_tui.views.live import LiveView
from support.control import ScriptedDaemon
from support.terminal import ClockedApp, press, settle, until
from support.world import MISSED, NOW, PARAPHRASE, World, entry, exchange, world

Steps = Callable[[Pilot[None], ScriptedDaemon], Awaitable[None]]
USUAL, TALL, NARROW, SMALL, WIDE = (120, 34), (120, 46), (80, 24), (60, 20), (200, 60)
CONTROLS = "What does \x1b[31mred\x1b[0m do?\x07 \u202edrowssap\u202c [bold]x[/] \u200bhidden"
LOST = "no Reflex daemon serves /home/me/.local/share/reflexd"


@dataclass(frozen=True)
class Scene:
    steps: tuple[Steps, ...] = ()
    size: tuple[int, int] = USUAL
    world: Callable[[], World] = world
    theme: str = "reflex-dark"
    linked: bool = True
    token: str | None = None
    colour: bool = True
    settings: dict[str, Any] = field(default_factory=dict)
    over: bool = False
    """Whether it is a dialog over something else."""
    waits: bool = True
    """Whether all that was asked for is to have come before the picture is taken."""


# What somebody does


def keys(*pressed: str) -> Steps:
    """One after another, each after what the one before it has brought."""

    async def run(pilot: Pilot[None], _: ScriptedDaemon) -> None:
        await press(pilot, *pressed)

    return run


def types(text: str, *then: str) -> Steps:
    """Into the line that has the focus."""

    async def run(pilot: Pilot[None], scripted: ScriptedDaemon) -> None:
        line = pilot.app.focused
        assert isinstance(line, Input)
        line.value = text
        line.cursor_position = len(text)
        await settle(pilot)
        await keys(*then)(pilot, scripted)

    return run


def opens(row: ExchangeRow) -> Steps:
    async def run(pilot: Pilot[None], _: ScriptedDaemon) -> None:
        await pilot.app.push_screen(ExchangeScreen(row))
        await settle(pilot)

    return run


def looks_at(tab: str) -> Steps:
    async def run(pilot: Pilot[None], _: ScriptedDaemon) -> None:
        pilot.app.screen.query_one(TabbedContent).active = tab
        await settle(pilot)

    return run


def refuses(what: str, status: int, words: str) -> Steps:
    async def run(_: Pilot[None], scripted: ScriptedDaemon) -> None:
        scripted.refusals[what] = (status, words)

    return run


async def goes_away(pilot: Pilot[None], scripted: ScriptedDaemon) -> None:
    app = pilot.app
    assert isinstance(app, ClockedApp)
    scripted.stop()
    await until(pilot, lambda: not app.session.is_linked)
    app.session._on_link(LOST, 2)
    app.workers.cancel_group(app, "session")
    await settle(pilot)


def asks_in_vain(key: str, what: str, group: str) -> Steps:
    """A key whose answer does not come while anybody looks."""

    async def run(pilot: Pilot[None], scripted: ScriptedDaemon) -> None:
        scripted.held = what
        await pilot.press(key)
        await until(pilot, lambda: any(what in f"{method} {target}" for method, target, _ in scripted.asked))
        await settle(pilot, group)

    return run


def hears(count: int, lost: int = 0) -> Steps:
    async def run(pilot: Pilot[None], scripted: ScriptedDaemon) -> None:
        live = pilot.app.query_one(LiveView)
        before = live.feed.total
        scripted.tell(
            *(ExchangeEvent(exchange=exchange(100 + number, at=NOW)) for number in range(count)),
            *([DroppedEvent(count=lost)] if lost else []),
        )
        await until(pilot, lambda: live.feed.total == before + count and live.feed.missed == lost)
        await settle(pilot)

    return run


# Where it is done


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


def unused() -> World:
    made = world(exchanges=0, entries=0)
    made.state = msgspec.structs.replace(
        made.state, agents=[], hit_rate=None, today_hit_rate=None, today_saved_dollars=0.0, today_saved_tokens=0
    )
    made.stats = Stats(
        range="today", since=NOW - 43_200, step=3600, exchanges=0, by_status={}, hits=0, storage_limit=2_147_483_648
    )
    return made


def alone() -> World:
    """One tenant, without tokens, keys or anybody's entries."""
    made = unused()
    made.tenants = {"default": TenantRow(name="default", active=True)}
    made.tokens, made.keys, made.seen = [], [], []
    made.state = msgspec.structs.replace(made.state, active_tenant="default")
    return made


def thrown_away() -> World:
    made = world()
    for number, (what, count, left) in enumerate(
        (("2 entries", 2, 590), ("older:30d of work", 1204, 331), ("tenant:home model:gpt-4o-mini", 37, 42))
    ):
        row = TrashRow(
            purge=f"p{number}", at=NOW - 600 + left, undo_until=NOW + left,
            count=count, size=count * 14_800, what=what,
        )  # fmt: skip
        made.trash[row.purge] = (row, [])
    return made


DISK_FULL = refuses("POST /admin/pause", 503, "the settings file cannot be written: no space left on device")
STORE_GONE = (503, "the store cannot be read: disk I/O error")
MARKS = keys("2", "j", "space", "space", "space")
ENTRY = keys("2", "j", "j", "enter")

SCREENS: dict[str, Scene] = {
    "live": Scene(),
    "exchange": Scene((opens(PARAPHRASE),)),
    "entry": Scene((ENTRY, looks_at("history"))),
    "entries": Scene((keys("2"),)),
    "trash": Scene((keys("2", "ctrl+t"),), world=thrown_away),
    "tenants": Scene((keys("3"),)),
    "stats": Scene((keys("4"),), size=TALL),
    "help": Scene((keys("question_mark"),), size=TALL, over=True),
}
"""Each once in each look and each size."""

PARTS: dict[str, Scene] = {
    "key-diff": Scene((opens(MISSED), looks_at("diff"))),
    "answer": Scene((opens(PARAPHRASE), looks_at("answer"))),
    "purge": Scene((MARKS, keys("d")), over=True),
}
"""Once in each look and where it is small: a tab, or a dialog, that stands for the others."""

STATES: dict[str, Scene] = {
    "live-tiny": Scene(size=(30, 8)),
    "live-refused": Scene(linked=False, token="stale"),
    "live-empty": Scene(world=unused),
    "live-empty-narrow": Scene(world=unused, size=NARROW),
    "live-no-daemon": Scene(linked=False),
    "live-no-daemon-elsewhere": Scene(linked=False, settings={"starts": False}),
    "live-disconnected": Scene((goes_away,)),
    "live-reading": Scene((keys("k", "k", "k"), hears(12))),
    "live-busy": Scene((hears(3000, lost=181),)),
    "live-filtered": Scene((keys("slash"), types("status:hit model:gpt-4o", "enter"))),
    "live-filtered-none": Scene((keys("slash"), types("tenant:nobody", "enter"))),
    "live-bad-filter": Scene((keys("slash"), types("tenant:work status:hti"))),
    "live-bad-filter-narrow": Scene((keys("slash"), types("tenant:work status:hti")), size=SMALL),
    "live-odd": Scene(world=odd),
    "live-degraded": Scene(world=degraded),
    "live-paused": Scene(world=paused),
    "live-read-only": Scene(settings={"read_only": True}),
    "live-error": Scene((DISK_FULL, keys("p"))),
    "live-wrong": Scene((keys("k", "w"),)),
    "live-ansi": Scene(theme="ansi-dark"),
    "live-nord": Scene(theme="nord"),
    "exchange-miss": Scene((opens(MISSED),)),
    "exchange-forgotten": Scene((opens(exchange(999)),)),
    "exchange-disconnected": Scene((opens(PARAPHRASE), goes_away)),
    "question-diff": Scene((opens(PARAPHRASE), looks_at("question"))),
    "answer-huge": Scene((opens(PARAPHRASE), looks_at("answer")), world=huge),
    "answer-none": Scene((opens(exchange(6)), looks_at("answer"))),
    "request": Scene((opens(PARAPHRASE), looks_at("raw"))),
    "key-diff-none": Scene((opens(PARAPHRASE), looks_at("diff"))),
    "entry-question": Scene((ENTRY,)),
    "entry-answer": Scene((ENTRY, looks_at("answer"))),
    "entry-request": Scene((ENTRY, looks_at("raw"))),
    "entry-gone": Scene((refuses("GET /admin/entries/", 404, "nothing is stored under that id"), ENTRY)),
    "entry-ttl": Scene((ENTRY, keys("t"), types("soon", "enter")), over=True),
    "entries-loading": Scene((asks_in_vain("2", "GET /admin/entries", "entries"),), waits=False),
    "entries-marked": Scene((MARKS,)),
    "entries-purged": Scene((keys("2", "j", "space", "space", "d", "tab", "enter"),)),
    "entries-none": Scene((keys("2"),), world=unused),
    "entries-no-match": Scene((keys("2", "slash"), types("zzz", "enter"))),
    "entries-bad-search": Scene((keys("2", "slash"), types("older:soon"))),
    "entries-error": Scene((refuses("GET /admin/entries", *STORE_GONE), keys("2"))),
    "entries-disconnected": Scene((keys("2"), goes_away)),
    "entries-export": Scene((MARKS, keys("x"), types("~/reflex-entries.jsonl")), over=True),
    "purge-everything": Scene((keys("2", "D"),), over=True),
    "trash-empty": Scene((keys("2", "ctrl+t"),)),
    "trash-drop": Scene((keys("2", "ctrl+t", "x"),), world=thrown_away, over=True),
    "tenants-alone": Scene((keys("3"),), world=alone),
    "tenants-add": Scene((keys("3", "a"), types("Play Ground", "enter")), over=True),
    "tenants-tokens": Scene((keys("3"), looks_at("tokens-tab"))),
    "tenants-no-tokens": Scene((keys("3"), looks_at("tokens-tab")), world=alone),
    "tenants-keys": Scene((keys("3"), looks_at("keys-tab"))),
    "tenants-seen": Scene((keys("3"), looks_at("seen-tab"))),
    "tenants-token": Scene((keys("3", "n"), types("tablet", "enter")), over=True),
    "tenants-remove": Scene((keys("3", "j", "x"), types("hom")), over=True),
    "tenants-key": Scene((keys("3", "s"), types("sk-secret")), over=True),
    "tenants-policy": Scene((keys("3", "tab", "tab", "j", "enter"),), over=True),
    "tenants-error": Scene((refuses("GET /admin/tenants", *STORE_GONE), keys("3"))),
    "tenants-disconnected": Scene((keys("3"), goes_away)),
    "stats-empty": Scene((keys("4"),), world=unused),
    "stats-loading": Scene((asks_in_vain("4", "GET /admin/stats", "stats"),), waits=False),
    "stats-error": Scene((refuses("GET /admin/stats", *STORE_GONE), keys("4"))),
    "stats-disconnected": Scene((keys("4"), goes_away)),
    "palette": Scene((keys("ctrl+p"),), over=True),
    "palette-small": Scene((keys("ctrl+p"),), size=SMALL, over=True),
    "palette-found": Scene((keys("ctrl+p"), types("pause")), over=True),
    "switch": Scene((keys("at"),), over=True),
    "read-only": Scene((keys("2", "d"),), settings={"read_only": True}),
}


def scenes() -> dict[str, Scene]:
    """All of them, by the names of their pictures."""
    made = {**SCREENS, **PARTS, **STATES}
    for name, scene in (SCREENS | PARTS).items():
        again = partial(replace, scene)
        made[f"{name}-light"] = again(theme="reflex-light")
        made[f"{name}-contrast"] = again(theme="reflex-contrast")
        made[f"{name}-no-color"] = again(colour=False)
        made[f"{name}-small"] = again(size=SMALL)
        if name in SCREENS:
            made[f"{name}-narrow"] = again(size=NARROW)
            made[f"{name}-wide"] = again(size=WIDE)
    return made
