"""Tenants, their tokens and policies, and pausing."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from reflexd_io.control_client.shapes.common import TenantsName, Told, Wire


class TenantRow(Told, frozen=True, kw_only=True):
    name: str
    active: bool
    anonymous: bool = False
    """Of a provider key that nobody has adopted."""
    from_config: bool = False
    """Defined in config.toml: it is renamed and removed there only. What is set here stands over that."""
    left_over: bool = False
    """It stood in config.toml once and does not any more: no request reaches it, and its entries are still there."""
    entries: int = 0
    size: int = 0
    """Bytes on disk."""
    hits: int = 0
    """Since the daemon's start."""
    misses: int = 0
    saved_dollars: float | None = None
    paused_until: float | None = None
    """Seconds; ``-1`` until somebody resumes it; None where it is not paused."""
    semantic: str = "on"
    tokens: int = 0
    adopted: list[str] = []
    """Names of the anonymous tenants whose keys it has adopted."""


class Tenants(Told, frozen=True, kw_only=True):
    active: str
    items: list[TenantRow]


class NewTenant(Wire, frozen=True, kw_only=True):
    name: TenantsName


class Renamed(Wire, frozen=True, kw_only=True):
    name: TenantsName


class TenantName(Wire, frozen=True, kw_only=True):
    tenant: str


class RemoveQuery(Wire, frozen=True, kw_only=True):
    force: bool = False
    """Also the active one; the default tenant becomes active instead."""


class NewToken(Wire, frozen=True, kw_only=True):
    name: Annotated[str, Meta(extra_json_schema={"maxLength": 100})] = ""
    expires_in: Annotated[float, Meta(extra_json_schema={"exclusiveMinimum": 0, "maximum": 2**31})] | None = None
    """Seconds; None: never."""


class TokenRow(Told, frozen=True, kw_only=True):
    id: str
    """By which it is revoked; says nothing of the token."""
    name: str
    hint: str
    """Its last four characters."""
    created: float
    expires: float | None = None
    used: float | None = None
    expired: bool = False


class Tokens(Told, frozen=True, kw_only=True):
    items: list[TokenRow]


class IssuedToken(Told, frozen=True, kw_only=True):
    token: str
    """``rfx_…``; told this once."""
    row: TokenRow


class SeenKey(Told, frozen=True, kw_only=True):
    tenant: str
    """The anonymous tenant of the key."""
    hint: str = ""
    """The key's last four characters, where it was seen since the start."""
    upstream: str = ""
    used: float | None = None
    entries: int = 0
    adopted_by: str | None = None


class SeenKeys(Told, frozen=True, kw_only=True):
    items: list[SeenKey]


class Adopt(Wire, frozen=True, kw_only=True):
    key: str
    """The anonymous tenant's name."""


class Setting(Told, frozen=True, kw_only=True):
    name: str
    value: Any
    origin: Literal["default", "config", "tenant"]
    expected: str
    """In words: what may stand here."""
    inherited: Any = None
    """What holds once the tenant's own value is taken back."""


class TenantPolicy(Told, frozen=True, kw_only=True):
    tenant: str
    settings: list[Setting]


class PolicyChange(Wire, frozen=True, kw_only=True):
    settings: dict[str, Any]
    """By name; null takes a value back, and the inherited one holds again."""


class UpstreamRow(Told, frozen=True, kw_only=True):
    name: str
    base_url: str
    own: bool
    """The tenant's own, or pointed elsewhere by it."""


class TenantUpstreams(Told, frozen=True, kw_only=True):
    tenant: str
    default: str
    default_is_own: bool
    items: list[UpstreamRow]


class UpstreamChange(Wire, frozen=True, kw_only=True):
    upstreams: dict[str, str | None] = {}
    """Base URLs by name; null takes one back."""
    default: str | None = None
    """Null leaves it as it is, an empty text takes it back."""


class Pause(Wire, frozen=True, kw_only=True):
    seconds: Annotated[float, Meta(extra_json_schema={"exclusiveMinimum": 0, "maximum": 31_622_400})] | None = None
    """None: until somebody resumes."""
    tenant: str | None = None
    """None: everybody."""


class Resume(Wire, frozen=True, kw_only=True):
    tenant: str | None = None


class Mode(Wire, frozen=True, kw_only=True):
    mode: Literal["normal", "exact", "shadow"]


class State(Told, frozen=True, kw_only=True):
    """What the daemon does, for headers and icons."""

    version: str
    url: str
    started: float
    active_tenant: str
    caching: bool
    """False while everything is passed through."""
    paused_until: float | None = None
    """As in `TenantRow`, of everybody."""
    mode: Literal["normal", "exact", "shadow"]
    status: Literal["ok", "degraded"]
    problems: dict[str, str] = {}
    models: dict[str, Any] = {}
    """`Facts` and state of the model backend, as ``/ready`` tells them."""
    connections: int = 0
    """Client connections open now."""
    agents: list[str] = []
    """Clients seen in the last five minutes, by name."""
    hit_rate: float | None = None
    """Of the last five minutes; None without any."""
    today_hit_rate: float | None = None
    today_saved_dollars: float | None = None
    today_saved_tokens: int = 0
