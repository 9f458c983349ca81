"""The Anthropic wire through the real daemon, by the official SDK: whose key goes where, what is told, what hits."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest

from support.daemon import daemon, settings_for
from support.recorded import without_nulls
from support.upstream import Cut, Reply, ScriptedUpstream, Seen

KEY = "sk-ant-api03-0123456789abcdef"
MODEL = "claude-opus-4-8"
ASKED: dict[str, Any] = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
TEXT = {"type": "text", "text": "Grüezi"}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": MODEL,
    "content": [TEXT],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 7},
}
START = {**MESSAGE, "content": [], "stop_reason": None}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": START},
    {"type": "content_block_start", "index": 0, "content_block": {**TEXT, "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Grüezi"}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 7},
    },
    {"type": "message_stop"},
]
SSE = [("content-type", "text/event-stream"), ("request-id", "req_1")]
JSON = [("content-type", "application/json"), ("request-id", "req_1")]


def lines(events: list[dict[str, Any]]) -> list[bytes]:
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def answer(seen: Seen) -> Reply:
    if seen.target.endswith("/count_tokens"):
        return Reply(headers=JSON, body=b'{"input_tokens": 12}')
    if json.loads(seen.body).get("stream"):
        return Reply(headers=SSE, body=lines(EVENTS))
    return Reply(headers=JSON, body=json.dumps(MESSAGE).encode())


@pytest.fixture
def client(upstream: ScriptedUpstream, reflex: str) -> Iterator[anthropic.Anthropic]:
    upstream.script = answer
    with anthropic.Anthropic(base_url=reflex.removesuffix("/v1"), api_key=KEY, max_retries=0) as client:
        yield client


def said(client: anthropic.Anthropic, **changed: Any) -> tuple[str, str]:
    """Status and text of a body."""
    raw = client.messages.with_raw_response.create(**{**ASKED, **changed})
    return raw.headers["x-reflex-status"], raw.parse().content[0].text  # type: ignore[union-attr]


def test_one_key_for_stream_and_body(client: anthropic.Anthropic, upstream: ScriptedUpstream) -> None:
    with client.messages.stream(**ASKED) as stream:
        streamed = stream.get_final_message()
    assert said(client) == ("hit-l1-exact", "Grüezi")
    again = client.messages.create(**ASKED)
    assert without_nulls(again.to_dict()) == without_nulls(streamed.to_dict())
    assert again._request_id == "req_1"
    assert upstream.calls == 1


def test_what_agents_change_between_equal_requests_is_ignored(
    client: anthropic.Anthropic, upstream: ScriptedUpstream
) -> None:
    def asked(**block: Any) -> list[Any]:
        return [{"role": "user", "content": [{"type": "text", "text": "hi", **block}]}]

    assert said(client)[0] == "miss"
    assert said(client, messages=asked(), metadata={"user_id": "a"})[0] == "hit-l1-exact"
    assert said(client, messages=asked(cache_control={"type": "ephemeral"}))[0] == "hit-l1-exact"
    billed = [{"type": "text", "text": "x-anthropic-billing-header: cc_version=1.2.3.a4b;"}]
    assert said(client, system=billed)[0] == "miss"
    assert said(client, system=[{**billed[0], "text": billed[0]["text"].replace("a4b", "fff")}])[0] == "hit-l1-exact"
    assert [json.loads(seen.body).get("system") for seen in upstream.seen] == [None, billed]  # forwarded as it came


def test_the_api_version_is_part_of_the_key(client: anthropic.Anthropic) -> None:
    statuses = [
        said(client, extra_headers=headers)[0]
        for headers in (
            {},
            {"anthropic-version": "2023-06-01"},
            {"anthropic-beta": "a,b"},
            {"anthropic-beta": "b, a"},
        )
    ]
    assert statuses == ["miss", "miss", "miss", "hit-l1-exact"]


def test_token_counts_are_cached(client: anthropic.Anthropic, upstream: ScriptedUpstream) -> None:
    for _ in range(3):
        assert client.messages.count_tokens(model=MODEL, messages=ASKED["messages"]).input_tokens == 12
    assert upstream.calls == 1


@pytest.mark.parametrize("header", ["x-api-key", "authorization"])
def test_the_clients_own_key_is_passed_on_as_it_came(upstream: ScriptedUpstream, reflex: str, header: str) -> None:
    upstream.script = answer
    given: dict[str, Any] = {"api_key": KEY} if header == "x-api-key" else {"auth_token": KEY}
    given |= {"api_key": None} if header == "authorization" else {}
    with anthropic.Anthropic(base_url=reflex.removesuffix("/v1"), **given) as client:
        client.messages.create(**ASKED, extra_headers={"x-api-key": KEY} if header == "x-api-key" else {})
    (seen,) = upstream.seen
    assert seen.header(header) in (KEY, f"Bearer {KEY}")


def test_a_stored_key_goes_where_the_provider_looks_for_it(
    upstream: ScriptedUpstream, reflex: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    upstream.script = answer
    with anthropic.Anthropic(base_url=reflex.removesuffix("/v1"), auth_token="reflex", api_key=None) as client:
        client.messages.create(**ASKED)
    (seen,) = upstream.seen
    assert (seen.header("x-api-key"), seen.header("authorization")) == (KEY, None)


def test_errors_of_ours_are_understood(tmp_path: Path, upstream: ScriptedUpstream) -> None:
    settings = settings_for(tmp_path / "storage", "http://127.0.0.1:9/v1")
    with daemon(settings) as running:
        client = anthropic.Anthropic(base_url=running.url, api_key=KEY, max_retries=0)
        with pytest.raises(anthropic.APIStatusError) as caught, client:
            client.messages.create(**ASKED)
    assert caught.value.status_code == 502
    assert caught.value.body["type"] == "error"  # type: ignore[index]
    assert "could not reach anthropic" in caught.value.body["error"]["message"]  # type: ignore[index]


def test_a_missing_key_is_told_at_once_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    from reflexd_io.settings import Settings

    with daemon(Settings(port=0, storage_path=tmp_path / "storage")) as running:
        client = anthropic.Anthropic(base_url=running.url, api_key="reflex")  # with retries: it must not take any
        for path in ("messages", "messages/batches"):
            with pytest.raises(anthropic.BadRequestError) as caught:
                client.post(f"/v1/{path}", body=ASKED, cast_to=object)
            assert caught.value.response.headers["x-should-retry"] == "false"
            assert caught.value.body["error"]["type"] == "invalid_request_error"  # type: ignore[index]
            assert "ANTHROPIC_API_KEY" in str(caught.value)


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param([Cut], id="cut"),
        pytest.param(
            lines([{"type": "error", "error": {"type": "overloaded_error", "message": "m"}}]), id="error event"
        ),
        pytest.param([], id="just ended"),
    ],
)
def test_a_broken_stream_reaches_the_client_and_is_never_stored(
    client: anthropic.Anthropic, upstream: ScriptedUpstream, ending: list[Any]
) -> None:
    direct = anthropic.Anthropic(base_url=upstream.url.removesuffix("/v1"), api_key=KEY, max_retries=0)
    upstream.script = lambda seen: Reply(headers=SSE, body=[*lines(EVENTS[:4]), *ending])
    told = []
    for one in (direct, client, client):
        events: list[Any] = []
        try:
            for event in one.messages.create(**ASKED, stream=True):
                events.append(event.to_dict())  # noqa: PERF401 - those before the break count
            error: Any = None
        except Exception as caught:
            error = (type(caught), getattr(caught, "body", None))
        told.append((events, error))
    assert told[0] == told[1] == told[2]
    assert upstream.calls == 3
    upstream.script = answer
    assert said(client)[0] == "miss"
