"""The key desk: what a person may do with the keys of a running daemon. A key goes in here and never comes out."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from reflexd_core.routing import Upstream
from reflexd_io import keyrings
from reflexd_io.key_tests import Tried, try_key
from reflexd_io.keyrings import KeyringFault
from reflexd_io.keys import Held, Keys, Source, check
from reflexd_io.settings import Settings
from reflexd_io.upstream import UpstreamClient

T = TypeVar("T")


class NoSuch(Exception):  # noqa: N818 - it says what there is
    """A tenant or an upstream that nobody knows; the message names those that there are."""


class KeyDesk:
    def __init__(self, settings: Settings, keys: Keys, client: UpstreamClient) -> None:
        self._settings = settings
        self._keys = keys
        self._client = client

    async def keyring(self) -> str | None:
        """The backend in use; None where there is none."""
        return await keyrings.asked(keyrings.backend_name)

    async def list(self, tenant: str | None) -> list[Held]:
        """Every upstream and where its key comes from. Raises `NoSuch`."""
        name, upstreams = self._of(tenant)
        return await self._keys.survey(name, upstreams.values())

    async def set(self, tenant: str, upstream: str, key: str) -> Held:
        """Keep it in the keyring. Raises `NoSuch`, `UnusableKey` and `KeyringFault`."""
        found = self._upstream(tenant, upstream)
        key = key.strip()
        check(key)
        await _asked(found, lambda: keyrings.write(tenant, upstream, key))
        return await self._anew(tenant, found)

    async def remove(self, tenant: str, upstream: str) -> tuple[bool, Held]:
        """Whether the keyring had one, and what is used from now on. Raises `NoSuch` and `KeyringFault`."""
        found = self._upstream(tenant, upstream)
        had = await _asked(found, lambda: keyrings.erase(tenant, upstream))
        return had, await self._anew(tenant, found)

    async def changed(self, tenant: str, upstream: str) -> Held:
        """Another program has changed it in the keyring: what is found there now. Raises `NoSuch`."""
        return await self._anew(tenant, self._upstream(tenant, upstream))

    async def test(self, tenant: str, upstream: str) -> Tried | Held:
        """What the provider says of the key in use, or that there is none. Raises `NoSuch` and `UnusableKey`."""
        found = self._upstream(tenant, upstream)
        held = await self._keys.held(tenant, found)
        if held.source in (Source.NONE, Source.NO_ANSWER) and not found.keyless:
            return held
        return await try_key(self._client, found, held.usable())

    async def _anew(self, tenant: str, upstream: Upstream) -> Held:
        self._keys.forget()
        return await self._keys.held(tenant, upstream)

    def _of(self, tenant: str | None) -> tuple[str, Mapping[str, Upstream]]:
        name = tenant or self._settings.active_tenant
        if name not in self._settings.tenants:
            raise NoSuch(f"Reflex knows no tenant {name!r}; it knows: {', '.join(sorted(self._settings.tenants))}.")
        return name, self._settings.upstreams

    def _upstream(self, tenant: str, upstream: str) -> Upstream:
        _, known = self._of(tenant)
        if upstream not in known:
            raise NoSuch(f"Reflex knows no upstream {upstream!r}; it knows: {', '.join(sorted(known))}.")
        return known[upstream]


async def _asked(upstream: Upstream, work: Callable[[], T]) -> T:
    try:
        return await keyrings.asked(work)
    except KeyringFault as fault:
        raise fault.instead(upstream.key_env) from fault
