"""What the screens of an exchange and of an entry have in common: tabs that are filled once they are looked at."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static, TabbedContent, TabPane, Tree

from reflexd_io.control_client import NotThere, Refused, calls
from reflexd_io.control_client.shapes.entries import EntryDetail
from reflexd_tui.acting import change_lifetime, purge_one, toggle_pin
from reflexd_tui.host import host_of
from reflexd_tui.pure import curl
from reflexd_tui.pure.told import Line
from reflexd_tui.widgets.answer import AnswerPane
from reflexd_tui.widgets.banner import Banner
from reflexd_tui.widgets.key_line import KeyLine
from reflexd_tui.widgets.lines import drawn, fill

NOT_FOUND = 404


class DetailScreen(Screen[None]):
    DEFAULT_CSS = """
    DetailScreen { background: $surface; }
    DetailScreen .head {
        height: auto; max-height: 4; padding: 0 1; background: $boost; text-wrap: nowrap; text-overflow: ellipsis;
    }
    DetailScreen TabbedContent { height: 1fr; }
    DetailScreen TabPane { padding: 1 1 0 1; }
    DetailScreen Tree { background: transparent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back"),
        Binding("left,h", "tab(-1)", "Previous tab", show=False),
        Binding("right,l", "tab(1)", "Next tab", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(0)", "Beginning", show=False),
        Binding("end,G", "edge(1)", "End", show=False),
        Binding("c", "copy_answer", "Copy answer"),
        Binding("C", "copy_curl", "Copy curl"),
        Binding("o", "pager", "Pager"),
        Binding("e", "editor", "Editor", show=False),
        Binding("P", "pin", "Pin"),
        Binding("t", "lifetime", "TTL"),
        Binding("d", "purge", "Purge"),
    ]

    PANES: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Ids and titles of the tabs that show lines; Answer and Raw come behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.entry: EntryDetail | None = None
        self._gone = False
        self.path: str | None = None
        """The request's own, where it is known."""

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Static("", classes="head", markup=False)
        with TabbedContent():
            for name, title in self.PANES:
                with TabPane(title, id=name), VerticalScroll(can_focus=True):
                    yield Static("…", id=f"{name}-lines")
            with TabPane("Answer", id="answer"):
                yield AnswerPane(can_focus=True)
            with TabPane("Request", id="raw"):
                yield Tree("request")
        yield KeyLine()

    def on_mount(self) -> None:
        host = host_of(self)
        self.query_one(Banner).show(host.state, None, read_only=host.read_only)
        self.run_worker(self.load(), exclusive=True)

    async def load(self) -> None:
        """Ask for what is shown, and show it."""
        raise NotImplementedError

    def put(self, pane: str, lines: list[Line]) -> None:
        self.query_one(f"#{pane}-lines", Static).update(drawn(self.app, lines))

    def head(self, lines: list[Line]) -> None:
        self.query_one(".head", Static).update(drawn(self.app, lines))

    async def load_entry(self, name: str | None, missing: str) -> None:
        """The stored answer, or why there is none."""
        if name is not None:
            self.entry = await host_of(self).ask(calls.entry(name), quiet=True)
        entry = self.entry
        await self.query_one(AnswerPane).show(entry.answer_text if entry is not None else f"*{missing}*")
        tree = self.query_one(Tree)
        if entry is not None and bytes(entry.request) != b"null":
            fill(tree, bytes(entry.request))
        else:
            fill(tree, b"The request is not kept.")

    async def look_again(self) -> None:
        """Something was purged elsewhere: what is shown stays, and says so if it was this."""
        if self.entry is None or self._gone:
            return
        host = host_of(self)
        try:
            await host.session.do(calls.entry(self.entry.row.id))
        except Refused as refused:
            if refused.status == NOT_FOUND:
                self._gone = True
                host.say("This entry was purged meanwhile. What is shown here is what it held.")
        except NotThere:
            return  # the header says so

    def _stored(self) -> EntryDetail | None:
        """What the keys here are about; says so where there is none."""
        if self.entry is None:
            host_of(self).say("There is no stored answer here.")
        return self.entry

    def action_back(self) -> None:
        self.dismiss()

    def action_tab(self, step: int) -> None:
        tabs = self.query_one(TabbedContent)
        names = [*(name for name, _ in self.PANES), "answer", "raw"]
        tabs.active = names[(names.index(tabs.active) + step) % len(names)]

    def _shown(self) -> Widget:
        """What scrolls in the tab that is looked at."""
        pane = self.query_one(TabbedContent).active_pane
        assert pane is not None  # noqa: S101 - there is always one
        return pane.query("VerticalScroll, Tree").first()

    def action_scroll(self, step: int) -> None:
        self._shown().scroll_relative(y=step, animate=False)

    def action_page(self, direction: int) -> None:
        shown = self._shown()
        shown.scroll_relative(y=direction * max(1, shown.size.height - 1), animate=False)

    def action_edge(self, end: int) -> None:
        shown = self._shown()
        shown.scroll_to(y=shown.max_scroll_y * end, animate=False)

    def action_copy_answer(self) -> None:
        if (entry := self._stored()) is not None:
            host_of(self).copy(entry.answer_text, "the answer")

    def action_copy_curl(self) -> None:
        entry = self.entry
        if entry is None or bytes(entry.request) == b"null":
            host_of(self).say("The request is not kept.")
            return
        host, dialect = host_of(self), entry.row.dialect
        path = curl.whole(self.path) if self.path is not None else curl.PATHS.get(dialect)
        if path is None:
            host.say(f"The path of a {dialect} request is not known.")
            return
        host.copy(curl.command(host.url, path, dialect, bytes(entry.request).decode()), "a curl command")

    def action_pager(self) -> None:
        if (entry := self._stored()) is not None:
            host_of(self).page(entry.answer_text)

    def action_editor(self) -> None:
        if (entry := self._stored()) is not None:
            host_of(self).page(entry.answer_text, edit=True)

    async def action_pin(self) -> None:
        entry = self._stored()
        if entry is not None and await toggle_pin(self, entry.row) is not None:
            await self.load()

    async def action_lifetime(self) -> None:
        if (entry := self._stored()) is not None:
            self.run_worker(self._change_lifetime(entry.row.id), exclusive=True, group="act")

    async def _change_lifetime(self, name: str) -> None:
        if await change_lifetime(self, name) is not None:
            await self.load()

    def action_purge(self) -> None:
        if (entry := self._stored()) is not None:
            self.run_worker(self._purge(entry), exclusive=True, group="act")

    async def _purge(self, entry: EntryDetail) -> None:
        self._gone = True  # its own event is no news
        if await purge_one(self, entry.row):
            self.dismiss()
        else:
            self._gone = False
