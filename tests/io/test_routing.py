"""Routing by model, with a real daemon: the body decides where a tenant's own key goes, and nothing else does."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reflexd_core.model_routes import ModelRoute
from reflexd_core.routing import PRESETS
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream
from support.wire import KEY, Wire, chat, completion, post

PLACEHOLDER = "Authorization: Bearer reflex"


@dataclass
class Two:
    url: str
    default: ScriptedUpstream
    other: ScriptedUpstream


@pytest.fixture
def two(upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    """A daemon with two upstreams, to the second of which ``llama-*`` goes, each with a key of its own."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-of-the-default-upstream")
    monkeypatch.setenv("GROQ_API_KEY", "gsk_of-the-other-upstream")
    with ScriptedUpstream().running() as other:
        for each in (upstream, other):
            each.answers(Reply(body=completion()))
        upstreams = {
            "openai": replace(PRESETS["openai"], base_url=upstream.url),
            "groq": replace(PRESETS["groq"], base_url=other.url),
        }
        routes = (ModelRoute(model="llama-*", upstream="groq"),)
        with daemon(settings_for(tmp_path / "s", upstream.url, upstreams=upstreams, routes=routes)) as running:
            yield Two(running.url, upstream, other)


def _asked(two: Two, body: bytes, *headers: str, path: str = "/v1/chat/completions") -> None:
    with Wire(two.url) as wire:
        assert wire.ask(post(body, *headers, path=path)).status == 200


def test_the_model_says_where_a_stored_key_goes(two: Two) -> None:
    _asked(two, chat(model="llama-3"), PLACEHOLDER)
    assert (two.default.calls, two.other.calls) == (0, 1)
    assert two.other.seen[0].header("authorization") == "Bearer gsk_of-the-other-upstream"
    _asked(two, chat(model="gpt-4"), PLACEHOLDER)
    assert (two.default.calls, two.other.calls) == (1, 1)
    assert two.default.seen[0].header("authorization") == "Bearer sk-proj-of-the-default-upstream"
    _asked(two, chat(model="llama-3"), PLACEHOLDER)  # and the repeat is found where its answer came from
    assert (two.default.calls, two.other.calls) == (1, 1)


def test_a_clients_own_key_goes_where_it_belongs_whatever_the_model(two: Two) -> None:
    _asked(two, chat(model="llama-3"), f"Authorization: Bearer {KEY}")
    assert (two.default.calls, two.other.calls) == (1, 0)
    assert two.default.seen[0].header("authorization") == f"Bearer {KEY}"


def test_the_path_names_the_upstream_before_any_model(two: Two) -> None:
    _asked(two, chat(model="llama-3"), PLACEHOLDER, path="/u/openai/v1/chat/completions")
    assert (two.default.calls, two.other.calls) == (1, 0)


def test_what_cannot_be_compared_or_is_encoded_goes_there_too(two: Two) -> None:
    _asked(two, b'{"model": "llama-3", "messages": [], "messages": []}', PLACEHOLDER)
    _asked(two, gzip.compress(chat(model="llama-3")), PLACEHOLDER, "Content-Encoding: gzip")
    _asked(two, b'{"messages": []', PLACEHOLDER)
    assert (two.default.calls, two.other.calls) == (1, 2)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "llama-\xff", "messages": []}',
        b'{"model": "llama-3", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    ],
    ids=["no UTF-8", "deep"],
)
def test_a_body_whose_model_cannot_be_read_goes_where_all_goes(two: Two, body: bytes) -> None:
    _asked(two, body, PLACEHOLDER)
    assert (two.default.calls, two.other.calls) == (1, 0)
    assert two.default.seen[0].body == body


def test_a_bug_inside_forwards_to_the_same_upstream(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    from reflexd_io import reading

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(reading, "exact_key", broken)
    _asked(two, chat(model="llama-3"), PLACEHOLDER)
    assert (two.default.calls, two.other.calls) == (0, 1)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_a_providers_refusal_passes_through_and_is_paid_once(two: Two, status: int) -> None:
    body = b'{"error":{"message":"slow down"}}'
    two.other.answers(Reply(status, headers=[("retry-after", "7"), ("x-request-id", "r1")], body=body))
    with Wire(two.url) as wire:
        answer = wire.ask(post(chat(model="llama-3"), PLACEHOLDER))
    assert (answer.status, answer.header("retry-after"), answer.header("x-request-id"), answer.body) == (
        status,
        "7",
        "r1",
        body,
    )
    assert (two.default.calls, two.other.calls) == (0, 1)  # neither again, nor elsewhere
