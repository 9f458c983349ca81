"""The tenancy: of all that settings and registry say, what a request's way to its tenant and upstream depends on."""

import math
from dataclasses import replace

from reflexd_core.routing import Upstream
from reflexd_core.tenancy import Tenancy, Tenant, Token
from reflexd_io import values
from reflexd_io.settings import DEFAULT_TENANT, Settings
from reflexd_io.tenants import changes
from reflexd_io.tenants.document import Document


def tenancy_of(document: Document, settings: Settings) -> Tenancy:
    tenants = {
        each: Tenant(
            id=each,
            name=kept.name,
            upstreams={name: _upstream(name, url, settings) for name, url in kept.upstreams.items()},
            default_upstream=kept.default_upstream,
        )
        for each, kept in changes.defined(document, settings).items()
    }
    by_name = {tenant.name: tenant for tenant in tenants.values()}
    chosen = document.active
    active = by_name.get(settings.active_tenant, by_name[DEFAULT_TENANT])
    if chosen is not None and chosen.instead_of == settings.active_tenant:
        active = tenants.get(chosen.tenant, active)
    tokens = {
        bytes.fromhex(digest): Token(
            id=kept.id,
            tenant=None if kept.revoked else tenants.get(kept.tenant),
            expires=-math.inf if kept.ended else kept.expires,
        )
        for digest, kept in document.tokens.items()
    }
    adopted = {key: tenants[each] for key, each in document.adopted.items() if each in tenants}
    return Tenancy(active=active, by_name=by_name, tokens=tokens, adopted=adopted)


def _upstream(name: str, url: str, settings: Settings) -> Upstream:
    known = settings.upstreams.get(name)
    if known is not None:
        return replace(known, base_url=url, keyless=known.keyless or values.is_loopback(url), known_as=None)
    variable = f"{name.upper().replace('-', '_').replace('.', '_')}_API_KEY"
    return Upstream(name=name, base_url=url, key_env=variable, keyless=values.is_loopback(url))
