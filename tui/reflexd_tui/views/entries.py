"""Entries: what is stored; searched as one types, a page at a time, however many there are."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import msgspec
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.entries import EntryFilter, EntryQuery, EntryRow, Purge
from reflexd_tui.acting import change_lifetime, purge_many, toggle_pin
from reflexd_tui.host import host_of
from reflexd_tui.pure import asks, words
from reflexd_tui.pure.columns import Column
from reflexd_tui.pure.filters import BadFilter
from reflexd_tui.pure.safe import block
from reflexd_tui.screens.entry import EntryScreen
from reflexd_tui.screens.trash import TrashScreen
from reflexd_tui.widgets.dialogs import Prompt
from reflexd_tui.widgets.filter_bar import FilterBar
from reflexd_tui.widgets.rows import Cell, Rows

COLUMNS = (
    Column(key="mark", title=" ", width=1, keep=20),
    Column(key="created", title="Stored", width=8, keep=8, sorts=True),
    Column(key="used", title="Used", width=8, keep=3, sorts=True),
    Column(key="hits", title="Hits", width=6, keep=9, align="right", sorts=True),
    Column(key="size", title="Size", width=8, keep=5, align="right", sorts=True),
    Column(key="expires", title="Left", width=7, keep=4, align="right", sorts=True),
    Column(key="tenant", title="Tenant", width=10, keep=6),
    Column(key="dialect", title="Dialect", width=10, keep=1),
    Column(key="model", title="Model", width=18, keep=7),
    Column(key="question", title="Question", width=32, grows=True),
)
PAGE = 200
AHEAD = 50
"""Rows from the end at which the next page is asked for."""
DEBOUNCE = 0.25
_EXPORTED = "A line of JSON each, to be read; reflexd cache export writes lines that can be imported."
SORTS = ("created", "used", "hits", "size", "expires")


class EntriesView(Vertical):
    DEFAULT_CSS = """
    EntriesView { height: 1fr; }
    EntriesView .status { height: 1; padding: 0 1; color: $text-muted; background: $panel; }
    EntriesView #nothing { padding: 2 4; height: 1fr; display: none; }
    EntriesView.-empty #nothing { display: block; }
    EntriesView.-empty Rows { height: 1; }  /* it keeps the focus, and so the keys */
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search"),
        Binding("space", "mark", "Mark"),
        Binding("a", "mark_all", "Mark shown", show=False),
        Binding("d", "purge", "Purge"),
        Binding("D", "purge_found", "Purge all found", show=False),
        Binding("s", "sort", "Sort"),
        Binding("v", "reverse", "Reverse", show=False),
        Binding("P", "pin", "Pin"),
        Binding("t", "lifetime", "TTL"),
        Binding("x", "export", "Export"),
        Binding("ctrl+t", "trash", "Trash"),
        Binding("r", "reload", "Reload", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._items: list[EntryRow] = []
        self._marked: set[str] = set()
        self._next: str | None = None
        self._total: int | None = None
        self._least = 0
        self._filter = EntryFilter()
        self._stale = True
        self._unreadable: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield FilterBar(asks.PLACEHOLDER, lambda: host_of(self).remembered.searches)
        yield Rows(COLUMNS, lambda: len(self._items), self._cells, is_marked=self._is_marked, id="entries")
        yield Static("", id="nothing")
        yield Static("", classes="status")

    @property
    def rows(self) -> Rows:
        return self.query_one("#entries", Rows)

    def focus_first(self) -> None:
        self.rows.focus()
        if self._stale:
            self.reload()

    def note_change(self, *, looks: bool = False) -> None:
        """Something was stored or purged: look again when somebody looks here, or now if somebody does.

        Whoever has gone down several pages is not taken away from there: the last line says so instead.
        """
        self._stale = True
        if looks and len(self._items) <= PAGE:
            self.reload(after=DEBOUNCE)
        elif looks:
            self._show()

    @work(exclusive=True, group="entries")
    async def reload(self, *, after: float = 0.0) -> None:
        """The first page, once nobody has typed for so many seconds."""
        await asyncio.sleep(after)
        remembered = host_of(self).remembered
        self._stale = False
        if self._total is None and not self._items:
            self.query_one(".status", Static).update("asking the daemon …")
        page = await host_of(self).ask(calls.list_entries(self._query()))
        if page is None:
            self.query_one(".status", Static).update("The entries cannot be read now: r tries again.")
            return
        self._items, self._next, self._total = page.items, page.next, page.total
        self._least = page.at_least or 0
        self._unreadable = page.unreadable
        self.rows.sorted_by = (remembered.sort, remembered.descending)
        self._show()

    @work(exclusive=True, group="more")
    async def _more(self) -> None:
        if self._next is None:
            return
        page = await host_of(self).ask(calls.list_entries(self._query(self._next)), quiet=True)
        if page is not None:
            known = {item.id for item in self._items}
            self._items += [item for item in page.items if item.id not in known]
            self._next = page.next
            self._show()

    def _query(self, cursor: str | None = None) -> EntryQuery:
        remembered = host_of(self).remembered
        given = msgspec.structs.asdict(self._filter)
        sort = remembered.sort if remembered.sort in SORTS else "created"
        return EntryQuery(**given, sort=sort, descending=remembered.descending, cursor=cursor, limit=PAGE)  # type: ignore[arg-type]

    def _show(self) -> None:
        self.set_class(not self._items, "-empty")
        if not self._items:
            self.query_one("#nothing", Static).update(self._nothing())
        self.rows.update_rows()
        known = f"{self._total:,}" if self._total is not None else f"more than {max(len(self._items), self._least):,}"
        parts = [f"{len(self._items):,} of {known}"]
        if self._marked:
            parts.append(f"{len(self._marked):,} marked")
        if self._stale and self._items:
            parts.append("changed meanwhile: r loads it anew")
        parts += [f"{name} is missing: {why}" for name, why in self._unreadable.items()]
        self.query_one(".status", Static).update(Text(block(" · ".join(parts))))

    def _nothing(self) -> Text:
        if self._filter != EntryFilter():
            return Text("Nothing is stored that this search finds. esc takes it away.")
        return Text.assemble(
            ("Nothing is stored yet.\n\n", "bold"),
            "Whole, successful answers appear here by themselves, once an agent points at\n",
            (f"{host_of(self).url}/v1", "bold"),
            ("   b copies it", "dim"),
        )

    def _is_marked(self, index: int) -> bool:
        return self._items[index].id in self._marked

    def _cells(self, index: int) -> dict[str, Cell]:
        row, now = self._items[index], host_of(self).now()
        left = "" if row.expires is None else words.span(row.expires - now)
        mark = "✓" if row.id in self._marked else "▪" if row.pinned else ""
        return {
            "mark": Cell(mark, "warning"),
            "created": Cell(words.moment(row.created, now), "muted"),
            "used": Cell(words.moment(row.used, now), "muted"),
            "hits": Cell(words.count(row.hits), "success" if row.hits else "muted"),
            "size": Cell(words.size(row.size), "muted"),
            "expires": Cell("pinned" if row.pinned else left or "ever", "muted"),
            "tenant": Cell(row.tenant),
            "dialect": Cell(row.dialect, "muted"),
            "model": Cell(row.model or "–"),
            "question": Cell(row.question or row.answer),
        }

    def _current(self) -> EntryRow | None:
        return self._items[self.rows.cursor] if self._items else None

    @on(FilterBar.Changed)
    def _search(self, event: FilterBar.Changed) -> None:
        try:
            wanted = asks.read(event.text, typing=not event.done)
        except BadFilter as error:
            event.bar.show_fault(str(error), error.at)
            return
        event.bar.show_fault(None)
        if wanted != self._filter:
            self._marked.clear()  # what is not seen any more is not purged
        self._filter = wanted
        self.reload(after=0.0 if event.done else DEBOUNCE)
        if event.done:
            remembered = host_of(self).remembered
            remembered.used(remembered.searches, event.text.strip())
            self.rows.focus()

    @on(FilterBar.Left)
    def _leave_search(self) -> None:
        self.rows.focus()

    @on(Rows.Moved, "#entries")
    def _moved(self, event: Rows.Moved) -> None:
        if event.index >= len(self._items) - AHEAD and self._next is not None:
            self._more()

    @on(Rows.Opened, "#entries")
    def _opened(self, event: Rows.Opened) -> None:
        self.app.push_screen(EntryScreen(self._items[event.index]), self._come_back)

    @on(Rows.SortWanted, "#entries")
    def _sort_by(self, event: Rows.SortWanted) -> None:
        remembered = host_of(self).remembered
        if remembered.sort == event.column:
            remembered.descending = not remembered.descending
        else:
            remembered.sort, remembered.descending = event.column, True
        self.reload()

    def _come_back(self, _: None) -> None:
        self.reload()

    def action_search(self) -> None:
        self.query_one(FilterBar).focus_line()

    def action_reload(self) -> None:
        self.reload()

    def action_sort(self) -> None:
        remembered = host_of(self).remembered
        place = SORTS.index(remembered.sort) if remembered.sort in SORTS else -1
        remembered.sort = SORTS[(place + 1) % len(SORTS)]
        self.reload()

    def action_reverse(self) -> None:
        remembered = host_of(self).remembered
        remembered.descending = not remembered.descending
        self.reload()

    def action_mark(self) -> None:
        row = self._current()
        if row is not None:
            self._marked ^= {row.id}
            self._show()
            self.rows.action_move(1)

    def action_mark_all(self) -> None:
        shown = {row.id for row in self._items}
        self._marked = set() if shown <= self._marked else shown
        self._show()

    async def action_pin(self) -> None:
        row = self._current()
        changed = await toggle_pin(self, row) if row is not None else None
        if changed is not None:
            self._replace(changed)

    @work(exclusive=True, group="act")
    async def action_lifetime(self) -> None:
        row = self._current()
        changed = await change_lifetime(self, row.id) if row is not None else None
        if changed is not None:
            self._replace(changed)

    def _replace(self, changed: EntryRow) -> None:
        self._items = [changed if item.id == changed.id else item for item in self._items]
        self._show()

    @work(exclusive=True, group="act")
    async def action_purge(self) -> None:
        row = self._current()
        chosen = sorted(self._marked) or ([row.id] if row is not None else [])
        if chosen and await purge_many(self, Purge(ids=chosen), "Purge these entries?"):
            self._marked.clear()
            self.reload()

    @work(exclusive=True, group="act")
    async def action_purge_found(self) -> None:
        everything = self._filter == EntryFilter()
        title = "Purge everything, of all tenants?" if everything else "Purge all that this search finds?"
        what = Purge(everything=True) if everything else Purge(filter=self._filter)
        if await purge_many(self, what, title):
            self.reload()

    def action_trash(self) -> None:
        self.app.push_screen(TrashScreen(), self._come_back)

    @work(exclusive=True, group="act")
    async def action_export(self) -> None:
        """The marked entries, or the one under the cursor, a line of JSON each."""
        row, host = self._current(), host_of(self)
        chosen = sorted(self._marked) or ([row.id] if row is not None else [])
        if not chosen:
            return
        where = Path.home() / "reflex-entries.jsonl"
        title = f"Export {words.plural(len(chosen), 'entry', 'entries')} to"
        answer = await host.push_screen_wait(Prompt(title, _EXPORTED, value=str(where)))
        if not answer:
            return
        place = Path(answer.replace("~", str(Path.home()), 1) if answer.startswith("~") else answer)
        lines = [detail async for detail in self._details(chosen)]
        try:
            await asyncio.to_thread(_write, place, "".join(f"{line}\n" for line in lines))
        except OSError as error:
            host.fail(f"{place}: {error.strerror or error}")
        else:
            gone = len(chosen) - len(lines)
            missing = f"; {gone} had gone meanwhile" if gone else ""
            host.say(f"{words.plural(len(lines), 'entry', 'entries')} written to {place}{missing}.")

    async def _details(self, chosen: list[str]) -> AsyncIterator[str]:
        """As the control API tells them; those that have gone meanwhile are left out."""
        for name in chosen:
            detail = await host_of(self).ask(calls.entry(name), quiet=True)
            if detail is not None:
                yield msgspec.json.encode(detail).decode()


def _write(place: Path, text: str) -> None:
    """A file that is made here is its owner's alone: it holds somebody's questions. Raises `OSError`."""
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text.encode())
