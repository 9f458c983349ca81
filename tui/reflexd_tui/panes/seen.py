"""Provider keys that were seen and belong to nobody yet: whose they are to be from now on."""

from collections.abc import Sequence

from textual import on

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.tenants import SeenKey
from reflexd_tui.panes.pane import Changed, Pane
from reflexd_tui.pure import words
from reflexd_tui.pure.columns import Column
from reflexd_tui.widgets.rows import Cell, Rows

COLUMNS = (
    Column(key="tenant", title="Key of", width=40, grows=True),
    Column(key="hint", title="Ends in", width=8, keep=9),
    Column(key="upstream", title="Provider", width=12, keep=7),
    Column(key="entries", title="Entries", width=8, keep=6, align="right"),
    Column(key="by", title="Adopted by", width=14, keep=8),
)


class SeenPane(Pane[SeenKey]):
    def __init__(self) -> None:
        super().__init__(COLUMNS, empty="No provider key was seen that belongs to nobody.", id="seen")

    async def ask(self, tenant: str) -> Sequence[SeenKey]:
        """The same for every tenant."""
        found = await self.host.ask(calls.seen_keys(), quiet=True)
        return found.items if found is not None else ()

    def show(self, item: SeenKey) -> dict[str, Cell]:
        return {
            "tenant": Cell(item.tenant),
            "hint": Cell(f"…{item.hint}" if item.hint else ""),
            "upstream": Cell(item.upstream),
            "entries": Cell(words.count(item.entries)),
            "by": Cell(item.adopted_by or "", "success"),
        }

    @on(Rows.Opened)
    async def _adopt(self) -> None:
        """By the tenant that is chosen above."""
        if self.tenant is None or self.tenant.anonymous:
            self.host.say("Choose above the tenant that is to have it.")
        elif (chosen := self.chosen("Adopt")) is not None:
            tenant, key = chosen
            done = await self.host.ask(calls.adopt(tenant.name, key.tenant))
            if done is not None:
                self.host.say(done.message or f"Requests with that key are {tenant.name}'s from now on.")
                self.post_message(Changed())

    async def take_away(self) -> None:
        if (chosen := self.chosen("Give up")) is not None and chosen[1].adopted_by is not None:
            await self.host.ask(calls.give_up(chosen[1].adopted_by, chosen[1].tenant))
            self.post_message(Changed())
