"""Routing: what a request target asks for, however the client's base_url was written."""

from dataclasses import replace
from typing import Any

import pytest

from reflexd_core.dialects import CHAT, GEMINI, GEMINI_STREAM, OLLAMA_CHAT, OLLAMA_GENERATE, ON_AZURE
from reflexd_core.routing import PRESETS, Kind, Target, Upstream, read_target

CHATTING = Target(kind=Kind.CACHED, path="/chat/completions", query="", dialect=CHAT)


@pytest.mark.parametrize(
    "target",
    [
        "/v1/chat/completions",
        "/chat/completions",
        "/v1/v1/chat/completions",
        "/v1/chat/completions?",
        "/v1/chat/completions#part",
    ],
)
def test_a_base_url_works_with_v1_without_it_and_with_it_twice(target: str) -> None:
    assert read_target("POST", target) == CHATTING


@pytest.mark.parametrize(
    ("target", "tenant", "upstream"),
    [
        ("/t/acme/v1/chat/completions", "acme", None),
        ("/u/groq/v1/chat/completions", None, "groq"),
        ("/t/acme/u/groq/v1/chat/completions", "acme", "groq"),
        ("/t/acme/u/groq/chat/completions", "acme", "groq"),
        ("/t/a%20b%2Fc/v1/chat/completions", "a b/c", None),
        ("/u//v1/chat/completions", None, ""),
    ],
)
def test_a_path_may_name_the_tenant_and_the_upstream(target: str, tenant: str | None, upstream: str | None) -> None:
    assert read_target("POST", target) == Target(
        kind=Kind.CACHED, path="/chat/completions", query="", tenant=tenant, upstream=upstream, dialect=CHAT
    )


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "/v1/models?a=1&b=?", Target(kind=Kind.RELAYED, path="/models", query="a=1&b=?")),
        ("GET", "/v1", Target(kind=Kind.RELAYED, path="", query="")),
        ("GET", "/v1/chat/completions", Target(kind=Kind.RELAYED, path="/chat/completions", query="")),
        ("GET", "/chat/completions", Target(kind=Kind.RELAYED, path="/chat/completions", query="")),
        (
            "POST",
            "/v1/messages/batches",
            Target(kind=Kind.RELAYED, path="/messages/batches", query="", home="anthropic"),
        ),
        ("POST", "/v1/chat/completions/x", Target(kind=Kind.RELAYED, path="/chat/completions/x", query="")),
        ("GET", "/u/groq/v1/models", Target(kind=Kind.RELAYED, path="/models", query="", upstream="groq")),
        ("GET", "/models/gpt-4o", Target(kind=Kind.RELAYED, path="/models/gpt-4o", query="")),
        ("POST", "/moderations", Target(kind=Kind.RELAYED, path="/moderations", query="")),
        ("GET", "/u/openai/whatever", Target(kind=Kind.RELAYED, path="/whatever", query="", upstream="openai")),
        ("GET", "//models", Target(kind=Kind.UNKNOWN, path="//models", query="")),
        ("GET", "/modelsx", Target(kind=Kind.UNKNOWN, path="/modelsx", query="")),
        ("GET", "/v2/models", Target(kind=Kind.UNKNOWN, path="/v2/models", query="")),
        ("HEAD", "/api/hello", Target(kind=Kind.OWN, path="/api/hello", query="")),
        ("POST", "/Chat/completions", Target(kind=Kind.UNKNOWN, path="/Chat/completions", query="")),
        ("GET", "/favicon.ico", Target(kind=Kind.UNKNOWN, path="/favicon.ico", query="")),
        ("GET", "/t/acme", Target(kind=Kind.UNKNOWN, path="", query="", tenant="acme")),
        ("GET", "/", Target(kind=Kind.OWN, path="/", query="")),
        ("GET", "/healthz?x", Target(kind=Kind.OWN, path="/healthz", query="x")),
        ("HEAD", "/ready", Target(kind=Kind.OWN, path="/ready", query="")),
        ("POST", "/health", Target(kind=Kind.OWN, path="/health", query="")),
        ("GET", "/v1/health", Target(kind=Kind.RELAYED, path="/health", query="")),
        ("GET", "/t/acme/health", Target(kind=Kind.UNKNOWN, path="/health", query="", tenant="acme")),
    ],
)
def test_any_other_target_is_relayed_our_own_or_unknown(method: str, target: str, expected: Target) -> None:
    assert read_target(method, target) == expected


NATIVE = {"kind": Kind.CACHED, "query": "", "native": True}
BESIDE = {"kind": Kind.RELAYED, "query": "", "native": True}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (
            "/v1beta/models/gemini-2.5-flash:generateContent",
            {**NATIVE, "home": "gemini", "dialect": GEMINI},
        ),
        ("/v1beta/models/m:generateContent?key=k", {**NATIVE, "home": "gemini", "dialect": GEMINI, "query": "key=k"}),
        ("/v1/models/m:generateContent", {**NATIVE, "home": "gemini", "dialect": GEMINI}),
        ("/v1beta/tunedModels/m:generateContent", {**NATIVE, "home": "gemini", "dialect": GEMINI}),
        (
            "/v1beta/models/m:streamGenerateContent?alt=sse",
            {**NATIVE, "home": "gemini", "dialect": GEMINI_STREAM, "query": "alt=sse"},
        ),
        (
            "/v1beta/models/m:generateContent?alt=json",
            {**NATIVE, "home": "gemini", "dialect": GEMINI, "query": "alt=json"},
        ),
        # Keys hold no alt, so whatever asks for another form than the one that is stored goes by.
        ("/v1beta/models/m:generateContent?alt=sse", {**BESIDE, "home": "gemini", "query": "alt=sse"}),
        ("/v1beta/models/m:generateContent?alt=proto", {**BESIDE, "home": "gemini", "query": "alt=proto"}),
        ("/v1beta/models/m:generateContent?alt=", {**BESIDE, "home": "gemini", "query": "alt="}),
        (
            "/v1beta/models/m:streamGenerateContent?alt=sse&alt=json",
            {**BESIDE, "home": "gemini", "query": "alt=sse&alt=json"},
        ),
        ("/v1beta/models/m:streamGenerateContent", {**BESIDE, "home": "gemini"}),
        ("/v1beta/models/m:countTokens", {**BESIDE, "home": "gemini"}),
        ("/v1beta/cachedContents", {**BESIDE, "home": "gemini"}),
        ("/v1alpha/models", {**BESIDE, "home": "gemini"}),
        ("/api/chat", {**NATIVE, "home": "ollama", "dialect": OLLAMA_CHAT}),
        ("/api/generate", {**NATIVE, "home": "ollama", "dialect": OLLAMA_GENERATE}),
        ("/api/show", {**BESIDE, "home": "ollama"}),
        (
            "/openai/deployments/d/chat/completions?api-version=1",
            {**NATIVE, "home": "azure", "dialect": ON_AZURE["/chat/completions"], "query": "api-version=1"},
        ),
        ("/openai/v1/responses", {**NATIVE, "home": "azure", "dialect": ON_AZURE["/responses"]}),
        (
            "/openai/responses?api-version=2025-04-01-preview",
            {**NATIVE, "home": "azure", "dialect": ON_AZURE["/responses"], "query": "api-version=2025-04-01-preview"},
        ),
        ("/openai/responses/resp_1/cancel", {**BESIDE, "home": "azure"}),
        ("/openai/responses/", {**BESIDE, "home": "azure"}),
        ("/openai/chat/completions", {**BESIDE, "home": "azure"}),
        ("/openai/deployments/d/images/generations", {**BESIDE, "home": "azure"}),
        ("/openai/models", {**BESIDE, "home": "azure"}),
    ],
)
def test_native_paths_are_their_providers_own(target: str, expected: dict[str, Any]) -> None:
    assert read_target("POST", target) == Target(path=target.partition("?")[0], **expected)
    prefixed = read_target("POST", f"/t/acme/u/work{target}")
    assert prefixed == Target(path=target.partition("?")[0], tenant="acme", upstream="work", **expected)
    assert read_target("GET", target).kind is Kind.RELAYED


@pytest.mark.parametrize(
    ("target", "home"), [("/v1beta/openai/chat/completions", "gemini"), ("/api/v1/chat/completions", "openrouter")]
)
def test_openais_wire_may_stand_elsewhere_than_behind_v1(target: str, home: str) -> None:
    assert read_target("POST", target) == replace(CHATTING, home=home)
    models = target.replace("chat/completions", "models")
    assert read_target("GET", models) == Target(kind=Kind.RELAYED, path="/models", query="", home=home)


@pytest.mark.parametrize(
    ("base_url", "root"),
    [
        ("https://generativelanguage.googleapis.com/v1beta/openai", "https://generativelanguage.googleapis.com"),
        ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434"),
        ("https://api.groq.com/openai/v1", "https://api.groq.com"),
        ("https://me.openai.azure.com", "https://me.openai.azure.com"),
        ("https://me.openai.azure.com/openai/v1", "https://me.openai.azure.com"),
        ("https://example.com/proxy/v1", "https://example.com/proxy"),
        ("https://example.com/v1/proxy", "https://example.com/v1/proxy"),
    ],
)
def test_native_paths_stand_behind_an_upstreams_root(base_url: str, root: str) -> None:
    assert Upstream(name="x", base_url=base_url, key_env="X").root == root


def test_presets_name_themselves_and_no_prefix_belongs_to_two() -> None:
    assert [preset.name for preset in PRESETS.values()] == list(PRESETS)
    prefixes = [prefix for preset in PRESETS.values() for prefix in preset.key_prefixes]
    assert [one for one in prefixes for other in prefixes if one is not other and one.startswith(other)] == []
    for preset in PRESETS.values():
        assert not preset.base_url.endswith("/")
        assert preset.base_url.startswith("http://127.0.0.1:" if preset.keyless else "https://"), preset.name
