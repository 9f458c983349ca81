"""A tenant's keys for providers: set into the keyring, tried, taken out; shown nowhere."""

from collections.abc import Sequence

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.keys import KeyRow
from reflexd_tui.panes.pane import Pane
from reflexd_tui.pure.columns import Column
from reflexd_tui.widgets.dialogs import Confirm, Prompt
from reflexd_tui.widgets.rows import Cell

COLUMNS = (
    Column(key="upstream", title="Provider", width=14, keep=9),
    Column(key="source", title="Key from", width=20, keep=8),
    Column(key="hint", title="Ends in", width=8, keep=7),
    Column(key="url", title="Address", width=20, grows=True),
)


class KeysPane(Pane[KeyRow]):
    def __init__(self) -> None:
        super().__init__(COLUMNS, id="keys")

    async def ask(self, tenant: str) -> Sequence[KeyRow]:
        found = await self.host.ask(calls.list_keys(tenant), quiet=True)
        return found.items if found is not None else ()

    def show(self, item: KeyRow) -> dict[str, Cell]:
        colour = {"keyring": "success", "environment": "success", "no answer": "error"}.get(item.source, "muted")
        return {
            "upstream": Cell(item.upstream),
            "source": Cell(item.variable if item.source == "environment" else item.source, colour),
            "hint": Cell(f"…{item.hint}" if item.hint else ""),
            "url": Cell(item.base_url, "muted"),
        }

    async def set_key(self) -> None:
        """To be run in a worker."""
        if (chosen := self.chosen("Set key")) is None:
            return
        tenant, key = chosen
        hint = "It goes to the system's keyring and is shown nowhere."
        title = f"{tenant.name}'s key for {key.upstream}"
        given = await self.host.push_screen_wait(Prompt(title, hint, secret=True))
        if given and await self.host.ask(calls.set_key(tenant.name, key.upstream, given)) is not None:
            self.host.say(f"The key for {key.upstream} is in the keyring.")
            await self.load(tenant)

    async def test_key(self) -> None:
        """To be run in a worker. It changes nothing."""
        if self.tenant is None or self.cursor >= len(self.items):
            return
        tested = await self.host.ask(calls.test_key(self.tenant.name, self.items[self.cursor].upstream))
        if tested is not None:
            (self.host.say if tested.ok else self.host.fail)(tested.message)

    async def take_away(self) -> None:
        if (chosen := self.chosen("Remove key")) is None:
            return
        tenant, key = chosen
        lines = [f"{tenant.name}, {key.upstream}"]
        if await self.host.push_screen_wait(Confirm("Take this key out of the keyring?", lines, "Remove")):
            await self.host.ask(calls.remove_key(tenant.name, key.upstream))
            await self.load(tenant)
