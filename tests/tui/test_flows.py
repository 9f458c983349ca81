"""What people do in the TUI, key by key, before a scripted daemon."""

import os
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.command import CommandList
from textual.events import MouseScrollDown, MouseScrollUp
from textual.pilot import Pilot
from textual.widgets import Button, ContentSwitcher, Input, Static, TabbedContent

from reflexd_io.control_client.shapes.events import ChangedEvent, ExchangeEvent, HealthEvent
from reflexd_tui.remembered import load
from reflexd_tui.screens.exchange import ExchangeScreen
from reflexd_tui.screens.help import HelpScreen, keys
from reflexd_tui.screens.trash import TrashScreen
from reflexd_tui.themes import THEMES
from reflexd_tui.views.entries import EntriesView
from reflexd_tui.views.live import LiveView
from reflexd_tui.views.tenants import TenantsView
from reflexd_tui.widgets.dialogs import Confirm, Prompt, Reveal
from reflexd_tui.widgets.filter_bar import FilterBar
from reflexd_tui.widgets.key_line import KeyLine
from support.control import ScriptedDaemon
from support.terminal import banner, press, settle, toasts, until
from support.world import NOW, PARAPHRASE, exchange, world

pytestmark = pytest.mark.anyio


def live(pilot: Pilot[None]) -> LiveView:
    return pilot.app.screen_stack[0].query_one(LiveView)


def sent(scripted: ScriptedDaemon, method: str, part: str) -> list[Any]:
    return [body for verb, path, body in scripted.asked if verb == method and part in path]


async def test_the_feed_begins_with_what_happened_and_follows(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        view = live(pilot)
        assert view.feed.total == len(scripted.world.exchanges)
        assert view.rows.cursor == view.feed.total - 1
        assert view.rows.scroll_offset.y == view.rows.max_scroll_y > 0
        scripted.tell(ExchangeEvent(exchange=exchange(200)))
        await until(pilot, lambda: view.feed.index_of("x00200") is not None)
        assert view.feed.row(view.rows.cursor).id == "x00200"


async def test_moving_up_stops_it_and_the_end_lets_it_follow_again(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        view = live(pilot)
        await press(pilot, "k", "k")
        under = view.feed.row(view.rows.cursor).id
        scripted.tell(*(ExchangeEvent(exchange=exchange(n)) for n in range(100, 130)))
        await until(pilot, lambda: view.feed.new == 30)
        assert view.feed.row(view.rows.cursor).id == under
        assert "30 new" in str(view.query_one("#pill", Static).render())
        await press(pilot, "G")
        assert view.feed.following
        assert view.feed.new == 0


async def test_the_pill_is_clicked(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        view = live(pilot)
        await press(pilot, "g")
        scripted.tell(ExchangeEvent(exchange=exchange(100)))
        await until(pilot, lambda: view.feed.new == 1)
        await pilot.click("#pill")
        await settle(pilot)
        assert view.feed.following


async def test_a_filter_shows_what_it_holds_for_and_is_remembered(opened: Any, tmp_path: Path) -> None:
    async with opened() as pilot:
        view = live(pilot)
        await press(pilot, "slash", *"status:miss", "enter")
        assert 0 < len(view.feed) < view.feed.total
        assert all(view.feed.row(place).status == "miss" for place in range(len(view.feed)))
        assert "shown" in view.told()
        await press(pilot, "slash", "escape")
        assert len(view.feed) == view.feed.total
        await press(pilot, "up")
        assert view.query_one(FilterBar).text == "status:miss"
    assert load(tmp_path / "tui.json").filters == ["status:miss"]


async def test_a_bad_filter_is_told_at_its_place_and_the_feed_stays(opened: Any) -> None:
    async with opened() as pilot:
        view = live(pilot)
        await press(pilot, "slash", *"status:hti")
        told = str(view.query_one(FilterBar).query_one(Static).render())
        assert told.startswith(" " * 7 + "↑ there is no status 'hti'")
        assert len(view.feed) == view.feed.total


async def test_an_exchange_tells_its_decision_and_is_called_wrong_with_undo(
    opened: Any, scripted: ScriptedDaemon
) -> None:
    async with opened() as pilot:
        await press(pilot, "k")
        assert live(pilot).feed.row(live(pilot).rows.cursor).id == PARAPHRASE.id
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, ExchangeScreen)
        decision = str(pilot.app.screen.query_one("#decision-lines", Static).render())
        assert "score 0.9874" in decision
        assert "threshold 0.9650" in decision
        assert "literals differ" in decision
        await press(pilot, "w")
        assert sent(scripted, "POST", "/admin/entries/e00002/wrong") == [{"exchange": PARAPHRASE.id}]
        await press(pilot, "u")
        assert sent(scripted, "DELETE", "/admin/entries/e00002/wrong") == [{"exchange": PARAPHRASE.id}]
        assert "holds again" in toasts(pilot)


async def test_only_an_answer_to_other_words_can_be_called_wrong(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "w")
        assert not sent(scripted, "POST", "/wrong")
        assert "Only an answer to other words" in toasts(pilot)


async def test_the_key_diff_names_the_paths(opened: Any) -> None:
    async with opened() as pilot:
        await press(pilot, "enter", "l")
        assert pilot.app.screen.query_one(TabbedContent).active == "diff"
        told = str(pilot.app.screen.query_one("#diff-lines", Static).render())
        assert "$.system[1].text" in told
        assert "header anthropic-beta" in told


async def test_answer_and_curl_are_copied(opened: Any) -> None:
    async with opened() as pilot:
        await press(pilot, "k", "enter", "c", "C")
        answer, curl = pilot.app.copied
        assert answer.startswith("Use a **flex container**")
        assert curl.startswith("curl http://127.0.0.1:8080/v1/chat/completions")


async def test_a_detail_is_read_with_vim_and_arrow_keys(opened: Any) -> None:
    async with opened(size=(80, 16)) as pilot:
        await pilot.app.push_screen(ExchangeScreen(PARAPHRASE))
        await settle(pilot)
        pane = pilot.app.screen.query("#decision VerticalScroll").first()
        for pressed, y in (("j", 1), ("down", 2), ("k", 1), ("G", pane.max_scroll_y), ("g", 0)):
            await press(pilot, pressed)
            assert pane.scroll_offset.y == y
        await press(pilot, "pagedown")
        assert pane.scroll_offset.y == min(pane.size.height - 1, pane.max_scroll_y) > 0


async def test_the_last_line_is_clicked_like_its_keys(opened: Any) -> None:
    async with opened() as pilot:
        line = pilot.app.screen.query_one(KeyLine)
        place = next(start for start, _, key in line._places if key == "question_mark")
        await pilot.click(line, offset=(place + 1, 0))
        await settle(pilot)
        assert isinstance(pilot.app.screen, HelpScreen)


async def test_pin_lifetime_and_purge_from_a_detail(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "k", "enter", "P")
        assert scripted.world.entries["e00002"].pinned
        await press(pilot, "t", *"nonsense", "enter")
        assert isinstance(pilot.app.screen, Prompt)  # it says what is wrong and waits
        assert "expected a time" in str(pilot.app.screen.query_one(".fault", Static).render())
        await press(pilot, *["backspace"] * 8, *"7d", "enter")
        assert sent(scripted, "PATCH", "/admin/entries/e00002")[-1] == {"expires_in": 604_800.0}
        await press(pilot, "d")
        assert "e00002" not in scripted.world.entries
        await press(pilot, "u")
        assert "e00002" in scripted.world.entries


async def test_the_pager_gets_the_answer(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened() as pilot:
        shown: list[tuple[str, bool]] = []

        def page(text: str, *, suffix: str = ".md", edit: bool = False) -> None:
            assert suffix == ".md"
            shown.append((text, edit))

        monkeypatch.setattr(pilot.app, "page", page)
        await press(pilot, "k", "enter", "o", "e")
        assert [(text[:5], edit) for text, edit in shown] == [("Use a", False), ("Use a", True)]


async def test_entries_are_searched_as_one_types(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "2")
        scripted.asked.clear()
        await press(pilot, "slash")
        for key in "mutex":
            await pilot.press(key)
        view = pilot.app.query_one(EntriesView)
        await until(pilot, lambda: bool(view.pages.rows) and all("mutex" in row.question for row in view.pages.rows))
        assert len([path for _, path, _ in scripted.asked if "text=" in path]) < len("mutex")
        await press(pilot, "enter", "s", "2")
        assert "sort=used" in scripted.asked[-1][1]
        await press(pilot, "v")
        assert "descending=false" in scripted.asked[-1][1]


async def test_a_purge_is_counted_shown_and_confirmed_and_undone(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "space", "space", "space", "d")
        assert isinstance(pilot.app.screen, Confirm)
        assert pilot.app.focused is pilot.app.screen.query_one("#no", Button)
        dry, *rest = sent(scripted, "POST", "/admin/purge")
        assert dry["dry_run"]
        assert not rest
        await press(pilot, "tab", "enter")
        await until(pilot, lambda: len(scripted.world.entries) == 37)
        assert sent(scripted, "POST", "/admin/purge")[-1]["confirm"] == "word-3"
        assert "3 entries purged" in toasts(pilot)
        await press(pilot, "u")
        await until(pilot, lambda: len(scripted.world.entries) == 40)


async def test_a_purge_that_is_not_wanted_purges_nothing(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "D", "escape")
        assert len(scripted.world.entries) == 40


async def test_the_trash_gives_back(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "d", "tab", "enter")
        await until(pilot, lambda: len(scripted.world.entries) == 39)
        await press(pilot, "ctrl+t")
        assert isinstance(pilot.app.screen, TrashScreen)
        await press(pilot, "r")
        assert len(scripted.world.entries) == 40


async def test_a_million_entries_are_asked_for_page_by_page(opened: Any, scripted: ScriptedDaemon) -> None:
    scripted.world = world(entries=20_000)  # what the view sees of a million: pages, and no total
    async with opened() as pilot:
        await press(pilot, "2")
        view = pilot.app.query_one(EntriesView)
        assert len(view.pages.rows) == 200
        assert "more than 10,000" in str(view.query_one(".status", Static).render())
        for _ in range(5):
            await press(pilot, "G")
        assert len(view.pages.rows) == 1200
        assert len({row.id for row in view.pages.rows}) == 1200


async def test_marked_entries_are_exported(opened: Any, scripted: ScriptedDaemon, tmp_path: Path) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "space", "space", "x")
        pilot.app.screen.query_one(Input).value = str(tmp_path / "out.jsonl")
        await press(pilot, "enter")
        out = tmp_path / "out.jsonl"
        await until(pilot, lambda: out.exists() and out.read_text().count("\n") == 2)
        if os.name == "posix":
            assert stat.S_IMODE(out.stat().st_mode) == 0o600


async def test_switching_a_tenant_is_seen_everywhere_at_once(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        assert "⌂ work" in banner(pilot)
        await press(pilot, "3", "j", "space")
        await until(pilot, lambda: "⌂ home" in banner(pilot))
        await press(pilot, "1", "at", "k", "enter")
        await until(pilot, lambda: "⌂ work" in banner(pilot))
        assert scripted.world.state.active_tenant == "work"


async def test_what_another_face_changes_is_seen_here(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        scripted.world.state = msgspec.structs.replace(scripted.world.state, caching=False, paused_until=-1.0)
        scripted.tell(ChangedEvent(what="state", at=NOW))
        await until(pilot, lambda: "passing through" in banner(pilot))
        scripted.tell(HealthEvent(status="degraded", problems={"store": "the disk is full"}, at=NOW))
        await until(pilot, lambda: "the disk is full" in toasts(pilot))


async def test_a_tenant_is_added_renamed_and_removed_only_by_its_name(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "3", "a", *"play", "enter")
        assert "play" in scripted.world.tenants
        view = pilot.app.query_one(TenantsView)
        await press(pilot, "j")
        assert view._current().name == "home"  # type: ignore[union-attr]
        await press(pilot, "R", "end", *"2", "enter")
        assert "home2" in scripted.world.tenants
        await press(pilot, "x", *"home", "enter")
        assert isinstance(pilot.app.screen, Confirm)
        assert pilot.app.screen.query_one("#yes", Button).disabled
        await press(pilot, *"2", "enter")
        assert "home2" not in scripted.world.tenants


async def test_a_token_is_shown_once(opened: Any) -> None:
    async with opened() as pilot:
        await press(pilot, "3", "n", *"tablet", "enter")
        assert isinstance(pilot.app.screen, Reveal)
        await press(pilot, "c", "escape")
        assert pilot.app.copied == ["rfx_0123456789abcdef9f3c"]


async def test_a_key_goes_in_and_is_shown_nowhere(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "3", "s")
        assert pilot.app.screen.query_one(Input).password
        await press(pilot, *"sk-topsecret", "enter")
        assert sent(scripted, "PUT", "/admin/keys/work/openai") == [{"key": "sk-topsecret"}]
        assert "sk-topsecret" not in pilot.app.export_screenshot()
        await press(pilot, "v")
        assert "openai took the key" in toasts(pilot)


async def test_a_policy_is_edited_and_what_is_wrong_is_said_there(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "3")
        pilot.app.query_one("#policy").focus()
        await press(pilot, "j", "enter", *["backspace"] * 7, *"soon", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, Prompt)
        assert "a number of seconds above 0" in str(screen.query_one(".fault", Static).render())
        assert screen.query_one(Input).value == "soon"
        await press(pilot, *["backspace"] * 4, *"3600", "enter")
        assert scripted.world.policy[1].value == 3600
        await press(pilot, "backspace")
        assert scripted.world.policy[1].value == 2_592_000


async def test_stats_of_each_range(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened(size=(120, 46)) as pilot:
        await press(pilot, "4", "right_square_bracket", "right_square_bracket", "right_square_bracket", "y")
        asked = [path.rpartition("=")[2] for _, path, _ in scripted.asked if "/admin/stats" in path]
        assert asked == ["today", "7d", "30d", "ever"]
        assert "$14.27 saved" in pilot.app.copied[0]


async def test_pause_resume_and_modes(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "p")
        assert not scripted.world.state.caching
        assert "passing through" in banner(pilot)
        await press(pilot, "p")
        assert scripted.world.state.caching
        await pilot.app.run_action("app.mode('shadow')")
        assert "watching only" in banner(pilot)


async def test_read_only_changes_nothing_and_says_why(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened(read_only=True) as pilot:
        await press(
            pilot, "p", "k", "w", "at", "2", "d", "D", "P", "t", "3", "space", "a", "R", "x", "n", "c", "s", "enter"
        )
        assert len(pilot.app.screen_stack) == 1
        assert all(method == "GET" for method, _, _ in scripted.asked)
        assert "read-only mode" in toasts(pilot)


async def test_help_names_every_key_and_the_palette_every_action(opened: Any) -> None:
    async with opened(size=(120, 100)) as pilot:
        await press(pilot, "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        told = " ".join(str(each.render()) for each in pilot.app.screen.query(Static))
        for _, what in [*keys(LiveView.BINDINGS), *keys(EntriesView.BINDINGS), *keys(TenantsView.BINDINGS)]:
            assert what in told
        await press(pilot, "escape", "2")
        titles = {command.title for command in pilot.app.get_system_commands(pilot.app.screen)}
        for _, what in [*keys(EntriesView.BINDINGS), *keys(pilot.app.BINDINGS)]:
            assert what in titles


async def test_no_command_is_there_twice_and_each_key_does_what_is_said_of_it(opened: Any) -> None:
    async with opened() as pilot:
        for pressed in ("1", "2", "3", "4", "1 k enter", "2 enter", "2 ctrl+t"):
            await press(pilot, *pressed.split())
            commands = list(pilot.app.get_system_commands(pilot.app.screen))
            titles = Counter(command.title for command in commands)
            assert [title for title, count in titles.items() if count > 1] == []
            assert not titles.keys() & {"Keys", "Maximize"}, "of Textual: ours are Help, and no list needs more room"
            told = [key for each in commands if each.help.startswith("key ") for key in each.help[4:].split()]
            assert [key for key, count in Counter(told).items() if count > 1] == []


async def test_the_last_line_offers_no_key_that_would_be_typed(opened: Any) -> None:
    async with opened() as pilot:
        line = pilot.app.screen.query_one(KeyLine)
        assert "/ Filter" in str(line.render())
        await press(pilot, "slash")
        assert "Filter" not in str(line.render())
        assert "Done" in str(line.render())


async def test_over_a_dialog_the_palette_has_what_the_dialog_has(opened: Any) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "d")
        commands = [each.title for each in pilot.app.get_system_commands(pilot.app.screen)]
        assert commands == ["Cancel"]


async def test_the_keys_of_the_views_lead_out_of_an_exchange_and_the_trash(opened: Any) -> None:
    async with opened() as pilot:
        await press(pilot, "k", "enter", "2")
        assert len(pilot.app.screen_stack) == 1
        assert pilot.app.query_one(ContentSwitcher).current == "entries"
        await press(pilot, "ctrl+t", "2")
        assert len(pilot.app.screen_stack) == 1
        assert pilot.app.focused is pilot.app.query_one(EntriesView).rows
        await press(pilot, "d", "4")
        assert isinstance(pilot.app.screen, Confirm)


async def test_the_daemon_or_a_dialog_keeps_nobody_from_quitting(opened: Any) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "d")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_every_theme_of_the_key_is_one(opened: Any) -> None:
    async with opened() as pilot:
        for name in (*THEMES[1:], THEMES[0]):
            await press(pilot, "T")
            assert pilot.app.theme == name


async def test_theme_and_columns_are_remembered(opened: Any, tmp_path: Path) -> None:
    async with opened() as pilot:
        await press(pilot, "T")
        commands = {each.title: each.callback for each in pilot.app.get_system_commands(pilot.app.screen)}
        commands["Live: column Model"]()
        commands["Entries: column Dialect"]()
    kept = load(tmp_path / "tui.json")
    assert kept.theme == "reflex-light"
    assert kept.hidden == ["model"]
    async with opened() as pilot:
        assert pilot.app.theme == "reflex-light"
        assert live(pilot).rows.hidden == {"model"}
        assert pilot.app.query_one(EntriesView).rows.hidden == {"dialect"}


async def test_the_mouse_chooses_opens_and_sorts(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        await press(pilot, "2")
        await pilot.click("#entries", offset=(40, 3), times=2)
        await settle(pilot)
        assert len(pilot.app.screen_stack) == 2
        await press(pilot, "escape")
        scripted.asked.clear()
        await pilot.click("#entries", offset=(22, 1))
        await settle(pilot)
        assert "sort=used" in scripted.asked[-1][1]


async def test_the_wheel_stops_the_feed_and_its_end_lets_it_follow(opened: Any, scripted: ScriptedDaemon) -> None:
    async with opened() as pilot:
        view = live(pilot)
        assert view.feed.following
        for _ in range(3):
            view.rows.post_message(_wheel(MouseScrollUp, view))
            await settle(pilot)
        await until(pilot, lambda: not view.feed.following)
        at = view.rows.scroll_offset.y
        scripted.tell(ExchangeEvent(exchange=exchange(100)))
        await until(pilot, lambda: view.feed.new == 1)
        assert view.rows.scroll_offset.y == at
        for _ in range(8):
            view.rows.post_message(_wheel(MouseScrollDown, view))
            await settle(pilot)
        await until(pilot, lambda: view.feed.following)


def _wheel(kind: type[MouseScrollUp] | type[MouseScrollDown], view: LiveView) -> MouseScrollUp | MouseScrollDown:
    return kind(view.rows, 5, 5, 0, 0, 0, False, False, False)


async def test_the_palette_itself_has_the_actions_of_the_view_and_runs_them(opened: Any) -> None:
    async with opened() as pilot:
        await press(pilot, "2", "ctrl+p", *"Mark shown")
        await until(pilot, lambda: len(pilot.app.screen.query_one(CommandList).options) > 0)
        await press(pilot, "enter")
        await press(pilot, "enter")
        await until(pilot, lambda: len(pilot.app.query_one(EntriesView).pages.marked) == 40)


async def test_the_keys_work_where_there_is_nothing(opened: Any, scripted: ScriptedDaemon) -> None:
    scripted.world = world(exchanges=0, entries=0)
    async with opened() as pilot:
        await press(pilot, "slash")
        assert isinstance(pilot.app.focused, Input)
        await press(pilot, "escape", "2")
        await press(pilot, "r", "ctrl+t")
        assert isinstance(pilot.app.screen, TrashScreen)
