"""Providers' own wires, and the manners that agents expect of a gateway, through the real daemon on real sockets."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from reflexd_core.routing import UNADDRESSED
from reflexd_io import keep_alive
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

ANSWER = {"candidates": [{"content": {"parts": [{"text": "hi"}], "role": "model"}, "finishReason": "STOP"}]}
LINES = b'{"message":{"content":"hi"},"done":false}\n{"done":true,"done_reason":"stop"}\n'
ASKED: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
SSE = [("content-type", "text/event-stream")]


@pytest.fixture
def root(reflex: str) -> str:
    return reflex.removesuffix("/v1")


def test_gemini_repeats_in_either_form(root: str, upstream: ScriptedUpstream) -> None:
    def answer(seen: Any) -> Reply:
        if "stream" in seen.target:
            return Reply(headers=SSE, body=[f"data: {json.dumps(ANSWER)}\r\n\r\n".encode()])
        return Reply(body=json.dumps(ANSWER).encode())

    upstream.script = answer
    with httpx2.Client(base_url=root, headers={"x-goog-api-key": "AIza-0123456789abcdef"}) as client:
        for path in ("m:generateContent", "m:streamGenerateContent?alt=sse", "other:generateContent"):
            first, again = (client.post(f"/v1beta/models/{path}", json=ASKED) for _ in range(2))
            assert (first.headers["x-reflex-status"], again.headers["x-reflex-status"]) == ("miss", "hit-l1-exact")
            assert first.content == again.content
            assert first.headers["content-type"] == again.headers["content-type"]
        relayed = client.post("/v1beta/models/m:streamGenerateContent", json=ASKED)
        assert relayed.headers["x-reflex-status"] == "bypass"
    assert [seen.target for seen in upstream.seen] == [
        "/v1beta/models/m:generateContent",
        "/v1beta/models/m:streamGenerateContent?alt=sse",
        "/v1beta/models/other:generateContent",
        "/v1beta/models/m:streamGenerateContent",
    ]
    assert upstream.seen[0].header("x-goog-api-key") == "AIza-0123456789abcdef"


def test_gemini_gets_a_stored_key_where_it_looks_for_it(
    root: str, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-stored")
    upstream.answers(Reply(body=json.dumps(ANSWER).encode()))
    httpx2.post(f"{root}/v1beta/models/m:generateContent", json=ASKED)
    httpx2.post(f"{root}/v1beta/openai/chat/completions", json=CHAT)
    native, compatible = upstream.seen
    assert (native.header("x-goog-api-key"), native.header("authorization")) == ("AIza-stored", None)
    assert (compatible.header("x-goog-api-key"), compatible.header("authorization")) == (None, "Bearer AIza-stored")
    assert compatible.target == "/v1/chat/completions"  # behind the base URL, whatever it ends in


def test_ollamas_lines_are_repeated_as_they_came(root: str, upstream: ScriptedUpstream) -> None:
    upstream.answers(Reply(headers=[("content-type", "application/x-ndjson")], body=[LINES[:20], LINES[20:]]))
    with httpx2.Client(base_url=root) as client:
        first, again = (client.post("/api/chat", json=CHAT) for _ in range(2))
        assert (first.headers["x-reflex-status"], again.headers["x-reflex-status"]) == ("miss", "hit-l1-exact")
        assert first.content == again.content == LINES
        assert again.headers["content-type"] == "application/x-ndjson"
        assert client.post("/api/chat", json={**CHAT, "stream": False}).headers["x-reflex-status"] == "miss"
        assert client.get("/api/tags").headers["x-reflex-status"] == "bypass"
    assert [seen.target for seen in upstream.seen] == ["/api/chat", "/api/chat", "/api/tags"]


def test_azure_is_asked_at_its_own_address_with_its_own_header(
    tmp_path: Path, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    completion = {"id": "c", "choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
    upstream.answers(Reply(body=json.dumps({**completion, "object": "chat.completion"}).encode()))
    settings = settings_for(tmp_path / "storage", upstream.url)
    azure = replace(UNADDRESSED["azure"], base_url=f"{upstream.url.removesuffix('/v1')}/openai/v1")
    settings = replace(settings, upstreams={**settings.upstreams, "azure": azure})
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "0123456789abcdef0123456789abcdef")
    with daemon(settings) as running:
        statuses = []
        for key in ("reflex", "fedcba9876543210fedcba9876543210"):
            with openai.AzureOpenAI(
                azure_endpoint=running.url, api_key=key, api_version="2024-10-21", max_retries=0
            ) as client:
                for _ in range(2):
                    raw = client.chat.completions.with_raw_response.create(**CHAT)
                    assert raw.parse().choices[0].message.content == "hi"
                    statuses.append(raw.headers["x-reflex-status"])
        assert statuses == ["miss", "hit-l1-exact"] * 2
        other = httpx2.post(f"{running.url}/openai/deployments/n/chat/completions?api-version=2024-10-21", json=CHAT)
        assert other.headers["x-reflex-status"] == "miss"  # another deployment is another model
    stored, own, _ = upstream.seen
    assert stored.target == "/openai/deployments/m/chat/completions?api-version=2024-10-21"
    assert stored.header("api-key") == "0123456789abcdef0123456789abcdef"
    assert own.header("api-key") == "fedcba9876543210fedcba9876543210"


def test_azures_responses_are_repeated_at_each_of_their_addresses(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    """The SDK asks for them without a deployment; the model, the version and the address all count."""
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": [], "model": "m"}
    upstream.answers(Reply(body=json.dumps(response).encode()))
    settings = settings_for(tmp_path / "storage", upstream.url)
    azure = replace(UNADDRESSED["azure"], base_url=f"{upstream.url.removesuffix('/v1')}/openai/v1")
    settings = replace(settings, upstreams={**settings.upstreams, "azure": azure})
    with daemon(settings) as running:
        statuses = []
        for version in ("2025-03-01-preview", "2025-04-01-preview"):
            with openai.AzureOpenAI(
                azure_endpoint=running.url, api_key="0" * 32, api_version=version, max_retries=0
            ) as client:
                for asked in ({"model": "m"}, {"model": "m"}, {"model": "n"}, {"model": "m", "background": True}):
                    raw = client.responses.with_raw_response.create(input="hi", **asked)
                    statuses.append(raw.headers["x-reflex-status"])
        assert statuses == ["miss", "hit-l1-exact", "miss", "bypass"] * 2
        for path in ("/openai/v1/responses", "/openai/deployments/m/responses?api-version=2025-03-01-preview"):
            body = {"input": "hi", "model": "m"}
            told = [httpx2.post(running.url + path, json=body, headers={"api-key": "0" * 32}) for _ in range(2)]
            assert [one.headers["x-reflex-status"] for one in told] == ["miss", "hit-l1-exact"]
    assert upstream.seen[0].target == "/openai/responses?api-version=2025-03-01-preview"


def test_azure_without_an_address_is_told_how_to_give_one(root: str, upstream: ScriptedUpstream) -> None:
    told = httpx2.post(f"{root}/openai/deployments/m/chat/completions", json=CHAT, headers={"api-key": "0" * 32})
    assert (told.status_code, told.headers["x-should-retry"]) == (400, "false")
    assert "[upstreams.azure]" in told.json()["error"]["message"]
    assert upstream.calls == 0


# --------------------------------------------------------------------------------------------------------- manners


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/v1/realtime?model=m"])
def test_a_websocket_is_refused_in_a_way_that_means_http(root: str, upstream: ScriptedUpstream, path: str) -> None:
    headers = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "xlO8V57K5g/gE9XWOsfJdg==",
        "authorization": "Bearer sk-proj-0123456789abcdef",
    }
    with httpx2.Client(base_url=root) as client:
        told = client.get(path, headers=headers)
        assert (told.status_code, told.headers["upgrade"]) == (426, "HTTP/1.1")
        assert told.json()["error"]["code"] == "upgrade_unsupported"
        assert client.get("/healthz").status_code == 200  # on the same connection
    assert upstream.calls == 0


@pytest.mark.parametrize("path", ["/", "/api/hello"])
@pytest.mark.parametrize("method", ["HEAD", "GET", "OPTIONS"])
def test_probes_are_answered_without_a_key(root: str, upstream: ScriptedUpstream, method: str, path: str) -> None:
    assert httpx2.request(method, root + path).status_code == 200
    assert upstream.calls == 0


CHUNKS = [b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n', b'data: {"choices":[{"index":0,"del']
END = [b'ta":{},"finish_reason":"stop"}]}\n\n', b"data: [DONE]\n\n"]


def test_a_silent_stream_is_kept_alive_between_its_events_and_recorded_without(
    root: str, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_alive, "AFTER", 0.2)
    upstream.answers(Reply(headers=SSE, body=[0.5, CHUNKS[0], 0.5, CHUNKS[1], 0.5, *END]))
    with httpx2.Client(base_url=root) as client:
        first, again = (client.post("/v1/chat/completions", json={**CHAT, "stream": True}) for _ in range(2))
    recorded = b"".join([*CHUNKS, *END])
    assert again.headers["x-reflex-status"] == "hit-l1-exact"
    assert again.content == recorded
    assert first.content.replace(b": keep-alive\n\n", b"") == recorded
    assert first.content.startswith(b": keep-alive\n\n")
    assert b"".join(CHUNKS)[-12:] + END[0][:12] in first.content  # none inside an event
    assert first.content.count(b"keep-alive") in range(2, 6)


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        pytest.param("/v1/responses", SSE, [0.5, b'data: {"type":"x"}\n\n'], id="a dialect that has none"),
        pytest.param("/v1/chat/completions", [*SSE, ("content-encoding", "gzip")], [0.5, b"\x1f\x8b"], id="encoded"),
        pytest.param("/v1/chat/completions", [("content-type", "application/json")], [0.5, b"{}"], id="no stream"),
    ],
)
def test_nothing_is_put_where_it_does_not_belong(
    root: str,
    upstream: ScriptedUpstream,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    headers: list[tuple[str, str]],
    body: list[Any],
) -> None:
    monkeypatch.setattr(keep_alive, "AFTER", 0.1)
    upstream.answers(Reply(headers=headers, body=body))
    with httpx2.Client(base_url=root) as client, client.stream("POST", path, json={**CHAT, "stream": True}) as told:
        assert b"".join(told.iter_raw()) == body[1]


def test_anthropic_streams_are_kept_alive_by_pings(
    root: str, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_alive, "AFTER", 0.2)
    upstream.answers(Reply(headers=SSE, body=[0.5, b'event: message_stop\ndata: {"type":"message_stop"}\n\n']))
    told = httpx2.post(f"{root}/v1/messages", json={**CHAT, "stream": True})
    assert told.content.startswith(b'event: ping\ndata: {"type": "ping"}\n\n')
