"""``reflexd keys``: the providers' keys in the OS keyring.

The command asks the keyring itself, and then tells the running daemon to look again. Where only the daemon can reach
a keyring, it is handed the key over loopback. What is listed and tested is what the running daemon sees: its
environment may not be this one's.
"""

import argparse
import getpass
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import anyio
import msgspec

from reflexd_core.credentials import owner_of
from reflexd_core.routing import Upstream
from reflexd_core.tenancy import Tenancy, Tenant
from reflexd_io import keyrings
from reflexd_io.cli import Failed, settings_of
from reflexd_io.cli.asking import line
from reflexd_io.control.keys import removed, row
from reflexd_io.control_client import Ask, BlockingClient, NotThere, Refused, calls, find
from reflexd_io.control_client.shapes.common import Done
from reflexd_io.control_client.shapes.keys import KeyList, KeyRow, KeyTest
from reflexd_io.key_desk import NoSuch, tenant_named, upstreams_of
from reflexd_io.key_tests import Tried, try_key
from reflexd_io.keyrings import PATIENCE, KeyringFault, within
from reflexd_io.keys import LONGEST, UnusableKey, check, choose, how_to_give, survey
from reflexd_io.settings import Settings
from reflexd_io.store.room import tenants_in
from reflexd_io.tenants.registry import Registry
from reflexd_io.upstream import UpstreamClient

UPSTREAM_FAILED = 4
_DAEMON_TIMEOUT = 30.0
"""Longer than the daemon waits for its keyring, and for a provider."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known here: the settings, and the running daemon where there is one."""

    settings: Settings
    daemon: BlockingClient | None
    tenant: str
    """Its name."""
    id: str
    rows: list[KeyRow]

    def upstream(self, name: str) -> Upstream:
        """Raises `Failed`."""
        found = next((row for row in self.rows if row.upstream == name), None)
        if found is None:
            raise Failed(
                f"Reflex knows no upstream {name!r}; it knows: {', '.join(row.upstream for row in self.rows)}"
            )
        known = self.settings.upstreams.get(name)
        return known or Upstream(name=name, base_url=found.base_url, key_env=found.variable)


def keys(args: argparse.Namespace) -> int:
    try:
        return _ACTIONS[args.action](args)
    except (KeyringFault, UnusableKey, Refused, NoSuch) as error:
        raise Failed(str(error)) from error
    except NotThere as error:
        raise Failed(f"the daemon went away meanwhile: {error}") from error


def _set(args: argparse.Namespace) -> int:
    place = _place(args)
    upstream = place.upstream(args.upstream)
    key = _asked_for(args, upstream, place.tenant)
    check(key)
    _warn_of_another(key, upstream, place.settings.upstreams)
    try:
        within(PATIENCE, lambda: keyrings.write(place.id, upstream.name, key))
    except KeyringFault as fault:
        if fault.code != "no_keyring":
            raise
        seen = _handed_over(place, upstream, key, fault)
    else:
        here = choose(place.id, upstream, key, None)
        seen = _told(place, calls.key_changed(place.tenant, upstream.name)) or row(place.tenant, here)
        if (seen.source, seen.hint) != ("keyring", here.hint):
            raise Failed(
                f"the key was stored, but the running daemon does not see it in its keyring: "
                f"{seen.problem or 'it may use another keyring than this session'}"
            )
    _show(args, seen, f"Stored the key for {upstream.name} of tenant {place.tenant}{_ending(seen.hint)}.")
    return 0


def _list(args: argparse.Namespace) -> int:
    place = _place(args)
    items, backend = place.rows, within(PATIENCE, keyrings.backend_name)
    if place.daemon is not None:
        names = [place.tenant] if args.tenant is not None else _named(place.daemon)
        listed = [place.daemon.do(calls.list_keys(name)) for name in names]
        items, backend = [item for found in listed for item in found.items], listed[0].keyring
    elif args.tenant is None:
        others = [tenant for tenant in _tenancy(place.settings).by_name.values() if tenant.id != place.id]
        items = items + [item for tenant in others for item in _rows(place.settings, tenant)]
    if args.json:
        print(msgspec.json.encode(KeyList(keyring=backend, items=items)).decode())
        return 0
    _print_table([item for item in items if item.source in ("keyring", "environment")])
    for problem in dict.fromkeys(item.problem for item in items if item.problem):
        print(f"{problem}. {_without(items)}" if backend is None else f"{problem}.", file=sys.stderr)
    return 0


def _remove(args: argparse.Namespace) -> int:
    place = _place(args)
    upstream = place.upstream(args.upstream)
    try:
        had = within(PATIENCE, lambda: keyrings.erase(place.id, upstream.name))
    except KeyringFault as fault:
        if fault.code != "no_keyring" or place.daemon is None:
            raise fault.instead(upstream.key_env) from fault
        done = place.daemon.do(calls.remove_key(place.tenant, upstream.name))
    else:
        _told(place, calls.key_changed(place.tenant, upstream.name))
        done = Done(message=removed(place.tenant, choose(place.id, upstream, None, None), had=had))
    _show(args, done, done.message)
    return 0


def _test(args: argparse.Namespace) -> int:
    place = _place(args)
    upstream = place.upstream(args.upstream)
    if place.daemon is not None:
        found = place.daemon.do(calls.test_key(place.tenant, upstream.name))
    else:
        found = _tested_here(place, upstream)
    _show(args, found, f"{found.verdict}: {line(found.message, 400)}")
    if found.ok:
        return 0
    return 1 if found.verdict == "no key" else UPSTREAM_FAILED


_ACTIONS = {"set": _set, "list": _list, "rm": _remove, "test": _test}


def _place(args: argparse.Namespace) -> _Place:
    settings = settings_of(args)
    try:
        daemon = BlockingClient(find(storage=settings.storage_path), timeout=_DAEMON_TIMEOUT)
        rows = daemon.do(calls.list_keys(args.tenant)).items
    except NotThere:
        tenant = tenant_named(_tenancy(settings), args.tenant)
        return _Place(settings, None, tenant.name, tenant.id, _rows(settings, tenant))
    return _Place(settings, daemon, rows[0].tenant, rows[0].entry.rpartition("/")[0], rows)


def _tenancy(settings: Settings) -> Tenancy:
    """The tenants that a daemon would have. Raises `Failed`."""
    try:
        return Registry(settings, files=tenants_in(settings.storage_path / "tenants")).tenancy
    except OSError as error:
        raise Failed(f"the registry of tenants cannot be read: {error}") from error


def _rows(settings: Settings, tenant: Tenant) -> list[KeyRow]:
    wanted = upstreams_of(settings, tenant).values()
    return [row(tenant.name, held) for held in within(PATIENCE, lambda: survey(tenant.id, wanted))]


def _named(daemon: BlockingClient) -> list[str]:
    """The tenants that have names, the active one first."""
    found = daemon.do(calls.list_tenants())
    return [found.active, *(item.name for item in found.items if not item.anonymous and item.name != found.active)]


def _told(place: _Place, ask: Ask[KeyRow]) -> KeyRow | None:
    """What the running daemon sees once it was told; None where none runs."""
    return place.daemon.do(ask) if place.daemon is not None else None


def _handed_over(place: _Place, upstream: Upstream, key: str, fault: KeyringFault) -> KeyRow:
    if place.daemon is None:
        raise fault.instead(upstream.key_env)
    try:
        return place.daemon.do(calls.set_key(place.tenant, upstream.name, key))
    except Refused as refused:
        raise Failed(f"neither this session nor the daemon could keep it. {refused}") from refused


def _asked_for(args: argparse.Namespace, upstream: Upstream, tenant: str) -> str:
    """The key: typed unseen, or from standard input. Raises `Failed`."""
    if args.stdin:
        return sys.stdin.buffer.read(LONGEST + 2).decode("utf-8", "replace").strip()
    if not sys.stdin.isatty():
        raise Failed("there is no terminal to ask for the key; give it on standard input, with --stdin", 2)
    return getpass.getpass(f"Key for {upstream.name} of tenant {tenant} (it is not shown): ").strip()


def _warn_of_another(key: str, upstream: Upstream, known: Mapping[str, Upstream]) -> None:
    owner = owner_of(key, known.values())
    if owner is not None and owner.name != upstream.name:
        print(f"reflexd: this looks like a key for {owner.name}, not for {upstream.name}", file=sys.stderr)


def _tested_here(place: _Place, upstream: Upstream) -> KeyTest:
    (held,) = within(PATIENCE, lambda: survey(place.id, [upstream]))
    key = held.usable()
    if key is None and not upstream.keyless:
        return KeyTest(ok=False, verdict="no key", message=how_to_give(place.tenant, held))

    async def ask() -> Tried:
        client = UpstreamClient()
        try:
            return await try_key(client, upstream, key)
        finally:
            await client.aclose()

    tried = anyio.run(ask)
    return KeyTest(
        ok=tried.verdict == "ok", verdict=tried.verdict.value, http_status=tried.status, message=tried.said
    )


def _show(args: argparse.Namespace, found: msgspec.Struct, said: str) -> None:
    print(msgspec.json.encode(found).decode() if args.json else said)


def _ending(hint: str) -> str:
    return f" (…{hint})" if hint else ""


def _print_table(items: list[KeyRow]) -> None:
    if not items:
        print("Reflex has no keys of its own; clients send theirs. Store one with: reflexd keys set <upstream>")
        return
    lines = [("upstream", "tenant", "comes from", "ends in")]
    for item in items:
        source = "keyring" if item.source == "keyring" else item.variable
        lines.append((item.upstream, item.tenant, source, f"…{item.hint}" if item.hint else "(too short to show)"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def _without(items: list[KeyRow]) -> str:
    example = items[0].variable if items else "OPENAI_API_KEY"
    return f"Keys come from the environment that starts reflexd ({example} and the like), or from the clients."
