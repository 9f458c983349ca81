"""The last line of a screen: the keys that work here, as many as there is room for.

Those of what has the focus come first, then the view's, then everybody's. Where there is no room they go from the
end; how to get help, to leave and to find every action stand at the right and go last, in the reverse of that order.
"""

from typing import NamedTuple

from rich.text import Text
from textual import events
from textual.app import RenderResult
from textual.widget import Widget

from reflexd_tui.widgets.lines import colour

ALWAYS = ("keys", "quit", "command_palette")
"""Actions at the right, in this order."""
GAP = 2
_TYPED = {"slash": "/", "at": "@"}
"""Keys that type something, which Textual does not know, since Unicode has other names for it."""


class Key(NamedTuple):
    key: str
    shown: str
    what: str

    @property
    def width(self) -> int:
        return len(self.shown) + 1 + len(self.what)


class KeyLine(Widget):
    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyLine { dock: bottom; height: 1; padding: 0 1; background: $footer-background; color: $footer-foreground; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._places: list[tuple[int, int, str]] = []
        """From and to which column a key is drawn."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def on_click(self, event: events.Click) -> None:
        """As if it were pressed."""
        offset = event.get_content_offset(self)
        for start, end, key in self._places:
            if offset is not None and start <= offset.x < end:
                self.app.simulate_key(key)

    def render(self) -> RenderResult:
        left, right = fitting(*self._keys(), self.size.width)
        drawn, self._places = Text(no_wrap=True, overflow="ellipsis"), []
        for key in left:
            self._draw(drawn, key)
        wanted = sum(key.width for key in right) + GAP * (len(right) - 1)
        drawn.append(" " * max(0, self.size.width - wanted - len(drawn) - (GAP if left and right else 0)))
        for key in right:
            self._draw(drawn, key)
        return drawn

    def _draw(self, drawn: Text, key: Key) -> None:
        if drawn:
            drawn.append(" " * GAP)
        start = len(drawn)
        drawn.append(key.shown, f"bold {colour(self.app, 'footer-key-foreground')}")
        drawn.append(f" {key.what}", colour(self.app, "footer-description-foreground"))
        self._places.append((start, len(drawn), key.key))

    def _keys(self) -> tuple[list[Key], list[Key]]:
        """Those of this place, and those of everywhere."""
        here: dict[str, Key] = {}
        always: dict[str, Key] = {}
        found = sorted(self.screen.active_bindings.values(), key=lambda active: not active.binding.show)
        focused = self.screen.focused
        for _, binding, enabled, _ in found:
            typed = _TYPED.get(binding.key)
            if focused is not None and typed is not None and focused.check_consume_key(binding.key, typed):
                continue
            if enabled and (binding.show or binding.action in ALWAYS):
                what = binding.description[:1].upper() + binding.description[1:]
                key = Key(binding.key, self.app.get_key_display(binding), what)
                (always if binding.action in ALWAYS else here).setdefault(binding.action, key)
        return list(here.values()), [always[action] for action in ALWAYS if action in always]


def fitting(here: list[Key], always: list[Key], width: int) -> tuple[list[Key], list[Key]]:
    """What of both there is room for; the last of ``always`` goes only when nothing else is left to go."""
    kept, right = list(here), list(always)
    while len(kept) + len(right) > 1 and _needed([*kept, *right]) > width:
        (right if len(kept) <= 1 < len(right) else kept).pop()
    return kept, right


def _needed(keys: list[Key]) -> int:
    return sum(key.width for key in keys) + GAP * (len(keys) - 1)
