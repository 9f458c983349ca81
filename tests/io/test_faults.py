"""Everything that breaks, over real sockets and a real SQLite file: the client gets what it would have had anyway."""

import json
import os
import random
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reflexd_io import app, flight, replies
from reflexd_io.store import Store
from reflexd_io.store import writer as store_writer
from reflexd_io.upstream import UpstreamClient
from support.daemon import daemon, settings_for
from support.process import command, environment, serving
from support.upstream import Cut, Reply, ScriptedUpstream, Seen
from support.wire import (
    DONE,
    STREAM,
    Answer,
    Peer,
    RawUpstream,
    Wire,
    chat,
    completion,
    event,
    eventually,
    get,
    post,
    stream,
)

STREAMED = chat(stream=True)


@pytest.fixture(params=["asyncio", "trio"])
def reflex(request: pytest.FixtureRequest, upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[str]:
    """A daemon in front of `upstream`, once on each event loop."""
    with daemon(settings_for(tmp_path / "storage", upstream.url), request.param) as runtime:
        yield runtime.url


@contextmanager
def in_front_of(script: Callable[[Peer, int], None], storage: Path) -> Iterator[tuple[str, RawUpstream]]:
    with RawUpstream(script).running() as raw, daemon(settings_for(storage, raw.url)) as runtime:
        yield runtime.url, raw


def ask(url: str, body: bytes, *headers: str, path: str = "/v1/chat/completions") -> Answer:
    with Wire(url) as wire:
        return wire.ask(post(body, *headers, path=path))


def is_stored(url: str, body: bytes) -> bool:
    answer = ask(url, body, "Cache-Control: only-if-cached")
    assert answer.status in (200, 504)
    return answer.status == 200


def ready(url: str) -> dict[str, Any]:
    with Wire(url) as wire:
        answer = wire.ask(get("/ready"))
    assert answer.status == 200
    return answer.json()


def is_retryable_error(answer: Answer, status: int) -> None:
    """In OpenAI's shape, and nothing that tells an SDK not to try again."""
    assert answer.status == status
    assert answer.header("x-should-retry") is None
    error = answer.json()["error"]
    assert isinstance(error, dict)
    assert set(error) == {"message", "type", "param", "code"}


# Upstream


@pytest.mark.parametrize("body", [chat(), STREAMED, b"{"])
def test_an_upstream_that_refuses_gets_502(tmp_path: Path, body: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with daemon(settings_for(tmp_path / "s", f"http://127.0.0.1:{port}/v1")) as runtime:
        for path in ("/v1/chat/completions", "/v1/responses"):
            is_retryable_error(ask(runtime.url, body, path=path), 502)
        with Wire(runtime.url) as wire:
            is_retryable_error(wire.ask(get("/v1/models")), 502)
            assert wire.ask(get("/healthz")).status == 200


@pytest.mark.parametrize("sent", [b"", b"H", b"HTTP/1.1 200 OK\r\nContent-Le", b"nonsense\r\n\r\n"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_an_answer_that_breaks_before_its_head_is_over_gets_502_and_no_second_call(
    tmp_path: Path, sent: bytes, path: str
) -> None:
    def script(peer: Peer, _: int) -> None:
        peer.request()
        peer.send(sent)
        if sent:
            peer.close()
        else:
            peer.reset()

    with in_front_of(script, tmp_path / "s") as (url, raw):
        is_retryable_error(ask(url, chat(), path=path), 502)
        assert raw.requests == [chat()]
        assert not is_stored(url, chat())


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_a_stream_that_is_cut_is_cut_for_the_client_too(reflex: str, upstream: ScriptedUpstream, path: str) -> None:
    upstream.answers(Reply(headers=STREAM, body=[*stream("a", "b")[:3], Cut]))
    answer = ask(reflex, STREAMED, path=path)
    assert (answer.status, answer.whole, answer.body) == (200, False, b"".join(stream("a", "b")[:3]))
    assert not is_stored(reflex, STREAMED)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_a_body_that_is_cut_is_cut_for_the_client_too(tmp_path: Path, path: str) -> None:
    def script(peer: Peer, _: int) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n" + completion())

    with in_front_of(script, tmp_path / "s") as (url, raw):
        answer = ask(url, chat(), path=path)
        assert (answer.status, answer.whole, answer.body) == (200, False, completion())
        assert not is_stored(url, chat())
        assert len(raw.requests) == 1


def test_a_stream_whose_end_was_seen_is_stored_though_it_is_cut_behind_it(
    reflex: str, upstream: ScriptedUpstream
) -> None:
    upstream.answers(Reply(headers=STREAM, body=[*stream("a"), Cut]))
    answer = ask(reflex, STREAMED)
    assert (answer.whole, answer.body) == (False, b"".join(stream("a")))
    assert is_stored(reflex, STREAMED)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
@pytest.mark.parametrize("reused", [False, True])
def test_a_silent_upstream_gets_504_and_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, reused: bool
) -> None:
    """On a reused connection too: silence is no sign that the call did not arrive."""
    monkeypatch.setattr(app, "UpstreamClient", partial(UpstreamClient, read_timeout=0.2))

    def script(peer: Peer, _: int) -> None:
        while (body := peer.request()) is not None:
            if b"silence" not in body:
                peer.reply(completion())

    with in_front_of(script, tmp_path / "s") as (url, raw):
        if reused:
            assert ask(url, chat(), path=path).status == 200
        is_retryable_error(ask(url, chat("silence"), path=path), 504)
        assert raw.requests.count(chat("silence")) == 1


def test_an_upstream_that_falls_silent_in_mid_stream_is_cut(
    reflex: str, upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "UpstreamClient", partial(UpstreamClient, read_timeout=0.2))
    gate = threading.Event()
    upstream.answers(Reply(headers=STREAM, body=[stream()[0], gate]))
    with daemon(settings_for(tmp_path / "other", upstream.url)) as runtime:
        answer = ask(runtime.url, STREAMED)
        assert (answer.whole, answer.body) == (False, stream()[0])
    gate.set()


BROKEN_STREAMS = {
    "error event": [*stream("a")[:2], b'data: {"error":{"message":"overloaded"}}\n\n', event({}, "stop"), DONE],
    "named error event": [*stream("a")[:2], b'event: error\ndata: {"message":"no"}\n\n', event({}, "stop"), DONE],
    "no finish": [*stream("a")[:2], DONE],
    "no done": stream("a")[:-1],
    "filtered": [*stream("a")[:2], event({}, "content_filter"), DONE],
    "not json": [*stream("a")[:2], b"data: {nonsense\n\n", event({}, "stop"), DONE],
    "too deep": [*stream("a")[:2], b"data: " + b"[" * 10_000 + b"]" * 10_000 + b"\n\n", event({}, "stop"), DONE],
    "not utf-8": [*stream("a")[:2], b'data: {"x":"\xff"\n\n', event({}, "stop"), DONE],
    "nothing": [],
}


@pytest.mark.parametrize("name", BROKEN_STREAMS)
def test_streams_that_are_relayed_but_never_stored(reflex: str, upstream: ScriptedUpstream, name: str) -> None:
    upstream.answers(Reply(headers=STREAM, body=BROKEN_STREAMS[name]))
    answer = ask(reflex, STREAMED)
    assert (answer.status, answer.whole, answer.body) == (200, True, b"".join(BROKEN_STREAMS[name]))
    assert not is_stored(reflex, STREAMED)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 10_000 + b"]" * 10_000,
        completion(error={"message": "no"}),
        completion(choices=[]),
        completion()[:-1],
        completion().replace(b'"stop"', b"null"),
        completion().replace(b'"stop"', b'"content_filter"'),
    ],
)
def test_bodies_that_are_relayed_but_never_stored(reflex: str, upstream: ScriptedUpstream, body: bytes) -> None:
    upstream.answers(Reply(body=body))
    answer = ask(reflex, chat())
    assert (answer.status, answer.whole, answer.body) == (200, True, body)
    assert not is_stored(reflex, chat())


@pytest.mark.parametrize("status", [201, 204, 301, 400, 401, 404, 429, 500, 503, 529])
@pytest.mark.parametrize("body", [chat(), STREAMED])
def test_other_statuses_pass_unchanged_and_are_never_stored(
    reflex: str, upstream: ScriptedUpstream, status: int, body: bytes
) -> None:
    said = b"" if status == 204 else completion()
    headers = [
        ("content-type", "application/json"),
        ("Retry-After", "20"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-should-retry", "true"),
        ("x-request-id", "req_1"),
        ("Location", "https://example.com/"),
    ]
    upstream.answers(Reply(status, headers, body=said))
    for _ in range(2):
        answer = ask(reflex, body)
        assert (answer.status, answer.body, answer.told) == (status, said, "miss")
        assert [pair for pair in answer.headers if pair in headers] == headers
    assert upstream.calls == 2


def test_a_stale_pooled_connection_is_tried_again_once(tmp_path: Path) -> None:
    """The server had let it time out just when it was used: it closes having read the request, without a byte."""

    def script(peer: Peer, number: int) -> None:
        peer.request()
        peer.reply(completion())
        peer.request()
        if number:
            peer.reply(completion("again"))

    with in_front_of(script, tmp_path / "s") as (url, raw):
        assert ask(url, chat("one")).status == 200
        assert ask(url, chat("two")).status == 200
        assert raw.requests == [chat("one"), chat("two"), chat("two")]
        assert raw.connections == 2


@pytest.mark.parametrize("sent", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_a_reused_connection_that_breaks_after_any_byte_is_not_tried_again(
    tmp_path: Path, sent: bytes, path: str
) -> None:
    def script(peer: Peer, _: int) -> None:
        peer.request()
        peer.reply(completion())
        peer.request()
        peer.send(sent)
        peer.close()

    with in_front_of(script, tmp_path / "s") as (url, raw):
        assert ask(url, chat("one"), path=path).status == 200
        is_retryable_error(ask(url, chat("two"), path=path), 502)
        assert raw.requests == [chat("one"), chat("two")]


def test_an_upstream_that_comes_back_is_used_again(tmp_path: Path) -> None:
    """Nothing remembers a failure."""

    def script(peer: Peer, number: int) -> None:
        while peer.request() is not None:
            if number == 0:
                peer.reset()
                return
            peer.reply(completion())

    with in_front_of(script, tmp_path / "s") as (url, _), Wire(url) as wire:
        is_retryable_error(wire.ask(post(chat())), 502)
        assert wire.ask(post(chat())).told == "miss"
        assert wire.ask(post(chat())).told == "hit-l1-exact"


# Requests that cannot be read


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"[]",
        b'"text"',
        b'{"model":"m","messages":[],"model":"n"}',
        b'{"model":"m","messages":[],"temperature":1e400}',
        b'{"model":"m","messages":[],"seed":NaN}',
        b'{"model":"m","messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"model":"m","messages":"\xff\xfe"}',
        b"\xef\xbb\xbf" + chat(),
        b'{"model":"m","messages":"\\ud800"}',
        chat()[:-1] + b"\0}",
        b"\xff" * 2_000_000,
    ],
)
def test_what_cannot_be_compared_is_forwarded_byte_for_byte_and_never_cached(
    reflex: str, upstream: ScriptedUpstream, body: bytes
) -> None:
    upstream.answers(Reply(body=completion()))
    with Wire(reflex) as wire:
        for _ in range(2):
            answer = wire.ask(post(body))
            assert (answer.status, answer.told, answer.body) == (200, "bypass", completion())
    assert [seen.body == body for seen in upstream.seen] == [True, True]


@pytest.mark.parametrize("body", [b'{"model":1,"messages":7}', b"{}", b'{"messages":[null,[],{"role":5}]}'])
def test_what_no_provider_takes_is_forwarded_too(reflex: str, upstream: ScriptedUpstream, body: bytes) -> None:
    upstream.answers(Reply(400, body=b'{"error":{"message":"invalid"}}'))
    for _ in range(2):
        answer = ask(reflex, body)
        assert (answer.status, answer.told) == (400, "miss")
    assert [seen.body for seen in upstream.seen] == [body, body]


# Clients that leave


def test_a_client_that_leaves_in_mid_stream_ends_the_upstream_call(tmp_path: Path) -> None:
    left = threading.Event()

    def script(peer: Peer, _: int) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n" + stream()[0])
        if peer.socket.recv(1) == b"":
            left.set()

    with in_front_of(script, tmp_path / "s") as (url, _):
        with Wire(url) as wire:
            wire.send(post(STREAMED))
            wire.head()
        assert left.wait(10)
        assert not is_stored(url, STREAMED)


def test_a_client_that_leaves_right_after_done_leaves_a_stored_answer(
    reflex: str, upstream: ScriptedUpstream
) -> None:
    """As SDKs do: they do not wait for the connection's own end."""
    gate = threading.Event()
    upstream.answers(Reply(headers=STREAM, body=[*stream("a"), gate]))
    try:
        with Wire(reflex) as wire:
            wire.send(post(STREAMED))
            wire.head()
            wire.until(DONE)
        assert is_stored(reflex, STREAMED)
    finally:
        gate.set()


def test_a_client_that_leaves_while_its_request_is_read(reflex: str, upstream: ScriptedUpstream) -> None:
    for data in (b"GET /hea", post(chat())[:-3], post(b"", "Transfer-Encoding: chunked", framed=False)):
        with Wire(reflex) as wire:
            wire.send(data)
    with Wire(reflex) as wire:
        wire.send(post(chat(), path="/v1/files")[:-3])
    assert ready(reflex)["status"] == "ok"
    assert all(seen.target == "/v1/files" for seen in upstream.seen)


# Bugs of ours


def _fails(*_: object, **__: object) -> None:
    raise RuntimeError("a bug")


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Store, "get"), (flight.Flights, "fly"), (app.Driver, "serve"), (replies, "relay"), (app.Memory, "known")],
)
@pytest.mark.parametrize("body", [chat(), STREAMED])
def test_a_bug_costs_the_cache_never_the_answer(
    reflex: str, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, body: bytes
) -> None:
    upstream.answers(Reply(body=completion()))
    monkeypatch.setattr(owner, name, _fails)
    answer = ask(reflex, body)
    assert (answer.status, answer.body, answer.header("x-reflex-reason")) == (200, completion(), "internal-error")
    monkeypatch.undo()
    assert ask(reflex, body).status == 200


def test_an_answer_that_cannot_be_watched_is_relayed(
    reflex: str, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.answers(Reply(headers=STREAM, body=stream("a")))
    monkeypatch.setattr("reflexd_core.dialects.chat_answer.StreamWatch.feed", _fails)
    answer = ask(reflex, STREAMED)
    assert (answer.status, answer.whole, answer.body) == (200, True, b"".join(stream("a")))
    monkeypatch.undo()
    assert not is_stored(reflex, STREAMED)


# The store


def _echo(seen: Seen) -> Reply:
    return Reply(body=completion(json.loads(seen.body)["messages"][-1]["content"]))


def _file(storage: Path) -> Path:
    (path,) = (storage / "tenants").glob("*.sqlite3")
    return path


@pytest.fixture
def filled(upstream: ScriptedUpstream, tmp_path: Path) -> Path:
    """A storage folder that holds one answer, and nobody serving it."""
    upstream.script = _echo
    storage = tmp_path / "filled"
    with daemon(settings_for(storage, upstream.url)) as runtime:
        assert ask(runtime.url, chat("stored")).status == 200
    return storage


def _is_degraded_but_answers(url: str, upstream: ScriptedUpstream) -> None:
    for question in ("stored", "new", "newer"):
        assert ask(url, chat(question)).body == completion(question)
    eventually(lambda: ready(url)["status"] == "degraded", "degraded")
    component = ready(url)["components"]["storage"]
    assert component["status"] == "degraded"
    assert component["problems"]
    upstream.answers(Reply(headers=STREAM, body=stream("a")))
    assert ask(url, STREAMED).body == b"".join(stream("a"))
    assert ask(url, STREAMED).told == "hit-l1-exact"


def test_a_file_of_random_bytes_is_left_alone(filled: Path, upstream: ScriptedUpstream) -> None:
    noise = random.Random(1).randbytes(100_000)
    _file(filled).write_bytes(noise)
    with daemon(settings_for(filled, upstream.url)) as runtime:
        _is_degraded_but_answers(runtime.url, upstream)
    assert _file(filled).read_bytes() == noise


def test_a_file_whose_pages_are_damaged_is_left_alone(filled: Path, upstream: ScriptedUpstream) -> None:
    path = _file(filled)
    whole = path.read_bytes()
    damaged = whole[:4096] + random.Random(1).randbytes(len(whole) - 4096)
    path.write_bytes(damaged)
    with daemon(settings_for(filled, upstream.url)) as runtime:
        _is_degraded_but_answers(runtime.url, upstream)
    assert path.read_bytes()[4096:] == damaged[4096:]


def test_a_file_of_a_newer_version_is_left_alone(filled: Path, upstream: ScriptedUpstream) -> None:
    path = _file(filled)
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO migrations (name) VALUES ('9999-from-the-future')")
        db.execute("ALTER TABLE entries ADD COLUMN mystery TEXT DEFAULT 'x'")
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()
    with daemon(settings_for(filled, upstream.url)) as runtime:
        _is_degraded_but_answers(runtime.url, upstream)
        assert "newer version" in str(ready(runtime.url))
    assert path.read_bytes() == before


LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
if sys.argv[2] == "readers too":
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
db.execute("BEGIN EXCLUSIVE")
db.execute("UPDATE entries SET hits = hits")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("whom", ["writers", "readers too"])
def test_a_file_that_another_process_locks(
    filled: Path, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, whom: str
) -> None:
    """Answers come at once all the same, and storing goes on once the lock is gone."""
    monkeypatch.setattr(store_writer, "_LOCK_WAIT", 0.05)
    locker = subprocess.Popen(
        [sys.executable, "-c", LOCK, str(_file(filled)), whom], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert locker.stdout is not None
    assert locker.stdin is not None
    assert locker.stdout.readline() == b"locked\n"
    with locker, daemon(settings_for(filled, upstream.url)) as runtime:
        _is_degraded_but_answers(runtime.url, upstream)
        locker.stdin.close()
        locker.wait(10)
        upstream.script = _echo
        assert ask(runtime.url, chat("after")).status == 200
        eventually(lambda: ready(runtime.url)["status"] == "ok", "storing again")
    assert {"stored", "after"} <= _questions(_file(filled))


def test_a_backlog_behind_a_lock_is_given_up_together(
    filled: Path, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty answers do not wait for the lock one after the other, or a stop would have to wait for them all."""
    monkeypatch.setattr(store_writer, "_LOCK_WAIT", 0.5)
    with closing(sqlite3.connect(_file(filled), isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        with daemon(settings_for(filled, upstream.url)) as runtime:
            with Wire(runtime.url) as wire:
                for number in range(50):
                    assert wire.ask(post(chat(f"question {number}"))).status == 200
            asked = time.monotonic()
        assert time.monotonic() - asked < 8


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Permissions do not stop root, a mount does. Skips where neither is to be had."""
    if os.geteuid() != 0:
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(0o700)
        return
    if (
        shutil.which("mount") is None
        or subprocess.call(["mount", "--bind", folder, folder], stderr=subprocess.DEVNULL) != 0
    ):
        pytest.skip("root may write anywhere, and nothing can be mounted here")
    try:
        subprocess.check_call(["mount", "-o", "remount,ro,bind", folder])
        yield
    finally:
        subprocess.check_call(["umount", folder])


def test_a_folder_that_cannot_be_written(filled: Path, upstream: ScriptedUpstream) -> None:
    path = _file(filled)
    path.chmod(0o400)
    before = path.read_bytes()
    with _read_only(path.parent), daemon(settings_for(filled, upstream.url)) as runtime:
        _is_degraded_but_answers(runtime.url, upstream)
    assert path.read_bytes() == before


def test_a_full_disk(filled: Path, upstream: ScriptedUpstream) -> None:
    """No file may grow beyond a size: to SQLite that is a disk that is full."""
    limit = _file(filled).stat().st_size + 100_000
    noise = random.Random(1)

    def fill(seen: Seen) -> Reply:
        return Reply(body=completion(noise.randbytes(30_000).hex()))

    upstream.script = fill
    with serving(filled, upstream.url, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) as p:
        for number in range(30):
            assert ask(p.url, chat(f"question {number}")).status == 200
        eventually(lambda: ready(p.url)["status"] == "degraded", "degraded")
        assert ask(p.url, chat("stored")).told == "hit-l1-exact"
        assert ask(p.url, chat("one more")).status == 200
        p.terminate()
        assert p.popen.wait(20) == 0
    assert "stored" in _questions(_file(filled))


def _questions(path: Path) -> set[str]:
    """The questions of all entries in a sound file, whoever serves it."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {question for (question,) in db.execute("SELECT question FROM texts")}


def _announced(storage: Path) -> set[str]:
    """What any other process sees as stored, at this moment."""
    try:
        with closing(sqlite3.connect(f"{_file(storage).as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            return {question for (question,) in db.execute("SELECT question FROM texts")}
    except (sqlite3.Error, ValueError):  # not made yet
        return set()


def _write_for_ever(url: str, names: Iterator[int], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with Wire(url) as wire:
                while not stop.is_set():
                    wire.ask(post(chat(f"question {next(names)}", padding="x" * 2000)))
        except (OSError, AssertionError, ValueError):
            continue


def test_kill_9_loses_nothing_that_was_announced(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.script = _echo
    storage = tmp_path / "s"
    announced: set[str] = set()
    names = iter(range(10**9))
    moment = random.Random(7)
    for _ in range(6):
        stop = threading.Event()
        with serving(storage, upstream.url) as process:
            for question in sorted(announced)[:: max(1, len(announced) // 20)]:
                answer = ask(process.url, chat(question, padding="x" * 2000), "Cache-Control: only-if-cached")
                assert (answer.status, answer.body) == (200, completion(question))
            work = (process.url, names, stop)
            writers = [threading.Thread(target=_write_for_ever, args=work, daemon=True) for _ in range(8)]
            for thread in writers:
                thread.start()
            wanted = len(announced) + moment.randint(1, 150)
            eventually(lambda wanted=wanted: len(_announced(storage)) >= wanted, "writing")
            announced |= _announced(storage)
            process.kill()
            stop.set()
            for thread in writers:
                thread.join(20)
        assert announced <= _questions(_file(storage))


# The process


def test_sigterm_finishes_what_is_under_way(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    gate = threading.Event()
    words = stream("a", "b")
    upstream.answers(Reply(headers=STREAM, body=[words[0], gate, *words[1:]]))
    with serving(tmp_path / "s", upstream.url) as process, Wire(process.url) as wire, Wire(process.url) as idle:
        assert idle.ask(get("/healthz")).status == 200
        wire.send(post(STREAMED))
        wire.head()
        assert wire.chunk() == words[0]
        process.terminate()
        assert idle.is_closed()
        eventually(lambda: _refuses(process.url), "closing the port")
        assert process.popen.poll() is None
        gate.set()
        assert wire.until(DONE)
        assert wire.chunk() == b""
        assert wire.is_closed()
        assert process.popen.wait(20) == 0
    assert len(_questions(_file(tmp_path / "s"))) == 1
    assert not (tmp_path / "s" / "runtime.json").exists()


def _refuses(url: str) -> bool:
    try:
        with Wire(url):
            return False
    except ConnectionRefusedError:
        return True


def test_a_second_instance_says_so_in_one_line(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    with serving(tmp_path / "s", upstream.url) as process:
        second = subprocess.run(
            command(tmp_path / "s"),
            env=environment(upstream.url),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (second.returncode, second.stdout, second.stderr.count("\n")) == (1, "", 1)
        assert f"pid {process.popen.pid}" in second.stderr
        assert ready(process.url)["status"] == "ok"


def test_after_kill_9_the_next_instance_starts(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    for _ in range(2):
        with serving(tmp_path / "s", upstream.url) as process:
            assert ready(process.url)["status"] == "ok"
            process.kill()
