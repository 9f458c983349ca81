"""Identical requests at once, over real sockets: one upstream call, and nobody worse off for sharing it."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from reflexd_core.policy import OnLeave, Policy
from reflexd_core.states import State, Waiting
from reflexd_io import app, http, server
from reflexd_io.driver import Driver
from reflexd_io.settings import DEFAULT_TENANT
from support.daemon import daemon, settings_for
from support.upstream import Cut, Reply, ScriptedUpstream, Seen
from support.wire import (
    DONE,
    STREAM,
    USAGE,
    Peer,
    RawUpstream,
    Wire,
    chat,
    completion,
    event,
    eventually,
    post,
    stream,
)

CLIENTS = 20
OPTIONS = {"include_usage": True}


@pytest.fixture(params=["asyncio", "trio"])
def reflex(request: pytest.FixtureRequest, upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[str]:
    """A daemon in front of `upstream`, once on each event loop."""
    with daemon(settings_for(tmp_path / "storage", upstream.url), request.param) as runtime:
        yield runtime.url


@pytest.fixture(autouse=True)
def _drivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets `Crowd` see what the exchanges are doing, so that no test has to guess how long that takes."""

    def seen(**parts: Any) -> Driver:
        driver = Driver(**parts)
        DRIVERS.append(driver)
        return driver

    monkeypatch.setattr(app, "Driver", seen)
    yield
    DRIVERS.clear()


DRIVERS: list[Driver] = []


class Crowd:
    """Clients that asked and have not read yet."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stack = ExitStack()

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ask(self, request: bytes) -> Wire:
        wire = self._stack.enter_context(Wire(self._url))
        wire.send(request)
        return wire

    def joined(self, count: int) -> None:
        """Returns once exactly so many have joined a leader."""
        eventually(lambda: sum(isinstance(state, Waiting) for state in _states()) == count, f"{count} joined")

    def orphaned(self) -> None:
        """Returns once a leader goes on without its own client."""
        eventually(lambda: any(not getattr(state, "client_here", True) for state in _states()), "leaving")


def _states() -> list[State]:
    return [state for driver in DRIVERS for state in driver._exchanges._states.copy().values()]


def _held_stream(*gates: threading.Event | float) -> Reply:
    """Head and one word, then each gate before another word, then the end."""
    body: list[bytes | float | threading.Event] = [event({"role": "assistant", "content": "0"})]
    for number, gate in enumerate(gates, 1):
        body += [gate, event({"content": str(number)})]
    return Reply(headers=STREAM, body=[*body, event({}, "stop"), DONE])


def _gated(gate: threading.Event, reply: Reply) -> Callable[[Seen], Reply]:
    def script(_: Seen) -> Reply:
        gate.wait(30)
        return reply

    return script


@pytest.mark.parametrize("streamed", [False, True])
def test_twenty_at_once_make_one_call(reflex: str, upstream: ScriptedUpstream, streamed: bool) -> None:
    gate = threading.Event()
    whole = b"".join(stream("a", "b")) if streamed else completion()
    reply = Reply(headers=STREAM, body=stream("a", "b")) if streamed else Reply(body=completion())
    upstream.script = _gated(gate, reply)
    request = post(chat(stream=True) if streamed else chat())
    with Crowd(reflex) as crowd:
        wires = [crowd.ask(request) for _ in range(CLIENTS)]
        crowd.joined(CLIENTS - 1)
        gate.set()
        answers = [wire.answer() for wire in wires]
        assert [answer.body for answer in answers] == [whole] * CLIENTS
        assert all(answer.whole for answer in answers)
        assert [answer.header("content-type") for answer in answers] == [reply.headers[0][1]] * CLIENTS
        told = [answer.header("cache-status") for answer in answers]
        assert told.count("reflex; fwd=uri-miss; collapsed") == CLIENTS - 1
        assert [wire.ask(request).told for wire in wires] == ["hit-l1-exact"] * CLIENTS
    assert upstream.calls == 1


def test_twenty_that_start_together_make_one_call(reflex: str, upstream: ScriptedUpstream) -> None:
    """Without any ordering: some will join, some will hit, nobody pays twice."""
    upstream.answers(Reply(headers=STREAM, body=stream(*"abcdefgh")))
    together = threading.Barrier(CLIENTS)

    def one(_: int) -> bytes:
        with Wire(reflex) as wire:
            together.wait(10)
            return wire.ask(post(chat(stream=True))).body

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert set(pool.map(one, range(CLIENTS))) == {b"".join(stream(*"abcdefgh"))}
    assert upstream.calls == 1


def test_a_late_follower_gets_what_came_at_once_and_the_rest_as_it_comes(
    reflex: str, upstream: ScriptedUpstream
) -> None:
    first, second = threading.Event(), threading.Event()
    upstream.answers(_held_stream(first, second))
    with Crowd(reflex) as crowd:
        leader = crowd.ask(post(chat(stream=True)))
        leader.head()
        leader.until(b'"0"')
        first.set()
        leader.until(b'"1"')
        late = crowd.ask(post(chat(stream=True)))
        assert "collapsed" in (late.head().header("cache-status") or "")
        seen = late.until(b'"1"')
        assert b'"0"' in seen
        assert b'"2"' not in seen
        second.set()
        assert late.until(DONE).startswith(event({"content": "2"}))
        assert (late.chunk(), leader.until(DONE)[-14:], leader.chunk()) == (b"", DONE, b"")
    assert upstream.calls == 1


@pytest.mark.parametrize("leads_with_stream", [True, False])
def test_the_other_form_waits_and_is_converted(
    reflex: str, upstream: ScriptedUpstream, leads_with_stream: bool
) -> None:
    gate = threading.Event()
    streamed, plain = post(chat(stream=True, stream_options=OPTIONS)), post(chat())
    answer = [*stream("hi")[:-1], USAGE, DONE]
    reply = Reply(headers=STREAM, body=answer) if leads_with_stream else Reply(body=completion("hi"))
    upstream.script = _gated(gate, reply)
    with Crowd(reflex) as crowd:
        leader = crowd.ask(streamed if leads_with_stream else plain)
        eventually(lambda: upstream.calls)
        waiters = [crowd.ask(plain if leads_with_stream else streamed) for _ in range(3)]
        crowd.joined(3)
        gate.set()
        assert leader.answer().whole
        for waiter in waiters:
            got = waiter.answer()
            assert got.told == "hit-l1-exact"
            assert b"hi" in got.body
            if leads_with_stream:
                assert got.json()["object"] == "chat.completion"
            else:
                assert got.body.endswith(DONE)
    assert upstream.calls == 1


def test_a_leader_cut_before_its_first_byte_promotes_a_follower(tmp_path: Path) -> None:
    gate = threading.Event()

    def script(peer: Peer, number: int) -> None:
        while peer.request() is not None:
            if number == 0:
                gate.wait(30)
                peer.reset()
                return
            peer.reply(completion())

    with RawUpstream(script).running() as raw, daemon(settings_for(tmp_path / "s", raw.url)) as runtime:
        with Crowd(runtime.url) as crowd:
            leader = crowd.ask(post(chat()))
            eventually(lambda: raw.requests)
            followers = [crowd.ask(post(chat())) for _ in range(5)]
            waiter = crowd.ask(post(chat(stream=True, stream_options=OPTIONS)))
            crowd.joined(6)
            gate.set()
            failed = leader.answer()
            assert (failed.status, failed.header("x-should-retry")) == (502, None)
            answers = [wire.answer() for wire in followers]
            assert [answer.status for answer in answers] == [200] * 5
            assert {answer.body for answer in answers} == {completion()}
            assert waiter.answer().body.endswith(DONE)
        assert len(raw.requests) == 2


@pytest.mark.parametrize("status", [500, 503, 529])
def test_a_5xx_promotes_too(reflex: str, upstream: ScriptedUpstream, status: int) -> None:
    gate = threading.Event()

    def script(_: Seen) -> Reply:
        if upstream.calls > 1:
            return Reply(body=completion())
        gate.wait(30)
        return Reply(status, body=b'{"error":{"message":"overloaded"}}')

    upstream.script = script
    with Crowd(reflex) as crowd:
        leader = crowd.ask(post(chat()))
        eventually(lambda: upstream.calls)
        followers = [crowd.ask(post(chat())) for _ in range(5)]
        crowd.joined(5)
        gate.set()
        assert leader.answer().status == status
        assert [wire.answer().body for wire in followers] == [completion()] * 5
    assert upstream.calls == 2


@pytest.mark.parametrize("status", [400, 401, 429])
def test_what_the_provider_refuses_is_shared(reflex: str, upstream: ScriptedUpstream, status: int) -> None:
    gate = threading.Event()
    refusal = b'{"error":{"message":"no"}}'
    upstream.script = _gated(
        gate, Reply(status, [("content-type", "application/json"), ("Retry-After", "7")], body=refusal)
    )
    with Crowd(reflex) as crowd:
        wires = [crowd.ask(post(chat())) for _ in range(CLIENTS)]
        crowd.joined(CLIENTS - 1)
        gate.set()
        answers = [wire.answer() for wire in wires]
        assert {(answer.status, answer.body, answer.header("retry-after")) for answer in answers} == {
            (status, refusal, "7")
        }
        assert upstream.calls == 1
        assert wires[0].ask(post(chat())).told == "miss"
    assert upstream.calls == 2


def test_a_cut_after_the_first_byte_cuts_followers_too(reflex: str, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.answers(Reply(headers=STREAM, body=[event({"content": "0"}), gate, event({"content": "1"}), Cut]))
    with Crowd(reflex) as crowd:
        wires = [crowd.ask(post(chat(stream=True))) for _ in range(5)]
        for wire in wires:
            wire.head()
            wire.until(b'"0"')
        gate.set()
        for wire in wires:
            assert wire.chunk() == event({"content": "1"})
            assert wire.chunk() is None
    assert upstream.calls == 1


@pytest.mark.parametrize("started", [False, True])
def test_followers_stay_when_the_leaders_client_leaves(
    reflex: str, upstream: ScriptedUpstream, started: bool
) -> None:
    gate = threading.Event()
    reply = _held_stream(gate)
    upstream.script = (lambda _: reply) if started else _gated(gate, reply)
    with Crowd(reflex) as crowd:
        leader = crowd.ask(post(chat(stream=True)))
        eventually(lambda: upstream.calls)
        followers = [crowd.ask(post(chat(stream=True))) for _ in range(3)]
        if started:
            for wire in (leader, *followers):
                wire.head()
                wire.until(b'"0"')
        crowd.joined(3)
        leader.close()
        crowd.orphaned()
        gate.set()
        for wire in followers:
            if not started:
                wire.head()
            assert wire.until(DONE)
            assert wire.chunk() == b""
            assert wire.ask(post(chat(stream=True))).told == "hit-l1-exact"
    assert upstream.calls == 1


class Watched:
    """An upstream whose answer never goes on, and that says when the daemon gave it up."""

    def __init__(self, *, started: bool) -> None:
        self.given_up = threading.Event()
        self._started = started
        self.raw = RawUpstream(self._script)

    def _script(self, peer: Peer, _: int) -> None:
        peer.request()
        if self._started:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n")
            peer.send(event({"content": "0"}))
        try:
            if peer.socket.recv(1) == b"":
                self.given_up.set()
        except ConnectionError:
            self.given_up.set()


@pytest.mark.parametrize("started", [False, True])
def test_upstream_is_given_up_when_all_have_left(tmp_path: Path, started: bool) -> None:
    watched = Watched(started=started)
    with watched.raw.running(), daemon(settings_for(tmp_path / "s", watched.raw.url)) as runtime:
        with Crowd(runtime.url) as crowd:
            wires = [crowd.ask(post(chat(stream=True)))]
            eventually(lambda: watched.raw.requests)
            wires += [crowd.ask(post(chat(stream=True))) for _ in range(3)]
            other = crowd.ask(post(chat()))
            crowd.joined(4)
            for wire in (*wires[1:], other):
                wire.close()
            crowd.joined(0)
            assert not watched.given_up.is_set()
            wires[0].close()
            assert watched.given_up.wait(10)
        assert len(watched.raw.requests) == 1


def test_the_last_to_leave_may_be_a_follower(tmp_path: Path) -> None:
    watched = Watched(started=True)
    with watched.raw.running(), daemon(settings_for(tmp_path / "s", watched.raw.url)) as runtime:
        with Crowd(runtime.url) as crowd:
            leader = crowd.ask(post(chat(stream=True)))
            leader.head()
            follower = crowd.ask(post(chat(stream=True)))
            follower.head()
            leader.close()
            crowd.orphaned()
            assert not watched.given_up.is_set()
            late = crowd.ask(post(chat(stream=True)))
            late.head()
            follower.close()
            crowd.joined(1)
            assert not watched.given_up.is_set()
            late.close()
            assert watched.given_up.wait(10)
        assert len(watched.raw.requests) == 1


def test_with_on_leave_finish_the_answer_is_stored_though_all_have_left(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    gate = threading.Event()
    upstream.answers(_held_stream(gate))
    policy = Policy(on_leave=OnLeave.FINISH)
    settings = settings_for(tmp_path / "s", upstream.url, policy=policy, tenants={DEFAULT_TENANT: policy})
    with daemon(settings) as runtime, Crowd(runtime.url) as crowd:
        wires = [crowd.ask(post(chat(stream=True))) for _ in range(2)]
        for wire in wires:
            wire.head()
        for wire in wires:
            wire.close()
        crowd.orphaned()
        crowd.joined(0)
        gate.set()
        eventually(lambda: crowd.ask(post(chat(stream=True), "Cache-Control: only-if-cached")).answer().status == 200)
    assert upstream.calls == 1


@pytest.mark.parametrize("slow_leads", [True, False])
def test_a_slow_client_does_not_slow_the_others(reflex: str, upstream: ScriptedUpstream, slow_leads: bool) -> None:
    """The answer is far larger than what sockets and windows hold, and one client reads nothing of it."""
    gate = threading.Event()
    words = [event({"content": "x" * 100_000}) for _ in range(100)]
    upstream.answers(Reply(headers=STREAM, body=[event({"content": "0"}), gate, *words, event({}, "stop"), DONE]))
    request = post(chat(stream=True))
    with Wire(reflex, receive_buffer=4096) as slow, Wire(reflex) as quick:
        order = (slow, quick) if slow_leads else (quick, slow)
        for wire in order:
            wire.send(request)
            wire.head()
        gate.set()
        whole = event({"content": "0"}) + b"".join(words) + event({}, "stop") + DONE
        assert quick.answer_body() == whole
        assert quick.ask(request).told == "hit-l1-exact"
        assert slow.answer_body() == whole
    assert upstream.calls == 1


def test_a_leader_whose_client_is_hung_up_on_goes_on_for_the_others(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that reads nothing for too long counts as one that left."""
    monkeypatch.setattr(http, "WRITE_TIMEOUT", 0.5)
    monkeypatch.setattr(server, "SWEEP", 0.02)
    first, second = threading.Event(), threading.Event()
    words = [*(event({"content": "x" * 100_000}) for _ in range(100)), event({"content": "last word"})]
    upstream.answers(
        Reply(headers=STREAM, body=[event({"content": "0"}), first, *words, second, event({}, "stop"), DONE])
    )
    request = post(chat(stream=True))
    with (
        daemon(settings_for(tmp_path / "s", upstream.url)) as runtime,
        Crowd(runtime.url) as crowd,
        Wire(runtime.url, receive_buffer=4096) as slow,
    ):
        slow.send(request)
        slow.head()
        quick = crowd.ask(request)
        quick.head()
        first.set()
        quick.until(words[-1])
        crowd.orphaned()
        second.set()
        assert quick.answer_body() == event({}, "stop") + DONE
        assert quick.ask(request).told == "hit-l1-exact"
    assert upstream.calls == 1


def test_a_slow_client_alone_throttles_upstream(reflex: str, upstream: ScriptedUpstream) -> None:
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(400):
            yield event({"content": "x" * 100_000})
            sent += 1
        yield event({}, "stop")
        yield DONE

    upstream.script = lambda _: Reply(headers=STREAM, body=pieces())
    with Wire(reflex, receive_buffer=4096) as slow:
        slow.send(post(chat(stream=True)))
        slow.head()
        before = -1
        while sent != before:
            before = sent
            time.sleep(0.25)
        assert sent < 300
        assert slow.answer_body().endswith(DONE)
    assert sent == 400


@pytest.mark.parametrize(
    "header",
    [
        "X-Bypass-Cache: true",
        "Cache-Control: no-cache",
        "Cache-Control: no-store",
        "Cache-Control: max-age=60",
        "X-Stainless-Retry-Count: 1",
    ],
)
@pytest.mark.parametrize("leads", [True, False])
def test_these_are_never_joined(reflex: str, upstream: ScriptedUpstream, header: str, leads: bool) -> None:
    gate = threading.Event()
    upstream.script = _gated(gate, Reply(body=completion()))
    special, ordinary = post(chat(), header), post(chat())
    with Crowd(reflex) as crowd:
        wires = [crowd.ask(special if leads else ordinary)]
        eventually(lambda: upstream.calls == 1)
        wires.append(crowd.ask(ordinary if leads else special))
        eventually(lambda: upstream.calls == 2)
        gate.set()
        assert [wire.answer().body for wire in wires] == [completion()] * 2


def test_different_questions_keys_and_streams_are_never_joined(reflex: str, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    upstream.script = _gated(gate, Reply(body=completion()))
    others = [
        post(chat()),
        post(chat("hello ")),
        post(chat(temperature=0.5)),
        post(chat(), "Authorization: Bearer sk-proj-another-key-0123456789"),
        post(chat(), "OpenAI-Beta: x=v1"),
        post(chat(), path="/v1/chat/completions?x=1"),
    ]
    with Crowd(reflex) as crowd:
        wires = [crowd.ask(request) for request in others]
        eventually(lambda: upstream.calls == len(others))
        gate.set()
        assert all(wire.answer().status == 200 for wire in wires)


@pytest.mark.parametrize("accepted", [None, "identity", "br", "gzip;q=0", "*;q=0"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_follower_that_does_not_read_the_leaders_coding_gets_plain_bytes(
    reflex: str, upstream: ScriptedUpstream, accepted: str | None, streamed: bool
) -> None:
    gate = threading.Event()
    plain = b"".join(stream("a")) if streamed else completion()
    coded = gzip.compress(plain)
    kind = STREAM if streamed else [("Content-Type", "application/json")]
    headers = [*kind, ("Content-Encoding", "gzip")]
    upstream.script = _gated(gate, Reply(headers=headers, body=[coded[:20], coded[20:]] if streamed else coded))
    body = chat(stream=True) if streamed else chat()
    with Crowd(reflex) as crowd:
        leader = crowd.ask(post(body, "Accept-Encoding: gzip"))
        eventually(lambda: upstream.calls)
        follower = crowd.ask(post(body, *([f"Accept-Encoding: {accepted}"] if accepted else [])))
        alike = crowd.ask(post(body, "Accept-Encoding: br;q=1.0, GZIP;q=0.8, *;q=0.1"))
        crowd.joined(2)
        gate.set()
        read = leader.answer()
        assert (read.header("content-encoding"), read.body) == ("gzip", coded)
        read = alike.answer()
        assert (read.header("content-encoding"), read.body) == ("gzip", coded)
        read = follower.answer()
        assert (read.header("content-encoding"), read.body) == (None, plain)
    assert upstream.calls == 1


@pytest.mark.parametrize("form", ["body", "chunked body", "stream", "stream without a blank line at its end"])
def test_the_next_request_on_the_connection_is_always_a_hit(
    reflex: str, upstream: ScriptedUpstream, form: str
) -> None:
    """Two hundred times: the answer is in memory before its last byte leaves."""
    replies = {
        "body": Reply(body=completion()),
        "chunked body": Reply(body=[completion()[:50], completion()[50:]]),
        "stream": Reply(headers=STREAM, body=stream("a")),
        "stream without a blank line at its end": Reply(headers=STREAM, body=[*stream("a")[:-1], DONE.strip()]),
    }
    upstream.answers(replies[form])
    with Wire(reflex) as wire:
        for number in range(200):
            request = post(chat(f"question {number}", **({"stream": True} if "stream" in form else {})))
            miss, hit = wire.ask(request), wire.ask(request)
            assert (miss.told, hit.told) == ("miss", "hit-l1-exact"), number
            assert miss.body == hit.body
    assert upstream.calls == 200


def test_a_second_client_hits_as_soon_as_the_first_has_read_done(reflex: str, upstream: ScriptedUpstream) -> None:
    """SDKs stop reading at ``[DONE]`` and ask again, maybe on another connection, before the response is over."""
    gate = threading.Event()
    upstream.answers(Reply(headers=STREAM, body=[*stream("a"), gate]))
    try:
        with Wire(reflex) as first, Wire(reflex) as second:
            first.send(post(chat(stream=True)))
            first.head()
            first.until(DONE)
            assert second.ask(post(chat(stream=True))).told == "hit-l1-exact"
    finally:
        gate.set()
    assert upstream.calls == 1


def test_followers_of_an_answer_too_large_to_keep_get_it_whole(reflex: str, upstream: ScriptedUpstream) -> None:
    gate = threading.Event()
    words = [event({"content": "x" * 500_000}) for _ in range(40)]
    upstream.answers(Reply(headers=STREAM, body=[event({"content": "0"}), gate, *words, event({}, "stop"), DONE]))
    request = post(chat(stream=True))
    whole = event({"content": "0"}) + b"".join(words) + event({}, "stop") + DONE
    with Crowd(reflex) as crowd:
        wires = [crowd.ask(request) for _ in range(3)]
        for wire in wires:
            wire.head()
        gate.set()
        with ThreadPoolExecutor(3) as pool:
            bodies = list(pool.map(Wire.answer_body, wires))
        assert [body == whole for body in bodies] == [True] * 3
        assert upstream.calls == 1
        gate.set()
        assert wires[0].ask(request).told == "miss"
    assert upstream.calls == 2
