"""Routing: what a request target asks for, and which upstreams there are.

``/t/<tenant>`` and ``/u/<upstream>`` may stand before the path, in this order, for clients that can only be given a
URL. What follows ``/u/<upstream>`` goes there whatever it is. Elsewhere a base_url with ``/v1``, without it, or with
it twice works alike; without it, only for paths whose first segment is known (`_ROOTS`), and the rest is nobody's.
Paths that only one provider has (Gemini's, Azure's, Ollama's own) are native: they stand behind its root, not behind
the base URL of its OpenAI wire.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import parse_qs, unquote

from reflexd_core.dialects import BY_PATH, OF_GEMINI, OF_OLLAMA, ON_AZURE
from reflexd_core.dialects.base import Dialect


class Kind(StrEnum):
    CACHED = "cached"
    """A dialect that may be answered from the cache."""
    RELAYED = "relayed"
    """Passed to the upstream untouched."""
    OWN = "own"
    """One of Reflex's own pages."""
    DASHBOARD = "dashboard"
    """The page, and what belongs to it."""
    ADMIN = "admin"
    """The control API, which wants the admin token."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    kind: Kind
    path: str
    """Below the upstream's base URL for cached and relayed targets (``/chat/completions``), else as it came."""
    query: str
    tenant: str | None = None
    upstream: str | None = None
    dialect: Dialect | None = None
    home: str | None = None
    """The upstream that it goes to where nothing names one; None where that is the default upstream."""
    native: bool = False
    """Whether the path stands behind the upstream's root instead of its base URL."""


_HOMES = {"messages": "anthropic"}
"""First segments that are one provider's alone."""

_ROOTS = frozenset(
    [
        "assistants",
        "audio",
        "batches",
        "chat",
        "completions",
        "embeddings",
        "files",
        "fine_tuning",
        "images",
        "messages",
        "models",
        "moderations",
        "responses",
        "threads",
        "uploads",
        "vector_stores",
    ]
)
"""First segments of the OpenAI and Anthropic APIs, by which a path is known where its ``/v1`` is missing."""

_SHORTENED = (("/v1beta/openai/", "gemini"), ("/api/v1/", "openrouter"))
"""How the base URLs of OpenAI's wire end at providers where they end otherwise than in ``/v1``."""

_NATIVE = (("/v1beta/", "gemini"), ("/v1alpha/", "gemini"), ("/openai/", "azure"), ("/api/", "ollama"))
"""How paths begin that only one provider has."""

_GEMINI = re.compile(r"/v1[a-z0-9]*/[^/]+/[^/:]+:(?P<call>[A-Za-z]+)")
_AZURE = re.compile(r"/openai(?:/v1|/deployments/[^/]+|(?=/responses\Z))(?P<path>/.+)")
"""Responses have an address without a deployment too, which Azure's SDK uses: the model stands in the body there."""

METRICS = "/metrics"
DASHBOARD = "/dashboard"
OWN_PATHS = frozenset({"/", "/healthz", "/ready", "/health", "/api/hello", METRICS})
"""The last but one is Claude Code's probe."""

ALIASES = frozenset({"/cache/stats", "/cache/clear"})
"""Paths of the control API that other services have, and tools expect; they want the admin token as it does."""


@lru_cache(maxsize=1024)
def read_target(method: str, target: str) -> Target:
    """What ``target`` (origin form, as it stands in the request line) asks for."""
    path, _, query = target.partition("?")
    path = path.partition("#")[0]
    tenant, path = _take(path, "/t/")
    upstream, path = _take(path, "/u/")
    prefixed = tenant is not None or upstream is not None
    if path in OWN_PATHS and not prefixed:
        return Target(kind=Kind.OWN, path=path, query=query)
    if (path == DASHBOARD or path.startswith(DASHBOARD + "/")) and not prefixed:
        return Target(kind=Kind.DASHBOARD, path=path, query=query)
    if (path.startswith("/admin/") or path in ALIASES) and not prefixed:
        return Target(kind=Kind.ADMIN, path=path, query=query)
    bare, home, native = _placed(path)
    versioned = home is not None
    while not native and (bare == "/v1" or bare.startswith("/v1/")):
        bare, versioned = bare[3:], True
    if bare == "/admin" or bare.startswith("/admin/"):  # never relayed: the request may carry the admin token
        return Target(kind=Kind.UNKNOWN, path=path, query=query)
    dialect = _dialect(bare, home if native else None, query) if method == "POST" else None
    root = bare.removeprefix("/").partition("/")[0]
    known = versioned or upstream is not None or root in _ROOTS
    kind = Kind.CACHED if dialect is not None else Kind.RELAYED if known else Kind.UNKNOWN
    return Target(
        kind=kind,
        path=bare,
        query=query,
        tenant=tenant,
        upstream=upstream,
        dialect=dialect,
        home=home or (dialect.home if dialect is not None else _HOMES.get(root)),
        native=native,
    )


def _placed(path: str) -> tuple[str, str | None, bool]:
    """The path behind the base URL or the root, whose alone it is, and whether it is the root."""
    for mark, home in _SHORTENED:
        if path.startswith(mark):
            return path[len(mark) - 1 :], home, False
    for mark, home in _NATIVE:
        if path.startswith(mark):
            return path, home, True
    return (path, "gemini", True) if _GEMINI.fullmatch(path) else (path, None, False)


def _dialect(path: str, native_of: str | None, query: str) -> Dialect | None:
    match native_of:
        case "gemini":
            call = _GEMINI.fullmatch(path)
            form = ",".join(parse_qs(query, keep_blank_values=True).get("alt", ["json"]))
            return OF_GEMINI.get((call["call"], form)) if call else None
        case "azure":
            deployed = _AZURE.fullmatch(path)
            return ON_AZURE.get(deployed["path"]) if deployed else None
        case "ollama":
            return OF_OLLAMA.get(path)
        case _:
            return BY_PATH.get(path)


def _take(path: str, mark: str) -> tuple[str | None, str]:
    if not path.startswith(mark):
        return None, path
    name, slash, rest = path[len(mark) :].partition("/")
    return unquote(name), slash + rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A provider that requests are forwarded to."""

    name: str
    base_url: str
    """With the version in it, such as ``https://api.openai.com/v1``; no slash at the end."""
    key_env: str
    """The provider's usual environment variable."""
    key_prefixes: tuple[str, ...] = ()
    """How this provider's own keys begin, where no other's do."""
    keyless: bool = False
    """Answers without a key (local model servers)."""
    key_header: str = "authorization"
    """The header in which it wants a key: as a bearer in this one, as it is in any other."""
    native_key_header: str | None = None
    """The same on its native paths; None where that is no other."""
    known_as: str | None = None
    """What stands for it in keys where its address does not (the mock provider has another one at each start)."""

    @property
    def identity(self) -> str:
        """Whose answers these are: an upstream that is pointed elsewhere is another one, whatever its name."""
        return self.known_as or self.base_url

    @property
    def root(self) -> str:
        """Behind what its native paths stand: the base URL less the version and ``/openai`` at its end."""
        return _ENDING.sub("", self.base_url)


_ENDING = re.compile(r"(?:/v[0-9]+[a-z]*|/openai)+\Z")


def _preset(
    name: str,
    base_url: str,
    key_env: str,
    *prefixes: str,
    keyless: bool = False,
    header: str = "authorization",
    native: str | None = None,
) -> Upstream:
    return Upstream(
        name=name,
        base_url=base_url,
        key_env=key_env,
        key_prefixes=prefixes,
        keyless=keyless,
        key_header=header,
        native_key_header=native,
    )


UNADDRESSED = {"azure": _preset("azure", "", "AZURE_OPENAI_API_KEY", header="api-key")}
"""Providers that have another address for each customer."""


PRESETS: dict[str, Upstream] = {
    upstream.name: upstream
    for upstream in (
        _preset("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "sk-proj-", "sk-svcacct-", "sk-admin-"),
        _preset("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "sk-ant-", header="x-api-key"),
        _preset("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "gsk_"),
        _preset("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "sk-or-"),
        _preset("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        _preset("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        _preset("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
        _preset("xai", "https://api.x.ai/v1", "XAI_API_KEY", "xai-"),
        _preset(
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "GEMINI_API_KEY",
            "AIza",
            native="x-goog-api-key",
        ),
        _preset("ollama", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", keyless=True),
        _preset("lmstudio", "http://127.0.0.1:1234/v1", "LMSTUDIO_API_KEY", keyless=True),
        _preset("vllm", "http://127.0.0.1:8000/v1", "VLLM_API_KEY", keyless=True),
        _preset("llamacpp", "http://127.0.0.1:8081/v1", "LLAMACPP_API_KEY", keyless=True),
    )
}
