"""What the tables below the list of tenants have in common: rows of the tenant that is chosen there."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from textual.message import Message

from reflexd_io.control_client.shapes.tenants import TenantRow
from reflexd_tui.host import Host, host_of
from reflexd_tui.pure.columns import Column
from reflexd_tui.widgets.rows import Cell, Rows

T = TypeVar("T")


class Changed(Message):
    """What was done here shows in the list of tenants too."""


class Pane(Rows, Generic[T]):
    def __init__(
        self,
        columns: Sequence[Column],
        *,
        empty: str = "",
        id: str,  # noqa: A002 - Textual's own name
    ) -> None:
        def cells(index: int) -> dict[str, Cell]:
            return self.show(self.items[index])

        super().__init__(columns, lambda: len(self.items), cells, empty=empty, id=id)
        self.items: Sequence[T] = ()
        self.tenant: TenantRow | None = None

    @property
    def host(self) -> Host:
        return host_of(self)

    async def load(self, tenant: TenantRow) -> None:
        """What there is of this tenant."""
        self.tenant = tenant
        self.items = await self.ask(tenant.name)
        self.update_rows()

    async def ask(self, tenant: str) -> Sequence[T]:
        """The daemon's word on it; nothing where it gives none."""
        raise NotImplementedError

    def show(self, item: T) -> dict[str, Cell]:
        """What stands in its row."""
        raise NotImplementedError

    async def take_away(self) -> None:
        """Take away what the cursor stands on. To be run in a worker."""
        raise NotImplementedError

    def chosen(self, what: str) -> tuple[TenantRow, T] | None:
        """The tenant and what the cursor stands on, if there is one and this TUI may do that to it."""
        if self.tenant is None or self.cursor >= len(self.items) or not self.host.may_change(what):
            return None
        return self.tenant, self.items[self.cursor]
