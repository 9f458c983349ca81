"""Credentials: which tenant a request belongs to, which upstream it goes to, and with whose key.

Nothing here sees the network or the keyring. A client's own credential goes only to the upstream that it belongs
to; an upstream's stored key is used only where the client brought none of its own.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl

from blake3 import blake3

from reflexd_core.routing import Target, Upstream

CREDENTIAL_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")

_PLACEHOLDER_LENGTH = 20


class Whose(StrEnum):
    CLIENT = "client"
    """The client's credential is passed on as it came."""
    STORED = "stored"
    """The tenant's own key for the upstream takes the place of a placeholder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    tenant: str
    upstream: Upstream
    whose: Whose
    withheld: frozenset[str] = frozenset()
    """Credential headers that are not passed on: they hold another secret than the one that chose the upstream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unroutable:
    """Reflex cannot go on; the message says how to mend it."""

    code: str
    message: str


def credentials_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The secrets that the client sent, by header (headers by lower-case name).

    Less ``Bearer``; of another scheme the whole value, since what it is worth only the provider can tell.
    """
    found: dict[str, str] = {}
    for name in CREDENTIAL_HEADERS:
        value = headers.get(name, "").strip()
        if name == "authorization" and _is_bearer(value):
            value = value[len("bearer") :].strip()
        if value:
            found[name] = value
    return found


def key_in_query(query: str) -> str | None:
    """The secret of ``?key=…``, which Google's APIs take in place of a header."""
    if "key=" not in query:
        return None
    return next((value for name, value in parse_qsl(query) if name == "key"), None)


def _is_bearer(authorization: str) -> bool:
    return authorization.partition(" ")[0].lower() == "bearer"


def key_header(upstream: Upstream, key: str, *, native: bool = False) -> tuple[bytes, bytes]:
    """The header with which the upstream wants its key. ``native``: on the paths that only this provider has."""
    name = (upstream.native_key_header if native else None) or upstream.key_header
    return name.title().encode(), (b"Bearer " if name == "authorization" else b"") + key.encode()


def is_placeholder(credential: str, upstreams: Collection[Upstream]) -> bool:
    """Whether it is no key of anybody's: ``reflex``, ``EMPTY``, ``lm-studio`` …"""
    return len(credential) < _PLACEHOLDER_LENGTH and owner_of(credential, upstreams) is None


def rotates(credential: str) -> bool:
    """OAuth and JWT credentials change all the time, so no tenant can be made of one."""
    return credential.startswith(("sk-ant-oat", "ya29.")) or (
        credential.startswith("ey") and credential.count(".") == 2
    )


def anonymous_tenant(credential: str, salt: bytes) -> str:
    """The tenant of a provider key that nobody has adopted: named by a salted hash, so the key cannot be guessed."""
    return "anon-" + blake3(credential.encode(), key=salt).hexdigest(16)


def route(
    *,
    target: Target,
    headers: Mapping[str, str],
    upstreams: Mapping[str, Upstream],
    default_upstream: str,
    tenants: Collection[str],
    active_tenant: str,
    salt: bytes,
) -> Route | Unroutable:
    """Tenant and upstream of a request. ``salt``: 32 bytes, of this installation."""
    sent = credentials_of(headers)
    # Placeholders stand where clients insist on a key: as a bearer or in a header of its own, not in other schemes.
    never_placeholder = {"authorization"} if not _is_bearer(headers.get("authorization", "").strip()) else set()
    own_keys = [
        secret
        for name, secret in sent.items()
        if name in never_placeholder or not is_placeholder(secret, upstreams.values())
    ]
    in_query = key_in_query(target.query)
    if in_query is not None:
        own_keys.append(in_query)
    placeholder = not own_keys
    credential = own_keys[0] if own_keys else next(iter(sent.values()), None)
    home = target.home or ("anthropic" if "anthropic-version" in headers and target.dialect is None else None)
    upstream = _upstream(target, None if placeholder else credential, upstreams, home or default_upstream)
    if isinstance(upstream, Unroutable):
        return upstream
    if in_query is not None and in_query != credential and target.upstream is None:
        owner = owner_of(in_query, upstreams.values())
        if owner is not None and owner != upstream:  # headers can be withheld, a query goes as it came
            return Unroutable(
                code="contradicting_keys",
                message=f"The query holds a key of {owner.name}, and the headers lead to {upstream.name}; "
                "send one of them, or name the upstream in the path (/u/<upstream>/v1).",
            )
    tenant = _named_tenant(target, headers, tenants)
    if tenant is None:
        own = credential is not None and not placeholder and not rotates(credential)
        tenant = anonymous_tenant(credential or "", salt) if own else active_tenant
    if isinstance(tenant, Unroutable):
        return tenant
    withheld = frozenset(name for name, secret in sent.items() if secret != credential)
    return Route(
        tenant=tenant, upstream=upstream, whose=Whose.STORED if placeholder else Whose.CLIENT, withheld=withheld
    )


def _upstream(
    target: Target, credential: str | None, upstreams: Mapping[str, Upstream], home: str
) -> Upstream | Unroutable:
    """The one that the path names, else the one whose the key is, else the one where such requests are at home."""
    owner = owner_of(credential, upstreams.values()) if credential and target.upstream is None else None
    wanted = target.upstream if target.upstream is not None else home
    found = owner or upstreams.get(wanted)
    if found is not None:
        return found
    return Unroutable(
        code="unknown_upstream",
        message=f"Reflex knows no upstream {wanted!r}. It knows: {', '.join(sorted(upstreams))}. "
        f"Add it under [upstreams.{wanted or '<name>'}] in config.toml.",
    )


def _named_tenant(target: Target, headers: Mapping[str, str], tenants: Collection[str]) -> str | Unroutable | None:
    """The tenant that path or header names; None when neither does."""
    asked = headers.get("x-reflex-tenant", "").strip() or None
    if asked is not None and target.tenant is not None and asked != target.tenant:
        return Unroutable(
            code="contradicting_tenants",
            message=f"The path names tenant {target.tenant!r} and x-reflex-tenant names {asked!r}; name one.",
        )
    named = target.tenant if target.tenant is not None else asked
    if named is None or named in tenants:
        return named
    return Unroutable(
        code="unknown_tenant",
        message=f"Reflex knows no tenant {named!r}. Add it under [tenants.{named}] in config.toml.",
    )


def owner_of(credential: str, upstreams: Collection[Upstream]) -> Upstream | None:
    """The upstream whose keys begin like this one; the longest match wins."""
    matches = [
        (len(prefix), upstream)
        for upstream in upstreams
        for prefix in upstream.key_prefixes
        if credential.startswith(prefix)
    ]
    return max(matches, key=lambda match: match[0])[1] if matches else None
