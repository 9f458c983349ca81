"""Another active tenant, from wherever one is: a list, and one key more."""

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.tenants import TenantRow
from reflexd_tui.host import Host
from reflexd_tui.pure import words
from reflexd_tui.pure.safe import short


class Switch(ModalScreen[str | None]):
    DEFAULT_CSS = """
    Switch { align: center middle; }
    Switch Vertical {
        width: 56; max-width: 90%; height: auto; max-height: 80%; border: round $primary; background: $surface;
        padding: 1 2; border-title-style: bold; border-title-color: $foreground; border-subtitle-color: $text-muted;
    }
    Switch OptionList, Switch OptionList:focus { height: auto; border: none; background: transparent; }
    Switch OptionList { text-wrap: nowrap; min-width: 10; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,at", "dismiss(None)", "Cancel"),
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    def __init__(self, tenants: list[TenantRow]) -> None:
        super().__init__()
        self._tenants = tenants

    def compose(self) -> ComposeResult:
        with Vertical() as frame:
            frame.border_title, frame.border_subtitle = "Whose answers are served?", "enter switches · esc cancels"
            yield OptionList(*(Option(_drawn(row), id=row.name) for row in self._tenants))

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = next((n for n, row in enumerate(self._tenants) if row.active), 0)
        options.focus()

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


def _drawn(row: TenantRow) -> Text:
    mark = "● " if row.active else "  "
    return Text.assemble(
        mark,
        (f"{short(row.name, 26):<26}", "bold"),
        (f"{words.counted(row.entries, 'entry', 'entries'):>15}", "dim"),
    )


async def switch_tenant(host: Host) -> None:
    """Ask which, and switch. To be run in a worker."""
    found = await host.ask(calls.list_tenants())
    if found is None:
        return
    chosen = await host.push_screen_wait(Switch([row for row in found.items if not row.anonymous]))
    if chosen is None or chosen == found.active:
        return
    if await host.ask(calls.use_tenant(chosen)) is not None:
        host.say(f"{chosen} is the active tenant now.")
        await host.session.refresh()
