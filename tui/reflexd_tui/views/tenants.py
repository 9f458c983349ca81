"""Tenants: whose answers there are, what each allows, its tokens, and the providers' keys."""

from typing import ClassVar

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import TabbedContent, TabPane

from reflexd_io.control_client import NotThere, Refused, calls
from reflexd_io.control_client.shapes.keys import KeyRow
from reflexd_io.control_client.shapes.tenants import SeenKey, Setting, TenantRow, TokenRow
from reflexd_tui.host import host_of
from reflexd_tui.pure import words
from reflexd_tui.pure.columns import Column
from reflexd_tui.widgets.dialogs import Confirm, Prompt, Reveal
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
POLICY = (
    Column(key="name", title="Setting", width=22, keep=9),
    Column(key="value", title="Value", width=22, keep=8),
    Column(key="origin", title="From", width=8, keep=5),
    Column(key="expected", title="What may stand here", width=12, grows=True),
)
TOKENS = (
    Column(key="name", title="Token", width=14, grows=True),
    Column(key="hint", title="Ends in", width=8, keep=9),
    Column(key="created", title="Made", width=12, keep=5),
    Column(key="used", title="Used", width=12, keep=6),
    Column(key="expires", title="Until", width=12, keep=7),
)
KEYS = (
    Column(key="upstream", title="Provider", width=14, keep=9),
    Column(key="source", title="Key from", width=12, keep=8),
    Column(key="hint", title="Ends in", width=8, keep=7),
    Column(key="url", title="Address", width=20, grows=True),
)
SEEN = (
    Column(key="tenant", title="Key of", width=40, grows=True),
    Column(key="hint", title="Ends in", width=8, keep=9),
    Column(key="upstream", title="Provider", width=12, keep=7),
    Column(key="entries", title="Entries", width=8, keep=6, align="right"),
    Column(key="by", title="Adopted by", width=14, keep=8),
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
        Binding("s", "set_key", "Set key"),
        Binding("v", "test_key", "Test key"),
        Binding("backspace", "reset", "Reset setting", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._tenants: list[TenantRow] = []
        self._policy: list[Setting] = []
        self._tokens: list[TokenRow] = []
        self._keys: list[KeyRow] = []
        self._seen: list[SeenKey] = []
        self._shown = ""

    def compose(self) -> ComposeResult:
        yield Rows(TENANTS, lambda: len(self._tenants), self._tenant_cells, id="tenants")
        with TabbedContent():
            with TabPane("Policy", id="policy-tab"):
                yield Rows(POLICY, lambda: len(self._policy), self._policy_cells, id="policy")
            with TabPane("Tokens", id="tokens-tab"):
                yield Rows(TOKENS, lambda: len(self._tokens), self._token_cells, id="tokens")
            with TabPane("Provider keys", id="keys-tab"):
                yield Rows(KEYS, lambda: len(self._keys), self._key_cells, id="keys")
            with TabPane("Keys seen", id="seen-tab"):
                yield Rows(SEEN, lambda: len(self._seen), self._seen_cells, id="seen")

    def focus_first(self) -> None:
        self.query_one("#tenants", Rows).focus()
        self.reload()

    @work(exclusive=True, group="tenants")
    async def reload(self) -> None:
        found = await host_of(self).ask(calls.list_tenants())
        if found is None:
            return
        self._tenants = sorted(found.items, key=lambda row: (not row.active, row.anonymous, row.name))
        self.query_one("#tenants", Rows).update_rows()
        await self._load_details()

    async def _load_details(self) -> None:
        row = self._current()
        if row is None:
            return
        host, self._shown = host_of(self), row.name
        policy = await host.ask(calls.policy(row.name), quiet=True)
        tokens = await host.ask(calls.list_tokens(row.name), quiet=True)
        keys = await host.ask(calls.list_keys(row.name), quiet=True)
        seen = await host.ask(calls.seen_keys(), quiet=True)
        self._policy = policy.settings if policy is not None else []
        self._tokens = tokens.items if tokens is not None else []
        self._keys = keys.items if keys is not None else []
        self._seen = seen.items if seen is not None else []
        for name in ("policy", "tokens", "keys", "seen"):
            self.query_one(f"#{name}", Rows).update_rows()

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

    # What the rows say

    def _tenant_cells(self, index: int) -> dict[str, Cell]:
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
            "saved": Cell(words.dollars(row.saved_dollars)),
            "semantic": Cell(row.semantic),
            "paused": Cell(paused, "success" if paused == "on" else "warning"),
            "tokens": Cell(str(row.tokens), "muted"),
        }

    def _policy_cells(self, index: int) -> dict[str, Cell]:
        setting = self._policy[index]
        own = setting.origin == "tenant"
        return {
            "name": Cell(setting.name, bold=own),
            "value": Cell(_written(setting.value), "accent" if own else ""),
            "origin": Cell(setting.origin, "muted"),
            "expected": Cell(setting.expected, "muted"),
        }

    def _token_cells(self, index: int) -> dict[str, Cell]:
        token, now = self._tokens[index], host_of(self).now()
        over = token.expires is not None and token.expires <= now
        until = "ever" if token.expires is None else "expired" if over else words.moment(token.expires, now)
        return {
            "name": Cell(token.name or token.id),
            "hint": Cell(f"…{token.hint}"),
            "created": Cell(words.moment(token.created, now), "muted"),
            "used": Cell("never" if token.used is None else words.moment(token.used, now), "muted"),
            "expires": Cell(until, "error" if over else ""),
        }

    def _key_cells(self, index: int) -> dict[str, Cell]:
        key = self._keys[index]
        colour = {"keyring": "success", "environment": "success", "no answer": "error"}.get(key.source, "muted")
        return {
            "upstream": Cell(key.upstream),
            "source": Cell(key.variable if key.source == "environment" else key.source, colour),
            "hint": Cell(f"…{key.hint}" if key.hint else ""),
            "url": Cell(key.base_url, "muted"),
        }

    def _seen_cells(self, index: int) -> dict[str, Cell]:
        key = self._seen[index]
        return {
            "tenant": Cell(key.tenant),
            "hint": Cell(f"…{key.hint}" if key.hint else ""),
            "upstream": Cell(key.upstream),
            "entries": Cell(words.count(key.entries)),
            "by": Cell(key.adopted_by or "", "success"),
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
        focused = self.screen.focused
        if focused is not None and focused.id == "tokens":
            await self._revoke()
        elif focused is not None and focused.id == "keys":
            await self._remove_key()
        elif focused is not None and focused.id == "seen":
            await self._give_up()
        else:
            await self._remove_tenant()

    async def _remove_tenant(self) -> None:
        row, host = self._current(), host_of(self)
        if row is None or not host.may_change("Remove"):
            return
        lines = [f"{row.entries} entries ({words.size(row.size)}), {row.tokens} tokens.", "This cannot be undone."]
        if await host.push_screen_wait(Confirm(f"Remove tenant {row.name}?", lines, "Remove", typed=row.name)):
            if await host.ask(calls.remove_tenant(row.name, force=row.active)) is not None:
                host.say(f"Tenant {row.name} has gone.")
            self.reload()

    @work(exclusive=True, group="act")
    async def action_token(self) -> None:
        row, host = self._current(), host_of(self)
        if row is None or not host.may_change("New token"):
            return
        name = await host.push_screen_wait(
            Prompt(f"A new token for {row.name}", "A name for it, so that you know it again.")
        )
        if name is None:
            return
        issued = await host.ask(calls.issue_token(row.name, name=name))
        if issued is not None:
            hint = "It is shown this once. A client sends it as its API key."
            await host.push_screen_wait(Reveal(f"Token of {row.name}", issued.token, hint, host.copy))
            await self._load_details()

    async def _revoke(self) -> None:
        row, host = self._current(), host_of(self)
        place = self.query_one("#tokens", Rows).cursor
        if row is None or place >= len(self._tokens) or not host.may_change("Revoke"):
            return
        token = self._tokens[place]
        lines = [f"{token.name or token.id} (…{token.hint}). Clients that send it are refused from now on."]
        if await host.push_screen_wait(Confirm("Revoke this token?", lines, "Revoke")):
            await host.ask(calls.revoke_token(row.name, token.id))
            await self._load_details()

    @work(exclusive=True, group="act")
    async def action_set_key(self) -> None:
        row, host = self._current(), host_of(self)
        place = self.query_one("#keys", Rows).cursor
        if row is None or place >= len(self._keys) or not host.may_change("Set key"):
            return
        self.query_one(TabbedContent).active = "keys-tab"
        upstream = self._keys[place].upstream
        hint = "It goes to the system's keyring and is shown nowhere."
        key = await host.push_screen_wait(Prompt(f"{row.name}'s key for {upstream}", hint, secret=True))
        if key and await host.ask(calls.set_key(row.name, upstream, key)) is not None:
            host.say(f"The key for {upstream} is in the keyring.")
            await self._load_details()

    async def _remove_key(self) -> None:
        row, host = self._current(), host_of(self)
        place = self.query_one("#keys", Rows).cursor
        if row is None or place >= len(self._keys) or not host.may_change("Remove key"):
            return
        upstream = self._keys[place].upstream
        if await host.push_screen_wait(
            Confirm("Take this key out of the keyring?", [f"{row.name}, {upstream}"], "Remove")
        ):
            await host.ask(calls.remove_key(row.name, upstream))
            await self._load_details()

    @work(exclusive=True, group="act")
    async def action_test_key(self) -> None:
        row, host = self._current(), host_of(self)
        place = self.query_one("#keys", Rows).cursor
        if row is None or place >= len(self._keys):
            return
        tested = await host.ask(calls.test_key(row.name, self._keys[place].upstream))
        if tested is not None and tested.ok:
            host.say(tested.message)
        elif tested is not None:
            host.fail(tested.message)

    async def _give_up(self) -> None:
        host, place = host_of(self), self.query_one("#seen", Rows).cursor
        if place < len(self._seen) and host.may_change("Give up"):
            key = self._seen[place]
            if key.adopted_by is not None:
                await host.ask(calls.give_up(key.adopted_by, key.tenant))
                self.reload()

    @on(Rows.Opened, "#tenants")
    async def _open_tenant(self) -> None:
        await self.action_use()

    @on(Rows.Opened, "#seen")
    async def _adopt(self, event: Rows.Opened) -> None:
        row, host = self._current(), host_of(self)
        if row is not None and not row.anonymous and host.may_change("Adopt"):
            done = await host.ask(calls.adopt(row.name, self._seen[event.index].tenant))
            if done is not None:
                host.say(done.message or f"Requests with that key are {row.name}'s from now on.")
                self.reload()

    @on(Rows.Opened, "#policy")
    @work(exclusive=True, group="act")
    async def _edit(self, event: Rows.Opened) -> None:
        row, host = self._current(), host_of(self)
        if row is None or not host.may_change("Policy"):
            return
        setting = self._policy[event.index]
        text, fault = _written(setting.value), ""
        hint = f"{setting.expected}. Empty takes it back: {_written(setting.inherited) or 'nothing'} holds then."
        while True:
            title = f"{row.name}: {setting.name}"
            answer = await host.push_screen_wait(Prompt(title, hint, value=text, fault=fault))
            if answer is None:
                return
            try:
                changed = await host.session.do(calls.change_policy(row.name, {setting.name: _read(answer)}))
            except (NotThere, Refused) as error:
                text, fault = answer, str(error)
                continue
            self._policy = changed.settings
            self.query_one("#policy", Rows).update_rows()
            return

    async def action_reset(self) -> None:
        row, place = self._current(), self.query_one("#policy", Rows).cursor
        if row is not None and place < len(self._policy) and host_of(self).may_change("Policy"):
            await self._change(row.name, self._policy[place].name, None)

    async def _change(self, tenant: str, name: str, value: object) -> None:
        changed = await host_of(self).ask(calls.change_policy(tenant, {name: value}))
        if changed is not None:
            self._policy = changed.settings
            self.query_one("#policy", Rows).update_rows()


def _named(row: TenantRow) -> str:
    if row.left_over:
        return f"{row.name} (not in config.toml any more: no request reaches it)"
    return f"{row.name} (config.toml)" if row.from_config else row.name


def _written(value: object) -> str:
    """As it may be typed: texts as they are, the rest as JSON."""
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
