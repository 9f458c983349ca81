"""The tray's menu as text, in every state that it tells apart."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_tray import actions as act
from reflexd_tray import model
from reflexd_tray.model import Item, Look, Seen
from support.states import row, state

NOW = datetime(2026, 11, 25, 14, 0, tzinfo=timezone(timedelta(hours=1)))
ONLINE = Seen(state=state(), offline=None, tenants=("default", "work"))


def text(seen: Seen, now: datetime = NOW) -> str:
    """The menu as a person sees it: ticks, bullets, what is grey in brackets, submenus indented."""
    return "\n".join(_lines(model.menu(seen, now), ""))


def _lines(items: tuple[Item, ...], margin: str) -> list[str]:
    lines = []
    for item in items:
        mark = "" if item.checked is None else ("●○" if item.radio else "✓·")[not item.checked] + " "
        shown = "---" if item is model.SEPARATOR else f"{mark}{item.text}" if item.enabled else f"({item.text})"
        lines += [margin + shown + (" *" if item.default else ""), *_lines(item.children, margin + "    ")]
    return lines


def find(seen: Seen, *path: str) -> Item:
    items = model.menu(seen, NOW)
    for name in path:
        found = next(item for item in items if item.text.startswith(name))
        items = found.children
    return found


def test_the_menu_while_it_caches() -> None:
    saved = state(
        today_hit_rate=0.63, today_saved_dollars=1.42, connections=2, agents=["claude-code", "codex"], mode="normal"
    )
    seen = replace(
        ONLINE, state=saved, recent=(row(), row("x-2", status="hit-l3-verified", question="css: centre a"))
    )
    assert text(seen) == (
        "(Caching · 63% hits today · $1.42 saved)\n"
        "✓ Caching on *\n"
        "Pause for\n"
        "    15 minutes\n"
        "    1 hour\n"
        "    Until tomorrow\n"
        "Mode\n"
        "    ● Normal\n"
        "    ○ Exact only: no answers to other wordings\n"
        "    ○ Shadow: compare, but never answer by meaning\n"
        "Tenant\n"
        "    ● default\n"
        "    ○ work\n"
        "---\n"
        "Copy base_url\n"
        "    OpenAI\n"
        "    Anthropic\n"
        "    Shell exports\n"
        "Recent hits\n"
        "    How do I center a div?  (exact)\n"
        "    css: centre a  (verified)\n"
        "Open TUI\n"
        "Open dashboard\n"
        "Set key\n"
        + "".join(
            f"    {name}\n"
            for name in (
                *("openai", "anthropic", "groq", "openrouter", "mistral", "deepseek", "together", "xai", "gemini"),
            )
        )
        + "---\n"
        "· Start at login\n"
        "✓ Notifications\n"
        "Logs\n"
        "About\n"
        "    (Reflex 1.2.3 at http://127.0.0.1:8080)\n"
        "    (backend: cpu)\n"
        "    (device: x86_64 CPU, 2 threads)\n"
        "    (embedder: all-MiniLM-L6-v2)\n"
        "---\n"
        "Quit (the server goes on)\n"
        "Quit and stop the server (2 connections of claude-code, codex)"
    )


def test_the_menu_while_there_is_no_daemon() -> None:
    gone = Seen(offline="no Reflex daemon serves /x: start one with `reflexd serve`", state=state())
    assert text(gone) == (
        "(Not running: no Reflex daemon serves /x: start one with `reflexd serve`)\n"
        "Start Reflex *\n"
        "---\n"
        "· Start at login\n"
        "✓ Notifications\n"
        "---\n"
        "Quit"
    )


@pytest.mark.parametrize(
    ("changes", "look", "said"),
    [
        ({}, Look.ON, "Caching · no requests today"),
        ({"today_saved_tokens": 12_345}, Look.ON, "Caching · 12,345 tokens saved"),
        ({"today_saved_tokens": 45, "today_saved_dollars": 0.0004}, Look.ON, "Caching · 45 tokens saved"),
        ({"mode": "exact"}, Look.ON, "Caching, exact only · no requests today"),
        ({"mode": "shadow"}, Look.ON, "Watching only (shadow) · no requests today"),
        ({"caching": False, "paused_until": -1.0}, Look.PAUSED, "Off: everything is passed through"),
        ({"caching": False}, Look.PAUSED, "Off: everything is passed through"),
        (
            {"caching": False, "paused_until": NOW.timestamp() + 300},
            Look.PAUSED,
            "Paused until 14:05: everything is passed through",
        ),
        (
            {"caching": False, "paused_until": NOW.timestamp() + 36_000},
            Look.PAUSED,
            "Paused until Thu 00:00: everything is passed through",
        ),
        (
            {"status": "degraded", "problems": {"storage": "disk full"}},
            Look.FAILING,
            "In trouble: storage: disk full",
        ),
        ({"status": "degraded"}, Look.FAILING, "In trouble: see the log"),
    ],
)
def test_the_icon_and_the_line_of_status(changes: dict[str, object], look: Look, said: str) -> None:
    seen = replace(ONLINE, state=state(**changes))
    assert (model.look(seen), model.status_line(seen, NOW)) == (look, said)


def test_a_hit_shows_on_the_icon_only_while_it_caches() -> None:
    seen = ONLINE.with_hit(row())
    assert model.look(seen) is Look.HIT
    assert model.look(model.toggled(seen)) is Look.PAUSED
    assert model.look(Seen()) is model.look(replace(seen, offline="gone")) is Look.OFFLINE


def test_only_the_last_five_hits_are_kept_each_once() -> None:
    seen = ONLINE
    for number in (1, 2, 3, 4, 5, 6, 4):
        seen = seen.with_hit(row(f"x-{number}"))
    assert [hit.id for hit in seen.recent] == ["x-4", "x-6", "x-5", "x-3", "x-2"]


def test_a_toggle_shows_at_once_and_twice_is_none() -> None:
    off = model.toggled(ONLINE)
    assert find(off, "Caching on").checked is False
    assert model.toggled(off) == ONLINE
    assert model.toggled(Seen()) == Seen()


def test_what_the_items_ask_for() -> None:
    assert find(ONLINE, "Caching on").action == act.Toggle()
    assert find(ONLINE, "Pause for", "Until").action == act.PauseUntilTomorrow()
    assert find(ONLINE, "Tenant", "work").action == act.UseTenant("work")
    assert find(ONLINE, "Mode", "Exact").action == act.UseMode("exact")
    copied = find(ONLINE, "Copy base_url", "Shell").action
    assert isinstance(copied, act.Copy)
    assert "export OPENAI_BASE_URL=http://127.0.0.1:8080/v1\n" in copied.text
    key = find(ONLINE, "Set key", "groq").action
    assert key == act.OpenTerminal("reflexd", ("keys", "set", "groq", "--tenant", "default"))
    assert find(replace(ONLINE, recent=(row(),)), "Recent hits", "How").action == act.OpenDashboard("x-1")
    assert find(ONLINE, "Start at login").action == act.StartAtLogin(True)
    assert find(replace(ONLINE, at_login=True), "Start at login").action == act.StartAtLogin(False)


def test_the_active_tenant_is_listed_even_before_the_list_has_come() -> None:
    assert [item.text for item in find(replace(ONLINE, tenants=()), "Tenant").children] == ["default"]


def test_a_day_that_changes_its_clock_ends_at_midnight_too() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert model.until_tomorrow(datetime(2026, 11, 25, 23, 30, tzinfo=berlin)) == 1800
    # The last Sunday of October has 25 hours.
    assert model.until_tomorrow(datetime(2026, 10, 25, 0, 0, tzinfo=berlin)) == 25 * 3600


@given(st.text(max_size=300), st.text(max_size=300))
def test_nobodys_text_breaks_a_line_or_turns_it(question: str, tenant: str) -> None:
    seen = replace(ONLINE, recent=(row(question=question),), state=state(active_tenant=tenant, agents=[question]))
    lines = text(seen).split("\n")
    assert len(lines) == len(text(replace(ONLINE, recent=(row(),))).split("\n")) + ("default" not in tenant)
    assert all(char.isprintable() for line in lines for char in line)


@given(st.text(max_size=500))
def test_a_tooltip_fits(why: str) -> None:
    assert len(model.title(Seen(offline=why), NOW)) <= 128
