"""What the TUI knows again at its next start, and what it does with what it cannot read."""

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from reflexd_tui.remembered import Remembered, load, save
from reflexd_tui.views.entries import EntriesView
from reflexd_tui.views.live import LiveView
from reflexd_tui.widgets.filter_bar import FilterBar
from support.control import ScriptedDaemon
from support.terminal import press, toasts, until

pytestmark = pytest.mark.anyio


async def test_filter_and_search_hold_again_at_the_next_start(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "slash", *"status:miss", "enter", "2", "slash", *"mutex", "enter")
    scripted.asked.clear()
    async with opened() as pilot:
        live = pilot.app.query_one(LiveView)
        await until(pilot, lambda: len(live.feed) > 0)
        assert live.query_one(FilterBar).text == "status:miss"
        assert {live.feed.row(place).status for place in range(len(live.feed))} == {"miss"}
        assert "shown" in live.told()
        assert not [path for _, path, _ in scripted.asked if "/admin/entries" in path]  # nobody looks there yet
        await press(pilot, "2")
        view = pilot.app.query_one(EntriesView)
        assert view.query_one(FilterBar).text == "mutex"
        assert all("mutex" in row.question for row in view.pages.rows)
        await press(pilot, "escape", "1", "escape")
        assert len(live.feed) == live.feed.total
    async with opened() as pilot:
        live = pilot.app.query_one(LiveView)
        assert live.query_one(FilterBar).text == ""
        assert pilot.app.query_one(EntriesView).query_one(FilterBar).text == ""


async def test_a_filter_that_nothing_fits_says_so_and_esc_takes_it_away(opened: Any) -> None:
    async with opened() as pilot:
        live = pilot.app.query_one(LiveView)
        await press(pilot, "slash", *"zzzz", "enter")
        assert live.has_class("-empty")
        assert "esc takes it away" in str(live.query_one("#empty", Static).render())
        await press(pilot, "escape")
        assert len(live.feed) == live.feed.total
        assert not live.has_class("-empty")


async def test_a_change_is_written_down_while_it_runs(opened: Any, tmp_path: Path) -> None:
    """A window that is closed kills it without a word."""
    async with opened() as pilot:
        await press(pilot, "T", "slash", *"status:hit", "enter", "2", "s", "8")
        kept = tmp_path / "tui.json"
        await until(pilot, lambda: load(kept).sort == "model")
        assert (load(kept).theme, load(kept).filter) == (pilot.app.theme, "status:hit")


@pytest.mark.parametrize(
    "damage",
    [b"", b"\xff\xfe", b"[]", b'{"theme": 5}', b'{"theme": "gone", "filter": "nope:x", "search": "a:b \\""}'],
)
async def test_what_cannot_be_read_is_as_nothing(
    opened: Any, scripted: ScriptedDaemon, tmp_path: Path, damage: bytes
) -> None:
    (tmp_path / "tui.json").write_bytes(damage)
    async with opened() as pilot:
        await press(pilot, "2", "1")
        live = pilot.app.query_one(LiveView)
        await until(pilot, lambda: len(live.feed) == live.feed.total > 0)
        assert not toasts(pilot)


async def test_a_folder_that_cannot_be_written_costs_nothing(opened: Any, tmp_path: Path) -> None:
    async with opened() as pilot:
        (tmp_path / "tui.json").mkdir()
        await press(pilot, "T", "q")
    assert (tmp_path / "tui.json").is_dir()


async def test_the_mouse_is_left_to_the_terminal_for_good(opened: Any, tmp_path: Path) -> None:
    async with opened() as pilot:
        await press(pilot, "M")
        assert "M takes it back" in toasts(pilot)
    assert load(tmp_path / "tui.json").mouse is False
    async with opened() as pilot:
        assert not pilot.app.takes_mouse
        await press(pilot, "M")
        assert pilot.app.takes_mouse
    assert load(tmp_path / "tui.json").mouse is True


async def test_without_it_for_once_is_not_kept(opened: Any, tmp_path: Path) -> None:
    save(tmp_path / "tui.json", Remembered())
    async with opened(takes_mouse=False) as pilot:
        assert not pilot.app.takes_mouse
    assert load(tmp_path / "tui.json").mouse is True
