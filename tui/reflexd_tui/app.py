"""The application: wiring only. Views show, `session` watches the daemon, `host` is what they all need."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, Screen
from textual.widgets import ContentSwitcher, Tab, Tabs

from reflexd_io.control_client import NotThere, Place, calls, start_daemon
from reflexd_io.control_client.place import ADVICE
from reflexd_io.control_client.shapes.events import Event, PurgedEvent
from reflexd_io.control_client.shapes.tenants import Mode, State
from reflexd_tui import mouse, remembered, themes
from reflexd_tui.host import Host
from reflexd_tui.palette import commands, of_keys
from reflexd_tui.pure import words
from reflexd_tui.pure.heard import gathered
from reflexd_tui.screens.detail import DetailScreen
from reflexd_tui.screens.exchange import ExchangeScreen
from reflexd_tui.screens.help import Group, HelpScreen
from reflexd_tui.screens.trash import TrashScreen
from reflexd_tui.session import Session
from reflexd_tui.switching import switch_tenant
from reflexd_tui.views.entries import EntriesView
from reflexd_tui.views.live import LiveView
from reflexd_tui.views.stats import StatsView
from reflexd_tui.views.tenants import TenantsView
from reflexd_tui.widgets.banner import Banner
from reflexd_tui.widgets.filter_bar import Line
from reflexd_tui.widgets.key_line import KeyLine
from reflexd_tui.widgets.rows import Rows

VIEWS = (("live", "1 Live"), ("entries", "2 Entries"), ("tenants", "3 Tenants"), ("stats", "4 Stats"))
V = TypeVar("V", LiveView, EntriesView, TenantsView, StatsView)
View = LiveView | EntriesView | TenantsView | StatsView


_OWN_ANSWER = 0.5
"""Seconds until the answer to a purge of ours has come, which may be later than its event."""
_KEPT = 1.0
"""Seconds until a change of what is remembered is written down, so that what is typed is written once."""

_GONE = 0.1
"""Seconds until the palette is no longer in the picture."""


class ReflexApp(Host):
    TITLE = "Reflex"
    ENABLE_COMMAND_PALETTE = True
    CSS = """
    ScrollableContainer, ScrollView { scrollbar-size: 1 1; }
    Screen { background: $surface; }
    ModalScreen { background: $background 60%; }
    #views { height: 1fr; }
    #views.-stale { opacity: 82%; }
    Tabs { height: 2; background: $surface; }
    Tab { color: $text-muted; }
    Tab.-active { color: $foreground; text-style: bold; }
    Underline > .underline--bar { color: $primary; background: $foreground 12%; }
    Tabs:focus .-active { color: $block-cursor-foreground; background: $block-cursor-background; }
    Input > .input--placeholder { color: $text-muted; }
    Toast { max-width: 70; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "view('live')", "Live", show=False),
        Binding("2", "view('entries')", "Entries", show=False),
        Binding("3", "view('tenants')", "Tenants", show=False),
        Binding("4", "view('stats')", "Stats", show=False),
        Binding("at", "switch", "Switch tenant", show=False),
        Binding("p", "pause", "Pause/resume"),
        Binding("u", "undo", "Undo", show=False),
        Binding("b", "copy_address", "Copy base_url", show=False),
        Binding("S", "start_daemon", "Start a daemon", show=False),
        Binding("T", "theme", "Theme", show=False),
        Binding("M", "mouse", "Mouse on/off", show=False),
        Binding("question_mark", "keys", "Help"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        find: Callable[[], Place],
        *,
        memory: Path,
        read_only: bool = False,
        storage: Path | None = None,
        starts: bool = True,
        takes_mouse: bool = True,
    ) -> None:
        """``memory``: the file of what is remembered. ``storage``: whose daemon is started where there is none, if
        ``starts``: at an address that somebody gave, it is theirs to start.
        """
        super().__init__()
        self.purges = set()
        self.starts = starts
        self.read_only = read_only
        self.remembered = remembered.load(memory)
        self.takes_mouse = takes_mouse and self.remembered.mouse
        self._memory = memory
        self._keeping = False
        self._storage = storage
        self._problem: str | None = "looking for the daemon"
        self.session = Session(find, on_link=self._link, on_state=self._take_state, on_events=self._take_events)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.defaults(self.current_theme)

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Tabs(*(Tab(title, id=f"tab-{name}") for name, title in VIEWS))
        with ContentSwitcher(initial="live", id="views"):
            yield LiveView(id="live")
            yield EntriesView(id="entries")
            yield TenantsView(id="tenants")
            yield StatsView(id="stats")
        yield KeyLine()

    def on_load(self) -> None:
        """Before anything is composed, so that it is styled once."""
        for theme in themes.OURS:
            self.register_theme(theme)
        self.theme = self.remembered.theme if self.remembered.theme in self.available_themes else themes.DARK.name

    def on_mount(self) -> None:
        self.query_one(Tabs).can_focus = False
        self.query_one(LiveView).focus_first()
        self.run_worker(self.session.run(), group="session")

    def on_unmount(self) -> None:
        self.remembered.theme = self.theme
        self._save()

    def keep(self) -> None:
        if not self._keeping:
            self._keeping = True
            self.set_timer(_KEPT, self._save)

    def _save(self) -> None:
        """A few hundred bytes, which no loop feels."""
        self._keeping = False
        with suppress(OSError):  # settings are not worth a traceback
            remembered.save(self._memory, self.remembered)

    # What is heard of the daemon

    def _link(self, problem: str | None, seconds: int) -> None:
        was_down, self._problem = self._problem is not None, problem
        if problem is not None:
            start = "; S starts one" if self.can_start else ""
            problem = problem.removesuffix(ADVICE) if start else problem
            self._problem = f"{problem} (again in {seconds} s{start})" if seconds else problem
        elif was_down:
            self.run_worker(self._root(LiveView).load(), group="load")
            view = self._view()
            if not isinstance(view, LiveView):
                view.reload()
        live = self._root(LiveView)
        self.screen_stack[0].query_one("#views").set_class(problem is not None and live.feed.total > 0, "-stale")
        live.update_view()
        self._show_head()

    def _take_state(self, state: State) -> None:
        self.state = state
        self._show_head()
        self._root(LiveView).update_view()
        if isinstance(self._view(), StatsView) and self.session.is_linked:
            self._root(StatsView).reload()

    def _take_events(self, events: list[Event], lost: int) -> None:
        heard = gathered(events, lost)
        looks = isinstance(self._view(), EntriesView)
        if heard.rows or heard.missed:
            self._root(LiveView).add(heard.rows, heard.missed)
        if heard.purged or heard.edited:
            self._root(EntriesView).note_change(looks=looks)
        elif heard.stored:
            self._root(EntriesView).note_change()
        if heard.purged and isinstance(self.screen, DetailScreen):
            self.run_worker(self.screen.look_again(), group="look", exclusive=True)
        if heard.purged and looks:
            self.set_timer(_OWN_ANSWER, partial(self._tell_of_others, heard.purged))
        if heard.changed and isinstance(self._view(), TenantsView):
            self._root(TenantsView).reload()
        for health in heard.health:
            if health.status == "degraded":
                self.fail("; ".join(f"{part}: {why}" for part, why in health.problems.items()))
            else:
                self.say("Reflex is well again.")

    def _tell_of_others(self, purged: list[PurgedEvent]) -> None:
        """Somebody else's purges, for whoever looks at what has gone."""
        count = sum(event.count for event in purged if event.purge not in self.purges)
        if count:
            self.say(f"{words.plural(count, 'entry', 'entries')} purged elsewhere: the trash (ctrl+t) has them.")

    def _show_head(self) -> None:
        for screen in self.screen_stack:
            for banner in screen.query(Banner):
                banner.show(self.state, self._problem, read_only=self.read_only)

    def _root(self, kind: type[V]) -> V:
        return self.screen_stack[0].query_one(kind)

    def _view(self) -> View:
        name = self.screen_stack[0].query_one(ContentSwitcher).current
        found = self.screen_stack[0].query_one(f"#{name}")
        assert isinstance(found, View)  # noqa: S101 - composed so
        return found

    # Actions

    @on(Tabs.TabActivated)
    def _activate(self, event: Tabs.TabActivated) -> None:
        name = (event.tab.id or "").removeprefix("tab-")
        switcher = self.query_one(ContentSwitcher)
        if switcher.current != name:
            switcher.current = name
            self._view().focus_first()

    def action_view(self, name: str) -> None:
        """Out of what lies over the views, too; a dialog is answered first."""
        if isinstance(self.screen, DetailScreen | TrashScreen):
            self.screen.dismiss()
        if len(self.screen_stack) == 1:
            self.query_one(Tabs).active = f"tab-{name}"

    async def action_pause(self, seconds: float | None = None) -> None:
        if not self.may_change("Pause"):
            return
        if self.state is not None and not self.state.caching:
            await self._resume(self.state)
            return
        state = await self.ask(calls.pause(seconds=seconds))
        if state is not None:
            self._take_state(state)
            self.say("Everything is passed through now: p resumes.")

    async def _resume(self, before: State) -> None:
        """Whatever keeps the active tenant from being answered: everybody's pause, and its own."""
        state: State | None = before
        if before.paused_until is not None:
            state = await self.ask(calls.resume())
        if state is not None and not state.caching:
            state = await self.ask(calls.resume(tenant=state.active_tenant))
        if state is None:
            return
        self._take_state(state)
        if state.caching:
            self.say("Caching again.")
        else:
            self.say(f"{state.active_tenant}'s policy has caching off: it is passed through all the same.")

    def action_switch(self) -> None:
        if self.may_change("Switch"):
            self.run_worker(switch_tenant(self), exclusive=True, group="act")

    async def action_mode(self, mode: str) -> None:
        if self.may_change("Mode"):
            state = await self.ask(calls.set_mode(Mode(mode=mode)))  # type: ignore[arg-type]
            if state is not None:
                self._take_state(state)

    def action_copy_address(self) -> None:
        self.copy(f"{self.url}/v1", "the base_url")

    def action_theme(self) -> None:
        names = themes.THEMES
        place = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(place + 1) % len(names)]
        self.remembered.theme = self.theme
        self.keep()
        self.say(self.theme)

    def action_mouse(self) -> None:
        self.takes_mouse = self.remembered.mouse = not self.takes_mouse
        mouse.take(self, self.takes_mouse)
        self.keep()
        if self.takes_mouse:
            self.say("The mouse clicks and scrolls here; Shift selects text.")
        else:
            self.say("The mouse is the terminal's, which selects text with it: M takes it back.")

    @classmethod
    def key_groups(cls) -> list[Group]:
        """Every key there is, by where it works."""
        return [
            ("Everywhere", cls.BINDINGS),
            ("In a list", Rows.BINDINGS),
            ("In the line above it", Line.BINDINGS),
            ("Live", LiveView.BINDINGS),
            ("Entries", EntriesView.BINDINGS),
            ("Trash", TrashScreen.BINDINGS),
            ("Tenants", TenantsView.BINDINGS),
            ("Stats", StatsView.BINDINGS),
            ("An exchange or an entry", [*DetailScreen.BINDINGS, *ExchangeScreen.BINDINGS]),
        ]

    def action_keys(self) -> None:
        self.push_screen(HelpScreen(self.key_groups()))

    def action_start_daemon(self) -> None:
        if self.session.is_linked or self.session.is_refused:
            self.say("A daemon runs already.")
        elif not self.starts:
            self.say("It was asked for by its address (--url): start it where it runs.")
        else:
            self.run_worker(self._start(), exclusive=True, group="start")

    async def _start(self) -> None:
        self.say("Starting a daemon …")
        try:
            await asyncio.to_thread(lambda: start_daemon(storage=self._storage))
        except (NotThere, OSError) as error:
            self.fail(str(error))
        self.session.look_now()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of ours by its name, and of Textual's own what ours do not do; a dialog is answered first."""
        if isinstance(screen, ModalScreen):
            yield from of_keys(self, screen)
            return
        yield from commands(self, self._view() if screen is self.screen_stack[0] else screen)
        yield SystemCommand("All themes", "choose one of a list", self.action_change_theme)
        yield SystemCommand("Screenshot", "an SVG file of what is shown", self._take_picture)

    def _take_picture(self) -> None:
        self.set_timer(_GONE, self.deliver_screenshot)
