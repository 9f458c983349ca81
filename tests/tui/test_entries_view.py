"""The Entries view before a scripted daemon: sorted by any column, read page by page, exported."""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from reflexd_io.control_client.shapes import entries
from reflexd_io.control_client.shapes.entries import EntryPage, SortName
from reflexd_tui.pure.pages import Pages
from reflexd_tui.screens.entry import EntryScreen
from reflexd_tui.sorting import SortBy
from reflexd_tui.views.entries import PAGE, EntriesView
from reflexd_tui.views.entry_table import SORTED
from reflexd_tui.widgets.dialogs import Confirm
from support import control
from support.control import ScriptedDaemon
from support.terminal import press, settle, toasts, until
from support.world import entry, world

pytestmark = pytest.mark.anyio


def view_of(pilot: Pilot[None]) -> EntriesView:
    return pilot.app.screen_stack[0].query_one(EntriesView)


def asked(scripted: ScriptedDaemon) -> str:
    """The last page that was asked for."""
    return next(path for _, path, _ in reversed(scripted.asked) if path.startswith("/admin/entries?"))


def told(pilot: Pilot[None]) -> str:
    return str(view_of(pilot).query_one(".status", Static).render())


def test_every_column_but_the_mark_sorts_and_the_daemon_knows_them_all() -> None:
    assert [column.key for column in SORTED] == list(get_args(SortName))


@pytest.mark.parametrize("place", range(1, len(SORTED) + 1))
async def test_sorted_by_any_column_by_two_keys_and_the_other_way_round(
    opened: Any, scripted: ScriptedDaemon, place: int
) -> None:
    column = SORTED[place - 1].key
    async with opened() as pilot:
        await press(pilot, "2", "j", "j", "s")
        assert isinstance(pilot.app.screen, SortBy)
        await press(pilot, str(place))
        text = column in ("tenant", "dialect", "model", "question")
        first = column != "created" and not text  # it was the order already, so it is turned
        assert f"sort={column}&descending={str(first).lower()}" in asked(scripted)
        assert view_of(pilot).rows.cursor == 0  # another order is read from its top
        await press(pilot, "v")
        assert f"sort={column}&descending={str(not first).lower()}" in asked(scripted)
        assert view_of(pilot).rows.sorted_by == (column, not first)


async def test_the_column_is_chosen_from_the_list_or_not_at_all(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "s", "s", "j", "k", "enter")
        assert "sort=used&descending=true" in asked(scripted)
        await press(pilot, "s")
        shown = pilot.app.screen.query_one(OptionList)
        assert shown.highlighted == 1
        assert "Used ▼" in str(shown.get_option_at_index(1).prompt)
        before = len(scripted.asked)
        await press(pilot, "escape")
        assert len(scripted.asked) == before


async def test_any_header_is_clicked(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened(size=(160, 30)) as pilot:
        await press(pilot, "2")
        rows = view_of(pilot).rows
        left = 1
        for placed in rows._placed:
            if placed.column.sorts:
                await pilot.click(rows, offset=(left, 0))
                await settle(pilot)
                assert f"sort={placed.column.key}&" in asked(scripted)
            left += placed.width + 2


async def test_an_order_without_a_head_is_told(opened: Any) -> None:
    async with opened(size=(80, 24)) as pilot:
        await press(pilot, "2")
        await until(pilot, lambda: "by " not in told(pilot))
        await press(pilot, "s", "7")
        await until(pilot, lambda: "by dialect ▲" in told(pilot))
        await pilot.resize_terminal(140, 24)
        await until(pilot, lambda: "by dialect" not in told(pilot))


async def test_the_order_is_kept_for_the_next_start(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "s", "8")
    async with opened() as pilot:
        await press(pilot, "2")
        assert "sort=model&descending=false" in asked(scripted)


async def test_a_selection_is_exported_in_as_many_requests_as_their_lines_need(
    opened: Any, scripted: ScriptedDaemon, tmp_path: Path
) -> None:
    scripted.world = world(entries=700)
    async with opened() as pilot:
        await press(pilot, "2", "G", "G", "G", "G", "a", "x")
        pilot.app.screen.query_one(Input).value = str(tmp_path / "out.jsonl")
        await press(pilot, "enter")
        await until(pilot, lambda: "700 entries written" in toasts(pilot))
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert {json.loads(line)["key"] for line in lines} == set(scripted.world.entries)
    assert len([path for _, path, _ in scripted.asked if "/admin/export" in path]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "tui.json"]


async def test_a_file_that_is_there_is_written_over_only_when_somebody_says_so(
    opened: Any, scripted: ScriptedDaemon, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("mine")
    async with opened() as pilot:
        await press(pilot, "2", "x")
        pilot.app.screen.query_one(Input).value = str(out)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await press(pilot, "escape")
        assert out.read_text() == "mine"
        await press(pilot, "x")
        pilot.app.screen.query_one(Input).value = str(out)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: "1 entry written" in toasts(pilot))
        assert out.read_text() != "mine"


async def test_an_export_that_fails_leaves_nothing(opened: Any, scripted: ScriptedDaemon, tmp_path: Path) -> None:
    async with opened() as pilot:
        for place, said in (
            (".", "is no file"),
            ("none/out.jsonl", "No such file"),
            ("out.jsonl", "Nothing was written: the disk is gone"),
        ):
            await press(pilot, "2", "x")
            pilot.app.screen.query_one(Input).value = str(tmp_path / place)
            scripted.refusals["GET /admin/export"] = (503, "the disk is gone")
            await press(pilot, "enter")
            await until(pilot, lambda said=said: said in toasts(pilot))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tui.json"]


async def test_escape_in_the_list_takes_the_search_away(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "slash", *"zzz", "enter")
        assert "esc takes it away" in str(view_of(pilot).query_one("#nothing", Static).render())
        await press(pilot, "escape")
        await until(pilot, lambda: len(view_of(pilot).pages.rows) == len(scripted.world.entries))


async def test_pages_that_hold_nothing_are_passed_over(
    opened: Any, scripted: ScriptedDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the real daemon gives them where it has looked at many entries, and few fit."""
    row = entry(7)

    def short(_: ScriptedDaemon, __: list[str], given: Any) -> EntryPage:
        at = int(given.get("cursor", 0))
        if "model" not in given:
            return EntryPage(items=[entry(1)], total=1)
        return EntryPage(items=[row] if at == 4 else [], next=None if at == 5 else str(at + 1), at_least=0)

    routes = [
        (verb, path, short if (verb, path) == ("GET", "/admin/entries") else reply)
        for verb, path, reply in control._ROUTES
    ]
    monkeypatch.setattr(control, "_ROUTES", routes)
    async with opened() as pilot:
        await press(pilot, "2", "slash", *"model:rare", "enter")
        await until(pilot, lambda: [found.id for found in view_of(pilot).pages.rows] == [row.id])
        await until(pilot, lambda: "looking further" not in told(pilot))
        assert not view_of(pilot).has_class("-empty")


async def test_whoever_is_far_down_stays_there(opened: Any, scripted: ScriptedDaemon) -> None:
    scripted.world = world(entries=1000)
    async with opened() as pilot:
        await press(pilot, "2", "G", "G", "G")
        view = view_of(pilot)
        await press(pilot, "k", "k", "enter")
        assert isinstance(pilot.app.screen, EntryScreen)
        at, under = view.rows.cursor, view.pages.rows[view.rows.cursor].id
        was_pinned = view.pages.rows[at].pinned
        assert at > PAGE
        await press(pilot, "P", "escape")
        assert view.pages.rows[view.rows.cursor].id == under
        assert view.pages.rows[at].pinned is not was_pinned
        await press(pilot, "enter", "d")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        await until(pilot, lambda: view.pages.index_of(under) is None)
        assert view.rows.cursor == at
        await press(pilot, "space", "space", "d", "tab", "enter")
        await until(pilot, lambda: "2 entries purged" in toasts(pilot))
        assert len(view.pages.rows) > PAGE
        assert view.pages.marked == set()


def test_a_page_of_a_list_that_is_gone_is_left_out() -> None:
    pages = Pages()
    pages.begin(EntryPage(items=[entry(1), entry(2)], next="a", total=9))
    pages.go_on(EntryPage(items=[entry(2), entry(3)], next="b"), "a")
    pages.go_on(EntryPage(items=[entry(4)], next="c"), "a")  # asked for before another came
    assert ([row.id for row in pages.rows], pages.next) == ([entry(n).id for n in (1, 2, 3)], "b")
    pages.mark_all()
    pages.drop({entry(1).id, entry(99).id})
    assert pages.told() == ["2 of 8", "2 marked"]
    pages.mark_all()
    assert not pages.marked
    pages.replace(msgspec.structs.replace(entry(3), hits=5))
    assert pages.rows[1].hits == 5


def test_what_cannot_be_counted_or_read_is_told() -> None:
    pages = Pages()
    pages.begin(entries.EntryPage(items=[entry(1)], at_least=20_000, unreadable={"work": "it is torn"}))
    assert pages.told() == ["1 of more than 20,000", "work is missing: it is torn"]
