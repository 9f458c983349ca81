"""By which column a list is sorted: chosen by its place in the list, from the keyboard alone."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from reflexd_tui.pure.columns import Column


class SortBy(ModalScreen[str | None]):
    """The column's key; None where nothing is to change."""

    DEFAULT_CSS = """
    SortBy { align: center middle; }
    SortBy Vertical {
        width: 36; max-width: 90%; height: auto; max-height: 90%; border: round $primary; background: $surface;
        padding: 1 2;
    }
    SortBy OptionList, SortBy OptionList:focus { height: auto; border: none; background: transparent; }
    SortBy .title { text-style: bold; margin-bottom: 1; }
    SortBy .hint { color: $text-muted; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Cancel"),
        Binding("j,s", "move(1)", show=False),
        Binding("k", "move(-1)", show=False),
    ]

    def __init__(self, columns: Sequence[Column], sorted_by: tuple[str, bool] | None) -> None:
        """``sorted_by``: the column and whether it descends."""
        super().__init__()
        self._columns = columns
        self._sorted_by = sorted_by

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static("Sort by", classes="title")
            yield OptionList(*(self._option(place, column) for place, column in enumerate(self._columns, 1)))
            yield Static("The same again turns it round.", classes="hint")

    def _option(self, place: int, column: Column) -> Option:
        way = ""
        if self._sorted_by is not None and self._sorted_by[0] == column.key:
            way = " ▼" if self._sorted_by[1] else " ▲"
        return Option(Text.assemble((f"{place} ", "dim"), f"{column.title}{way}"), id=column.key)

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        now = self._sorted_by[0] if self._sorted_by is not None else ""
        options.highlighted = next((n for n, column in enumerate(self._columns) if column.key == now), 0)
        options.focus()

    def on_key(self, event: events.Key) -> None:
        if event.character and event.character in "123456789" and int(event.character) <= len(self._columns):
            event.stop()
            self.dismiss(self._columns[int(event.character) - 1].key)

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        (options.action_cursor_down if step > 0 else options.action_cursor_up)()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)
