"""Answers in Tauq over real sockets: who gets them, who does not, and what each is told."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from reflexd_core.policy import Policy
from reflexd_core.tauq import decode
from reflexd_io import formats
from reflexd_io.policy_settings import read_policy
from reflexd_io.values import BadSetting
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

DATA = {"users": [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}]}
CALLS = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": json.dumps(DATA)}}]


def _completion(content: str | None = None, **more: Any) -> bytes:
    message = {"role": "assistant", "content": content, **more}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if more else "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return json.dumps(body).encode()


def _ask(base: str, asked: str | None = None, question: str = "who?", **more: Any) -> tuple[dict[str, str], bytes]:
    parts = urlsplit(base)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    headers = {"Content-Type": "application/json"} | ({"X-Reflex-Format": asked} if asked is not None else {})
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": question}], **more})
    try:
        connection.request("POST", f"{parts.path}/chat/completions", body, headers)
        answer = connection.getresponse()
        raw = answer.read()
        assert answer.status == 200
        return {name.lower(): value for name, value in answer.getheaders()}, raw
    finally:
        connection.close()


def _text(raw: bytes) -> str:
    content = json.loads(raw)["choices"][0]["message"]["content"]
    assert isinstance(content, str)
    return content


def test_content_in_tauq(reflex: str, upstream: ScriptedUpstream) -> None:
    plain = _completion(json.dumps(DATA))
    upstream.script = lambda _: Reply(body=plain)
    told, raw = _ask(reflex, "tauq")
    assert (told["x-reflex-status"], told["x-reflex-format"], raw) == ("miss", "json; relayed", plain)
    told, raw = _ask(reflex, "tauq")
    assert (told["x-reflex-status"], told["x-reflex-format"]) == ("hit-l1-exact", "tauq-content")
    assert (told["content-type"], told["content-length"]) == ("application/json", str(len(raw)))
    assert decode(_text(raw)) == DATA
    assert raw == json.dumps(json.loads(plain), separators=(",", ":")).encode().replace(
        json.dumps(json.dumps(DATA)).encode(), json.dumps(_text(raw)).encode()
    )
    assert all(seen.header("x-reflex-format") is None for seen in upstream.seen)


def test_nobody_gets_it_who_does_not_ask(reflex: str, upstream: ScriptedUpstream) -> None:
    plain = _completion(json.dumps(DATA))
    upstream.script = lambda _: Reply(body=plain)
    _ask(reflex, "tauq")
    assert _ask(reflex, "tauq")[0]["x-reflex-format"] == "tauq-content"
    told, raw = _ask(reflex)
    assert (told["x-reflex-status"], raw) == ("hit-l1-exact", plain)
    assert "x-reflex-format" not in told
    assert upstream.calls == 1


@pytest.mark.parametrize(
    ("asked", "answer", "said"),
    [
        ("json", _completion(json.dumps(DATA)), "json"),
        ("toon", _completion(json.dumps(DATA)), "json; unreadable-format"),
        ("tauq", _completion("It is 12."), "json; not-shorter"),
        ("tauq", _completion(tool_calls=CALLS), "json; not-plain-text"),
        ("tauq-envelope", _completion(tool_calls=CALLS), "json; not-plain-text"),
    ],
)
def test_answers_that_stay_as_they_are(
    reflex: str, upstream: ScriptedUpstream, asked: str, answer: bytes, said: str
) -> None:
    upstream.script = lambda _: Reply(body=answer)
    _ask(reflex)
    told, raw = _ask(reflex, asked)
    assert (told["x-reflex-status"], told["x-reflex-format"], raw) == ("hit-l1-exact", said, answer)


def test_an_answer_that_is_too_large(
    reflex: str, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "LARGEST", 100)
    plain = _completion(json.dumps(DATA))
    upstream.script = lambda _: Reply(body=plain)
    _ask(reflex)
    told, raw = _ask(reflex, "tauq")
    assert (told["x-reflex-format"], raw) == ("json; too-large", plain)


def test_streams_are_served_as_they_are(reflex: str, upstream: ScriptedUpstream) -> None:
    upstream.script = lambda _: Reply(body=_completion(json.dumps(DATA)))
    _ask(reflex)
    told, streamed = _ask(reflex, "tauq", stream=True)
    assert (told["x-reflex-status"], told["x-reflex-format"]) == ("hit-l1-exact", "json; stream")
    assert streamed == _ask(reflex, stream=True)[1]


def test_a_recorded_stream_as_a_body_in_tauq(reflex: str, upstream: ScriptedUpstream) -> None:
    half = json.dumps(DATA)
    chunks = [{"content": half[:20]}, {"content": half[20:]}, {}]
    lines = [
        {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}]}
        for delta in chunks
    ]
    usage = {"id": "c", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
    stream = b"".join(f"data: {json.dumps(line)}\n\n".encode() for line in [*lines, usage]) + b"data: [DONE]\n\n"
    upstream.script = lambda _: Reply(headers=[("content-type", "text/event-stream")], body=stream)
    told, _ = _ask(reflex, "tauq", stream=True, stream_options={"include_usage": True})
    assert told["x-reflex-format"] == "json; relayed"
    told, raw = _ask(reflex, "tauq")
    assert (told["x-reflex-status"], told["x-reflex-format"]) == ("hit-l1-exact", "tauq-content")
    assert decode(_text(raw)) == DATA


def test_the_envelope(reflex: str, upstream: ScriptedUpstream) -> None:
    plain = _completion("It is 12.")
    upstream.script = lambda _: Reply(body=plain)
    _ask(reflex, question="what time is it?")
    told, raw = _ask(reflex, "tauq-envelope", question="what time is it?")
    assert (told["x-reflex-status"], told["x-reflex-format"]) == ("hit-l1-exact", "tauq-envelope")
    assert decode(_text(raw)) == {"semantic_request": "what time is it?", "response": json.loads(plain)}


def test_from_disk_too(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "storage", upstream.url, l1_capacity=1)
    upstream.script = lambda _: Reply(body=_completion(json.dumps(DATA)))
    with daemon(settings) as running:
        _ask(f"{running.url}/v1", question="first")
        _ask(f"{running.url}/v1", question="second")
    with daemon(settings) as running:  # its memory has room for one answer, and warmed up with the latest
        told, raw = _ask(f"{running.url}/v1", "tauq", question="first")
    assert (told["x-reflex-status"], told["x-reflex-format"]) == ("hit-l1-exact", "tauq-content")
    assert decode(_text(raw)) == DATA


def test_the_sdk_parses_it_as_ever(reflex: str, upstream: ScriptedUpstream) -> None:
    upstream.script = lambda _: Reply(body=_completion(json.dumps(DATA)))
    with openai.OpenAI(base_url=reflex, api_key="reflex", default_headers={"x-reflex-format": "tauq"}) as client:
        for _ in range(2):
            answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "who?"}])
    assert answer.usage is not None
    assert answer.usage.total_tokens == 2
    assert decode(answer.choices[0].message.content or "") == DATA


@pytest.mark.parametrize(
    ("named", "own", "told_of"),
    [
        ("tauq", None, "tauq-content"),
        ("tauq-envelope", None, "tauq-envelope"),
        ("json", "tauq", "tauq-content"),
        ("tauq", "json", "json"),
        ("tauq-envelope", "tauq", "tauq-content"),
    ],
)
def test_a_tenant_may_have_a_format_of_its_own_and_the_request_outranks_it(
    upstream: ScriptedUpstream, tmp_path: Path, named: str, own: str | None, told_of: str
) -> None:
    plain = _completion(json.dumps(DATA))
    upstream.script = lambda _: Reply(body=plain)
    policy = read_policy("policy", Policy(), {"format": named})
    with daemon(
        settings_for(tmp_path / "storage", upstream.url, policy=policy, tenants={"default": policy})
    ) as runtime:
        _ask(f"{runtime.url}/v1", own)
        told, raw = _ask(f"{runtime.url}/v1", own)
        streamed, _ = _ask(f"{runtime.url}/v1", own, stream=True)
    assert told["x-reflex-status"] == "hit-l1-exact"
    assert told["x-reflex-format"] == told_of
    assert (raw == plain) is (told_of == "json")
    assert streamed["x-reflex-format"].startswith("json")


@pytest.mark.parametrize("bad", ["yaml", "tauq2", 1, None, ["tauq"]])
def test_a_format_that_nobody_knows_stops_the_start(bad: object) -> None:
    with pytest.raises(BadSetting, match="tauq-envelope"):
        read_policy("policy", Policy(), {"format": bad})
