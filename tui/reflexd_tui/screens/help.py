"""All keys, from the bindings themselves."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from reflexd_tui.widgets.lines import colour

_NAMES = {
    "slash": "/", "question_mark": "?", "left_square_bracket": "[", "right_square_bracket": "]", "space": "space",
    "exclamation_mark": "!", "escape": "esc", "pageup": "pgup", "pagedown": "pgdn", "up": "↑", "down": "↓",
    "left": "←", "right": "→", "at": "@",
}  # fmt: skip
_HINT = "ctrl+p finds every action by its name. Hold Shift to select text with the mouse."
_TWO_COLUMNS = 90
"""Characters from which on there are two."""
Group = tuple[str, Sequence[BindingType]]


def keys(bindings: Iterable[BindingType]) -> list[tuple[str, str]]:
    """Keys as they are typed, and what they do; those that do the same in one line."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in bindings:
        if isinstance(each, Binding) and each.description:
            found.setdefault((each.action, each.description), []).append(shown(each.key))
    return [(" ".join(typed), what) for (_, what), typed in found.items()]


def shown(key: str) -> str:
    return " ".join("+".join(_NAMES.get(part, part) for part in each.split("+")) for each in key.split(","))


class HelpScreen(ModalScreen[None]):
    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen VerticalScroll {
        width: 92; max-width: 95%; height: auto; max-height: 95%; border: round $primary; background: $surface;
        padding: 1 2; border-title-style: bold; border-title-color: $foreground; border-subtitle-color: $text-muted;
    }
    HelpScreen Horizontal { height: auto; }
    HelpScreen Horizontal Static { width: 1fr; height: auto; }
    HelpScreen.-narrow Horizontal { layout: vertical; }
    HelpScreen.-narrow Horizontal Static { width: 100%; }
    HelpScreen #hint { color: $text-muted; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Close"),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, groups: Sequence[Group]) -> None:
        super().__init__()
        self._groups = groups

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=True) as frame:
            frame.border_title = "Keys"
            frame.border_subtitle = "esc closes"
            yield Static(_HINT, id="hint")
            with Horizontal():
                for half in halves(self._groups):
                    yield Static(self._text(half))

    def on_resize(self) -> None:
        self.set_class(self.size.width < _TWO_COLUMNS, "-narrow")

    def action_scroll(self, step: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def _text(self, groups: Sequence[Group]) -> Text:
        text, accent = Text(), colour(self.app, "text-accent")
        for title, bindings in groups:
            text.append(f"{title}\n", "bold")
            for key, what in keys(bindings):
                text.append(f"  {key:<14}", accent)
                text.append(f"{what}\n")
            text.append("\n")
        return text


def halves(groups: Sequence[Group]) -> tuple[Sequence[Group], Sequence[Group]]:
    """Two columns, as nearly alike in height as whole groups allow."""
    heights = [len(keys(bindings)) + 2 for _, bindings in groups]
    place = min(range(len(groups) + 1), key=lambda at: abs(sum(heights[:at]) - sum(heights[at:])))
    return groups[:place], groups[place:]
