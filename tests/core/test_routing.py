"""Routing: what a request target asks for, however the client's base_url was written."""

import pytest

from reflexd_core.dialects import CHAT
from reflexd_core.routing import PRESETS, Kind, Target, read_target

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
        ("GET", "/v1beta/models", Target(kind=Kind.UNKNOWN, path="/v1beta/models", query="")),
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


def test_presets_name_themselves_and_no_prefix_belongs_to_two() -> None:
    assert [preset.name for preset in PRESETS.values()] == list(PRESETS)
    prefixes = [prefix for preset in PRESETS.values() for prefix in preset.key_prefixes]
    assert [one for one in prefixes for other in prefixes if one is not other and one.startswith(other)] == []
    for preset in PRESETS.values():
        assert not preset.base_url.endswith("/")
        assert preset.base_url.startswith("http://127.0.0.1:" if preset.keyless else "https://"), preset.name
