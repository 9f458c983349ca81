"""Tenants: whose answers there are, what each allows, its tokens, and the providers' keys."""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import TabbedContent, TabPane

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.tenants import TenantRow
from reflexd_tui.host import host_of
from reflexd_tui.panes.keys import KeysPane
from reflexd_tui.panes.pane import Changed, Pane
from reflexd_tui.panes.policy import PolicyPane
from reflexd_tui.panes.seen import SeenPane
from reflexd_tui.panes.tokens import TokensPane
from reflexd_tui.pure import words
from reflexd_tui.pure.columns import Column
from reflexd_tui.widgets.dialogs import Confirm, Prompt
from reflexd_tui.widgets.rows import Cell, Rows

TENANTS = (
    Column(key="active", title=" ", width=1, keep=9),
    Column(key="name", title="Tenant", width=16, grows=True),
    Column(key="entries", title="Entries", width=8, keep=7, align="right"),
    Column(key="size", title="Size", width=9, keep=5, align="right"),
    Column(key="hits", title="Hits", width=6, keep=6, align="right"),
    Column(key="saved", title="Saved", width=9, keep=4, align="right"),
    Column(key="semantic", title="Meaning", width=8, keep=3),
    Column(key="paused", title="Caching", width=14, keep=8),
    Column(key="tokens", title="Tokens", width=6, keep=2, align="right"),
)


class TenantsView(Vertical):
    DEFAULT_CSS = """
    TenantsView { height: 1fr; }
    TenantsView #tenants { height: 1fr; min-height: 5; max-height: 45%; }
    TenantsView TabbedContent { height: 1fr; }
    TenantsView TabPane { padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "use", "Switch to"),
        Binding("a", "add", "Add"),
        Binding("R", "rename", "Rename"),
        Binding("x", "remove", "Remove"),
        Binding("n", "token", "New token"),
        Binding("c", "caching", "Caching on/off"),
        Binding("s", "set_key", "Set key"),
        Binding("v", "test_key", "Test key"),
        Binding("backspace", "reset", "Reset setting", show=False),
        Binding("r", "reload", "Reload", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._tenants: list[TenantRow] = []
        self._shown = ""

    def compose(self) -> ComposeResult:
        yield Rows(TENANTS, lambda: len(self._tenants), self._cells, id="tenants")
        with TabbedContent():
            with TabPane("Policy", id="policy-tab"):
                yield PolicyPane()
            with TabPane("Tokens", id="tokens-tab"):
                yield TokensPane()
            with TabPane("Provider keys", id="keys-tab"):
                yield KeysPane()
            with TabPane("Keys seen", id="seen-tab"):
                yield SeenPane()

    def focus_first(self) -> None:
        self.query_one("#tenants", Rows).focus()
        self.reload()

    @work(exclusive=True, group="tenants")
    async def reload(self) -> None:
        rows = self.query_one("#tenants", Rows)
        if not self._tenants:
            rows.say_nothing("Asking the daemon …")
        found = await host_of(self).ask(calls.list_tenants())
        if found is None:
            rows.say_nothing("The tenants cannot be read now: r tries again.")
            return
        under = self._current()
        self._tenants = sorted(found.items, key=lambda row: (not row.active, row.anonymous, row.name))
        rows.update_rows()
        names = [row.name for row in self._tenants]
        if under is not None and under.name in names:
            rows.put_cursor(names.index(under.name))  # another order moves nobody's hand to another tenant
        await self._load_details()

    async def _load_details(self) -> None:
        row = self._current()
        if row is not None:
            self._shown = row.name
            for pane in self.query(Pane):
                await pane.load(row)

    def _current(self) -> TenantRow | None:
        place = self.query_one("#tenants", Rows).cursor
        return self._tenants[place] if place < len(self._tenants) else None

    @on(Rows.Moved, "#tenants")
    def _moved(self) -> None:
        row = self._current()
        if row is not None and row.name != self._shown:
            self._details()

    @work(exclusive=True, group="details")
    async def _details(self) -> None:
        await self._load_details()

    def _cells(self, index: int) -> dict[str, Cell]:
        row = self._tenants[index]
        paused = "on"
        if row.paused_until is not None:
            paused = "off" if row.paused_until < 0 else f"off till {words.clock(row.paused_until)[:5]}"
        return {
            "active": Cell("●" if row.active else "", "success"),
            "name": Cell(_named(row), "muted" if row.anonymous else "", bold=row.active),
            "entries": Cell(words.count(row.entries)),
            "size": Cell(words.size(row.size), "muted"),
            "hits": Cell(words.count(row.hits), "success" if row.hits else "muted"),
            "saved": Cell(words.dollars(row.saved_dollars if row.hits else 0.0)),
            "semantic": Cell(row.semantic),
            "paused": Cell(paused, "success" if paused == "on" else "warning"),
            "tokens": Cell(str(row.tokens), "muted"),
        }

    # What can be done

    async def action_use(self) -> None:
        row, host = self._current(), host_of(self)
        if row is None or not host.may_change("Switch"):
            return
        if row.anonymous:
            host.say("That is a provider key's own tenant: only keys lead to it. Adopt the key under “Keys seen”.")
        elif await host.ask(calls.use_tenant(row.name)) is not None:
            host.say(f"{row.name} is the active tenant now.")
            await host.session.refresh()
            self.reload()

    @work(exclusive=True, group="act")
    async def action_add(self) -> None:
        host = host_of(self)
        if not host.may_change("Add"):
            return
        name = await host.push_screen_wait(Prompt("A new tenant", "Lower-case letters, digits, - and _."))
        if name and await host.ask(calls.add_tenant(name)) is not None:
            host.say(f"Tenant {name} is there. Agents reach it by {host.url}/t/{name}/v1.")
            self.reload()

    @work(exclusive=True, group="act")
    async def action_rename(self) -> None:
        row, host = self._current(), host_of(self)
        if row is None or not host.may_change("Rename"):
            return
        name = await host.push_screen_wait(
            Prompt(f"Rename {row.name}", "Its entries, tokens and keys go along.", value=row.name)
        )
        if name and name != row.name and await host.ask(calls.rename_tenant(row.name, name)) is not None:
            self.reload()

    @work(exclusive=True, group="act")
    async def action_remove(self) -> None:
        """Of the table that has the focus."""
        focused = self.screen.focused
        if isinstance(focused, Pane):
            await focused.take_away()
        else:
            await self._remove_tenant()

    async def _remove_tenant(self) -> None:
        row, host = self._current(), host_of(self)
        if row is None or not host.may_change("Remove"):
            return
        entries = words.plural(row.entries, "entry", "entries")
        lines = [
            f"{entries} ({words.size(row.size)}), {words.plural(row.tokens, 'token', 'tokens')}.",
            "This cannot be undone.",
        ]
        if await host.push_screen_wait(Confirm(f"Remove tenant {row.name}?", lines, "Remove", typed=row.name)):
            if await host.ask(calls.remove_tenant(row.name, force=row.active)) is not None:
                host.say(f"Tenant {row.name} has gone.")
            self.reload()

    async def action_caching(self) -> None:
        """Pause this tenant alone until somebody resumes it, or resume it."""
        row, host = self._current(), host_of(self)
        if row is None or not host.may_change("Caching"):
            return
        is_paused = row.paused_until is not None
        call = calls.resume(tenant=row.name) if is_paused else calls.pause(tenant=row.name)
        state = await host.ask(call)
        if state is None:
            return
        if not is_paused:
            host.say(f"Requests of {row.name} are passed through now: c resumes it.")
        elif state.paused_until is not None:
            host.say(f"{row.name} is no longer paused itself; everything is: p resumes.")
        else:
            host.say(f"{row.name} is answered from its cache again.")
        await host.session.refresh()
        self.reload()

    @work(exclusive=True, group="act")
    async def action_token(self) -> None:
        if (row := self._current()) is not None:
            self.query_one(TabbedContent).active = "tokens-tab"
            await self.query_one(TokensPane).issue(row)

    @work(exclusive=True, group="act")
    async def action_set_key(self) -> None:
        self.query_one(TabbedContent).active = "keys-tab"
        await self.query_one(KeysPane).set_key()

    @work(exclusive=True, group="act")
    async def action_test_key(self) -> None:
        self.query_one(TabbedContent).active = "keys-tab"
        await self.query_one(KeysPane).test_key()

    def action_reload(self) -> None:
        self.reload()

    async def action_reset(self) -> None:
        await self.query_one(PolicyPane).take_away()

    @on(Rows.Opened, "#tenants")
    async def _open_tenant(self) -> None:
        await self.action_use()

    @on(Changed)
    def _look_again(self) -> None:
        self.reload()


def _named(row: TenantRow) -> str:
    if row.left_over:
        return f"{row.name} (not in config.toml any more: no request reaches it)"
    return f"{row.name} (config.toml)" if row.from_config else row.name
