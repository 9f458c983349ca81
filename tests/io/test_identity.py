"""Whose answers an entry holds: an upstream that points elsewhere is another upstream, whatever its name."""

import http.client
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

KEY = "sk-proj-0123456789abcdef0123456789abcdef"


def _ask(base: str, body: bytes | None = None, **headers: str) -> tuple[int, str | None, bytes]:
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    body = body or json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    sent = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **headers}
    connection.request("POST", "/v1/chat/completions", body, sent)
    answer = connection.getresponse()
    result = answer.status, answer.getheader("x-reflex-status"), answer.read()
    connection.close()
    return result


def _answer(text: str) -> Reply:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return Reply(body=json.dumps({"id": "c", "choices": [choice], "usage": None}).encode())


def test_an_upstream_that_is_pointed_elsewhere_has_none_of_the_old_answers(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.answers(_answer("real"))
    with ScriptedUpstream().running() as other:
        other.answers(_answer("other"))
        for asked, expected in ((other, "miss"), (upstream, "miss"), (other, "hit-l1-exact")):
            with daemon(settings_for(tmp_path / "s", asked.url)) as runtime:
                _, status, body = _ask(runtime.url)
                assert (status, b"other" in body) == (expected, asked is other)


def test_the_mock_providers_answers_are_its_own_and_outlive_a_restart(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.answers(_answer("real"))
    real = settings_for(tmp_path / "s", upstream.url)
    told = []
    for settings in (replace(real, mock_provider=True), real, replace(real, mock_provider=True)):
        with daemon(settings) as runtime:
            _, status, body = _ask(runtime.url)
            told.append((status, b"mock provider" in body))
    assert told == [("miss", True), ("miss", False), ("hit-l1-exact", True)]


def test_a_request_that_cannot_be_compared_is_not_paid_for_where_only_the_cache_was_asked(
    upstream: ScriptedUpstream, reflex: str
) -> None:
    for body, more in ((b"{", {}), (b'{"a":1,"a":2}', {}), (None, {"x-bypass-cache": "1"}), (b" " * 70_000_000, {})):
        status, _, said = _ask(reflex, body, **{"Cache-Control": "only-if-cached", **more})
        assert (status, json.loads(said)["error"]["code"]) == (504, "not_cached")
    assert upstream.calls == 0


def test_a_large_stream_is_turned_into_a_body(upstream: ScriptedUpstream, reflex: str) -> None:
    word = json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"content": "word " * 2000}}]}).encode()
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    last = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
    end = json.dumps(last).encode()
    events = [b"data: " + data + b"\n\n" for data in (*[word] * 100, end, b"[DONE]")]
    upstream.answers(Reply(headers=[("content-type", "text/event-stream")], body=events))
    request = {"model": "m", "messages": [{"role": "user", "content": "much"}]}
    assert _ask(reflex, json.dumps({**request, "stream": True}).encode())[1] == "miss"
    status, told, body = _ask(reflex, json.dumps(request).encode())
    assert (status, told) == (200, "hit-l1-exact")
    assert json.loads(body)["choices"][0]["message"]["content"] == "word " * 200_000
