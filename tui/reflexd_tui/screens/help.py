"""All keys, from the bindings themselves."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

_NAMES = {
    "slash": "/", "question_mark": "?", "left_square_bracket": "[", "right_square_bracket": "]", "space": "space",
    "exclamation_mark": "!", "escape": "esc", "pageup": "pgup", "pagedown": "pgdn", "up": "↑", "down": "↓",
    "left": "←", "right": "→", "at": "@",
}  # fmt: skip
Group = tuple[str, Sequence[BindingType]]


def keys(bindings: Iterable[BindingType]) -> list[tuple[str, str]]:
    """Keys as they are typed, and what they do."""
    return [
        (shown(each.key), each.description) for each in bindings if isinstance(each, Binding) and each.description
    ]


def shown(key: str) -> str:
    return " ".join("+".join(_NAMES.get(part, part) for part in each.split("+")) for each in key.split(","))


class HelpScreen(ModalScreen[None]):
    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen VerticalScroll {
        width: 76; max-width: 95%; height: auto; max-height: 90%; border: round $primary; background: $surface;
        padding: 1 2;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark", "dismiss", "Close")]

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()
        self._groups = groups

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=True):
            yield Static(self._text())

    def _text(self) -> Text:
        text = Text("Keys", style="bold")
        text.append("   ctrl+p finds every action by its name; Shift and the mouse select text\n", "dim")
        for title, bindings in self._groups:
            text.append(f"\n{title}\n", "bold")
            for key, what in keys(bindings):
                text.append(f"  {key:<18}", self.app.theme_variables["accent"])
                text.append(f"{what}\n")
        return text
