"""A tenant's tokens: made, shown once, revoked."""

from collections.abc import Sequence

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.tenants import TenantRow, TokenRow
from reflexd_tui.panes.pane import Pane
from reflexd_tui.pure import words
from reflexd_tui.pure.columns import Column
from reflexd_tui.widgets.dialogs import Confirm, Prompt, Reveal
from reflexd_tui.widgets.rows import Cell

COLUMNS = (
    Column(key="name", title="Token", width=14, grows=True),
    Column(key="hint", title="Ends in", width=8, keep=9),
    Column(key="created", title="Made", width=12, keep=5),
    Column(key="used", title="Used", width=12, keep=6),
    Column(key="expires", title="Until", width=12, keep=7),
)


class TokensPane(Pane[TokenRow]):
    def __init__(self) -> None:
        super().__init__(COLUMNS, empty="No tokens. A client sends one as its API key; n makes it.", id="tokens")

    async def ask(self, tenant: str) -> Sequence[TokenRow]:
        found = await self.host.ask(calls.list_tokens(tenant), quiet=True)
        return found.items if found is not None else ()

    def show(self, item: TokenRow) -> dict[str, Cell]:
        now = self.host.now()
        over = item.expires is not None and item.expires <= now
        until = "ever" if item.expires is None else "expired" if over else words.moment(item.expires, now)
        return {
            "name": Cell(item.name or item.id),
            "hint": Cell(f"…{item.hint}"),
            "created": Cell(words.moment(item.created, now), "muted"),
            "used": Cell("never" if item.used is None else words.moment(item.used, now), "muted"),
            "expires": Cell(until, "error" if over else ""),
        }

    async def issue(self, tenant: TenantRow) -> None:
        """A new one. To be run in a worker."""
        host = self.host
        if not host.may_change("New token"):
            return
        title = f"A new token for {tenant.name}"
        name = await host.push_screen_wait(Prompt(title, "A name for it, so that you know it again."))
        if name is None:
            return
        issued = await host.ask(calls.issue_token(tenant.name, name=name))
        if issued is not None:
            hint = "It is shown this once. A client sends it as its API key."
            await host.push_screen_wait(Reveal(f"Token of {tenant.name}", issued.token, hint, host.copy))
            await self.load(tenant)

    async def take_away(self) -> None:
        if (chosen := self.chosen("Revoke")) is None:
            return
        tenant, token = chosen
        lines = [f"{token.name or token.id} (…{token.hint}). Clients that send it are refused from now on."]
        if await self.host.push_screen_wait(Confirm("Revoke this token?", lines, "Revoke")):
            await self.host.ask(calls.revoke_token(tenant.name, token.id))
            await self.load(tenant)
