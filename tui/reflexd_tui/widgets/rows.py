"""A table that draws only the lines that are seen, so that a million rows cost what thirty do.

It holds no rows: how many there are and what stands in one is asked for while it is drawn. Its first line is the
heading, which stays where it is.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from reflexd_tui.pure.columns import GAP, Column, Placed, place
from reflexd_tui.pure.safe import short
from reflexd_tui.widgets.lines import muted


class Cell(NamedTuple):
    text: str
    """Any text: it is made fit for the terminal here."""
    colour: str = ""
    """``success``, ``warning``, ``error``, ``accent``, ``primary``, ``secondary`` or ``muted``."""
    bold: bool = False


class Rows(ScrollView, can_focus=True):
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--heading",
        "rows--cursor",
        "rows--marked",
        "rows--success",
        "rows--warning",
        "rows--error",
        "rows--accent",
        "rows--primary",
        "rows--secondary",
    }
    DEFAULT_CSS = """
    Rows {
        background: $surface;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: auto;
        & > .rows--heading { color: $text-muted; text-style: bold; background: $panel; }
        & > .rows--cursor { background: $row-cursor-blurred; }
        & > .rows--marked { background: $row-marked; }
        & > .rows--success { color: $text-success; }
        & > .rows--warning { color: $text-warning; }
        & > .rows--error { color: $text-error; }
        & > .rows--accent { color: $text-accent; }
        & > .rows--primary { color: $text-primary; }
        & > .rows--secondary { color: $text-secondary; }
        &:focus > .rows--cursor { background: $row-cursor; text-style: bold; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "jump(0)", "First", show=False),
        Binding("end,G", "jump(-1)", "Last", show=False),
        Binding("enter", "open", "Open"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """The cursor stands elsewhere; ``by_hand`` where a person has moved it."""

        def __init__(self, rows: "Rows", index: int, *, by_hand: bool) -> None:
            super().__init__()
            self.rows, self.index, self.by_hand = rows, index, by_hand

        @property
        def control(self) -> "Rows":
            return self.rows

    class Opened(Message):
        def __init__(self, rows: "Rows", index: int) -> None:
            super().__init__()
            self.rows, self.index = rows, index

        @property
        def control(self) -> "Rows":
            return self.rows

    class SortWanted(Message):
        def __init__(self, rows: "Rows", column: str) -> None:
            super().__init__()
            self.rows, self.column = rows, column

        @property
        def control(self) -> "Rows":
            return self.rows

    def __init__(
        self,
        columns: Sequence[Column],
        length: Callable[[], int],
        cells: Callable[[int], dict[str, Cell]],
        *,
        is_marked: Callable[[int], bool] = lambda _: False,
        empty: str = "",
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        """``cells`` gives a row's cells by column; a column it leaves out stays empty. ``empty``: said in their place
        where there are no rows.
        """
        super().__init__(id=id)
        self.columns = columns
        self._length = length
        self._cells = cells
        self._is_marked = is_marked
        self._empty = empty
        self._placed: list[Placed] = []
        self._placed_in = 0
        """The width for which they were placed: a scroll bar comes and goes without a resize."""
        self._muted = Style(dim=True)
        self.hidden: frozenset[str] = frozenset()
        self.sorted_by: tuple[str, bool] | None = None
        """The column, and whether it descends."""

    def on_mount(self) -> None:
        self.update_rows()

    def on_resize(self, _: events.Resize) -> None:
        self.update_rows()
        self.show_cursor()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._muted = Style.parse(muted(self.app))
        self.refresh()

    def update_rows(self) -> None:
        """After what is behind the rows has changed."""
        self._place()
        self.virtual_size = Size(self._placed_in, self._length() + 1)
        self.set_reactive(Rows.cursor, max(0, min(self.cursor, self._length() - 1)))
        self.refresh()

    def say_nothing(self, why: str) -> None:
        """What is said in place of rows, while there are none."""
        self._empty = why
        self.refresh()

    def _place(self) -> None:
        self._placed_in = max(1, self.scrollable_content_region.width)
        self._placed = place(self.columns, self._placed_in - 2, self.hidden)

    def shows(self, column: str) -> bool:
        """Whether there is room for it; what is not drawn yet shows all."""
        return self.size.width == 0 or any(placed.column.key == column for placed in self._placed)

    def put_cursor(self, index: int, *, by_hand: bool = False) -> None:
        """Move it and show it."""
        length = self._length()
        self.set_reactive(Rows.cursor, max(0, min(index, length - 1)))
        self.show_cursor()
        self.refresh()
        self.post_message(self.Moved(self, self.cursor, by_hand=by_hand))

    def show_cursor(self) -> None:
        seen = max(1, self.scrollable_content_region.height - 1)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + seen:
            self.scroll_to(y=self.cursor - seen + 1, animate=False, immediate=True)

    def action_move(self, step: int) -> None:
        self.put_cursor(self.cursor + step, by_hand=True)

    def action_page(self, direction: int) -> None:
        self.action_move(direction * max(1, self.scrollable_content_region.height - 2))

    def action_jump(self, index: int) -> None:
        self.put_cursor(index if index >= 0 else self._length() + index, by_hand=True)

    def action_open(self) -> None:
        if self._length():
            self.post_message(self.Opened(self, self.cursor))

    def on_mouse_scroll_up(self) -> None:
        self.call_after_refresh(self._follow_wheel)

    def on_mouse_scroll_down(self) -> None:
        self.call_after_refresh(self._follow_wheel)

    def _follow_wheel(self) -> None:
        """The cursor goes along with what the wheel shows; at the end, to the end."""
        top, seen = self.scroll_offset.y, max(1, self.scrollable_content_region.height - 1)
        index = max(top, min(self.cursor, top + seen - 1))
        if top >= self.max_scroll_y:
            index = self._length() - 1
        if index != self.cursor:
            self.put_cursor(index, by_hand=True)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            self._click_heading(offset.x)
            return
        index = self.scroll_offset.y + offset.y - 1
        if 0 <= index < self._length():
            again = index == self.cursor and event.chain > 1
            self.put_cursor(index, by_hand=True)
            if again:
                self.action_open()

    def _click_heading(self, x: int) -> None:
        left = 1
        for placed in self._placed:
            if left <= x < left + placed.width + GAP:
                if placed.column.sorts:
                    self.post_message(self.SortWanted(self, placed.column.key))
                return
            left += placed.width + GAP

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if self.scrollable_content_region.width != self._placed_in:
            self._place()
        if y == 0:
            style = self.rich_style + self.get_component_rich_style("rows--heading")
            return self._strip([self._title(placed) for placed in self._placed], style, width)
        index = self.scroll_offset.y + y - 1
        base = self.rich_style
        if not 0 <= index < self._length():
            if y == 1 and self._empty and not self._length():
                return self._strip([(short(self._empty, max(1, width - 2)), base + self._muted)], base, width)
            return Strip.blank(width, base)
        if self._is_marked(index):
            base += self.get_component_rich_style("rows--marked")
        if index == self.cursor:
            base += self.get_component_rich_style("rows--cursor")
        cells = self._cells(index)
        texts = [self._cell(placed, cells.get(placed.column.key, Cell("")), base) for placed in self._placed]
        return self._strip(texts, base, width)

    def _strip(self, texts: list[tuple[str, Style]] | list[tuple[str, None]], base: Style, width: int) -> Strip:
        segments = [Segment(" ", base)]
        for number, (text, style) in enumerate(texts):
            if number:
                segments.append(Segment(" " * GAP, base))
            segments.append(Segment(text, style or base))
        return Strip(segments).adjust_cell_length(width, base)

    def _title(self, placed: Placed) -> tuple[str, None]:
        title = placed.column.title
        if self.sorted_by is not None and self.sorted_by[0] == placed.column.key:
            title += " ▼" if self.sorted_by[1] else " ▲"
        return _fitted(title, placed), None

    def _cell(self, placed: Placed, cell: Cell, base: Style) -> tuple[str, Style]:
        style = base
        if cell.colour == "muted":
            style += Style() if base.bgcolor != self.rich_style.bgcolor else self._muted  # what is chosen is read
        elif cell.colour:
            coloured = self.get_component_rich_style(f"rows--{cell.colour}", partial=True)
            style += Style(color=coloured.color)
        if cell.bold:
            style += Style(bold=True)
        return _fitted(short(cell.text, placed.width), placed), style


def _fitted(text: str, placed: Placed) -> str:
    """Exactly so many cells: wide characters take two."""
    if cell_len(text) > placed.width:
        text = set_cell_size(text, max(0, placed.width - 1)) + "…" if placed.width else ""
    space = " " * (placed.width - cell_len(text))
    return space + text if placed.column.align == "right" else text + space
