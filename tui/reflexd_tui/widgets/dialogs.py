"""Dialogs: to confirm what is hard to take back, to ask for a line, to show what is told once."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from reflexd_tui.pure.safe import block

_FRAME = """
{name} {{ align: center middle; background: $background 60%; }}
{name} > VerticalScroll {{
    width: 72; max-width: 90%; height: auto; max-height: 85%;
    border: round $primary; background: $surface; padding: 1 2;
    border-title-style: bold; border-title-color: $foreground; border-subtitle-color: $text-muted;
}}
{name} .hint {{ color: $text-muted; margin-bottom: 1; }}
{name} Input, {name} Input:focus {{ border: round $border-blurred; background: transparent; }}
{name} Input:focus {{ border: round $border; }}
{name} .fault {{ color: $text-error; height: auto; }}
{name} Horizontal {{ height: auto; align-horizontal: right; margin-top: 1; }}
{name} Button {{ margin-left: 2; min-width: 12; }}
"""


class Confirm(ModalScreen[bool]):
    """Yes or no; with ``typed``, only after that was typed."""

    DEFAULT_CSS = _FRAME.format(name="Confirm")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(False)", "Cancel")]

    _KEYS = "tab moves · enter chooses · esc cancels"

    def __init__(self, title: str, lines: Sequence[str], yes: str, *, typed: str | None = None) -> None:
        super().__init__()
        self._title, self._lines, self._yes, self._typed = title, lines, yes, typed

    def compose(self) -> ComposeResult:
        with VerticalScroll() as frame:
            frame.border_title, frame.border_subtitle = Content(block(self._title)), self._KEYS
            yield Static(Text("\n".join(block(line) for line in self._lines)))
            if self._typed is not None:
                yield Static(Text(f"\nType {self._typed} to go on:"), classes="hint")
                yield Input(id="typed")
            with Horizontal():
                yield Button("Cancel", id="no", compact=True)
                yield Button(self._yes, id="yes", variant="error", disabled=self._typed is not None, compact=True)

    def on_mount(self) -> None:
        self.query_one("#typed" if self._typed is not None else "#no").focus()

    @on(Input.Changed)
    def _compare(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value != self._typed

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        if event.value == self._typed:
            self.dismiss(True)

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")


class Prompt(ModalScreen[str | None]):
    """One line of text; None where nothing is wanted after all."""

    DEFAULT_CSS = _FRAME.format(name="Prompt")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    _KEYS = "enter takes it · esc cancels"

    def __init__(
        self,
        title: str,
        hint: str = "",
        *,
        value: str = "",
        secret: bool = False,
        check: Callable[[str], str | None] = lambda _: None,
        fault: str = "",
    ) -> None:
        """``check`` says what is wrong with a text, or None; ``fault`` what was wrong with ``value`` before."""
        super().__init__()
        self._fault = fault
        self._title, self._hint, self._value, self._secret, self._check = title, hint, value, secret, check

    def compose(self) -> ComposeResult:
        with VerticalScroll() as frame:
            frame.border_title, frame.border_subtitle = Content(block(self._title)), self._KEYS
            if self._hint:
                yield Static(Text(block(self._hint)), classes="hint")
            yield Input(self._value, password=self._secret)
            yield Static(Text(block(self._fault)), classes="fault")
            with Horizontal():
                yield Button("Cancel", id="no", compact=True)
                yield Button("OK", id="yes", compact=True, variant="primary")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _clear(self, event: Input.Changed) -> None:
        if event.value != self._value:
            self.query_one(".fault", Static).update("")

    @on(Input.Submitted)
    @on(Button.Pressed, "#yes")
    def _done(self) -> None:
        text = self.query_one(Input).value
        fault = self._check(text)
        if fault is None:
            self.dismiss(text)
        else:
            self.query_one(".fault", Static).update(Text(block(fault)))

    @on(Button.Pressed, "#no")
    def _cancel(self) -> None:
        self.dismiss(None)


class Reveal(ModalScreen[None]):
    """Something that is shown once; ``c`` copies it."""

    DEFAULT_CSS = _FRAME.format(name="Reveal") + "Reveal #secret { text-style: bold; color: $text-accent; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "dismiss", "Close"),
        Binding("c", "copy", "Copy"),
    ]

    _KEYS = "c copies · esc closes"

    def __init__(self, title: str, secret: str, hint: str, copy: Callable[[str, str], None]) -> None:
        super().__init__()
        self._title, self._secret, self._hint, self._copy = title, secret, hint, copy

    def compose(self) -> ComposeResult:
        with VerticalScroll() as frame:
            frame.border_title, frame.border_subtitle = Content(block(self._title)), self._KEYS
            yield Static(Text(self._secret), id="secret")
            yield Static(Text("\n" + block(self._hint)), classes="hint")
            with Horizontal():
                yield Button("Copy", id="copy", compact=True, variant="primary")
                yield Button("Close", id="close", compact=True)

    def action_copy(self) -> None:
        self._copy(self._secret, "the token")

    @on(Button.Pressed)
    def _press(self, event: Button.Pressed) -> None:
        if event.button.id == "copy":
            self.action_copy()
        else:
            self.dismiss()
