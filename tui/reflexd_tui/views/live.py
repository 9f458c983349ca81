"""Live: a following feed of exchanges, the newest at the bottom."""

from contextlib import suppress
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.exchanges import ExchangeQuery, ExchangeRow
from reflexd_tui.host import host_of
from reflexd_tui.judging import call_wrong
from reflexd_tui.pure import filters, words
from reflexd_tui.pure.columns import Column
from reflexd_tui.pure.feed import KEPT, Feed
from reflexd_tui.pure.safe import line
from reflexd_tui.screens.exchange import ExchangeScreen
from reflexd_tui.widgets.filter_bar import FilterBar
from reflexd_tui.widgets.lines import colour, muted
from reflexd_tui.widgets.rows import Cell, Rows

COLUMNS = (
    Column(key="time", title="Time", width=8, keep=9),
    Column(key="tenant", title="Tenant", width=10, keep=4),
    Column(key="client", title="Client", width=12, keep=3),
    Column(key="dialect", title="Dialect", width=10, keep=1),
    Column(key="model", title="Model", width=18, keep=5),
    Column(key="status", title="Status", width=11, keep=10),
    Column(key="ms", title="Took", width=8, keep=7, align="right"),
    Column(key="tokens", title="Tokens", width=7, keep=2, align="right"),
    Column(key="saved", title="Saved", width=8, keep=6, align="right"),
    Column(key="question", title="Question", width=32, grows=True),
)
"""When there is no room, the one with the least ``keep`` goes first: dialect, tokens, client, tenant, model …"""
BACKLOG = 500
"""Exchanges that are asked for at the start, since the feed begins with what is known."""


class Pill(Static):
    """How many came below; a click goes there."""

    def on_click(self) -> None:
        view = self.screen.query_one(LiveView)
        view.rows.action_jump(-1)


class LiveView(Vertical):
    DEFAULT_CSS = """
    LiveView { height: 1fr; }
    LiveView #foot { height: 1; background: $panel; }
    LiveView #told { width: 1fr; padding: 0 1; color: $text-muted; }
    LiveView #pill {
        width: auto; padding: 0 1; display: none; background: $block-cursor-background;
        color: $block-cursor-foreground; text-style: bold;
    }
    LiveView #pill.-shown { display: block; }
    LiveView #empty { padding: 2 4; height: 1fr; display: none; }
    LiveView.-empty #empty { display: block; }
    LiveView.-empty Rows { height: 1; }  /* it keeps the focus, and so the keys */
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("escape", "clear_line", "Clear the filter", show=False),
        Binding("f", "follow", "Follow"),
        Binding("w", "wrong", "Wrong"),
        Binding("y", "copy_question", "Copy question"),
        Binding("z", "clear", "Clear", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.feed = Feed()
        self._early: list[ExchangeRow] | None = None
        """What came while older ones were asked for, which belong before it."""

    def compose(self) -> ComposeResult:
        yield FilterBar(filters.PLACEHOLDER, lambda: host_of(self).remembered.filters)
        yield Rows(COLUMNS, lambda: len(self.feed), self._cells, id="feed")
        yield Static("", id="empty")
        with Horizontal(id="foot"):
            yield Static("", id="told", markup=False)
            yield Pill("", id="pill")

    @property
    def rows(self) -> Rows:
        return self.query_one("#feed", Rows)

    def on_mount(self) -> None:
        remembered = host_of(self).remembered
        self.rows.hidden = frozenset(remembered.hidden)
        with suppress(filters.BadFilter):  # of another version of ours
            self.feed.show(filters.read(remembered.filter))
            self.query_one(FilterBar).put(remembered.filter)
        self.update_view()

    def focus_first(self) -> None:
        self.rows.focus()

    async def load(self) -> None:
        """What happened before we came, and while we were away."""
        early: list[ExchangeRow] = []
        self._early = early
        page = await host_of(self).ask(calls.list_exchanges(ExchangeQuery(limit=BACKLOG)), quiet=True)
        self._early = None
        self.add([*(reversed(page.items) if page is not None else ()), *early])

    def add(self, rows: list[ExchangeRow], missed: int = 0) -> None:
        """Newest last. The line under the cursor stays where it is unless the view follows."""
        self.feed.missed += missed
        if self._early is not None:
            self._early += rows
            return
        gone = self.feed.add(rows)
        view = self.rows
        if gone and not self.feed.following:
            view.set_reactive(Rows.cursor, max(0, view.cursor - gone))
            view.scroll_to(y=max(0, view.scroll_offset.y - gone), animate=False, immediate=True)
        self.update_view()

    def update_view(self) -> None:
        if not self.query(Pill):
            return  # the daemon was heard before this was composed; `on_mount` comes
        self.set_class(not self.feed, "-empty")
        if not self.feed:
            self.query_one("#empty", Static).update(self._empty())
        self.rows.update_rows()
        if self.feed.following and len(self.feed):
            self.rows.put_cursor(len(self.feed) - 1)
        pill = self.query_one(Pill)
        pill.set_class(self.feed.new > 0, "-shown")
        pill.update(f"▼ {self.feed.new:,} new — G")
        self.query_one("#told", Static).update(self.told())

    def current(self) -> ExchangeRow | None:
        return self.feed.row(self.rows.cursor) if len(self.feed) else None

    @on(Rows.Moved, "#feed")
    def _moved(self, event: Rows.Moved) -> None:
        if not event.by_hand:
            return
        at_end = event.index >= len(self.feed) - 1
        if self.feed.following != at_end:
            self.feed.follow(at_end)
            self.update_view()

    @on(Rows.Opened, "#feed")
    def _opened(self, event: Rows.Opened) -> None:
        self.app.push_screen(ExchangeScreen(self.feed.row(event.index)))

    @on(FilterBar.Changed)
    def _filter(self, event: FilterBar.Changed) -> None:
        bar = event.bar
        try:
            wanted = filters.read(event.text)
        except filters.BadFilter as error:
            bar.show_fault(str(error), error.at)
            wanted = filters.EVERYTHING  # what was readable a letter ago is not what is wanted
        else:
            bar.show_fault(None)
        under = self.current()
        self.feed.show(wanted)
        place = self.feed.index_of(under.id) if under is not None and not self.feed.following else None
        self.update_view()
        if place is not None:
            self.rows.put_cursor(place)
        host = host_of(self)
        host.remembered.filter = wanted.text
        if event.done:
            host.remembered.used(host.remembered.filters, event.text.strip())
            self.rows.focus()
        host.keep()

    @on(FilterBar.Left)
    def _leave_filter(self) -> None:
        self.rows.focus()

    def action_clear_line(self) -> None:
        self.query_one(FilterBar).text = ""

    def action_filter(self) -> None:
        self.query_one(FilterBar).focus_line()

    def action_follow(self) -> None:
        self.feed.follow(not self.feed.following)
        self.update_view()

    def action_clear(self) -> None:
        self.feed.clear()
        self.feed.follow(True)
        self.update_view()

    def action_copy_question(self) -> None:
        row = self.current()
        if row is not None:
            host_of(self).copy(row.question, "the question's beginning")

    async def action_wrong(self) -> None:
        row = self.current()
        if row is not None:
            await call_wrong(self, row)

    def told(self) -> str:
        """What the feed holds, in words."""
        feed = self.feed
        parts = ["▼ following" if feed.following else "‖ stands still: f follows again"]
        if feed.filter:
            parts.append(f"{len(feed):,} of {feed.total:,} shown")
        else:
            parts.append(words.plural(feed.total, "exchange", "exchanges"))
        if feed.total >= KEPT:
            parts.append(f"the last {KEPT:,} are kept")
        if feed.missed:
            parts.append(f"{feed.missed:,} missed: they came faster than they could be told")
        return " · ".join(parts)

    def _empty(self) -> Text:
        host = host_of(self)
        if self.feed.total:
            return Text.assemble(
                ("No exchange here matches this filter.\n\n", "bold"),
                "esc takes it away. What comes and matches appears here.",
            )
        if not host.session.is_linked and not host.session.has_looked:
            return Text("Looking for the daemon …")
        if host.session.is_refused:
            return Text.assemble(
                ("The daemon refuses this token.\n\n", "bold"),
                "Each start of the daemon makes a new one, in runtime.json in its storage folder.\n",
                ("Without --token, reflex-tui reads it there itself.", muted(self.app)),
            )
        if not host.session.is_linked and not host.can_start:
            return Text("No daemon answers at that address. It is looked for every few seconds.")
        if not host.session.is_linked:
            return Text.assemble(
                ("No daemon answers.\n\n", "bold"),
                ("  S  ", f"bold {colour(self.app, 'text-accent')}"),
                "starts one. It goes on when this window is closed.\n\n",
                (
                    "Until then it is looked for every few seconds. Agents that point at Reflex fail meanwhile:\n",
                    muted(self.app),
                ),
                ("unset their base_url, or start it.", muted(self.app)),
            )
        url = host.url
        lines = (
            ("No requests yet. Point an agent here:\n\n", "bold"),
            ("  Claude Code   ", ""),
            (f"ANTHROPIC_BASE_URL={url} claude\n", "bold"),
            ("  Codex         ", ""),
            ("reflexd setup codex\n", "bold"),
            ("  OpenAI SDKs   ", ""),
            (f"OPENAI_BASE_URL={url}/v1\n", "bold"),
            ("  any of them   ", ""),
            ("reflexd run -- <agent>\n\n", "bold"),
            ("b copies the address. Requests appear here as they come.", muted(self.app)),
        )
        return Text.assemble(*lines)

    def _cells(self, index: int) -> dict[str, Cell]:
        row = self.feed.row(index)
        word = words.status(row.status, joined=row.joined, http_status=row.http_status)
        tokens = None if row.output_tokens is None else (row.input_tokens or 0) + row.output_tokens
        return {
            "time": Cell(words.clock(row.at), "muted"),
            "tenant": Cell(row.tenant),
            "client": Cell(row.client or "–", "muted"),
            "dialect": Cell(row.dialect, "muted"),
            "model": Cell(row.model or "–"),
            "status": Cell(f"{word.symbol} {word.text}", word.colour, bold=True),
            "ms": Cell(words.duration(row.ms)),
            "tokens": Cell(words.count(tokens), "muted"),
            "saved": Cell(_saved(row), "success"),
            "question": Cell(line(row.question)) if row.question else Cell(f"({row.reason or row.dialect})", "muted"),
        }


def _saved(row: ExchangeRow) -> str:
    if not row.saved_tokens:
        return ""
    return words.dollars(row.saved_dollars) if row.saved_dollars else f"{words.count(row.saved_tokens)} tok"
