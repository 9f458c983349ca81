"""The questions that the control API answers, one function each.

``client.do(calls.entries(EntryQuery(text="center div")))``; the same value serves the blocking client.
"""

from collections.abc import Sequence

import msgspec

from reflexd_io.control_client.ask import Ask, segment
from reflexd_io.control_client.shapes import common, dashboard, entries, exchanges, keys, stats, tenants

_IDS = 500
"""Entries that one request line names; 64 KiB would hold 1,800."""


def state() -> Ask[tenants.State]:
    return Ask("GET", "/admin/state", tenants.State)


def list_exchanges(query: exchanges.ExchangeQuery) -> Ask[exchanges.ExchangePage]:
    return Ask("GET", "/admin/exchanges", exchanges.ExchangePage, query=query)


def exchange(name: str) -> Ask[exchanges.ExchangeDetail]:
    return Ask("GET", f"/admin/exchanges/{segment(name)}", exchanges.ExchangeDetail)


def explain(name: str) -> Ask[exchanges.Explained]:
    return Ask("GET", f"/admin/exchanges/{segment(name)}/diff", exchanges.Explained)


def list_entries(query: entries.EntryQuery) -> Ask[entries.EntryPage]:
    return Ask("GET", "/admin/entries", entries.EntryPage, query=query)


def entry(name: str) -> Ask[entries.EntryDetail]:
    return Ask("GET", f"/admin/entries/{segment(name)}", entries.EntryDetail)


def change_entry(name: str, change: entries.EntryChange) -> Ask[entries.EntryRow]:
    return Ask("PATCH", f"/admin/entries/{segment(name)}", entries.EntryRow, body=change)


def wrong(entry_name: str, exchange_name: str) -> Ask[exchanges.WrongPairing]:
    """Its pairing with the exchange was wrong: end it, and learn."""
    body = exchanges.WrongOf(exchange=exchange_name)
    return Ask("POST", f"/admin/entries/{segment(entry_name)}/wrong", exchanges.WrongPairing, body=body)


def not_wrong(entry_name: str, exchange_name: str) -> Ask[exchanges.WrongPairing]:
    """Take `wrong` back."""
    body = exchanges.WrongOf(exchange=exchange_name)
    return Ask("DELETE", f"/admin/entries/{segment(entry_name)}/wrong", exchanges.WrongPairing, body=body)


def audits(tenant: str = "") -> Ask[exchanges.Audits]:
    return Ask("GET", "/admin/audits", exchanges.Audits, query=exchanges.AuditQuery(tenant=tenant))


def purge(what: entries.Purge) -> Ask[entries.Purged]:
    return Ask("POST", "/admin/purge", entries.Purged, body=what)


def trash() -> Ask[entries.Trash]:
    return Ask("GET", "/admin/trash", entries.Trash)


def restore(name: str) -> Ask[entries.Restored]:
    return Ask("POST", f"/admin/trash/{segment(name)}/restore", entries.Restored)


def empty_trash(name: str) -> Ask[common.Done]:
    """Drop a purge for good."""
    return Ask("DELETE", f"/admin/trash/{segment(name)}", common.Done)


def empty_tenant(name: str) -> Ask[common.Done]:
    """Remove all that is stored for it, for good."""
    return Ask("DELETE", f"/admin/tenants/{segment(name)}/entries", common.Done)


def export_targets(query: entries.ExportQuery, ids: Sequence[str] | None = None) -> list[str]:
    """Paths and queries for a client's `download`: entries as JSON Lines.

    ``ids``: of these alone, in as many requests as their lines need.
    """
    if ids is None:
        return [Ask("GET", "/admin/export", common.Done, query=query).target()]
    groups = [",".join(ids[start : start + _IDS]) for start in range(0, len(ids), _IDS)]
    queries = [msgspec.structs.replace(query, ids=group) for group in groups]
    return [Ask("GET", "/admin/export", common.Done, query=one).target() for one in queries]


def import_entries(query: entries.ImportQuery) -> Ask[entries.Imported]:
    """For a client's `upload`, which adds the lines."""
    return Ask("POST", "/admin/import", entries.Imported, query=query)


def list_tenants() -> Ask[tenants.Tenants]:
    return Ask("GET", "/admin/tenants", tenants.Tenants)


def add_tenant(name: str) -> Ask[tenants.TenantRow]:
    return Ask("POST", "/admin/tenants", tenants.TenantRow, body=tenants.NewTenant(name=name))


def rename_tenant(name: str, to: str) -> Ask[tenants.TenantRow]:
    body = tenants.Renamed(name=to)
    return Ask("PATCH", f"/admin/tenants/{segment(name)}", tenants.TenantRow, body=body)


def remove_tenant(name: str, *, force: bool = False) -> Ask[common.Done]:
    query = tenants.RemoveQuery(force=force)
    return Ask("DELETE", f"/admin/tenants/{segment(name)}", common.Done, query=query)


def use_tenant(name: str) -> Ask[tenants.Tenants]:
    return Ask("PUT", "/admin/active-tenant", tenants.Tenants, body=tenants.TenantName(tenant=name))


def policy(tenant: str) -> Ask[tenants.TenantPolicy]:
    return Ask("GET", f"/admin/tenants/{segment(tenant)}/policy", tenants.TenantPolicy)


def change_policy(tenant: str, settings: dict[str, object]) -> Ask[tenants.TenantPolicy]:
    body = tenants.PolicyChange(settings=settings)
    return Ask("PATCH", f"/admin/tenants/{segment(tenant)}/policy", tenants.TenantPolicy, body=body)


def tenant_upstreams(tenant: str) -> Ask[tenants.TenantUpstreams]:
    return Ask("GET", f"/admin/tenants/{segment(tenant)}/upstreams", tenants.TenantUpstreams)


def change_tenant_upstreams(tenant: str, change: tenants.UpstreamChange) -> Ask[tenants.TenantUpstreams]:
    return Ask("PATCH", f"/admin/tenants/{segment(tenant)}/upstreams", tenants.TenantUpstreams, body=change)


def list_tokens(tenant: str) -> Ask[tenants.Tokens]:
    return Ask("GET", f"/admin/tenants/{segment(tenant)}/tokens", tenants.Tokens)


def issue_token(tenant: str, *, name: str = "", expires_in: float | None = None) -> Ask[tenants.IssuedToken]:
    body = tenants.NewToken(name=name, expires_in=expires_in)
    return Ask("POST", f"/admin/tenants/{segment(tenant)}/tokens", tenants.IssuedToken, body=body)


def revoke_token(tenant: str, token: str) -> Ask[common.Done]:
    """``token``: its id."""
    return Ask("DELETE", f"/admin/tenants/{segment(tenant)}/tokens/{segment(token)}", common.Done)


def seen_keys() -> Ask[tenants.SeenKeys]:
    return Ask("GET", "/admin/seen-keys", tenants.SeenKeys)


def adopt(tenant: str, key: str) -> Ask[common.Done]:
    body = tenants.Adopt(key=key)
    return Ask("POST", f"/admin/tenants/{segment(tenant)}/adopted", common.Done, body=body)


def give_up(tenant: str, key: str) -> Ask[common.Done]:
    """Take `adopt` back."""
    return Ask("DELETE", f"/admin/tenants/{segment(tenant)}/adopted/{segment(key)}", common.Done)


def pause(*, seconds: float | None = None, tenant: str | None = None) -> Ask[tenants.State]:
    return Ask("POST", "/admin/pause", tenants.State, body=tenants.Pause(seconds=seconds, tenant=tenant))


def resume(*, tenant: str | None = None) -> Ask[tenants.State]:
    return Ask("POST", "/admin/resume", tenants.State, body=tenants.Resume(tenant=tenant))


def set_mode(mode: tenants.Mode) -> Ask[tenants.State]:
    return Ask("PUT", "/admin/mode", tenants.State, body=mode)


def list_keys(tenant: str | None = None) -> Ask[keys.KeyList]:
    return Ask("GET", "/admin/keys", keys.KeyList, query=keys.KeyQuery(tenant=tenant))


def set_key(tenant: str, upstream: str, key: str) -> Ask[keys.KeyRow]:
    return Ask("PUT", _key(tenant, upstream), keys.KeyRow, body=keys.NewKey(key=key))


def remove_key(tenant: str, upstream: str) -> Ask[common.Done]:
    return Ask("DELETE", _key(tenant, upstream), common.Done)


def key_changed(tenant: str, upstream: str) -> Ask[keys.KeyRow]:
    """Somebody else has changed it in the keyring: what the daemon finds there now."""
    return Ask("POST", f"{_key(tenant, upstream)}/changed", keys.KeyRow)


def test_key(tenant: str, upstream: str) -> Ask[keys.KeyTest]:
    return Ask("POST", f"{_key(tenant, upstream)}/test", keys.KeyTest)


def statistics(query: stats.StatsQuery) -> Ask[stats.Stats]:
    return Ask("GET", "/admin/stats", stats.Stats, query=query)


def dashboard_code() -> Ask[dashboard.Code]:
    return Ask("POST", "/admin/dashboard/code", dashboard.Code)


def _key(tenant: str, upstream: str) -> str:
    return f"/admin/keys/{segment(tenant)}/{segment(upstream)}"
