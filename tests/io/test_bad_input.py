"""What no well-behaved client or provider sends: it passes through, is never cached when in doubt, and costs nothing.

Each dialect's path, on real sockets; memory is measured of a daemon in a process of its own.
"""

import base64
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.daemon import daemon, settings_for
from support.process import Process, serving
from support.upstream import Reply, ScriptedUpstream
from support.wire import DONE, STREAM, Peer, RawUpstream, Wire, chat, completion, event, get, post, stream

MIB = 1024 * 1024
PATHS = {
    "/v1/chat/completions": b'"model":"m","messages":[{"role":"user","content":%s}]',
    "/v1/messages": b'"model":"m","max_tokens":9,"messages":[{"role":"user","content":%s}]',
    "/v1/messages/count_tokens": b'"model":"m","messages":[{"role":"user","content":%s}]',
    "/v1/responses": b'"model":"m","input":[{"role":"user","content":%s}]',
    "/v1/completions": b'"model":"m","prompt":%s',
    "/v1/embeddings": b'"model":"m","input":%s',
    "/v1beta/models/gemini:generateContent": b'"contents":[{"parts":[{"text":%s}]}]',
    "/v1beta/models/gemini:streamGenerateContent?alt=sse": b'"contents":[{"parts":[{"text":%s}]}]',
    "/api/chat": b'"model":"m","messages":[{"role":"user","content":%s}]',
}
"""A request of each dialect, with a place for what is said."""

UNREADABLE = {
    "a duplicate key": (b'"a"', b',"x":1,"x":1'),
    "a duplicate key, escaped": (b'"a"', b',"x":1,"\\u0078":2'),
    "a lone surrogate": (b'"\\ud83d"', b""),
    "a number that no double holds": (b'"a"', b',"temperature":1e400'),
    "nested 10,000 deep": (b"[" * 10_000 + b"]" * 10_000, b""),
    "objects nested 10,000 deep": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b""),
    "not UTF-8": (b'"\xff"', b""),
    "a control character": (b'"\x01"', b""),
    "no JSON": (b"a", b""),
    "cut": (b'"a', b""),
}


@pytest.fixture
def reflex(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[str]:
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as runtime:
        yield runtime.url


@pytest.mark.parametrize("path", PATHS)
def test_what_cannot_be_read_safely_passes_through_and_is_never_cached(
    reflex: str, upstream: ScriptedUpstream, path: str
) -> None:
    upstream.answers(Reply(body=completion()))
    sent = [b"{" + PATHS[path] % said + more + b"}" for said, more in UNREADABLE.values()]
    with Wire(reflex) as wire:
        for body in sent:
            for _ in range(2):
                answer = wire.ask(post(body, path=path))
                assert (answer.status, answer.told, answer.body) == (200, "bypass", completion()), body[:100]
        assert wire.ask(get("/healthz")).status == 200
    assert [seen.body for seen in upstream.seen] == [body for body in sent for _ in range(2)]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("coding", ["snappy", "br, gzip", "x", "gzip"])
def test_a_coding_that_is_not_known_or_not_true_passes_through(
    reflex: str, upstream: ScriptedUpstream, path: str, coding: str
) -> None:
    upstream.answers(Reply(body=completion()))
    body = b"{" + PATHS[path] % b'"a"' + b"}"
    with Wire(reflex) as wire:
        for _ in range(2):
            assert wire.ask(post(body, f"Content-Encoding: {coding}", path=path)).told == "bypass"
    assert [(seen.body, seen.header("content-encoding")) for seen in upstream.seen] == [(body, coding)] * 2


@pytest.mark.parametrize("coding", ["snappy", "gzip"])
def test_an_answer_in_a_coding_that_is_not_known_or_not_true_passes_through(
    reflex: str, upstream: ScriptedUpstream, coding: str
) -> None:
    upstream.answers(Reply(headers=[*STREAM, ("Content-Encoding", coding)], body=stream("a")))
    with Wire(reflex) as wire:
        for _ in range(2):
            answer = wire.ask(post(chat(stream=True), f"Accept-Encoding: {coding}"))
            assert (answer.told, answer.whole, answer.body) == ("miss", True, b"".join(stream("a")))
    assert upstream.calls == 2


TEXT = "naïve — 日本語 🎉"


def _utf8(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


SPLIT = {
    "/v1/chat/completions": b"".join(
        [
            b"data: " + _utf8({"id": "c", "choices": [{"index": 0, "delta": {"content": TEXT}}], "model": "m"}),
            b"\n\ndata: " + _utf8({"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
            b'\n\ndata: {"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n',
            DONE,
        ]
    ),
    "/v1/messages": b"".join(
        b"event: %s\ndata: %s\n\n" % (str(data["type"]).encode(), _utf8(data))
        for data in (
            {
                "type": "message_start",
                "message": {"id": "m", "type": "message", "content": [], "usage": {"input_tokens": 1}},
            },
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
            {"type": "message_stop"},
        )
    ),
    "/v1/responses": b"".join(
        b"event: %s\ndata: %s\n\n" % (str(data["type"]).encode(), _utf8(data))
        for data in (
            {"type": "response.created", "response": {"id": "r", "status": "in_progress"}},
            {
                "type": "response.completed",
                "response": {
                    "id": "r",
                    "status": "completed",
                    "output": [{"type": "message", "content": [{"type": "output_text", "text": TEXT}]}],
                    "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
                },
            },
        )
    ),
}


@pytest.mark.parametrize("path", SPLIT)
def test_events_may_be_split_inside_a_character(reflex: str, upstream: ScriptedUpstream, path: str) -> None:
    whole = SPLIT[path]
    upstream.answers(Reply(headers=STREAM, body=[whole[place : place + 1] for place in range(len(whole))]))
    asked = b"{" + PATHS[path] % b'"a"'
    with Wire(reflex) as wire:
        miss = wire.ask(post(asked + b',"stream":true}', path=path))
        hit = wire.ask(post(asked + b',"stream":true}', path=path))
        as_body = wire.ask(post(asked + b"}", path=path))
    assert (miss.told, miss.body) == ("miss", whole)
    assert (hit.told, hit.body) == ("hit-l1-exact", whole)
    assert as_body.told == "hit-l1-exact"
    assert TEXT in json.dumps(as_body.json(), ensure_ascii=False)


@pytest.mark.parametrize("end", [True, False])
def test_a_line_of_ten_megabytes(reflex: str, upstream: ScriptedUpstream, end: bool) -> None:
    line = event({"content": "x" * (10 * MIB)})
    body = [line[start : start + 65_521] for start in range(0, len(line), 65_521)]
    if end:
        body += [event({}, "stop"), DONE]
    upstream.answers(Reply(headers=STREAM, body=body))
    with Wire(reflex) as wire:
        first, again = (wire.ask(post(chat(stream=True))) for _ in range(2))
    assert first.body == again.body == b"".join(body)
    assert (first.told, again.told) == ("miss", "hit-l1-exact" if end else "miss")


@pytest.fixture
def process(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[Process]:
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is read from /proc")
    with serving(tmp_path / "storage", upstream.url) as running:
        yield running


def _memory(process: Process) -> float:
    """Resident, in MiB, at its highest."""
    status = Path(f"/proc/{process.popen.pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


@pytest.mark.slow
def test_sixty_four_mebibytes_of_base64_are_keyed_or_passed_through_in_bounded_memory(
    process: Process, upstream: ScriptedUpstream
) -> None:
    upstream.answers(Reply(body=completion()))
    image = base64.b64encode(bytes(range(256)) * (MIB // 256))
    small = chat([{"type": "image_url", "image_url": {"url": "data:," + (image * 44).decode()}}])  # type: ignore[arg-type]
    large = chat([{"type": "image_url", "image_url": {"url": "data:," + (image * 49).decode()}}])  # type: ignore[arg-type]
    assert len(small) < 64 * MIB < len(large)
    before = _memory(process)
    with Wire(process.url) as wire:
        wire.socket.settimeout(60)
        told = [wire.ask(post(body)).told for body in (small, small, large, large)]
    assert told == ["miss", "hit-l1-exact", "bypass", "bypass"]
    assert [len(seen.body) for seen in upstream.seen] == [len(small), len(large), len(large)]
    assert _memory(process) - before < 64 * 8  # the body, its text, its canonical form and what is sent on


@pytest.mark.slow
def test_a_stream_that_never_ends_takes_no_memory_and_ends_with_its_client(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("memory is read from /proc")
    left = threading.Event()
    piece = b"".join(event({"content": "x" * 1000}) for _ in range(200))

    def script(peer: Peer, _: int) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                peer.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        except OSError:
            left.set()

    with RawUpstream(script).running() as raw, serving(tmp_path / "storage", raw.url) as process:
        before = _memory(process)
        with Wire(process.url) as wire:
            wire.send(post(chat(stream=True)))
            assert wire.head().status == 200
            got, ends = 0, time.monotonic() + 60
            while got < 200 * MIB and time.monotonic() < ends:
                chunk = wire.chunk()
                assert chunk
                got += len(chunk)
            wire.socket.shutdown(socket.SHUT_RDWR)
        assert got >= 200 * MIB
        assert left.wait(15)
        assert _memory(process) - before < 100  # it records 16 MiB, then it only relays
        with Wire(process.url) as wire:
            assert wire.ask(post(chat(stream=True), "Cache-Control: only-if-cached")).status == 504
