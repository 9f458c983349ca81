"""Trying a key: what each provider is asked, what its answers mean, and that no answer shows the key."""

import json
from dataclasses import replace

import pytest

from reflexd_core.routing import PRESETS, UNADDRESSED, Upstream
from reflexd_io import key_tests
from reflexd_io.key_tests import Tried, Verdict, try_key, without_key
from reflexd_io.upstream import UpstreamClient
from support.upstream import Reply, ScriptedUpstream, Seen

pytestmark = pytest.mark.anyio

KEY = "sk-proj-0123456789abcdefghij"


async def tried(upstream: Upstream, key: str | None = KEY) -> Tried:
    client = UpstreamClient()
    try:
        return await try_key(client, upstream, key)
    finally:
        await client.aclose()


def at(upstream: ScriptedUpstream, name: str = "openai") -> Upstream:
    return replace({**PRESETS, **UNADDRESSED}[name], base_url=upstream.url)


def refusing(body: bytes, status: int = 401) -> Reply:
    return Reply(status, body=body)


@pytest.mark.parametrize(
    ("name", "target", "header", "value"),
    [
        ("openai", "/v1/models", "authorization", f"Bearer {KEY}"),
        ("anthropic", "/v1/models", "x-api-key", KEY),
        ("openrouter", "/v1/key", "authorization", f"Bearer {KEY}"),
        ("gemini", "/v1/models", "authorization", f"Bearer {KEY}"),
        ("azure", "/openai/models?api-version=2024-10-21", "api-key", KEY),
        ("mistral", "/v1/models", "authorization", f"Bearer {KEY}"),
    ],
)
async def test_each_provider_is_asked_what_only_its_customers_may(
    name: str, target: str, header: str, value: str, upstream: ScriptedUpstream
) -> None:
    upstream.answers(Reply(200, body=b'{"data":[]}'))
    found = await tried(at(upstream, name))
    assert (found.verdict, found.status) == (Verdict.OK, 200)
    (seen,) = upstream.seen
    assert (seen.method, seen.target, seen.header(header), seen.body) == ("GET", target, value, b"")
    assert (seen.header("anthropic-version") is not None) is (name == "anthropic")


async def test_a_local_server_needs_no_key(upstream: ScriptedUpstream) -> None:
    upstream.answers(Reply(200, body=b"{}"))
    found = await tried(at(upstream, "ollama"), None)
    assert (found.verdict, found.said) == (Verdict.OK, "ollama answers without a key")
    assert upstream.seen[0].header("authorization") is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'{"error":{"message":"Incorrect API key provided: sk-proj-****ghij."}}',
            "Incorrect API key provided: sk-proj-****ghij.",
        ),
        (b'[{"error":{"code":400,"message":"API key not valid."}}]', "API key not valid."),
        (b'{"error":"no such key"}', "no such key"),
        (b'{"message":"Unauthorized"}', "Unauthorized"),
        (b'{"detail":"Invalid token"}', "Invalid token"),
        (b'{"detail":[{"loc":1}]}', '{"detail":[{"loc":1}]}'),
        (b"<html>\n<b>denied</b>\x1b[31m", "<html> <b>denied</b> [31m"),
        (b"", "openai answered 401 without a word"),
        (b"[]", "[]"),
    ],
)
async def test_a_refusal_is_told_in_the_providers_own_words(
    body: bytes, said: str, upstream: ScriptedUpstream
) -> None:
    upstream.answers(refusing(body))
    assert await tried(at(upstream)) == Tried(verdict=Verdict.REFUSED, status=401, said=said)


@pytest.mark.parametrize("status", [404, 429, 500, 302])
async def test_what_says_nothing_of_the_key_is_not_taken_for_a_verdict(
    status: int, upstream: ScriptedUpstream
) -> None:
    upstream.answers(refusing(b'{"error":{"message":"busy"}}', status))
    assert await tried(at(upstream)) == Tried(verdict=Verdict.UNCLEAR, status=status, said="busy")


async def test_a_provider_that_repeats_the_key_is_not_repeated(upstream: ScriptedUpstream) -> None:
    def echo(seen: Seen) -> Reply:
        sent = seen.header("authorization") or ""
        told = f"{sent} is wrong, {KEY[:20]} and '{KEY[6:]}' too; {'x' * 290} {KEY}"
        return refusing(json.dumps({"error": {"message": told}}).encode())

    upstream.script = echo
    found = await tried(at(upstream))
    assert found.said.startswith("Bearer … is wrong, … and '…' too; xxx")
    assert "0123" not in found.said
    assert len(found.said) == 300


async def test_an_upstream_that_is_not_there_is_told(upstream: ScriptedUpstream) -> None:
    gone = replace(PRESETS["openai"], base_url="http://127.0.0.1:1/v1")
    found = await tried(gone)
    assert (found.verdict, found.status) == (Verdict.UNREACHABLE, None)
    assert "http://127.0.0.1:1/v1" in found.said


async def test_an_upstream_that_stays_silent_is_given_up(
    upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_tests, "LIMIT", 0.2)
    upstream.answers(Reply(200, body=[0.5, b"{}"]))
    assert (await tried(at(upstream))).verdict is Verdict.UNREACHABLE


async def test_words_that_are_no_part_of_the_key_stay() -> None:
    assert without_key("the organisation abcdefgh has none", "abcdefgh-0123") == "the organisation … has none"
    assert without_key("nothing here of it at all, honestly", KEY) == "nothing here of it at all, honestly"
