"""A line to filter by, with what was typed before, and a fault shown where it is."""

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static


class Line(Input):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "earlier", "Earlier", show=False),
        Binding("down", "later", "Later", show=False),
        Binding("escape", "leave", "Done"),
    ]

    def action_earlier(self) -> None:
        self._bar.step(1)

    def action_later(self) -> None:
        self._bar.step(-1)

    def action_leave(self) -> None:
        self._bar.leave()

    @property
    def _bar(self) -> "FilterBar":
        bar = self.parent
        assert isinstance(bar, FilterBar)  # noqa: S101 - made there alone
        return bar


class FilterBar(Vertical):
    DEFAULT_CSS = """
    FilterBar { height: auto; background: $surface; }
    FilterBar Input { border: none; height: 1; padding: 0 1; background: $boost; }
    FilterBar Input:focus { border: none; background: $primary 20%; }
    FilterBar Static {
        height: auto; max-height: 2; padding: 0 1; color: $text-error; display: none;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    FilterBar.-bad Static { display: block; }
    """

    class Changed(Message):
        """Another text; ``done`` once it was entered."""

        def __init__(self, bar: "FilterBar", text: str, *, done: bool) -> None:
            super().__init__()
            self.bar, self.text, self.done = bar, text, done

        @property
        def control(self) -> "FilterBar":
            return self.bar

    class Left(Message):
        def __init__(self, bar: "FilterBar") -> None:
            super().__init__()
            self.bar = bar

        @property
        def control(self) -> "FilterBar":
            return self.bar

    def __init__(self, placeholder: str, history: Callable[[], list[str]], *, id: str | None = None) -> None:  # noqa: A002
        """``history``: what was entered before, the last first."""
        super().__init__(id=id)
        self._placeholder = placeholder
        self._history = history
        self._place = -1

    def compose(self) -> ComposeResult:
        yield Line(placeholder=f"/ {self._placeholder}")
        yield Static("")

    @property
    def text(self) -> str:
        return self.query_one(Line).value

    @text.setter
    def text(self, text: str) -> None:
        self.query_one(Line).value = text

    def put(self, text: str) -> None:
        """Text that holds already, so that nobody is told of it."""
        with self.prevent(Input.Changed):
            self.text = text

    def focus_line(self) -> None:
        self._place = -1
        self.query_one(Line).focus()

    def show_fault(self, message: str | None, at: int = 0) -> None:
        """Under the line, pointing at the character; below the arrow where there is no room. None takes it away."""
        self.set_class(message is not None, "-bad")
        if message is not None:
            room = max(1, self.size.width - 2)
            arrow = " " * min(at, room - 1) + "↑"
            gap = " " if len(arrow) + 1 + len(message) <= room else "\n"
            self.query_one(Static).update(Text(f"{arrow}{gap}{message}"))

    def step(self, by: int) -> None:
        history = self._history()
        self._place = max(-1, min(self._place + by, len(history) - 1))
        line = self.query_one(Line)
        line.value = history[self._place] if self._place >= 0 else ""
        line.cursor_position = len(line.value)

    def leave(self) -> None:
        """The first time it takes the text away, then the line."""
        if self.text:
            self.text = ""
        else:
            self.post_message(self.Left(self))

    @on(Input.Changed)
    def _change(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(self, event.value, done=False))

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Changed(self, event.value, done=True))
