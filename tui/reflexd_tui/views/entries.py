"""Entries: what is stored; searched as one types, a page at a time, however many there are."""

import asyncio
from contextlib import suppress
from typing import ClassVar, get_args

import msgspec
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from reflexd_io.control_client import NotThere, Refused, calls
from reflexd_io.control_client.shapes.entries import EntryFilter, EntryQuery, EntryRow, Purge, SortName
from reflexd_tui.acting import change_lifetime, purge_many, toggle_pin
from reflexd_tui.exporting import export
from reflexd_tui.host import host_of
from reflexd_tui.pure import asks
from reflexd_tui.pure.filters import BadFilter
from reflexd_tui.pure.pages import Pages
from reflexd_tui.pure.safe import block
from reflexd_tui.screens.detail import NOT_FOUND
from reflexd_tui.screens.entry import EntryScreen
from reflexd_tui.screens.trash import TrashScreen
from reflexd_tui.sorting import SortBy
from reflexd_tui.views.entry_table import COLUMNS, SORTED, cells, descends_at_first
from reflexd_tui.widgets.filter_bar import FilterBar
from reflexd_tui.widgets.rows import Cell, Rows

PAGE = 200
AHEAD = 50
"""Rows from the end at which the next page is asked for."""
DEBOUNCE = 0.25


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
        Binding("escape", "clear_line", "Clear the search", show=False),
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
        self.pages = Pages()
        self._filter = EntryFilter()
        self._stale = True
        self._looks_further = False

    def compose(self) -> ComposeResult:
        yield FilterBar(asks.PLACEHOLDER, lambda: host_of(self).remembered.searches)
        yield Rows(COLUMNS, lambda: len(self.pages.rows), self._cells, is_marked=self._is_marked, id="entries")
        yield Static("", id="nothing")
        yield Static("", classes="status")

    def on_mount(self) -> None:
        """The search that held when it was left holds again; one that cannot be read any more does not."""
        remembered = host_of(self).remembered
        text, self.rows.hidden = remembered.search, frozenset(remembered.hidden_entries)
        with suppress(BadFilter):
            self._filter = asks.read(text)
            self.query_one(FilterBar).put(text)

    def on_resize(self) -> None:
        if self.pages.rows:
            self.call_after_refresh(self._show)  # columns come and go

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
        if looks and not self._is_deep:
            self.reload(after=DEBOUNCE)
        elif looks:
            self._show()

    @property
    def _is_deep(self) -> bool:
        return len(self.pages.rows) > PAGE

    @work(exclusive=True, group="entries")
    async def reload(self, *, after: float = 0.0, anew: bool = False) -> None:
        """The first page, once nobody has typed for so many seconds; ``anew``: of another list, seen from its top."""
        await asyncio.sleep(after)
        self._stale = self._looks_further = False
        if not self.pages.begun:
            self._tell("Asking the daemon …")
        page = await host_of(self).ask(calls.list_entries(self._query()))
        if page is None:
            self._stale = True
            self._tell("The entries cannot be read now: r tries again.")
            return
        under = self._current()
        self.pages.begin(page)
        place = self.pages.index_of(under.id if under is not None else None)
        self.rows.sorted_by = self._sorted_by
        self._show()
        if anew or place is not None:
            self.rows.put_cursor(0 if anew or place is None else place)
        await self._look_further(PAGE)

    @work(exclusive=True, group="more")
    async def _more(self) -> None:
        await self._look_further(len(self.pages.rows) + 1)

    async def _look_further(self, wanted: int) -> None:
        """Until so many rows are there: a page is short, and may be empty, where few entries fit."""
        while len(self.pages.rows) < wanted and (behind := self.pages.next) is not None:
            self._looks_further = True
            self._show()
            page = await host_of(self).ask(calls.list_entries(self._query(behind)), quiet=True)
            if page is None:
                break
            self.pages.go_on(page, behind)
        self._looks_further = False
        self._show()

    @property
    def _sorted_by(self) -> tuple[SortName, bool]:
        remembered = host_of(self).remembered
        known = [name for name in get_args(SortName) if name == remembered.sort]
        return (known[0] if known else "created"), remembered.descending

    def _query(self, cursor: str | None = None) -> EntryQuery:
        sort, descending = self._sorted_by
        given = msgspec.structs.asdict(self._filter)
        return EntryQuery(**given, sort=sort, descending=descending, cursor=cursor, limit=PAGE)

    def _show(self) -> None:
        self.set_class(not self.pages.rows, "-empty")
        if not self.pages.rows:
            self.query_one("#nothing", Static).update(self._nothing())
        self.rows.update_rows()
        parts = self.pages.told()
        column, descends = self._sorted_by
        if self.pages.rows and not self.rows.shows(column):  # where it has no room, no head says so
            title = next(each.title for each in SORTED if each.key == column)
            parts.append(f"by {title.lower()} {'▼' if descends else '▲'}")
        if self._looks_further:
            parts.append("looking further …")
        elif self._stale and self.pages.rows:
            parts.append("changed meanwhile: r loads it anew")
        self.query_one(".status", Static).update(Text(block(" · ".join(parts))))

    def _tell(self, what: str) -> None:
        """In place of the entries where there are none, else below them."""
        self.set_class(not self.pages.rows, "-empty")
        self.query_one("#nothing", Static).update("" if self.pages.rows else what)
        self.query_one(".status", Static).update(what if self.pages.rows else "")

    def _nothing(self) -> Text:
        if self._looks_further:
            return Text("Nothing so far: the search looks further …")
        if self._filter != EntryFilter():
            return Text("Nothing is stored that this search finds. esc takes it away.")
        return Text.assemble(
            ("Nothing is stored yet.\n\n", "bold"),
            "Whole, successful answers appear here by themselves, once an agent points at\n",
            (f"{host_of(self).url}/v1", "bold"),
            ("   b copies it", "dim"),
        )

    def _is_marked(self, index: int) -> bool:
        return self.pages.rows[index].id in self.pages.marked

    def _cells(self, index: int) -> dict[str, Cell]:
        return cells(self.pages.rows[index], host_of(self).now(), is_marked=self._is_marked(index))

    def _current(self) -> EntryRow | None:
        place = self.rows.cursor
        return self.pages.rows[place] if place < len(self.pages.rows) else None

    def _chosen(self) -> list[str]:
        """The marked entries, or the one under the cursor."""
        row = self._current()
        return sorted(self.pages.marked) or ([row.id] if row is not None else [])

    @on(FilterBar.Changed)
    def _search(self, event: FilterBar.Changed) -> None:
        try:
            wanted = asks.read(event.text, typing=not event.done)
        except BadFilter as error:
            event.bar.show_fault(str(error), error.at)
            return
        event.bar.show_fault(None)
        if wanted != self._filter:
            self.pages.marked.clear()  # what is not seen any more is not purged
        anew, self._filter = wanted != self._filter, wanted
        self.reload(after=0.0 if event.done else DEBOUNCE, anew=anew)
        host = host_of(self)
        host.remembered.search = event.text.strip()
        if event.done:
            host.remembered.used(host.remembered.searches, host.remembered.search)
            self.rows.focus()
        host.keep()

    @on(FilterBar.Left)
    def _leave_search(self) -> None:
        self.rows.focus()

    @on(Rows.Moved, "#entries")
    def _moved(self, event: Rows.Moved) -> None:
        if event.index >= len(self.pages.rows) - AHEAD and self.pages.next is not None and not self._looks_further:
            self._more()

    @on(Rows.Opened, "#entries")
    def _opened(self, event: Rows.Opened) -> None:
        row = self.pages.rows[event.index]

        def come_back(_: None) -> None:
            self._come_back(row.id)

        self.app.push_screen(EntryScreen(row), come_back)

    @work(exclusive=True, group="back")
    async def _come_back(self, name: str) -> None:
        """From one entry, which may have changed or gone; whoever is far down stays there."""
        if not self._is_deep:
            self.reload()
            return
        host = host_of(self)
        try:
            self.pages.replace((await host.session.do(calls.entry(name))).row)
        except Refused as refused:
            if refused.status == NOT_FOUND:
                self.pages.drop({name})
        except NotThere:
            return  # the header says so
        self._show()

    @on(Rows.SortWanted, "#entries")
    def _sort_wanted(self, event: Rows.SortWanted) -> None:
        self._sort_by(event.column)

    def _sort_by(self, column: str | None) -> None:
        """By this column, or by the same one the other way round."""
        if column is None:
            return
        host = host_of(self)
        remembered = host.remembered
        is_same = remembered.sort == column
        remembered.descending = not remembered.descending if is_same else descends_at_first(column)
        remembered.sort = column
        host.keep()
        self.reload(anew=True)

    def action_clear_line(self) -> None:
        self.query_one(FilterBar).text = ""

    def action_search(self) -> None:
        self.query_one(FilterBar).focus_line()

    def action_reload(self) -> None:
        self.reload()

    def action_sort(self) -> None:
        self.app.push_screen(SortBy(SORTED, self._sorted_by), self._sort_by)

    def action_reverse(self) -> None:
        self._sort_by(self._sorted_by[0])

    def action_mark(self) -> None:
        row = self._current()
        if row is not None:
            self.pages.marked ^= {row.id}
            self._show()
            self.rows.action_move(1)

    def action_mark_all(self) -> None:
        self.pages.mark_all()
        self._show()

    async def action_pin(self) -> None:
        row = self._current()
        self._replace(await toggle_pin(self, row) if row is not None else None)

    @work(exclusive=True, group="act")
    async def action_lifetime(self) -> None:
        row = self._current()
        self._replace(await change_lifetime(self, row.id) if row is not None else None)

    def _replace(self, changed: EntryRow | None) -> None:
        if changed is not None:
            self.pages.replace(changed)
            self._show()

    @work(exclusive=True, group="act")
    async def action_purge(self) -> None:
        chosen = self._chosen()
        if chosen and await purge_many(self, Purge(ids=chosen), "Purge these entries?"):
            self.pages.drop(chosen)
            self._show()
            if not self._is_deep:
                self.reload()

    @work(exclusive=True, group="act")
    async def action_purge_found(self) -> None:
        everything = self._filter == EntryFilter()
        title = "Purge everything, of all tenants?" if everything else "Purge all that this search finds?"
        what = Purge(everything=True) if everything else Purge(filter=self._filter)
        if await purge_many(self, what, title):
            self.reload()

    def action_trash(self) -> None:
        self.app.push_screen(TrashScreen(), self._leave_trash)

    def _leave_trash(self, _: None) -> None:
        self.reload()

    @work(exclusive=True, group="act")
    async def action_export(self) -> None:
        if chosen := self._chosen():
            await export(self, chosen)
