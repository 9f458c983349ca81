"""The tenants' desk: what a person may see of tenants and do with them while the daemon runs.

People speak of tenants by name, everything below by id. An anonymous tenant's name is its id; it is listed for as
long as something is stored for it.
"""

import secrets
from collections.abc import Mapping
from functools import partial
from time import time
from typing import Any

from reflexd_core.policy import Policy
from reflexd_core.tenancy import ANONYMOUS, Tenant
from reflexd_core.tokens import SECRET
from reflexd_io import keyrings
from reflexd_io.control_client.shapes import tenants as shapes
from reflexd_io.journal import Journal
from reflexd_io.ledger import COALESCED, HITS, SAVING, Ledger
from reflexd_io.memory import Memory
from reflexd_io.policy_settings import POLICY, told
from reflexd_io.settings import Settings
from reflexd_io.store import Store
from reflexd_io.store.usage import Usage
from reflexd_io.tenants import changes
from reflexd_io.tenants.changes import Unfit
from reflexd_io.tenants.document import EVERYBODY, Document, KeptToken, ModeName
from reflexd_io.tenants.registry import Registry

KEYRING_TIME = 5.0
"""Seconds that the keyring may take to forget a removed tenant's keys."""


class Desk:
    def __init__(
        self,
        *,
        settings: Settings,
        registry: Registry,
        store: Store,
        memory: Memory,
        ledger: Ledger,
        journal: Journal,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._store = store
        self._memory = memory
        self._ledger = ledger
        self._journal = journal

    async def list(self) -> shapes.Tenants:
        """Those that are defined first, then those of which only something stored is left, then anonymous ones."""
        usage = await self._store.usage()
        self._ledger.settle()
        defined = changes.defined(self._registry.document, self._settings)
        stored = self._store.tenants() - defined.keys()
        left = sorted(stored, key=lambda each: (_is_anonymous(each), each))
        items = [self._row(each, usage) for each in [*defined, *left]]
        return shapes.Tenants(active=self._registry.tenancy.active.name, items=items)

    async def row(self, name: str) -> shapes.TenantRow:
        """Raises `Unfit`."""
        usage = await self._store.usage()
        self._ledger.settle()
        return self._row(self._id(name, usage), usage)

    async def add(self, name: str) -> shapes.TenantRow:
        await self._registry.change(
            partial(changes.add, settings=self._settings, name=name, now=time(), used=self._store.tenants())
        )
        return await self.row(name)

    async def rename(self, name: str, to: str) -> shapes.TenantRow:
        await self._registry.change(partial(changes.rename, settings=self._settings, name=name, to=to))
        return await self.row(to)

    async def remove(self, name: str, *, force: bool) -> str:
        """With all that is stored for it; what was done, in words. Raises `Unfit`, `NotKept`, `StoreUnavailable`."""
        half_gone = self._half_gone(name)
        tenant = half_gone or self._id(name, self._store.tenants())
        before = self._registry.document.tenants.get(tenant)
        if half_gone is None and not _is_anonymous(tenant):
            active = self._registry.tenancy.active.id
            await self._registry.change(
                partial(changes.remove, settings=self._settings, name=name, active=active, force=force)
            )
        kept = self._registry.document.tenants.get(tenant)
        for_good = kept is not None and kept.removed
        self._memory.forget_tenant(tenant)  # what is under way is not to be kept
        self._journal.forget_tenant(tenant)
        try:
            await self._store.remove(tenant, for_good=for_good)
        finally:
            self._memory.forget_tenant(tenant)
        if for_good:
            own = before.upstreams if before is not None else {}
            keys = await self._erase_keys(tenant, {*self._settings.upstreams, *own})
            return f"Tenant {name!r} was removed, with its entries, tokens and adopted keys.{keys}"
        return f"Everything of tenant {name!r} was removed; the tenant itself is still there."

    def _half_gone(self, name: str) -> str | None:
        """The id of one that was removed but for its file, which the disk has kept; None where the name is in use."""
        kept = self._registry.document.tenants
        if any(each.name == name and not each.removed for each in kept.values()):
            return None
        return next((each for each in self._store.tenants() if each in kept and kept[each].name == name), None)

    async def _erase_keys(self, tenant: str, upstreams: set[str]) -> str:
        """Out of the keyring; what became of them, in words. Nobody finds them any more, but they are secrets."""

        def erase() -> int:
            return sum(keyrings.erase(tenant, upstream) for upstream in upstreams)

        try:
            count = await keyrings.asked(erase, KEYRING_TIME)
        except keyrings.KeyringFault as fault:
            return "" if fault.code == "no_keyring" else f" Keys of its in the keyring may be left: {fault}."
        return f" {count} keys of its were taken out of the keyring." if count else ""

    async def use(self, name: str) -> shapes.Tenants:
        tenant = self.defined(name)
        await self._registry.change(partial(changes.use, tenant=tenant.id, configured=self._settings.active_tenant))
        return await self.list()

    def tokens(self, name: str) -> shapes.Tokens:
        """Those that were not revoked, the newest first."""
        tenant = self.defined(name).id
        kept = [
            each for each in self._registry.document.tokens.values() if each.tenant == tenant and not each.revoked
        ]
        return shapes.Tokens(items=[self._token(each) for each in sorted(kept, key=lambda each: -each.created)])

    async def issue(self, name: str, *, called: str, expires_in: float | None) -> shapes.IssuedToken:
        tenant = self.defined(name).id
        secret = secrets.token_bytes(SECRET)
        token = await self._registry.change_for(
            partial(changes.issue, tenant=tenant, secret=secret, name=called, expires_in=expires_in, now=time())
        )
        return shapes.IssuedToken(token=token, row=self._token(list(self._registry.document.tokens.values())[-1]))

    async def revoke(self, name: str, token: str) -> None:
        await self._registry.change(partial(changes.revoke, tenant=self.defined(name).id, token=token))

    async def seen_keys(self) -> shapes.SeenKeys:
        """Provider keys that clients brought, by their own tenants, those used last first."""
        usage, registry = await self._store.usage(), self._registry
        keys = {*registry.seen, *registry.document.adopted, *filter(_is_anonymous, self._store.tenants())}
        found = [self._seen(key, usage) for key in keys]
        return shapes.SeenKeys(items=sorted(found, key=lambda key: (-(key.used or 0.0), key.tenant)))

    async def adopt(self, name: str, key: str) -> None:
        seen = {*self._registry.seen, *filter(_is_anonymous, self._store.tenants())}
        await self._registry.change(partial(changes.adopt, tenant=self.defined(name).id, key=key, seen=seen))

    async def give_up(self, name: str, key: str) -> None:
        await self._registry.change(partial(changes.give_up, tenant=self.defined(name).id, key=key))

    def policy(self, name: str) -> shapes.TenantPolicy:
        """Each setting as it is set; pauses and the mode stand over it and are told beside it."""
        tenant = self.defined(name)
        policy, own = self._registry.settled(tenant.id), self._registry.document.tenants[tenant.id].settings
        items = [self._setting(setting, tenant, policy, own) for setting in POLICY]
        return shapes.TenantPolicy(tenant=name, settings=items)

    async def change_policy(self, name: str, given: Mapping[str, Any]) -> shapes.TenantPolicy:
        await self._registry.change(partial(changes.set_policy, tenant=self.defined(name).id, given=given))
        return self.policy(name)

    def upstreams(self, name: str) -> shapes.TenantUpstreams:
        tenant = self.defined(name)
        items = [
            shapes.UpstreamRow(name=each, base_url=upstream.base_url, own=each in tenant.upstreams)
            for each, upstream in sorted({**self._settings.upstreams, **tenant.upstreams}.items())
        ]
        return shapes.TenantUpstreams(
            tenant=name,
            default=tenant.default_upstream or self._settings.default_upstream,
            default_is_own=tenant.default_upstream is not None,
            items=items,
        )

    async def change_upstreams(
        self, name: str, urls: Mapping[str, str | None], default: str | None
    ) -> shapes.TenantUpstreams:
        """None takes one back; ``default``: empty takes it back, None leaves it."""
        tenant = self.defined(name)

        def change(document: Document) -> Document:
            kept = document.tenants[tenant.id]
            whole = {each: url for each, url in {**kept.upstreams, **urls}.items() if url is not None}
            chosen = kept.default_upstream if default is None else default or None
            known = self._settings.upstreams
            return changes.set_upstreams(document, tenant.id, urls=whole, default=chosen, known=known)

        await self._registry.change(change)
        return self.upstreams(name)

    async def pause(self, name: str | None, seconds: float | None) -> None:
        await self._registry.pause(self._paused(name), seconds)

    async def resume(self, name: str | None) -> None:
        await self._registry.change(partial(changes.resume, tenant=self._paused(name)))

    async def set_mode(self, mode: ModeName) -> None:
        await self._registry.change(partial(changes.set_mode, mode=mode))

    def paused_until(self, tenant: str) -> float | None:
        """As the shapes tell it; by id, or of `EVERYBODY`."""
        pause = self._registry.pause_of(tenant)
        if pause is None:
            return None
        return -1.0 if pause.until is None else pause.until

    def defined(self, name: str) -> Tenant:
        """Raises `Unfit`."""
        found = self._registry.tenancy.by_name.get(name)
        if found is not None:
            return found
        if _is_anonymous(name):
            raise Unfit("unknown", "An anonymous tenant has nothing but entries: let another adopt its key.")
        there = ", ".join(sorted(self._registry.tenancy.by_name))
        raise Unfit("unknown", f"There is no tenant {name!r}; there are: {there}.")

    def _paused(self, name: str | None) -> str:
        if name is None:
            return EVERYBODY
        return self._id(name, self._store.tenants())

    def _id(self, name: str, stored: Mapping[str, Usage] | set[str]) -> str:
        """Of a tenant that is listed. Raises `Unfit`."""
        if _is_anonymous(name) and (name in stored or name in self._registry.seen):
            return name
        return self._registry.id_of(name)

    def _row(self, tenant: str, usage: Mapping[str, Usage]) -> shapes.TenantRow:
        registry = self._registry
        name, document = registry.name_of(tenant), registry.document
        found = usage.get(tenant)
        totals = [(what, tally) for (whose, _, what), tally in self._ledger.totals.items() if whose == tenant]
        saved = [tally.dollars for what, tally in totals if what in SAVING]
        return shapes.TenantRow(
            name=name,
            active=tenant == registry.tenancy.active.id,
            anonymous=_is_anonymous(tenant),
            from_config=name in self._settings.policy_names,
            left_over=not _is_anonymous(tenant) and name not in registry.tenancy.by_name,
            entries=found.entries if found is not None else 0,
            size=found.size if found is not None else 0,
            hits=sum(tally.requests for what, tally in totals if what in HITS),
            misses=sum(tally.requests for what, tally in totals if what in ("miss", COALESCED)),
            saved_dollars=round(sum(saved), 6) if saved else None,
            paused_until=self.paused_until(tenant),
            semantic=registry.policy_of(tenant).semantic.value,
            tokens=sum(kept.tenant == tenant and not kept.ended for kept in document.tokens.values()),
            adopted=[key for key, adopter in document.adopted.items() if adopter == tenant],
        )

    def _token(self, kept: KeptToken) -> shapes.TokenRow:
        return shapes.TokenRow(
            id=kept.id,
            name=kept.name,
            hint=kept.hint,
            created=kept.created,
            expires=kept.expires,
            used=self._registry.used_of(kept.id) or kept.used,
            expired=kept.ended,
        )

    def _seen(self, key: str, usage: Mapping[str, Usage]) -> shapes.SeenKey:
        seen, adopter = self._registry.seen.get(key), self._registry.tenancy.adopted.get(key)
        return shapes.SeenKey(
            tenant=key,
            hint=seen.hint if seen is not None else "",
            upstream=seen.upstream if seen is not None else "",
            used=seen.used if seen is not None else None,
            entries=usage[key].entries if key in usage else 0,
            adopted_by=adopter.name if adopter is not None else None,
        )

    def _setting(self, name: str, tenant: Tenant, policy: Policy, own: Mapping[str, Any]) -> shapes.Setting:
        configured = {*self._settings.policy_names.get("", ()), *self._settings.policy_names.get(tenant.name, ())}
        return shapes.Setting(
            name=name,
            value=told(policy, name),
            origin="tenant" if name in own else "config" if name in configured else "default",
            expected=POLICY[name][1],
            inherited=told(self._registry.inherited(tenant.id), name),
        )


def _is_anonymous(tenant: str) -> bool:
    return tenant.startswith(ANONYMOUS)
