"""Upstream keys: the OS keyring, or the provider's usual environment variable where there is none.

What a keyring said is remembered for as long as the daemon runs, or until it is told that a key has changed. Keys are
never logged, and of a key that is shown only the last four characters are.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from time import monotonic

import anyio

from reflexd_core.routing import Upstream
from reflexd_io import keyrings
from reflexd_io.keyrings import KeyringFault
from reflexd_io.settings import APP, DEFAULT_TENANT

ASK_AGAIN = 60.0
"""Seconds that a keyring which gave no answer (locked, slow, broken) is left alone, so that requests need not queue
for it one after the other."""
_SHOWN = 4
_LONG_ENOUGH = 12
"""Characters of a key from which on showing the last four does not give most of it away."""
LONGEST = 4096
"""Characters; a key beyond is somebody's file."""


class UnusableKey(Exception):  # noqa: N818 - it says what the key is
    """A key that cannot be sent in a header. The message names where it is stored, never the key."""


class Source(StrEnum):
    KEYRING = "keyring"
    ENVIRONMENT = "environment"
    NONE = "none"
    NOT_NEEDED = "not needed"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is known of a tenant's key for an upstream."""

    tenant: str
    """Its id."""
    upstream: Upstream
    key: str | None = field(default=None, repr=False)
    source: Source = Source.NONE
    fault: KeyringFault | None = None
    """Why the keyring could not be asked."""

    @property
    def hint(self) -> str:
        """The last four characters, of a key that is long enough for them to say little."""
        return self.key[-_SHOWN:] if self.key is not None and len(self.key) >= _LONG_ENOUGH else ""

    def usable(self) -> str | None:
        """The key, if it can be sent. Raises `UnusableKey`."""
        entry = f"keyring entry {APP} {keyrings.entry(self.tenant, self.upstream.name)}"
        place = entry if self.source is Source.KEYRING else self.upstream.key_env
        if self.key is not None:
            check(self.key, f"The key in {place}")
        return self.key


class Keys:
    """All of it belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Held] = {}
        self._silent_until: dict[tuple[str, str], tuple[float, KeyringFault]] = {}
        self._forgotten = 0
        self._lock = anyio.Lock()

    async def get(self, tenant: str, upstream: Upstream) -> str | None:
        """The tenant's key for the upstream, or None. Raises `UnusableKey`."""
        found = self._found.get((tenant, upstream.name))
        return (found or await self.held(tenant, upstream)).usable()

    async def held(self, tenant: str, upstream: Upstream) -> Held:
        """The tenant's key for the upstream and where it comes from."""
        name = (tenant, upstream.name)
        async with self._lock:  # one question to the person at a time
            found = self._found.get(name)
            if found is not None:
                return found
            forgotten = self._forgotten
            held = await self._look(tenant, upstream)
            if held.fault is not None and held.fault.code != "no_keyring":
                self._be_silent(name, held.fault)  # it may be unlocked later; its key goes before the environment's
            elif forgotten == self._forgotten:  # else the answer may be older than the change
                self._found[name] = held
            return held

    async def survey(self, tenant: str, upstreams: Iterable[Upstream]) -> list[Held]:
        """The tenant's keys for all these upstreams as they are now.

        While a keyring is left alone it is not asked: each time, it might open a window.
        """
        wanted = list(upstreams)
        now = monotonic()
        fault = next((fault for until, fault in self._silent_until.values() if now < until), None)
        if fault is None:
            try:
                found = await keyrings.asked(partial(survey, tenant, wanted))
            except KeyringFault as error:
                fault = error
            else:
                fault = next((held.fault for held in found if held.fault is not None), None)
            if fault is not None and fault.code != "no_keyring" and wanted:
                self._be_silent((tenant, wanted[0].name), fault)
        return found if fault is None else [choose(tenant, upstream, None, fault) for upstream in wanted]

    def _be_silent(self, name: tuple[str, str], fault: KeyringFault) -> None:
        self._silent_until.setdefault(name, (monotonic() + ASK_AGAIN, fault))

    def forget(self) -> None:
        """A key has changed: after calling this, every one is asked for anew."""
        self._forgotten += 1
        self._found.clear()
        self._silent_until.clear()

    async def _look(self, tenant: str, upstream: Upstream) -> Held:
        name = (tenant, upstream.name)
        until, fault = self._silent_until.get(name, (0.0, None))
        if fault is not None and monotonic() < until:
            return choose(tenant, upstream, None, fault)
        self._silent_until.pop(name, None)
        try:
            key = await keyrings.asked(lambda: keyrings.read(*name))
        except KeyringFault as error:
            return choose(tenant, upstream, None, error)
        return choose(tenant, upstream, key, None)


def choose(tenant: str, upstream: Upstream, stored: str | None, fault: KeyringFault | None) -> Held:
    """Which key is used: the keyring's, else the environment's.

    The environment's is the default tenant's; it stands in for others only where no keyring could hold keys of their
    own. A locked keyring must not make one tenant pay for another.
    """
    if stored is not None:
        return Held(tenant=tenant, upstream=upstream, key=stored, source=Source.KEYRING)
    absent = fault is not None and fault.code == "no_keyring"
    if tenant == DEFAULT_TENANT or absent:
        given = os.environ.get(upstream.key_env, "").strip()
        if given:
            return Held(tenant=tenant, upstream=upstream, key=given, source=Source.ENVIRONMENT, fault=fault)
    if fault is not None and not absent:
        return Held(tenant=tenant, upstream=upstream, source=Source.NO_ANSWER, fault=fault)
    source = Source.NOT_NEEDED if upstream.keyless else Source.NONE
    return Held(tenant=tenant, upstream=upstream, source=source, fault=fault)


def survey(tenant: str, upstreams: Iterable[Upstream]) -> list[Held]:
    """The tenant's keys for all these upstreams; a keyring that gives no answer is asked once. Blocks."""
    wanted = list(upstreams)
    try:
        stored = keyrings.read_all((tenant, upstream.name) for upstream in wanted)
    except KeyringFault as fault:
        return [choose(tenant, upstream, None, fault) for upstream in wanted]
    return [choose(tenant, upstream, stored.get((tenant, upstream.name)), None) for upstream in wanted]


def how_to_give(tenant: str, held: Held) -> str:
    """What to do where there is no key, in words. ``tenant``: its name."""
    name, variable = held.upstream.name, held.upstream.key_env
    if held.fault is not None and held.fault.code == "no_keyring":
        return f"{held.fault}: start reflexd with {variable} set, or let the client send its {name} key."
    store = f"store one with: reflexd keys set {name} --tenant {tenant}"
    if held.fault is not None:
        return f"{held.fault}; or start reflexd with {variable} set."
    return f"Tenant {tenant!r} has no key for {name}: {store}, or start reflexd with {variable} set."


def check(key: str, what: str = "What was given") -> None:
    """Raises `UnusableKey` for what no header can hold, with ``what`` it is called."""
    if not key:
        raise UnusableKey(f"{what} is empty.")
    if len(key) > LONGEST:
        raise UnusableKey(f"{what} is no key: it has {len(key)} characters.")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise UnusableKey(f"{what} is no key: it has a line break, a space or odd characters.")


def warm_up() -> None:
    """Have the keyring imported in the background, which takes longer than using it."""
    keyrings.start(keyrings.backend_name)
