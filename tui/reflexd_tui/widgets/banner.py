"""The head of every screen: whether the daemon runs, whose answers are served, what was saved."""

from rich.text import Text
from textual.app import RenderResult
from textual.widget import Widget

from reflexd_io.control_client.shapes.tenants import State
from reflexd_tui.pure import words
from reflexd_tui.pure.safe import short
from reflexd_tui.widgets.lines import colour, muted


class Banner(Widget):
    DEFAULT_CSS = """
    Banner { height: 1; background: $panel; color: $foreground; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._state: State | None = None
        self._problem: str | None = "connecting"
        self._read_only = False

    def show(self, state: State | None, problem: str | None, *, read_only: bool) -> None:
        self._state, self._problem, self._read_only = state, problem, read_only
        self.refresh()

    def render(self) -> RenderResult:
        """Left what it does, right what it brought; what does not fit is left out from the right."""
        left, right = self._left(), self._right()
        while right and sum(part.cell_len + 3 for part in right) + left.cell_len > self.size.width:
            right.pop()
        said = Text("   ").join(right)
        gap = max(1, self.size.width - left.cell_len - said.cell_len)
        return Text.assemble(left, " " * gap, said, no_wrap=True, overflow="ellipsis")

    def _left(self) -> Text:
        name = Text("Reflex  ", style="bold")
        state = self._state
        if self._problem is not None or state is None:
            room = max(10, self.size.width - 12)
            return name + Text(f"✗ {_cut(self._problem or 'connecting', room)}", style=colour(self.app, "text-error"))
        if not state.caching:
            until = (
                ""
                if not state.paused_until or state.paused_until < 0
                else f" until {words.clock(state.paused_until)}"
            )
            what = Text(f"‖ passing through{until}", style=colour(self.app, "text-warning"))
        elif state.status == "degraded":
            why = "; ".join(state.problems.values()) or "see the log"
            what = Text(f"▲ {short(why, 50)}", style=colour(self.app, "text-error"))
        else:
            mode = {"normal": "caching", "exact": "caching, exact only", "shadow": "watching only"}[state.mode]
            what = Text(f"● {mode}", style=colour(self.app, "text-success"))
        tenant = Text(f"   ⌂ {short(state.active_tenant, 24)}", style="bold")
        locked = Text("   read-only", style=colour(self.app, "text-warning")) if self._read_only else Text("")
        return name + what + tenant + locked

    def _right(self) -> list[Text]:
        state = self._state
        if state is None or self._problem is not None:
            return []
        parts = []
        if state.hit_rate is not None:
            parts.append(Text(f"{words.share(state.hit_rate)} hits (5 min)"))
        if state.today_saved_dollars:
            parts.append(Text(f"{words.dollars(state.today_saved_dollars)} saved today", style="bold"))
        elif state.today_saved_tokens:
            parts.append(Text(f"{words.count(state.today_saved_tokens)} tokens saved today", style="bold"))
        return [*parts, Text(state.url.removeprefix("http://"), style=muted(self.app))]


def _cut(problem: str, room: int) -> str:
    """What comes next stands in parentheses at the end, and is not what is left out."""
    what, bracket, then = problem.rpartition(" (")
    end = bracket + then if bracket and problem.endswith(")") else ""
    return short(what if end else problem, max(10, room - len(end))) + end
