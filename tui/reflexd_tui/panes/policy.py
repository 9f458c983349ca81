"""A tenant's policy: every setting, where its value comes from, and what may stand there."""

from collections.abc import Sequence

import msgspec
from textual import on, work

from reflexd_io.control_client import NotThere, Refused, calls
from reflexd_io.control_client.shapes.tenants import Setting
from reflexd_tui.panes.pane import Pane
from reflexd_tui.pure.columns import Column
from reflexd_tui.widgets.dialogs import Prompt
from reflexd_tui.widgets.rows import Cell, Rows

COLUMNS = (
    Column(key="name", title="Setting", width=22, keep=9),
    Column(key="value", title="Value", width=20, keep=8),
    Column(key="origin", title="From", width=8, keep=5),
    Column(key="expected", title="What may stand here", width=10, grows=True),
)


class PolicyPane(Pane[Setting]):
    def __init__(self) -> None:
        super().__init__(COLUMNS, id="policy")

    async def ask(self, tenant: str) -> Sequence[Setting]:
        found = await self.host.ask(calls.policy(tenant), quiet=True)
        return found.settings if found is not None else ()

    def show(self, item: Setting) -> dict[str, Cell]:
        own = item.origin == "tenant"
        return {
            "name": Cell(item.name, bold=own),
            "value": Cell(_written(item.value), "accent" if own else ""),
            "origin": Cell(item.origin, "muted"),
            "expected": Cell(item.expected, "muted"),
        }

    @on(Rows.Opened)
    @work(exclusive=True, group="act")
    async def _edit(self) -> None:
        """Asked for again, with what is wrong with it, until the daemon takes it or nobody wants it any more."""
        chosen = self.chosen("Policy")
        if chosen is None:
            return
        tenant, setting = chosen
        text, fault = _written(setting.value), ""
        expected = setting.expected[:1].upper() + setting.expected[1:]
        hint = f"{expected}. Empty takes it back: {_written(setting.inherited) or 'nothing'} holds then."
        while True:
            title = f"{tenant.name}: {setting.name}"
            answer = await self.host.push_screen_wait(Prompt(title, hint, value=text, fault=fault))
            if answer is None:
                return
            try:
                changed = await self.host.session.do(calls.change_policy(tenant.name, {setting.name: _read(answer)}))
            except (NotThere, Refused) as error:
                text, fault = answer, str(error)
                continue
            self.items = changed.settings
            self.update_rows()
            return

    async def take_away(self) -> None:
        """The tenant's own value goes; what it inherits holds."""
        if (chosen := self.chosen("Policy")) is not None:
            tenant, setting = chosen
            changed = await self.host.ask(calls.change_policy(tenant.name, {setting.name: None}))
            if changed is not None:
                self.items = changed.settings
                self.update_rows()


def _written(value: object) -> str:
    """As it may be typed: texts as they are, the rest as JSON."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # the daemon's seconds, which nobody types with a point
    return value if isinstance(value, str) else "" if value is None else msgspec.json.encode(value).decode()


def _read(text: str) -> object:
    """What was typed: JSON where it is some, else a text; nothing takes the tenant's own value back."""
    if not text.strip():
        return None
    try:
        value: object = msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return text.strip()
    return value
