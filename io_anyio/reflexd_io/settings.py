"""Settings: CLI flag > environment > ``config.toml`` > default.

A value that cannot be read stops the start with a message that names it, and so does a name that nobody knows.
Nothing falls back silently.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs

from reflexd_core.model_routes import ModelRoute
from reflexd_core.policy import MIB, Policy
from reflexd_core.prices import Prices
from reflexd_core.routing import PRESETS, Upstream
from reflexd_core.tenancy import name_fault
from reflexd_io import upstream_settings, users, values
from reflexd_io.policy_settings import read_policy
from reflexd_io.price_settings import read_prices
from reflexd_io.route_settings import read_routes

APP = "reflexd"
DEFAULT_TENANT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    port: int = 8080
    bind_addr: str = "127.0.0.1"
    storage_path: Path = field(default_factory=lambda: platformdirs.user_data_path(APP, appauthor=False))
    storage_bytes: int = 2048 * MIB
    l1_capacity: int = 10_000
    l1_bytes: int = 64 * MIB
    mock_provider: bool = False
    forward_legacy_functions: bool = False
    log_level: str = "warning"
    """``info`` adds a line for each exchange."""
    log_format: str = "plain"
    """``plain`` or ``json``."""
    log_prompts: bool = False
    """Whether the request log has the beginning of what was asked."""
    request_log: Path | None = None
    """A file with one line an exchange, whatever the level."""
    request_log_bytes: int = 10 * MIB
    """Size at which it is rotated."""
    request_log_files: int = 5
    """How many there are, the current one among them."""
    default_upstream: str = "openai"
    active_tenant: str = DEFAULT_TENANT
    inference_backend: str = "auto"
    """``auto``, ``cpu``, ``cuda``, ``mlx``, or ``off``."""
    model_path: Path | None = None
    """An embedder of the user's own."""
    reranker_path: Path | None = None
    """A verifier of the user's own."""
    semantic_budget_ms: int = 250
    """What comparing one question by meaning may take, all in all."""
    reranker_threshold: float | None = None
    """Overrides the verifier's own calibrated threshold."""
    policy: Policy = field(default_factory=Policy)
    """Of tenants that say nothing else, anonymous ones included."""
    tenants: Mapping[str, Policy] = field(default_factory=lambda: {DEFAULT_TENANT: Policy()})
    policy_names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Which settings config.toml gives, by tenant; under the empty name those of all."""
    upstreams: Mapping[str, Upstream] = field(default_factory=lambda: dict(PRESETS))
    prices: Prices = field(default_factory=lambda: read_prices({}))
    routes: tuple[ModelRoute, ...] = ()
    """By model, in order."""
    allowed_hosts: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    allowed_users: frozenset[int] | None = frozenset()
    """Users of this machine that may connect beside our own and root; None: all of them."""
    auth_required: bool | None = None
    """Whether every client must show a token; None: where others than this machine can connect."""
    remote_admin: bool = False
    """Whether the control API may be used from other machines, with the admin token."""
    max_connections: int = 4096
    client_requests: int = 512
    """Requests that one client, by its address, may have under way."""

    @property
    def wants_tokens(self) -> bool:
        return self.auth_required if self.auth_required is not None else self.is_open

    @property
    def is_open(self) -> bool:
        """Whether other machines can connect."""
        return not values.is_loopback_address(self.bind_addr)

    def policy_of(self, tenant: str) -> Policy:
        return self.tenants.get(tenant, self.policy)


Value = str | int | float | bool | list["Value"] | dict[str, "Value"] | object
Table = Mapping[str, Value]


def load(
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    config_file: Path | None = None,
) -> Settings:
    """All settings. ``flags`` by setting name, as typed. Raises `values.BadSetting`."""
    environ = os.environ if environ is None else environ
    given, named = config_file, environ.get("REFLEX_CONFIG")
    if given is None and named:
        given = values.read_value("REFLEX_CONFIG", named, values.folder)
    _refuse_unknown_variables(environ)
    settings = _from_file(Settings(), _read_toml(given or default_config_file(), required=given is not None))
    settings = _with_scalars(settings, flags or {}, environ)
    settings = replace(settings, upstreams=upstream_settings.with_urls(settings.upstreams, environ))
    return _checked(settings)


def unconfigured(flags: Mapping[str, str]) -> Settings:
    """The defaults and the flags, and of the environment the port alone. Raises `values.BadSetting`."""
    return _checked(_with_scalars(Settings(), flags, {"REFLEX_PORT": os.environ.get("REFLEX_PORT", "")}))


def _with_scalars(settings: Settings, flags: Mapping[str, str], environ: Mapping[str, str]) -> Settings:
    for name, (variable, read) in SCALARS.items():
        for source, text in ((variable, environ.get(variable) or None), (_flag(name), flags.get(name))):
            if text is not None:
                settings = _with(settings, name, values.read_value(source, text, read))
    return settings


def default_config_file() -> Path:
    return platformdirs.user_config_path(APP, appauthor=False) / "config.toml"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _with(settings: Settings, name: str, value: Any) -> Settings:
    return replace(settings, **{name: value})


SCALARS: dict[str, tuple[str, Callable[[str], object]]] = {
    "port": ("REFLEX_PORT", values.integer(0, 65_535)),
    "bind_addr": ("REFLEX_BIND_ADDR", values.address),
    "storage_path": ("REFLEX_STORAGE_PATH", values.folder),
    "storage_bytes": ("REFLEX_STORAGE_BYTES", values.integer(1, 2**60)),
    "l1_capacity": ("REFLEX_L1_CAPACITY", values.integer(1, 2**31)),
    "l1_bytes": ("REFLEX_L1_BYTES", values.integer(1, 2**50)),
    "mock_provider": ("REFLEX_MOCK_PROVIDER", values.truth),
    "forward_legacy_functions": ("REFLEX_LEGACY_FUNCTIONS", values.legacy),
    "log_level": ("REFLEX_LOG_LEVEL", values.choice("debug", "info", "warning", "error")),
    "log_format": ("REFLEX_LOG_FORMAT", values.choice("plain", "json")),
    "log_prompts": ("REFLEX_LOG_PROMPTS", values.truth),
    "request_log": ("REFLEX_REQUEST_LOG", values.path),
    "request_log_bytes": ("REFLEX_REQUEST_LOG_BYTES", values.integer(1024, 2**40)),
    "request_log_files": ("REFLEX_REQUEST_LOG_FILES", values.integer(1, 1000)),
    "default_upstream": ("REFLEX_UPSTREAM", values.name),
    "active_tenant": ("REFLEX_TENANT", values.name),
    "inference_backend": ("REFLEX_INFERENCE_BACKEND", values.choice("auto", "cpu", "cuda", "mlx", "off")),
    "model_path": ("REFLEX_MODEL_PATH", values.path),
    "reranker_path": ("REFLEX_RERANKER_PATH", values.path),
    "semantic_budget_ms": ("REFLEX_SEMANTIC_BUDGET_MS", values.integer(1, 60_000)),
    "reranker_threshold": ("REFLEX_RERANKER_THRESHOLD", values.share),
    "auth_required": ("REFLEX_AUTH_REQUIRED", values.truth),
    "remote_admin": ("REFLEX_REMOTE_ADMIN", values.truth),
    "max_connections": ("REFLEX_MAX_CONNECTIONS", values.integer(8, 1_000_000)),
    "client_requests": ("REFLEX_CLIENT_REQUESTS", values.integer(1, 1_000_000)),
}
"""Setting name -> its environment variable and how its text is read; config.toml has it under the same name."""

_HOST = re.compile(r"[^\s/?#@*]+")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@*]+")
_OURS = frozenset(
    {"calibration.json", "control.json", "reflexd.lock", "runtime.json", "salt", "start.log", "stats.sqlite3"}
)
"""Files of the storage folder that are no log."""
TABLES = ("policy", "tenants", "upstreams", "prices", "routes", "allowed_hosts", "allowed_origins", "allowed_users")
"""What config.toml has beside them: tables and lists, which have no variables."""

_TEXTS = frozenset(
    {
        *("active_tenant", "bind_addr", "default_upstream", "inference_backend", "log_format", "log_level"),
        *("model_path", "request_log", "reranker_path", "storage_path"),
    }
)
"""Settings that are texts in config.toml; the others may be numbers or truth values, or texts that say the same."""


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    """Names that look like a slip of ours. Others may begin with REFLEX_ too: a web framework's do."""
    known = ["REFLEX_CONFIG", *(variable for variable, _ in SCALARS.values())]
    for variable in environ:
        if not variable.startswith("REFLEX_") or variable in known or upstream_settings.VARIABLE.fullmatch(variable):
            continue
        if variable.startswith("REFLEX_UPSTREAM_"):
            raise values.BadSetting(f"{variable}: unknown variable; did you mean REFLEX_UPSTREAM_<NAME>_URL?")
        close = difflib.get_close_matches(variable, known, 1, cutoff=0.84)
        if close:
            raise values.BadSetting(f"{variable}: unknown variable; did you mean {close[0]}?")


def _read_toml(path: Path, *, required: bool) -> Table:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if required:
            raise values.BadSetting(f"{path}: there is no such file") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise values.BadSetting(f"{path}: {error}") from error


def _from_file(settings: Settings, table: Table) -> Settings:
    values.refuse_unknown("config.toml", table, {*SCALARS, *TABLES})
    for name, (_, read) in SCALARS.items():
        if name in table:
            settings = _with(
                settings, name, values.read_value(f"config.toml: {name}", _as_text(name, table[name]), read)
            )
    common = _table("policy", table.get("policy", {}))
    policy = read_policy("policy", Policy(), common)
    tenants, names = {DEFAULT_TENANT: policy}, {"": frozenset(common)}
    for name, given in _table("tenants", table.get("tenants", {})).items():
        fault = name_fault(name)
        if fault is not None:
            raise values.BadSetting(f"config.toml: tenants.{name}: {fault}")
        own = _table(f"tenants.{name}", given)
        tenants[name], names[name] = read_policy(f"tenants.{name}", policy, own), frozenset(own)
    upstreams = dict(PRESETS)
    for name, given in _table("upstreams", table.get("upstreams", {})).items():
        upstreams[name] = upstream_settings.read_upstream(
            name, _table(f"upstreams.{name}", given), upstreams.get(name)
        )
    return replace(
        settings,
        policy=policy,
        tenants=tenants,
        policy_names=names,
        upstreams=upstreams,
        prices=read_prices(_table("prices", table.get("prices", {}))),
        routes=read_routes(table.get("routes", []), upstreams),
        allowed_hosts=_names("allowed_hosts", table, _HOST, "names such as reflex.example"),
        allowed_origins=_names("allowed_origins", table, _ORIGIN, "origins such as https://app.example"),
        allowed_users=users.read("config.toml: allowed_users", table.get("allowed_users", [])),
    )


def _as_text(name: str, value: Value) -> str:
    wanted = str if name in _TEXTS else str | int | float
    if not isinstance(value, wanted):
        raise values.BadSetting(
            f"config.toml: {name}={value!r}: expected {'a text' if name in _TEXTS else 'one value'}"
        )
    return str(value)


def _checked(settings: Settings) -> Settings:
    if settings.default_upstream not in settings.upstreams:
        raise values.BadSetting(
            f"default_upstream={settings.default_upstream!r} (REFLEX_UPSTREAM): no upstream of that name is "
            f"configured; known are: {', '.join(sorted(settings.upstreams))}"
        )
    if settings.active_tenant not in settings.tenants:
        raise values.BadSetting(
            f"active_tenant={settings.active_tenant!r} (REFLEX_TENANT): "
            f"add [tenants.{settings.active_tenant}] to config.toml first"
        )
    if settings.is_open and settings.auth_required is False:
        raise values.BadSetting(
            f"bind_addr={settings.bind_addr!r}: beyond loopback every client must show a token, since anyone who can "
            "reach Reflex could spend your keys; take auth_required (REFLEX_AUTH_REQUIRED) away, or use 127.0.0.1"
        )
    log, storage = settings.request_log, settings.storage_path
    if log is not None and (log.parent == storage / "tenants" or (log.parent == storage and log.name in _OURS)):
        raise values.BadSetting(f"request_log={str(log)!r}: this file is Reflex's own; choose another name")
    others = upstream_settings.without_ourselves(settings.upstreams, settings.port, settings.default_upstream)
    return replace(settings, upstreams=others)


def _table(name: str, value: Value) -> Table:
    if not isinstance(value, dict):
        raise values.BadSetting(f"config.toml: {name}: expected a table")
    return value


def _names(name: str, table: Table, pattern: re.Pattern[str], expected: str) -> frozenset[str]:
    """What would let in everybody, or nobody, is refused: ``*`` means nothing here, and any page may be ``null``."""
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise values.BadSetting(f"config.toml: {name}: expected a list of texts")
    found = frozenset(str(item).lower() for item in value)
    for item in sorted(found):
        if not pattern.fullmatch(item):
            raise values.BadSetting(f"config.toml: {name}: {item!r}: expected {expected}")
    return found
