"""What the tray shows, as pure functions of what it has seen: the icon's look, one line of status, and the menu.

Nothing here knows of pystray, of the daemon's address or of the clock: the time is an argument.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from msgspec import structs

from reflexd_core.routing import PRESETS
from reflexd_io.control_client.shapes.exchanges import ExchangeRow
from reflexd_io.control_client.shapes.tenants import State
from reflexd_tray.actions import (
    Action,
    Copy,
    Notify,
    OpenDashboard,
    OpenTerminal,
    Pause,
    PauseUntilTomorrow,
    Quit,
    QuitAndStop,
    StartAtLogin,
    StartServer,
    Toggle,
    UseMode,
    UseTenant,
)

RECENT = 5
UNTIL_RESUMED = -1.0
_TITLE = 128
"""Characters of a tooltip that Windows shows."""
_QUESTION = 48
_CENT = 0.005
"""Dollars; less would be shown as none, and then tokens say more."""


class Look(Enum):
    """States that the icon tells apart, by shape as well as by colour."""

    ON = "on"
    HIT = "hit"
    """Just now."""
    PAUSED = "paused"
    FAILING = "failing"
    """Passed through, or degraded, though nobody asked for it."""
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that the tray knows."""

    state: State | None = None
    """What the daemon said last; None until it has said anything."""
    offline: str | None = "looking for the daemon"
    """Why there is no daemon, in words; None while there is one."""
    tenants: tuple[str, ...] = ()
    recent: tuple[ExchangeRow, ...] = ()
    """The last hits, the newest first."""
    hit_just_now: bool = False
    at_login: bool = False
    notify: bool = True

    def with_hit(self, row: ExchangeRow) -> "Seen":
        others = tuple(other for other in self.recent if other.id != row.id)
        return replace(self, recent=(row, *others)[:RECENT], hit_just_now=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    text: str
    action: Action | None = None
    checked: bool | None = None
    """None where it is nothing to tick."""
    radio: bool = False
    default: bool = False
    """Done by a click on the icon, where the platform has that."""
    enabled: bool = True
    children: tuple["Item", ...] = ()


SEPARATOR = Item(text="-")
_PAUSES = (
    Item(text="15 minutes", action=Pause(15 * 60.0)),
    Item(text="1 hour", action=Pause(3600.0)),
    Item(text="Until tomorrow", action=PauseUntilTomorrow()),
)


def look(seen: Seen) -> Look:
    if seen.offline is not None or seen.state is None:
        return Look.OFFLINE
    if not seen.state.caching:
        return Look.PAUSED
    if seen.state.status == "degraded":
        return Look.FAILING
    return Look.HIT if seen.hit_just_now else Look.ON


def status_line(seen: Seen, now: datetime) -> str:
    """What it does and what it saved today, in one line."""
    state = seen.state
    if seen.offline is not None or state is None:
        return f"Not running: {seen.offline or 'looking for the daemon'}"
    if not state.caching:
        return f"{_paused(state, now)}: everything is passed through"
    if state.status == "degraded":
        why = "; ".join(f"{part}: {problem}" for part, problem in state.problems.items())
        return f"In trouble: {why or 'see the log'}"
    doing = {"normal": "Caching", "exact": "Caching, exact only", "shadow": "Watching only (shadow)"}[state.mode]
    return " · ".join([doing, *_savings(state)])


def title(seen: Seen, now: datetime) -> str:
    """The tooltip."""
    tenant = f" ({seen.state.active_tenant})" if seen.state is not None and seen.offline is None else ""
    text = f"Reflex{tenant}: {status_line(seen, now)}"
    return text if len(text) <= _TITLE else text[: _TITLE - 1] + "…"


def menu(seen: Seen, now: datetime) -> tuple[Item, ...]:
    """``now``: local time, without a zone the system's, whose days may have 23 or 25 hours."""
    head = Item(text=status_line(seen, now), enabled=False)
    if seen.offline is not None or seen.state is None:
        start = Item(text="Start Reflex", action=StartServer(), default=True)
        return (head, start, SEPARATOR, *_always(seen), SEPARATOR, Item(text="Quit", action=Quit()))
    state = seen.state
    return (
        head,
        Item(text="Caching on", action=Toggle(), checked=state.caching, default=True),
        Item(text="Pause for", children=_PAUSES),
        Item(text="Mode", children=_modes(state)),
        Item(text="Tenant", children=_tenants(seen, state)),
        SEPARATOR,
        Item(text="Copy base_url", children=_addresses(state)),
        Item(text="Recent hits", children=_recent(seen.recent)),
        Item(text="Open TUI", action=OpenTerminal("reflex-tui")),
        Item(text="Open dashboard", action=OpenDashboard()),
        Item(text="Set key", children=_keys(state)),
        SEPARATOR,
        *_always(seen),
        Item(text="Logs", action=OpenTerminal("reflexd", ("logs", "--follow"))),
        Item(text="About", children=_about(state)),
        SEPARATOR,
        Item(text="Quit (the server goes on)", action=Quit()),
        Item(text=_stop(state), action=QuitAndStop()),
    )


def toggled(seen: Seen) -> Seen:
    """As it will be once the daemon has done it: shown at once, and taken back if it does not."""
    if seen.state is None:
        return seen
    caching = not seen.state.caching
    changed = {"caching": caching, "paused_until": None if caching else UNTIL_RESUMED}
    return replace(seen, state=structs.replace(seen.state, **changed))


def until_tomorrow(now: datetime) -> float:
    """Seconds to the next local midnight, which is not always a day after the last."""
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.timestamp() - now.timestamp()


def _paused(state: State, now: datetime) -> str:
    if state.paused_until is None or state.paused_until < 0:
        return "Off"
    until = datetime.fromtimestamp(state.paused_until, now.tzinfo)
    day = "" if until.date() == now.date() else until.strftime("%a ")
    return f"Paused until {day}{until:%H:%M}"


def _savings(state: State) -> list[str]:
    said = []
    if state.today_hit_rate is not None:
        said.append(f"{state.today_hit_rate:.0%} hits today")
    if (state.today_saved_dollars or 0.0) >= _CENT:
        said.append(f"${state.today_saved_dollars:.2f} saved")
    elif state.today_saved_tokens:
        said.append(f"{state.today_saved_tokens:,} tokens saved")
    return said or ["no requests today"]


def _modes(state: State) -> tuple[Item, ...]:
    texts = (
        ("normal", "Normal"),
        ("exact", "Exact only: no answers to other wordings"),
        ("shadow", "Shadow: compare, but never answer by meaning"),
    )
    return tuple(
        Item(text=text, action=UseMode(mode), checked=state.mode == mode, radio=True)  # type: ignore[arg-type]
        for mode, text in texts
    )


def _tenants(seen: Seen, state: State) -> tuple[Item, ...]:
    names = seen.tenants if state.active_tenant in seen.tenants else (state.active_tenant, *seen.tenants)
    return tuple(
        Item(text=_plain(name), action=UseTenant(name), checked=name == state.active_tenant, radio=True)
        for name in names
    )


def _addresses(state: State) -> tuple[Item, ...]:
    openai, anthropic = f"{state.url}/v1", state.url
    exports = f"export OPENAI_BASE_URL={openai}\nexport ANTHROPIC_BASE_URL={anthropic}\n"
    return (
        Item(text="OpenAI", action=Copy(openai, "the base_url of OpenAI clients")),
        Item(text="Anthropic", action=Copy(anthropic, "the base_url of Anthropic clients")),
        Item(text="Shell exports", action=Copy(exports, "the exports for a shell")),
    )


def _recent(rows: Sequence[ExchangeRow]) -> tuple[Item, ...]:
    if not rows:
        return (Item(text="None yet", enabled=False),)
    return tuple(Item(text=_hit(row), action=OpenDashboard(row.id)) for row in rows)


def _hit(row: ExchangeRow) -> str:
    kind = {"hit-l1-exact": "exact", "hit-l3-verified": "verified", "hit-l2-semantic": "similar"}.get(row.status, "")
    asked = _plain(row.question) or row.model or row.dialect
    return f"{asked if len(asked) <= _QUESTION else asked[: _QUESTION - 1] + '…'}  ({kind or row.status})"


def _keys(state: State) -> tuple[Item, ...]:
    where = ("--tenant", state.active_tenant)
    return tuple(
        Item(text=name, action=OpenTerminal("reflexd", ("keys", "set", name, *where)))
        for name, upstream in PRESETS.items()
        if not upstream.keyless
    )


def _always(seen: Seen) -> tuple[Item, ...]:
    return (
        Item(text="Start at login", action=StartAtLogin(not seen.at_login), checked=seen.at_login),
        Item(text="Notifications", action=Notify(not seen.notify), checked=seen.notify),
    )


def _about(state: State) -> tuple[Item, ...]:
    lines = [f"Reflex {state.version} at {state.url}"]
    lines += [
        f"{name}: {_plain(str(state.models[name]))}"
        for name in ("backend", "device", "embedder", "verifier", "dtype", "dimension", "threshold")
        if state.models.get(name) is not None
    ]
    return tuple(Item(text=line, enabled=False) for line in lines)


def _stop(state: State) -> str:
    if not state.connections:
        return "Quit and stop the server"
    agents = f" of {', '.join(map(_plain, state.agents))}" if state.agents else ""
    plural = "" if state.connections == 1 else "s"
    return f"Quit and stop the server ({state.connections} connection{plural}{agents})"


def _plain(text: str) -> str:
    """Somebody's text on one line of a menu: nothing in it is a control or changes the direction of writing."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
