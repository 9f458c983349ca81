"""What agents expect of whoever stands between them and their provider, line by line, on real sockets.

Seen of the real programs: which paths they ask for, where they put their key, what they read of an answer's head, and
in which framings a stream may come.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream
from support.wire import DONE, STREAM, Peer, RawUpstream, Wire, chat, completion, get, post, stream

ANTHROPIC_KEY = "sk-ant-api03-0123456789abcdef0123456789abcdef"
MESSAGE = json.dumps(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
).encode()
RESPONSE = json.dumps({"id": "resp_1", "object": "response", "status": "completed", "output": []}).encode()
ASKED = {
    "messages": json.dumps({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).encode(),
    "chat/completions": chat(),
    "responses": json.dumps({"model": "m", "input": "hi"}).encode(),
}
ANSWERS = {"messages": MESSAGE, "chat/completions": completion(), "responses": RESPONSE}


@pytest.fixture
def reflex(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[str]:
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as runtime:
        yield runtime.url


@pytest.mark.parametrize("path", ASKED)
def test_a_base_url_with_v1_without_it_and_with_it_twice_is_one(
    reflex: str, upstream: ScriptedUpstream, path: str
) -> None:
    """Claude Code's has none, OpenCode's has one, and who mixes them up gets two."""
    upstream.answers(Reply(body=ANSWERS[path]))
    told = []
    with Wire(reflex) as wire:
        for before in ("/v1", "/v1/v1", "", "/t/default/v1", "/t/default"):
            for query in ("", "?beta=true"):
                headers = [f"x-api-key: {ANTHROPIC_KEY}"] if path == "messages" else []
                answer = wire.ask(post(ASKED[path], *headers, path=f"{before}/{path}{query}"))
                assert answer.status == 200
                told.append((before, answer.told))
    own = [status for before, status in told if not before.startswith("/t/")]
    named = [status for before, status in told if before.startswith("/t/")]
    assert own == named[: len(named)] + ["hit-l1-exact"] * (len(own) - len(named))
    assert own[0] == "miss"
    assert set(own[1:]) == {"hit-l1-exact"}  # a tenant that is named is another one
    assert {seen.target.partition("?")[0] for seen in upstream.seen} == {f"/v1/{path}"}


@pytest.mark.parametrize(
    ("headers", "passed"),
    [
        ([f"x-api-key: {ANTHROPIC_KEY}"], {"x-api-key": ANTHROPIC_KEY}),
        ([f"Authorization: Bearer {ANTHROPIC_KEY}"], {"authorization": f"Bearer {ANTHROPIC_KEY}"}),
        (
            [f"Authorization: Bearer {ANTHROPIC_KEY}", f"x-api-key: {ANTHROPIC_KEY}"],
            {"authorization": f"Bearer {ANTHROPIC_KEY}", "x-api-key": ANTHROPIC_KEY},
        ),
        (["Authorization: Bearer reflex", f"x-api-key: {ANTHROPIC_KEY}"], {"x-api-key": ANTHROPIC_KEY}),
        (
            ["Authorization: Bearer sk-ant-oat01-0123456789abcdef", f"x-api-key: {ANTHROPIC_KEY}"],
            {"x-api-key": ANTHROPIC_KEY},
        ),
        (
            ["Authorization: Bearer sk-ant-oat01-0123456789abcdef"],
            {"authorization": "Bearer sk-ant-oat01-0123456789abcdef"},
        ),
    ],
    ids=["x-api-key", "bearer", "both the same", "a placeholder beside it", "both", "a login"],
)
@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_a_key_is_read_where_it_stands_and_passed_on_as_it_came(
    reflex: str, upstream: ScriptedUpstream, headers: list[str], passed: dict[str, str], version: str
) -> None:
    """With a version and betas that nobody here knows, which go along unread."""
    upstream.answers(Reply(body=MESSAGE))
    beta = "anthropic-beta: oauth-2025-04-20,unheard-of-2031-01-01"
    if not any(line.startswith("Authorization") for line in headers):
        headers = [*headers, "Authorization:"]
    with Wire(reflex) as wire:
        answer = wire.ask(
            post(ASKED["messages"], *headers, f"anthropic-version: {version}", beta, path="/v1/messages")
        )
    assert (answer.status, answer.told) == (200, "miss")
    (seen,) = upstream.seen
    found = {name: seen.header(name) for name in ("authorization", "x-api-key") if seen.header(name)}
    assert found == passed
    assert seen.header("anthropic-version") == version
    assert f"anthropic-beta: {seen.header('anthropic-beta')}" == beta


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500, 529])
def test_what_agents_read_of_a_head_reaches_them_unchanged(
    reflex: str, upstream: ScriptedUpstream, path: str, status: int
) -> None:
    headers = [
        ("Content-Type", "application/json"),
        ("request-id", "req_1"),
        ("x-request-id", "req_2"),
        ("retry-after", "7"),
        ("retry-after-ms", "7000"),
        ("x-should-retry", "false"),
        ("anthropic-ratelimit-tokens-remaining", "9"),
        ("x-ratelimit-limit-requests", "3"),
        ("x-codex-primary-used-percent", "12"),
        ("openai-processing-ms", "5"),
        ("x-never-seen", "kept"),
    ]
    said = ANSWERS[path] if status == 200 else b'{"type":"error","error":{"type":"e","message":"prompt is too long"}}'
    upstream.answers(Reply(status, headers, body=said))
    with Wire(reflex) as wire:
        answer = wire.ask(post(ASKED[path], f"x-api-key: {ANTHROPIC_KEY}", path=f"/v1/{path}"))
    assert (answer.status, answer.body) == (status, said)
    assert [pair for pair in answer.headers if pair in headers] == headers


@pytest.mark.parametrize("framing", ["length", "close", "one write", "pieces"])
def test_a_stream_may_come_in_any_framing(tmp_path: Path, framing: str) -> None:
    events = stream("a", "b")
    body = b"".join(events)

    def script(peer: Peer, _: int) -> None:
        while peer.request() is not None:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            match framing:
                case "length":
                    peer.send(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                case "close":
                    peer.send(head + b"Connection: close\r\n\r\n" + body)
                    peer.close()
                    return
                case "one write":
                    peer.send(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
                case _:
                    peer.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
                    for place in range(len(body)):
                        peer.send(b"1\r\n%s\r\n" % body[place : place + 1])
                    peer.send(b"0\r\n\r\n")

    with (
        RawUpstream(script).running() as raw,
        daemon(settings_for(tmp_path / "storage", raw.url)) as runtime,
        Wire(runtime.url) as wire,
    ):
        miss, hit = (wire.ask(post(chat(stream=True))) for _ in range(2))
        as_body = wire.ask(post(chat()))
    assert (miss.told, miss.whole, miss.body) == ("miss", True, body)
    assert (hit.told, hit.body) == ("hit-l1-exact", body)
    assert as_body.told == "miss"  # it shows usage, which this stream had none of
    assert len(raw.requests) == 2


def test_events_behind_the_last_reach_the_client_too(reflex: str, upstream: ScriptedUpstream) -> None:
    """SDKs drain a stream after its end, so as to use the connection again."""
    upstream.answers(Reply(headers=STREAM, body=[*stream("a"), b": bye\n\n"]))
    with Wire(reflex) as wire:
        miss = wire.ask(post(chat(stream=True)))
        assert miss.body.endswith(DONE + b": bye\n\n")
        assert wire.ask(get("/healthz")).status == 200


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1/models?limit=1000"),
        ("GET", "/v1/models/claude-opus-4-8"),
        ("POST", "/v1/messages/batches"),
        ("GET", "/v1/messages"),
        ("POST", "/v1/responses/compact"),
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/audio/transcriptions"),
        ("PATCH", "/v1/never/heard/of?it=1"),
        ("POST", "/v1/organizations/x"),
    ],
)
def test_every_other_path_goes_through(reflex: str, upstream: ScriptedUpstream, method: str, target: str) -> None:
    upstream.answers(Reply(body=b'{"ok":true}'))
    with Wire(reflex) as wire:
        request = post(b'{"a": 1}', path=target).replace(b"POST", method.encode(), 1)
        answer = wire.ask(request if method in ("POST", "PATCH") else get(target, method=method))
    assert (answer.status, answer.told, answer.body) == (200, "bypass", b'{"ok":true}')
    (seen,) = upstream.seen
    assert (seen.method, seen.target) == (method, target)
    assert seen.body == (b'{"a": 1}' if method in ("POST", "PATCH") else b"")


@pytest.mark.parametrize("path", ASKED)
def test_what_reflex_itself_cannot_do_is_said_once_in_the_callers_own_shape(tmp_path: Path, path: str) -> None:
    """400 with ``x-should-retry: false``: a 401 is retried for minutes by Claude Code, a 503 by Codex."""
    with daemon(settings_for(tmp_path / "storage", "http://127.0.0.1:9/v1")) as runtime, Wire(runtime.url) as wire:
        answer = wire.ask(post(ASKED[path], path=f"/u/nobody/v1/{path}"))
    assert (answer.status, answer.header("x-should-retry")) == (400, "false")
    told = answer.json()
    error = told["error"]
    assert isinstance(error, dict)
    assert "nobody" in str(error["message"])
    assert (told.get("type") == "error") is (path == "messages")
