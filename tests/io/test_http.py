"""The wire, over real sockets: what clients send that no library would, and what is passed on untouched."""

import gzip
import json
import socket
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest

from reflexd_io import http, server
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream, Seen
from support.wire import (
    DONE,
    KEY,
    STREAM,
    Peer,
    RawUpstream,
    Wire,
    chat,
    chunked,
    completion,
    event,
    eventually,
    get,
    post,
    stream,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB = 1024 * 1024


@pytest.fixture(params=["asyncio", "trio"])
def reflex(request: pytest.FixtureRequest, upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[str]:
    """A daemon in front of `upstream`, once on each event loop; gives ``http://127.0.0.1:<port>``."""
    upstream.answers(Reply(body=completion()))
    with daemon(settings_for(tmp_path / "storage", upstream.url), request.param) as runtime:
        yield runtime.url


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time limits of a fraction of a second."""
    monkeypatch.setattr(http, "HEAD_TIMEOUT", 0.15)
    monkeypatch.setattr(http, "IDLE_TIMEOUT", 0.15)
    monkeypatch.setattr(http, "BODY_TIMEOUT", 0.15)
    monkeypatch.setattr(server, "SWEEP", 0.02)


def _echo(seen: Seen) -> Reply:
    """An answer that says what was asked."""
    return Reply(body=completion(json.loads(seen.body)["messages"][-1]["content"]))


# Requests in every shape


def test_a_connection_is_kept_and_the_second_request_is_a_hit(reflex: str, upstream: ScriptedUpstream) -> None:
    with Wire(reflex) as wire:
        first, second = wire.ask(post(chat())), wire.ask(post(chat()))
    assert (first.told, second.told) == ("miss", "hit-l1-exact")
    assert first.body == second.body == completion()
    assert upstream.calls == 1


def test_two_pipelined_requests_are_answered_in_order(reflex: str, upstream: ScriptedUpstream) -> None:
    upstream.script = _echo
    with Wire(reflex) as wire:
        wire.send(post(chat("one")) + post(chat("two")))
        assert [wire.answer().body, wire.answer().body] == [completion("one"), completion("two")]


def test_fifty_pipelined_requests_hits_and_misses_mixed(reflex: str, upstream: ScriptedUpstream) -> None:
    upstream.script = _echo
    words = [f"word {number % 10 if number % 2 else number}" for number in range(50)]
    with Wire(reflex) as wire:
        wire.send(b"".join(post(chat(word)) for word in words))
        answers = [wire.answer() for _ in words]
        assert wire.ask(get("/healthz")).status == 200
    assert [answer.body for answer in answers] == [completion(word) for word in words]
    expected = ["hit-l1-exact" if word in words[:place] else "miss" for place, word in enumerate(words)]
    assert [answer.told for answer in answers] == expected
    assert upstream.calls == len(set(words))


def test_a_large_request_pipelined_behind_a_slow_answer(reflex: str, upstream: ScriptedUpstream) -> None:
    """More than is read ahead while an answer is made."""
    gate = threading.Event()
    big = "x" * (2 * MIB)
    upstream.script = lambda seen: (gate.wait(30), _echo(seen))[1] if len(seen.body) < MIB else _echo(seen)
    with Wire(reflex) as wire:
        wire.send(post(chat("small")))
        eventually(lambda: upstream.calls == 1)
        sender = threading.Thread(target=wire.send, args=(post(chat(big)),))
        sender.start()
        gate.set()
        assert wire.answer().body == completion("small")
        assert wire.answer().body == completion(big)
        sender.join()


def test_a_request_that_trickles_in_byte_by_byte(reflex: str) -> None:
    with Wire(reflex) as wire:
        for byte in post(chat()):
            wire.send(bytes([byte]))
        assert wire.answer().body == completion()


def test_a_chunked_body_is_keyed_like_a_plain_one(reflex: str, upstream: ScriptedUpstream) -> None:
    with Wire(reflex) as wire:
        wire.send(post(b"", "Transfer-Encoding: chunked", framed=False))
        for piece in (b"3\r\n", chat()[:3], b"\r\n", chunked(chat()[3:], 7)):
            wire.send(piece)
        assert wire.answer().told == "miss"
        assert wire.ask(post(chat())).told == "hit-l1-exact"
    assert upstream.seen[0].body == chat()
    assert upstream.seen[0].header("content-length") == str(len(chat()))
    assert upstream.seen[0].header("transfer-encoding") is None


def test_a_client_that_waits_is_told_to_continue(reflex: str, upstream: ScriptedUpstream) -> None:
    request = post(chat(), "Expect: 100-continue")
    head, body = request[: -len(chat())], request[-len(chat()) :]
    with Wire(reflex) as wire:
        wire.send(head)
        assert wire._file.readline() == b"HTTP/1.1 100 \r\n"
        assert wire._file.readline() == b"\r\n"
        assert wire.ask(body).body == completion()
        assert wire.ask(post(chat())).told == "hit-l1-exact"
    assert upstream.seen[0].header("expect") is None


def test_a_client_that_does_not_wait_is_served_too(reflex: str) -> None:
    with Wire(reflex) as wire:
        answer = wire.ask(post(chat(), "Expect: 100-continue"))
        assert (answer.status, answer.body) == (200, completion())
        assert wire.ask(post(chat())).told == "hit-l1-exact"


def test_a_refused_client_that_waits_is_answered_at_once(reflex: str) -> None:
    """It will never send its body, so nobody may wait for it."""
    with Wire(reflex) as wire:
        wire.send(post(b"", "Expect: 100-continue", "Content-Length: 1000", path="/nowhere", framed=False))
        answer = wire.answer()
        assert (answer.status, answer.informational) == (404, [])
        assert answer.header("connection") == "close"
        assert wire.is_closed()


@pytest.mark.parametrize("path", ["/", "/healthz", "/ready", "/health"])
def test_own_pages_can_be_probed(reflex: str, path: str) -> None:
    with Wire(reflex) as wire:
        page = wire.ask(get(path))
        assert (page.status, page.header("content-type")) == (200, "application/json")
        assert page.json()
        probe = wire.ask(get(path, method="HEAD"), head_only=True)
        assert probe.status == 200
        assert int(probe.header("content-length") or 0) > 0
        assert wire.ask(get(path, method="OPTIONS")).status == 200
        assert wire.ask(get(f"{path}?x=1")).status == 200


def test_an_own_page_can_only_be_read(reflex: str) -> None:
    with Wire(reflex) as wire:
        answer = wire.ask(post(b"{}", path="/healthz"))
        assert (answer.status, answer.header("allow")) == (405, "GET, HEAD, OPTIONS")
        assert answer.header("x-should-retry") == "false"
        assert wire.ask(get("/healthz")).status == 200


def test_a_large_body_sent_to_an_own_page(reflex: str) -> None:
    """405 for a POST, whatever its size: the method is wrong before the size is. The answer must arrive in spite
    of what is still being sent; then the connection ends."""
    with Wire(reflex) as wire:
        sender = _send_aside(wire, post(b"x" * (8 * MIB), path="/healthz"))
        answer = wire.answer()
        assert (answer.status, answer.header("connection")) == (405, "close")
        assert wire.is_closed()
        sender.join()
    with Wire(reflex) as wire:
        sender = _send_aside(wire, get("/healthz", f"Content-Length: {8 * MIB}") + b"x" * (8 * MIB))
        answer = wire.answer()
        assert (answer.status, answer.header("connection")) == (413, "close")
        assert wire.is_closed()
        sender.join()


def test_absolute_and_asterisk_targets(reflex: str, upstream: ScriptedUpstream) -> None:
    with Wire(reflex) as wire:
        assert wire.ask(get("http://localhost/healthz")).status == 200
        assert wire.ask(get("http://localhost")).status == 200
        assert wire.ask(get("*", method="OPTIONS")).status == 200
        assert wire.ask(post(chat(), path="http://localhost/v1/chat/completions")).told == "miss"
        assert wire.ask(post(chat())).told == "hit-l1-exact"
    assert upstream.seen[0].target == "/v1/chat/completions"


@pytest.mark.parametrize("target", ["healthz", "ftp://localhost/", "http://[", "http:///x"])
def test_targets_that_are_none(reflex: str, target: str) -> None:
    with Wire(reflex) as wire:
        assert wire.ask(get(target)).status == 400
        assert wire.is_closed()


def test_http_1_0_without_a_host(reflex: str) -> None:
    with Wire(reflex) as wire:
        answer = wire.ask(b"GET /healthz HTTP/1.0\r\n\r\n")
        assert answer.status == 200
        assert wire.is_closed()


def test_a_stream_for_an_http_1_0_client_ends_with_the_connection(reflex: str, upstream: ScriptedUpstream) -> None:
    upstream.answers(Reply(headers=STREAM, body=stream("a", "b")))
    with Wire(reflex) as wire:
        answer = wire.ask(post(chat(stream=True)).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert answer.header("transfer-encoding") is None
    assert answer.body == b"".join(stream("a", "b"))


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"hello there\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nbad name: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ten\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/files HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_garbage_gets_400_and_the_connection_ends(reflex: str, garbage: bytes) -> None:
    with Wire(reflex) as wire:
        answer = wire.ask(garbage)
        assert answer.status == 400
        assert answer.header("connection") == "close"
        assert "error" in answer.json()
        assert wire.is_closed()


def test_garbage_behind_an_answer_under_way_does_not_harm_it(reflex: str, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.answers(Reply(headers=STREAM, body=[*stream("a")[:2], gate, *stream("a")[2:]]))
    with Wire(reflex) as wire:
        wire.send(post(chat(stream=True)))
        wire.head()
        wire.send(b"\0\r\n\r\n")
        gate.set()
        assert wire.until(DONE)
        assert wire.chunk() == b""
        assert wire.answer().status == 400
        assert wire.is_closed()


def test_both_framings_are_refused_as_smuggling(reflex: str, upstream: ScriptedUpstream) -> None:
    with Wire(reflex) as wire:
        request = post(b"", "Content-Length: 5", "Transfer-Encoding: chunked", framed=False)
        assert wire.ask(request + b"0\r\n\r\n").status == 400
        assert wire.is_closed()
    assert upstream.calls == 0


@pytest.mark.parametrize("whole", [True, False])
def test_a_head_that_is_too_large_gets_431(reflex: str, whole: bool) -> None:
    with Wire(reflex) as wire:
        head = get("/healthz", "X: " + "x" * 3 * http.MAX_HEAD)
        assert wire.ask(head if whole else head[:-10]).status == 431
        assert wire.is_closed()


# Time limits


@pytest.mark.usefixtures("quick")
def test_a_slow_head_gets_408(reflex: str) -> None:
    with Wire(reflex) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: ")
        assert wire.answer().status == 408
        assert wire.is_closed()


@pytest.mark.usefixtures("quick")
def test_a_head_that_trickles_for_ever_gets_408(reflex: str) -> None:
    """Its limit counts from the first byte: one more byte now and then does not prolong it."""
    with Wire(reflex) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nX: ")
        for _ in range(200):
            if not wire.silent_for(0.02):
                break
            wire.send(b"x")
        else:
            pytest.fail("it went on for ever")
        assert wire.answer().status == 408


@pytest.mark.usefixtures("quick")
def test_a_head_that_began_in_the_same_packet_as_the_request_before_it(reflex: str) -> None:
    with Wire(reflex) as wire:
        assert wire.ask(get("/healthz") + b"GET /hea").status == 200
        assert wire.answer().status == 408
        assert wire.is_closed()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/files", "/healthz", "/nowhere"])
def test_a_slow_body_gets_408(reflex: str, path: str) -> None:
    with Wire(reflex) as wire:
        wire.send(post(chat(), path=path)[:-1])
        assert wire.answer().status == 408
        assert wire.is_closed()


@pytest.mark.usefixtures("quick")
def test_an_idle_connection_is_closed_without_a_word(reflex: str) -> None:
    with Wire(reflex) as fresh, Wire(reflex) as used:
        assert used.ask(get("/healthz")).status == 200
        assert fresh.is_closed()
        assert used.is_closed()


@pytest.mark.usefixtures("quick")
def test_an_answer_that_takes_long_is_no_timeout(reflex: str, upstream: ScriptedUpstream) -> None:
    upstream.answers(Reply(body=[0.5, completion()]))
    with Wire(reflex) as wire:
        assert wire.ask(post(chat())).body == completion()


# Who may ask, and for what


@pytest.mark.parametrize(
    "header",
    [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: http://[",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/v1/models", "/v1/chat/completions", "/nowhere"])
def test_pages_of_other_origins_are_refused(reflex: str, upstream: ScriptedUpstream, path: str, header: str) -> None:
    with Wire(reflex) as wire:
        assert wire.ask(post(chat(), header, path=path)).status == 403
        assert wire.ask(get("/healthz")).status == 200
    assert upstream.calls == 0


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8080", ""])
def test_foreign_hosts_are_refused(reflex: str, host: str) -> None:
    with Wire(reflex) as wire:
        assert wire.ask(f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()).status == 403


@pytest.mark.parametrize("target", ["http://evil.example/healthz", "HTTP://evil.example?x", "http://localhost@evil/"])
def test_foreign_hosts_in_the_target_are_refused(reflex: str, target: str) -> None:
    with Wire(reflex) as wire:
        assert wire.ask(get("/healthz")).status == 200  # after which its Host is known to be ours
        assert wire.ask(get(target)).status == 403
        assert wire.ask(get("http://LOCALHOST:8080/healthz")).status == 200


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1:8080", "[::1]:8080", "[::1]"])
def test_own_hosts_and_origins_are_welcome(reflex: str, host: str) -> None:
    with Wire(reflex) as wire:
        request = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n"
        assert wire.ask(f"{request}\r\n".encode()).status == 200


def test_unknown_paths_get_404(reflex: str, upstream: ScriptedUpstream) -> None:
    with Wire(reflex) as wire:
        for request in (get("/nowhere"), get("/v2/models"), post(chat(), path="/chatter"), get("/favicon.ico")):
            answer = wire.ask(request)
            assert (answer.status, answer.header("x-should-retry")) == (404, "false")
            assert "error" in answer.json()
    assert upstream.calls == 0


# Relaying


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND"])
def test_other_paths_are_relayed_whatever_the_method(reflex: str, upstream: ScriptedUpstream, method: str) -> None:
    """Without a body that was not there: some servers refuse a GET that has one."""
    upstream.answers(Reply(body=b'{"data":[]}'))
    with Wire(reflex) as wire:
        answer = wire.ask(get("/v1/models?limit=2&after=x%20y", method=method), head_only=method == "HEAD")
        if method != "PROPFIND":
            assert answer.status == 200
            assert answer.header("content-length") == "11"
        assert answer.told == "bypass"
        assert wire.ask(get("/healthz")).status == 200
    if method != "PROPFIND":
        assert (upstream.seen[0].method, upstream.seen[0].target) == (method, "/v1/models?limit=2&after=x%20y")
        framing = [
            name for name, _ in upstream.seen[0].headers if name.lower() in ("content-length", "transfer-encoding")
        ]
        assert framing == []


def test_a_post_without_a_body_says_so(reflex: str, upstream: ScriptedUpstream) -> None:
    with Wire(reflex) as wire:
        wire.ask(post(b"", path="/v1/batches/b1/cancel"))
    assert upstream.seen[0].header("content-length") == "0"


@pytest.mark.parametrize(
    "target", ["/v1/models?a=", "/v1/files/a;b", "/v1/files/a;b?c;d", "/v1//files", "/v1/files/%2e%2e?q=a?b"]
)
def test_targets_are_kept_to_the_last_byte(reflex: str, upstream: ScriptedUpstream, target: str) -> None:
    with Wire(reflex) as wire:
        assert wire.ask(get(target)).status == 200
    assert upstream.seen[0].target == target


def test_relayed_bodies_pass_untouched_both_ways(reflex: str, upstream: ScriptedUpstream) -> None:
    blob = bytes(range(256)) * 40_000  # 10 MB
    upstream.script = lambda seen: Reply(201, [("content-type", "application/octet-stream")], body=seen.body)
    for request in (
        post(blob, path="/v1/files"),
        post(b"", "Transfer-Encoding: chunked", path="/v1/files", framed=False) + chunked(blob, 65_521),
    ):
        with Wire(reflex) as wire:
            sender = _send_aside(wire, request)
            answer = wire.answer()
            assert (answer.status, answer.body == blob) == (201, True)
            sender.join()
            assert wire.ask(get("/healthz")).status == 200
    assert [seen.header("content-length") for seen in upstream.seen] == [str(len(blob)), None]


def test_headers_in_and_out(reflex: str, upstream: ScriptedUpstream) -> None:
    """Hop-by-hop and Reflex's own are dropped; everything else keeps its case, its order and its repeats."""
    upstream.answers(
        Reply(
            headers=[
                ("Content-Type", "application/json"),
                ("X-RateLimit-Remaining", "7"),
                ("Set-Cookie", "a=1"),
                ("Set-Cookie", "b=2"),
                ("Keep-Alive", "timeout=5"),
                ("Connection", "x-hop"),
                ("X-Hop", "dropped"),
                ("x-lower-CASE", "kept"),
            ],
            body=b"{}",
        )
    )
    sent = [
        "X-Zulu: 1",
        "x-alpha: 2",
        "X-MiXeD: a, b",
        "x-alpha: 3",
        "User-Agent: OpenAI/Python 9",
        "Accept-Encoding: gzip, br",
        "x-stainless-retry-count: 0",
    ]
    dropped = [
        "Connection: keep-alive, X-Private",
        "X-Private: secret",
        "Keep-Alive: 5",
        "TE: trailers",
        "Upgrade: h2c",
        "Proxy-Authorization: Basic eA==",
        "X-Reflex-Tenant: default",
        "X-Cache-TTL: 60",
        "X-Reflex-Tiers: exact",
        "X-Reflex-Format: json",
        "X-Bypass-Cache: 1",
    ]
    mixed = [line for pair in zip(sent, dropped, strict=False) for line in pair] + dropped[len(sent) :]
    for path in ("/v1/embed-me", "/v1/chat/completions"):
        upstream.seen.clear()
        with Wire(reflex) as wire:
            answer = wire.ask(post(chat(), *mixed, path=path))
        passed = [f"{name}: {value}" for name, value in upstream.seen[0].headers]
        assert [line for line in passed if line in sent] == sent
        names = {name.lower() for name, _ in upstream.seen[0].headers}
        assert names.isdisjoint(line.partition(":")[0].lower() for line in dropped)
        assert upstream.seen[0].header("authorization") == f"Bearer {KEY}"
        assert upstream.seen[0].header("host") == upstream.url.split("/")[2]
        assert answer.headers[:5] == [
            ("Content-Type", "application/json"),
            ("X-RateLimit-Remaining", "7"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("x-lower-CASE", "kept"),
        ]
        assert answer.header("x-hop") is None


def test_a_body_beyond_the_cached_limit_streams_through(reflex: str, upstream: ScriptedUpstream) -> None:
    body = chat("x" * 70_000_000)
    for request in (
        post(body),
        post(b"", "Transfer-Encoding: chunked", framed=False) + chunked(body, MIB),
    ):
        with Wire(reflex) as wire:
            sender = _send_aside(wire, request)
            answer = wire.answer()
            sender.join()
            assert (answer.told, answer.header("x-reflex-reason")) == ("bypass", "too-large")
            assert wire.ask(get("/healthz")).status == 200
        assert upstream.seen.pop().body == body


@pytest.mark.parametrize("started", [False, True])
def test_a_relayed_client_that_leaves_is_noticed_while_upstream_is_silent(tmp_path: Path, started: bool) -> None:
    """The call may cost money: it is given up, though the request's body was streamed through."""
    thinking, left = threading.Event(), threading.Event()

    def script(peer: Peer, _: int) -> None:
        peer.request()
        if started:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        thinking.set()
        if peer.socket.recv(1) == b"":
            left.set()

    with RawUpstream(script).running() as raw, daemon(settings_for(tmp_path / "storage", raw.url)) as runtime:
        for path in ("/v1/responses", "/v1/chat/completions"):
            with Wire(runtime.url) as wire:
                wire.send(post(chat(), path=path))
                assert thinking.wait(10)
                if started:
                    wire.head()
            assert left.wait(10)
            thinking.clear()
            left.clear()


# Content codings


def _deflate(body: bytes) -> bytes:
    return zlib.compress(body)


CODED = {"gzip": gzip.compress, "deflate": _deflate, "zstd": zstd.compress, "br": brotli.compress}


@pytest.mark.parametrize("coding", CODED)
def test_a_coded_request_is_keyed_like_the_plain_one(reflex: str, upstream: ScriptedUpstream, coding: str) -> None:
    coded = CODED[coding](chat())
    with Wire(reflex) as wire:
        assert wire.ask(post(coded, f"Content-Encoding: {coding}")).told == "miss"
        assert wire.ask(post(chat())).told == "hit-l1-exact"
        assert wire.ask(post(coded, f"Content-Encoding: {coding}")).told == "hit-l1-exact"
    assert upstream.seen[0].body == coded
    assert upstream.seen[0].header("content-encoding") == coding


@pytest.mark.parametrize("coding", ["gzip", "zstd", "snappy", "gzip, gzip"])
def test_a_request_in_a_coding_that_it_has_not_is_forwarded(
    reflex: str, upstream: ScriptedUpstream, coding: str
) -> None:
    with Wire(reflex) as wire:
        for _ in range(2):
            assert wire.ask(post(chat(), f"Content-Encoding: {coding}")).told == "bypass"
    assert [seen.body for seen in upstream.seen] == [chat(), chat()]


def test_a_bomb_is_forwarded_not_unpacked(reflex: str, upstream: ScriptedUpstream) -> None:
    bomb = gzip.compress(b" " * (200 * MIB))
    with Wire(reflex) as wire:
        assert wire.ask(post(bomb, "Content-Encoding: gzip")).told == "bypass"
    assert upstream.seen[0].body == bomb


@pytest.mark.parametrize("coding", ["gzip", "zstd", "br", "deflate"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_coded_answer_is_relayed_coded_and_stored_plain(
    reflex: str, upstream: ScriptedUpstream, coding: str, streamed: bool
) -> None:
    plain = b"".join(stream("a", "b")) if streamed else completion()
    coded = CODED[coding](plain)
    pieces = [coded[start : start + 11] for start in range(0, len(coded), 11)]
    kind = STREAM if streamed else [("Content-Type", "application/json")]
    upstream.answers(Reply(headers=[*kind, ("Content-Encoding", coding)], body=pieces if streamed else coded))
    request = post(chat(stream=True) if streamed else chat(), f"Accept-Encoding: {coding}")
    with Wire(reflex) as wire:
        miss, hit = wire.ask(request), wire.ask(request)
    assert (miss.told, miss.header("content-encoding"), miss.body) == ("miss", coding, coded)
    assert (hit.told, hit.header("content-encoding"), hit.body) == ("hit-l1-exact", None, plain)
    assert upstream.calls == 1


# Timing


def test_a_chunk_is_passed_on_while_the_next_is_held_back(reflex: str, upstream: ScriptedUpstream) -> None:
    gates = [threading.Event() for _ in range(3)]
    words = stream("a")
    upstream.answers(
        Reply(headers=STREAM, body=[words[0], gates[0], words[1], gates[1], b": comment\n\n", gates[2], *words[2:]])
    )
    for path in ("/v1/chat/completions", "/v1/responses"):
        for gate in gates:
            gate.clear()
        with Wire(reflex) as wire:
            wire.send(post(chat(stream=True, at=path), path=path))
            wire.head()
            for gate, expected in zip(gates, (words[0], words[1], b": comment\n\n"), strict=True):
                assert wire.chunk() == expected
                assert not gate.is_set()
                gate.set()
            assert wire.until(DONE).endswith(words[2] + DONE)


def test_half_an_event_is_passed_on_too(reflex: str, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    whole = event({"content": "halves"})
    upstream.answers(Reply(headers=STREAM, body=[whole[:9], gate, whole[9:], *stream()[-2:]]))
    with Wire(reflex) as wire:
        wire.send(post(chat(stream=True)))
        wire.head()
        assert wire.chunk() == whole[:9]
        gate.set()
        assert wire.until(DONE)


def test_a_client_that_closes_its_sending_side_has_left(reflex: str, upstream: ScriptedUpstream) -> None:
    """Half-closing cannot be told from leaving, and an answer nobody reads costs money. What is in the cache
    is sent all the same."""
    with Wire(reflex) as wire:
        wire.ask(post(chat()))
    with Wire(reflex) as wire:
        wire.send(post(chat()) * 3)
        wire.socket.shutdown(socket.SHUT_WR)
        assert [wire.answer().told for _ in range(3)] == ["hit-l1-exact"] * 3
        assert wire.is_closed()


def _send_aside(wire: Wire, data: bytes) -> threading.Thread:
    """Sends from a thread of its own, since an answer may come before all is sent; the connection's end stops it."""

    def send() -> None:
        try:
            wire.send(data)
        except OSError:
            return

    thread = threading.Thread(target=send)
    thread.start()
    return thread
