"""Credentials: which tenant a request belongs to, which upstream it goes to, and with whose key.

Nothing here sees the network or the keyring. A client's own credential goes only to the upstream that it belongs
to; an upstream's stored key is used only where the client brought none of its own.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, unquote

from blake3 import blake3

from reflexd_core.model_routes import ModelRoute, upstream_for
from reflexd_core.routing import Target, Upstream
from reflexd_core.tenancy import ANONYMOUS, Tenancy, Tenant, Token
from reflexd_core.tokens import HINT, PREFIX, digest_of, is_token, is_whole, token_in_basic

CREDENTIAL_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
TOKEN_HEADER = "x-reflex-token"  # noqa: S105 - the header's name
"""For a token beside the client's own provider key."""

_PLACEHOLDER_LENGTH = 20


class Whose(StrEnum):
    CLIENT = "client"
    """The client's credential is passed on as it came."""
    STORED = "stored"
    """The tenant's own key for the upstream takes the place of a placeholder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    tenant: str
    """Its id."""
    upstream: Upstream
    whose: Whose
    withheld: frozenset[str] = frozenset()
    """Credential headers that are not passed on: they hold another secret than the one that chose the upstream, or a
    token of ours."""
    name: str = field(default="", compare=False)
    """The tenant's name, as people know it; empty of a key's own tenant."""
    token: str | None = None
    """Id of the token that decided the tenant."""
    key: str | None = field(default=None, compare=False)
    """The own tenant of the client's provider key, be it adopted or not; None where it brought none that lasts."""
    hint: str = field(default="", compare=False, repr=False)
    """That key's last four characters, where it is long enough to be shown so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unroutable:
    """Reflex cannot go on; the message says how to mend it."""

    code: str
    message: str


def credentials_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The secrets that the client sent, by header (headers by lower-case name).

    Less ``Bearer``; of another scheme the whole value, since what it is worth only the provider can tell, unless it
    holds a token of ours: then that.
    """
    found: dict[str, str] = {}
    for name in CREDENTIAL_HEADERS:
        value = headers.get(name, "").strip()
        if name == "authorization":
            value = value[len("bearer") :].strip() if _is_bearer(value) else token_in_basic(value) or value
        if value:
            found[name] = value
    return found


def keys_in_query(query: str) -> list[str]:
    """The secrets of ``?key=…``, which Google's APIs take in place of a header; of several any may be the one that
    counts. Names may be percent-encoded like everything else.
    """
    return [value for name, value in parse_qsl(query) if name == "key"] if query else []


def holds_token(path: str, query: str) -> bool:
    """Whether a token of ours stands anywhere in what is asked for, which is passed on as it came."""
    if not (PREFIX in path or PREFIX in query or "%" in path or "%" in query):
        return False
    asked = (text for pair in parse_qsl(query, keep_blank_values=True) for text in pair)
    return any(map(is_token, (*unquote(path).split("/"), *asked)))


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
    return ANONYMOUS + blake3(credential.encode(), key=salt).hexdigest(16)


def route(
    *,
    target: Target,
    headers: Mapping[str, str],
    upstreams: Mapping[str, Upstream],
    default_upstream: str,
    tenancy: Tenancy,
    salt: bytes,
    now: float,
    on_loopback: bool = True,
    model_routes: Sequence[ModelRoute] = (),
    model: str = "",
) -> Route | Unroutable:
    """Tenant and upstream of a request. ``salt``: 32 bytes, of this installation. ``now``: seconds since 1970.

    ``model``: what the body asks for, once that was read.
    """
    sent = credentials_of(headers)
    tokens = {name: secret for name, secret in sent.items() if is_token(secret)}
    home = target.home or ("anthropic" if "anthropic-version" in headers and target.dialect is None else None)
    first = _read_first(upstreams.get(target.upstream or home or default_upstream))
    keys = {name: sent[name] for name in sorted(sent, key=lambda name: name != first) if name not in tokens}
    if holds_token(target.path, target.query):
        return _TOKEN_IN_URL
    in_query = keys_in_query(target.query)
    token = _token(_tokens_in(headers, tokens), tenancy, now)
    if isinstance(token, Unroutable):
        return token
    # Placeholders stand where clients insist on a key: as a bearer or in a header of its own, not in other schemes.
    never_placeholder = {"authorization"} if not _is_bearer(headers.get("authorization", "").strip()) else set()
    own_keys = [
        secret
        for name, secret in keys.items()
        if name in never_placeholder or not is_placeholder(secret, upstreams.values())
    ]
    own_keys += in_query
    placeholder = not own_keys
    credential = own_keys[0] if own_keys else next(iter(keys.values()), None)
    lasting = credential if credential is not None and not placeholder and not rotates(credential) else None
    key = anonymous_tenant(lasting, salt) if lasting is not None else None
    named = _named_tenant(target, headers, tenancy, token, on_loopback=on_loopback)
    if isinstance(named, Unroutable):
        return named
    tenant = named or (tenancy.adopted.get(key) if key is not None else tenancy.active)
    if tenant is not None and tenant.upstreams:
        upstreams = {**upstreams, **tenant.upstreams}
    default_upstream = tenant.default_upstream or default_upstream if tenant is not None else default_upstream
    by_model = upstream_for(model_routes, target, model) if placeholder else None
    upstream = _upstream(target, None if placeholder else credential, upstreams, by_model or home or default_upstream)
    if isinstance(upstream, Unroutable):
        return upstream
    for other in in_query if target.upstream is None else ():
        owner = owner_of(other, upstreams.values())
        if other != credential and owner is not None and owner != upstream:
            # Headers can be withheld, a query goes as it came.
            return Unroutable(
                code="contradicting_keys",
                message=f"The query holds a key of {owner.name}, and another leads to {upstream.name}; "
                "send one of them, or name the upstream in the path (/u/<upstream>/v1).",
            )
    return Route(
        tenant=tenant.id if tenant is not None else key or "",
        name=tenant.name if tenant is not None else "",
        upstream=upstream,
        whose=Whose.STORED if placeholder else Whose.CLIENT,
        withheld=frozenset(name for name, secret in sent.items() if name in tokens or secret != credential),
        token=token.id if token is not None else None,
        key=key,
        hint=lasting[-HINT:] if lasting is not None and len(lasting) >= _PLACEHOLDER_LENGTH else "",
    )


def _read_first(upstream: Upstream | None) -> str:
    """The header whose key counts where several hold one: the provider's own, as at the provider itself."""
    return upstream.native_key_header or upstream.key_header if upstream is not None else "authorization"


def _tokens_in(headers: Mapping[str, str], tokens: Mapping[str, str]) -> list[str]:
    """Every token that was sent, each once."""
    beside = headers.get(TOKEN_HEADER, "").strip()
    return list(dict.fromkeys([*([beside] if beside else []), *tokens.values()]))


def _token(sent: list[str], tenancy: Tenancy, now: float) -> Token | Unroutable | None:
    """The registered token among them; None where there is none at all. Messages never repeat what was sent."""
    found: list[Token] = []
    for text in sent:
        token = tenancy.tokens.get(digest_of(text)) if is_whole(text) else None
        if token is None:
            why = "is not registered here" if is_whole(text) else "is cut or mistyped"
            return Unroutable(code="unknown_token", message=f"This Reflex token {why}; {_HELP}")
        if token.tenant is None:
            return Unroutable(code="revoked_token", message=f"This Reflex token was revoked; {_HELP}")
        if token.expires is not None and now >= token.expires:
            return Unroutable(code="expired_token", message=f"This Reflex token has expired; {_HELP}")
        found.append(token)
    if len({token.tenant.id for token in found if token.tenant is not None}) > 1:
        return Unroutable(
            code="contradicting_tokens", message="This request holds tokens of different tenants; send one of them."
        )
    return found[0] if found else None


_TOKEN_IN_URL = Unroutable(
    code="token_in_query",
    message="A Reflex token must not stand in a URL, which is logged in many places: send it as a bearer, as "
    f"x-api-key, or in {TOKEN_HEADER}.",
)
_HELP = "have a new one made with `reflexd tenants token <tenant> add`."


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


def _named_tenant(
    target: Target, headers: Mapping[str, str], tenancy: Tenancy, token: Token | None, *, on_loopback: bool
) -> Tenant | Unroutable | None:
    """The tenant that token, path or header name; None when none does."""
    holder = token.tenant if token is not None else None
    asked = headers.get("x-reflex-tenant", "").strip() or None
    if asked is not None and target.tenant is not None and asked != target.tenant:
        return Unroutable(
            code="contradicting_tenants",
            message=f"The path names tenant {target.tenant!r} and x-reflex-tenant names {asked!r}; name one.",
        )
    named = target.tenant if target.tenant is not None else asked
    if named is None or (holder is not None and named == holder.name):
        return holder
    if holder is not None:  # whether there is such a tenant is none of the holder's business
        return Unroutable(
            code="contradicting_tenants",
            message=f"The token is another tenant's than {named!r}, which {_place_of(target)} names; name one.",
        )
    if not on_loopback:
        return Unroutable(
            code="token_required",
            message=f"From another machine, tenant {named!r} is open only to one of its tokens: send it as a bearer, "
            f"as x-api-key, or in {TOKEN_HEADER}.",
        )
    found = tenancy.by_name.get(named)
    return found or Unroutable(
        code="unknown_tenant",
        message=f"Reflex knows no tenant {named!r}. Add it with `reflexd tenants add {named}`, or under "
        f"[tenants.{named}] in config.toml.",
    )


def _place_of(target: Target) -> str:
    return "the path" if target.tenant is not None else "x-reflex-tenant"


def owner_of(credential: str, upstreams: Collection[Upstream]) -> Upstream | None:
    """The upstream whose keys begin like this one; the longest match wins."""
    matches = [
        (len(prefix), upstream)
        for upstream in upstreams
        for prefix in upstream.key_prefixes
        if credential.startswith(prefix)
    ]
    return max(matches, key=lambda match: match[0])[1] if matches else None
