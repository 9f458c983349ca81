"""The key desk: what a person may do with the keys of a running daemon. A key goes in here and never comes out."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from reflexd_core.routing import Upstream
from reflexd_core.tenancy import Tenancy, Tenant
from reflexd_io import keyrings
from reflexd_io.key_tests import Tried, try_key
from reflexd_io.keyrings import KeyringFault
from reflexd_io.keys import Held, Keys, Source, check
from reflexd_io.settings import Settings
from reflexd_io.tenants.registry import Registry
from reflexd_io.upstream import UpstreamClient

T = TypeVar("T")


class NoSuch(Exception):  # noqa: N818 - it says what there is
    """A tenant or an upstream that nobody knows; the message names those that there are."""


class KeyDesk:
    """Tenants are named here as people name them; in the keyring they stand by their ids, which no rename changes."""

    def __init__(self, settings: Settings, registry: Registry, keys: Keys, client: UpstreamClient) -> None:
        self._settings = settings
        self._registry = registry
        self._keys = keys
        self._client = client

    async def keyring(self) -> str | None:
        """The backend in use; None where there is none."""
        return await keyrings.asked(keyrings.backend_name)

    async def list(self, name: str | None) -> tuple[Tenant, list[Held]]:
        """Every upstream of a tenant (None: the active one), and where its key comes from. Raises `NoSuch`."""
        tenant = tenant_named(self._registry.tenancy, name)
        upstreams = upstreams_of(self._settings, tenant)
        return tenant, await self._keys.survey(tenant.id, upstreams.values())

    async def set(self, name: str, upstream: str, key: str) -> Held:
        """Keep it in the keyring. Raises `NoSuch`, `UnusableKey` and `KeyringFault`."""
        tenant, found = self._find(name, upstream)
        key = key.strip()
        check(key)
        await _asked(found, lambda: keyrings.write(tenant, upstream, key))
        return await self._anew(tenant, found)

    async def remove(self, name: str, upstream: str) -> tuple[bool, Held]:
        """Whether the keyring had one, and what is used from now on. Raises `NoSuch` and `KeyringFault`."""
        tenant, found = self._find(name, upstream)
        had = await _asked(found, lambda: keyrings.erase(tenant, upstream))
        return had, await self._anew(tenant, found)

    async def changed(self, name: str, upstream: str) -> Held:
        """Another program has changed it in the keyring: what is found there now. Raises `NoSuch`."""
        return await self._anew(*self._find(name, upstream))

    async def test(self, name: str, upstream: str) -> Tried | Held:
        """What the provider says of the key in use, or that there is none. Raises `NoSuch` and `UnusableKey`."""
        tenant, found = self._find(name, upstream)
        held = await self._keys.held(tenant, found)
        if held.source in (Source.NONE, Source.NO_ANSWER) and not found.keyless:
            return held
        return await try_key(self._client, found, held.usable())

    async def _anew(self, tenant: str, upstream: Upstream) -> Held:
        self._keys.forget()
        return await self._keys.held(tenant, upstream)

    def _find(self, name: str, upstream: str) -> tuple[str, Upstream]:
        """The tenant's id, and the upstream as that tenant has it."""
        tenant = tenant_named(self._registry.tenancy, name)
        known = upstreams_of(self._settings, tenant)
        if upstream not in known:
            raise NoSuch(f"Reflex knows no upstream {upstream!r}; it knows: {', '.join(sorted(known))}.")
        return tenant.id, known[upstream]


def tenant_named(tenancy: Tenancy, name: str | None) -> Tenant:
    """None is the active one. Raises `NoSuch`."""
    if name is None:
        return tenancy.active
    if name not in tenancy.by_name:
        raise NoSuch(f"Reflex knows no tenant {name!r}; it knows: {', '.join(sorted(tenancy.by_name))}.")
    return tenancy.by_name[name]


def upstreams_of(settings: Settings, tenant: Tenant) -> Mapping[str, Upstream]:
    return {**settings.upstreams, **tenant.upstreams}


async def _asked(upstream: Upstream, work: Callable[[], T]) -> T:
    try:
        return await keyrings.asked(work)
    except KeyringFault as fault:
        raise fault.instead(upstream.key_env) from fault
