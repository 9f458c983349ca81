"""Routing by model: which rule counts for which request, and that no client's own key ever goes by it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.credentials import Route, Unroutable, Whose, owner_of, route
from reflexd_core.model_routes import ModelRoute, upstream_for
from reflexd_core.routing import PRESETS, Upstream, read_target
from reflexd_core.tenancy import Tenancy, Tenant

ROUTES = (
    ModelRoute(model="gpt-*", upstream="openai"),
    ModelRoute(model="llama-3.?-*", upstream="groq"),
    ModelRoute(model="glm-*", upstream="mine", dialect="messages"),
    ModelRoute(model="claude-*", upstream="openrouter"),
    ModelRoute(model="*/*", upstream="openrouter"),
)
MINE = Upstream(name="mine", base_url="https://mine.example/v1", key_env="MINE")
UPSTREAMS = {**PRESETS, "mine": MINE}


@pytest.mark.parametrize(
    ("path", "model", "upstream"),
    [
        ("/v1/chat/completions", "gpt-4o-mini", "openai"),
        ("/v1/chat/completions", "GPT-4o", "openai"),
        ("/v1/responses", "llama-3.3-70b", "groq"),
        ("/v1/embeddings", "llama-3.3", None),
        ("/v1/chat/completions", "qwen/qwen-3", "openrouter"),
        ("/v1/chat/completions", "claude-opus", "openrouter"),
        ("/v1/chat/completions", "glm-5", None),  # the rule is for another dialect
        ("/v1/messages", "glm-5", "mine"),
        ("/v1/messages", "claude-opus", None),  # at home with its own provider
        ("/v1/messages/count_tokens", "glm-5", None),
        ("/v1/chat/completions", "", None),
        ("/v1/models", "gpt-4o", None),
        ("/v1beta/models/gpt-4:generateContent", "gpt-4", None),
        ("/v1beta/openai/chat/completions", "gpt-4", None),
        ("/openai/v1/chat/completions", "gpt-4", None),
        ("/api/chat", "gpt-4", None),
    ],
)
def test_the_first_rule_that_fits_the_dialect_and_the_model_counts(
    path: str, model: str, upstream: str | None
) -> None:
    assert upstream_for(ROUTES, read_target("POST", path), model) == upstream


def _routed(path: str, headers: dict[str, str], model: str, tenant: Tenant | None = None) -> Route | Unroutable:
    tenant = tenant or Tenant(id="default", name="default")
    return route(
        target=read_target("POST", path),
        headers=headers,
        upstreams=UPSTREAMS,
        default_upstream="mistral",
        tenancy=Tenancy(active=tenant, by_name={tenant.name: tenant}),
        salt=bytes(32),
        now=0.0,
        model_routes=ROUTES,
        model=model,
    )


@pytest.mark.parametrize(
    ("path", "headers", "model", "upstream"),
    [
        pytest.param("/v1/chat/completions", {}, "gpt-4", "openai", id="no key"),
        pytest.param("/v1/chat/completions", {"authorization": "Bearer reflex"}, "gpt-4", "openai", id="placeholder"),
        pytest.param("/v1/chat/completions", {}, "other", "mistral", id="no rule: the default"),
        pytest.param("/u/xai/v1/chat/completions", {}, "gpt-4", "xai", id="the path names it"),
        pytest.param("/v1/messages", {"x-api-key": "reflex"}, "gpt-4", "anthropic", id="the dialect is at home"),
        pytest.param("/v1/messages", {"x-api-key": "reflex"}, "glm-5", "mine", id="the rule names the dialect"),
        pytest.param("/v1/chat/completions", {"authorization": "Bearer gsk_0123"}, "gpt-4", "groq", id="own key"),
        pytest.param(
            "/v1/chat/completions", {"authorization": "Bearer " + "k" * 32}, "gpt-4", "mistral", id="unknown"
        ),
    ],
)
def test_dialect_then_model_then_default(path: str, headers: dict[str, str], model: str, upstream: str) -> None:
    found = _routed(path, headers, model)
    assert isinstance(found, Route)
    assert found.upstream.name == upstream


def test_a_tenants_own_default_and_upstreams_count() -> None:
    other = Upstream(name="groq", base_url="https://other.example/v1", key_env="X")
    tenant = Tenant(id="t", name="t", upstreams={"groq": other}, default_upstream="xai")
    by_model, by_default = (
        _routed("/v1/responses", {}, "llama-3.1-x", tenant),
        _routed("/v1/responses", {}, "x", tenant),
    )
    assert isinstance(by_model, Route)
    assert isinstance(by_default, Route)
    assert (by_model.upstream, by_default.upstream.name) == (other, "xai")


_KEYS = st.one_of(
    st.sampled_from(["", "reflex", "EMPTY", "ollama"]),
    st.builds(
        lambda prefix, tail: prefix + tail,
        st.sampled_from([prefix for upstream in PRESETS.values() for prefix in upstream.key_prefixes] + [""]),
        st.text("abcXYZ0189-_", min_size=1, max_size=40),
    ),
)
_HEADERS = st.dictionaries(
    st.sampled_from(["authorization", "x-api-key", "api-key", "x-goog-api-key"]), _KEYS, max_size=4
)
_PATHS = st.sampled_from(
    [
        "/v1/chat/completions",
        "/v1/messages",
        "/v1/responses",
        "/u/groq/v1/chat/completions",
        "/v1/models",
        "/v1beta/models/m:generateContent",
        "/api/chat",
        "/api/v1/chat/completions",
    ]
)
_MODELS = st.sampled_from(["", "gpt-4", "llama-3.1-8b", "glm-5", "claude-opus", "a/b", "other"])


@given(_PATHS, _HEADERS, _MODELS)
def test_a_clients_own_key_goes_only_where_it_belongs_whatever_the_model(
    path: str, headers: dict[str, str], model: str
) -> None:
    sent = {name: f"Bearer {key}" if name == "authorization" else key for name, key in headers.items()}
    with_rules, without = _routed(path, sent, model), _routed(path, sent, "")
    if isinstance(with_rules, Unroutable):
        assert with_rules == without
        return
    assert isinstance(without, Route)
    passed_on = {name: key for name, key in headers.items() if key and name not in with_rules.withheld}
    if with_rules.whose is Whose.CLIENT:
        assert with_rules == without  # no rule has a say in it
    for key in passed_on.values():
        owner = owner_of(key, UPSTREAMS.values())
        named = path.startswith("/u/")
        assert owner is None or named or with_rules.whose is Whose.STORED or owner == with_rules.upstream


@given(st.lists(st.text(max_size=8), max_size=4), st.text(max_size=12))
def test_any_pattern_is_readable(patterns: list[str], model: str) -> None:
    routes = [ModelRoute(model=pattern, upstream="x") for pattern in patterns]
    found: Any = upstream_for(routes, read_target("POST", "/v1/chat/completions"), model)
    assert found in ("x", None)
