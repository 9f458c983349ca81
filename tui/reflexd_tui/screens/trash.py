"""The trash: purges of the last ten minutes, which can be taken back."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.entries import TrashRow
from reflexd_tui.host import host_of
from reflexd_tui.pure import words
from reflexd_tui.pure.columns import Column
from reflexd_tui.widgets.banner import Banner
from reflexd_tui.widgets.dialogs import Confirm
from reflexd_tui.widgets.key_line import KeyLine
from reflexd_tui.widgets.rows import Cell, Rows

COLUMNS = (
    Column(key="at", title="Purged", width=8, keep=3),
    Column(key="left", title="Left", width=7, keep=4, align="right"),
    Column(key="count", title="Entries", width=8, keep=2, align="right"),
    Column(key="size", title="Size", width=9, keep=1, align="right"),
    Column(key="what", title="What", width=20, grows=True),
)


_CUT_SHORT = "not finished: the rest is still stored, purge again"


def _told(what: str) -> Content:
    return Content.assemble(("Trash", "bold $foreground"), f"   {what}")


class Purges(Rows):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "Restore")]


class TrashScreen(Screen[None]):
    DEFAULT_CSS = "TrashScreen Static { padding: 1 1; height: auto; color: $text-muted; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back"),
        Binding("r", "restore", "Restore", show=False),
        Binding("x", "drop", "Drop for good"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._items: list[TrashRow] = []

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Static(_told("What was purged can be taken back for ten minutes."))
        yield Purges(COLUMNS, lambda: len(self._items), self._cells)
        yield KeyLine()

    async def on_mount(self) -> None:
        host = host_of(self)
        self.query_one(Banner).show(host.state, None, read_only=host.read_only)
        self.query_one(Rows).focus()
        await self._load()

    async def _load(self) -> None:
        found = await host_of(self).ask(calls.trash())
        self._items = found.items if found is not None else []
        self.query_one(Rows).update_rows()
        if found is not None and not found.items:
            self.query_one(Static).update(_told("It is empty. What is purged stays here for ten minutes."))

    def _cells(self, index: int) -> dict[str, Cell]:
        item = self._items[index]
        what = Cell(item.what) if item.finished else Cell(f"{_CUT_SHORT} · {item.what}", "error")
        return {
            "at": Cell(words.clock(item.at), "muted"),
            "left": Cell(words.span(item.undo_until - host_of(self).now()), "warning"),
            "count": Cell(f"{item.count:,}"),
            "size": Cell(words.size(item.size), "muted"),
            "what": what,
        }

    @on(Rows.Opened)
    async def action_restore(self) -> None:
        host = host_of(self)
        if not self._items or not host.may_change("Restore"):
            return
        item = self._items[self.query_one(Rows).cursor]
        restored = await host.ask(calls.restore(item.purge))
        if restored is not None:
            host.say(words.restored(restored.count, restored.skipped))
        await self._load()

    def action_drop(self) -> None:
        if self._items and host_of(self).may_change("Drop"):
            self.run_worker(self._drop(self._items[self.query_one(Rows).cursor]), exclusive=True, group="act")

    async def _drop(self, item: TrashRow) -> None:
        host = host_of(self)
        count = words.plural(item.count, "entry", "entries")
        what = count if item.what == count else f"{count}: {item.what}"
        lines = [what, "", "This cannot be undone."]
        if await host.push_screen_wait(Confirm("Drop it for good?", lines, "Drop")):
            await host.ask(calls.empty_trash(item.purge))
            await self._load()
