"""The journal: one record of each exchange, told to its client by name, and to people who look."""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from reflexd_core.policy import KeepRequest, Policy
from reflexd_io import events, journal, server
from reflexd_io.control import listening
from reflexd_io.control_client import BlockingClient, Client, Place, Refused, calls
from reflexd_io.control_client.shapes.events import Event, ExchangeEvent, HealthEvent, StoredEvent
from reflexd_io.control_client.shapes.exchanges import ExchangeDetail, ExchangeQuery, ExchangeRow
from support.daemon import daemon, settings_for
from support.upstream import Cut, Reply, ScriptedUpstream
from support.wire import STREAM, Answer, Wire, chat, completion, event, eventually, get, post, stream

CLAUDE = ("User-Agent: claude-cli/2.1.197 (external, cli)", "X-Claude-Code-Session-Id: s-1")


@dataclass
class Daemon:
    place: Place

    def ask(self, body: bytes, *headers: str, path: str = "/v1/chat/completions") -> Answer:
        with Wire(self.place.url) as wire:
            return wire.ask(post(body, *headers, path=path))

    def rows(self, **query: object) -> list[ExchangeRow]:
        return self.page(ExchangeQuery(**query))  # type: ignore[arg-type]

    def page(self, query: ExchangeQuery) -> list[ExchangeRow]:
        return BlockingClient(self.place).do(calls.list_exchanges(query)).items

    def detail(self, answer: Answer) -> ExchangeDetail:
        return BlockingClient(self.place).do(calls.exchange(answer.header("x-reflex-exchange") or "none"))


@pytest.fixture
def reflex(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[Daemon]:
    upstream.answers(Reply(body=completion()))
    with daemon(settings_for(tmp_path / "s", upstream.url)) as runtime:
        yield Daemon(Place(runtime.url, runtime.admin_token))


def test_every_response_of_a_cached_dialect_is_named_and_noted(upstream: ScriptedUpstream, reflex: Daemon) -> None:
    asked = [
        reflex.ask(chat()),
        reflex.ask(chat()),
        reflex.ask(chat(), "Cache-Control: no-cache"),
        reflex.ask(chat(), "x-bypass-cache: 1"),
        reflex.ask(b"{not json"),
        reflex.ask(chat("other"), "Cache-Control: only-if-cached"),
        reflex.ask(chat(functions=[{"name": "f"}])),
        reflex.ask(chat(), "x-reflex-tenant: ../nobody"),
    ]
    upstream.answers(Reply(429, body=b'{"error": {"message": "slow down"}}'))
    asked.append(reflex.ask(chat("more")))
    names = [answer.header("x-reflex-exchange") for answer in asked]
    assert None not in names
    assert len(set(names)) == len(names)
    told = [(row.id, row.status, row.http_status, row.reason) for row in reversed(reflex.rows())]
    assert told == [
        (names[0], "miss", 200, "not-stored"),
        (names[1], "hit-l1-exact", 200, ""),
        (names[2], "miss", 200, "no-cache"),
        (names[3], "bypass", 200, "x-bypass-cache"),
        (names[4], "bypass", 200, "not-comparable"),
        (names[5], "miss", 504, "not_cached"),
        (names[6], "miss", 400, "unsupported_request"),
        (names[7], "bypass", 400, told[7][3]),
        (names[8], "miss", 429, "not-stored"),
    ]
    assert told[7][3]


def test_a_name_is_told_once_and_is_gone_with_the_next_request(reflex: Daemon) -> None:
    with Wire(reflex.place.url) as wire:
        first, second = wire.ask(post(chat())), wire.ask(post(chat()))
        page = wire.ask(get("/health"))
    names = [answer.header("x-reflex-exchange") for answer in (first, second)]
    assert names[0] != names[1]
    assert page.status == 200
    assert page.header("x-reflex-exchange") is None
    assert [name.lower() for name, _ in second.headers].count("x-reflex-exchange") == 1


def test_what_is_told_of_a_miss_and_of_the_hit_behind_it(reflex: Daemon) -> None:
    question = "Wie geht's?\x1b[31m \u202e " + "long " * 100
    missed, hit = reflex.ask(chat(question), *CLAUDE), reflex.ask(chat(question), *CLAUDE)
    row, again = reflex.detail(missed).row, reflex.detail(hit).row
    assert row.question == again.question == question[:200]
    assert (row.client, row.session, row.dialect, row.model, row.form) == (
        "claude-code",
        "s-1",
        "chat",
        "gpt-4o-mini",
        "body",
    )
    assert (row.input_tokens, row.output_tokens, row.saved_tokens, row.saved_dollars) == (3, 2, 0, 0.0)
    assert (again.saved_tokens, again.input_tokens) == (5, 3)
    assert again.saved_dollars is not None
    assert 0 < again.saved_dollars < 1e-4
    assert row.entry == again.entry == hit.header("x-reflex-entry")
    assert row.first_byte_ms is not None
    assert 0 < row.first_byte_ms <= row.ms
    assert row.at <= again.at
    tiers = {tier.name: tier.outcome for tier in reflex.detail(missed).tiers}
    assert tiers == {"exact": "nothing", "upstream": "200"}
    assert [(tier.name, tier.outcome) for tier in reflex.detail(hit).tiers] == [("exact", "found")]
    assert reflex.detail(missed).question == question
    assert "drop-envelope" in reflex.detail(reflex.ask(chat(question, user="me"))).rules


def test_a_model_without_a_price_saves_an_unknown_sum(upstream: ScriptedUpstream, reflex: Daemon) -> None:
    upstream.answers(Reply(body=completion(model="nobodys-model")))
    for _ in range(2):
        answer = reflex.ask(chat(model="nobodys-model"))
    row = reflex.detail(answer).row
    assert (row.saved_tokens, row.saved_dollars) == (5, None)


def test_a_found_answer_that_did_not_do_is_said_to_be_found(upstream: ScriptedUpstream, reflex: Daemon) -> None:
    upstream.answers(Reply(headers=STREAM, body=stream("hi")))
    reflex.ask(chat(stream=True))
    missed = reflex.ask(chat(stream=True, stream_options={"include_usage": True}))
    assert [tier.outcome for tier in reflex.detail(missed).tiers] == ["usage-missing", "200"]


def test_twins_and_cut_answers(upstream: ScriptedUpstream, reflex: Daemon) -> None:
    gate = threading.Event()
    upstream.answers(Reply(headers=STREAM, body=[event({"content": "0"}), gate, *stream("1")]))
    with Wire(reflex.place.url) as leader, Wire(reflex.place.url) as follower:
        for wire in (leader, follower):
            wire.send(post(chat(stream=True)))
            wire.head()
            wire.until(b'"0"')
        gate.set()
        for wire in (leader, follower):
            wire.until(b"[DONE]")
    eventually(lambda: len(reflex.rows()) == 2, "both noted")
    assert sorted((row.joined, row.saved_tokens > 0 or row.joined) for row in reflex.rows()) == [
        (False, False),
        (True, True),
    ]
    assert [row.joined for row in reflex.rows(status="coalesced")] == [True]
    upstream.answers(Reply(headers=STREAM, body=[event({"content": "0"}), Cut]))
    cut = reflex.ask(chat("cut", stream=True))
    assert not cut.whole
    assert reflex.detail(cut).row.status == "miss"


def test_the_list_is_filtered_and_paged(reflex: Daemon) -> None:
    for number in range(5):
        reflex.ask(chat(f"Number {number}"), *(CLAUDE if number % 2 else ()))
    reflex.ask(chat("Number 0"))
    assert [row.question for row in reflex.rows(status="hit")] == ["Number 0"]
    assert [row.question for row in reflex.rows(client="claude-code")] == ["Number 3", "Number 1"]
    assert [row.question for row in reflex.rows(text="NUMBER 4")] == ["Number 4"]
    assert reflex.rows(min_ms=60_000.0) == reflex.rows(model="claude") == []
    for asked, said in (
        ({"tenant": "nobody"}, "no tenant 'nobody'"),
        ({"status": "hti"}, "status='hti': expected hit, "),
        ({"dialect": "chatt"}, "dialect='chatt': expected chat, "),
        ({"limit": 0}, "limit must be 1 to 1000"),
        ({"limit": 1001}, "limit must be 1 to 1000"),
        ({"min_ms": math.nan}, "min_ms must be a number"),
    ):
        with pytest.raises(Refused, match=said):
            reflex.rows(**asked)
    assert len(reflex.rows(model="4O-mini", dialect="chat")) == 6
    client, found, cursor = BlockingClient(reflex.place), [], None
    while True:
        page = client.do(calls.list_exchanges(ExchangeQuery(limit=4, cursor=cursor)))
        found += [row.id for row in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == [row.id for row in reflex.rows()]
    for what in ("000000-1", "nonsense", "-"):
        with pytest.raises(Refused, match="begin again"):
            reflex.rows(cursor=what)
        with pytest.raises(Refused, match="no exchange"):
            client.do(calls.exchange(what))


def test_the_oldest_goes_and_its_details_go_before(
    monkeypatch: pytest.MonkeyPatch, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    monkeypatch.setattr(journal, "KEPT", 4)
    monkeypatch.setattr(journal, "DETAILED", 2)
    upstream.answers(Reply(body=completion()))
    with daemon(settings_for(tmp_path / "s", upstream.url)) as runtime:
        reflex = Daemon(Place(runtime.url, runtime.admin_token))
        asked = [reflex.ask(chat(str(number))) for number in range(5)]
        assert [row.question for row in reflex.rows()] == ["4", "3", "2", "1"]
        assert [bool(reflex.detail(answer).tiers) for answer in asked[1:]] == [False, False, True, True]
        with pytest.raises(Refused, match="too long ago"):
            reflex.detail(asked[0])


def test_a_tenant_that_keeps_no_request_has_no_words_anywhere(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=completion("hi")))
    for keep, shown in ((KeepRequest.NONE, ""), (KeepRequest.QUESTION, "SECRET question")):
        folder = tmp_path / keep.value
        settings = settings_for(folder, upstream.url, policy=Policy(keep_request=keep))
        with daemon(settings) as runtime:
            reflex = Daemon(Place(runtime.url, runtime.admin_token))
            body = chat(
                "SECRET question",
                messages=[
                    {"role": "system", "content": "HIDDEN rules"},
                    {"role": "user", "content": "SECRET question"},
                ],
            )
            missed, hit = reflex.ask(body), reflex.ask(body)
            assert hit.told == "hit-l1-exact"
            for answer in (missed, hit):
                assert reflex.detail(answer).row.question == shown
                assert reflex.detail(answer).question == (shown or None)
        written = b"".join(path.read_bytes() for path in folder.rglob("*.sqlite3*"))
        assert b"hi" in written
        assert (b"SECRET" in written) is bool(shown)
        assert b"HIDDEN" not in written


def test_what_happens_is_heard_by_whoever_listens(upstream: ScriptedUpstream, reflex: Daemon) -> None:
    async def listen() -> tuple[list[Event], list[Event]]:
        heard: list[Event] = []
        last = 0
        async with Client(reflex.place) as client:
            heard_now = client.events()
            async with anyio.create_task_group() as tasks:

                async def ask() -> None:
                    await anyio.sleep(0.2)
                    await anyio.to_thread.run_sync(reflex.ask, chat("first"))

                tasks.start_soon(ask)
                async for number, told in heard_now:
                    heard.append(told)
                    last = number
                    if len(heard) == 2:
                        break
            await heard_now.aclose()
            await anyio.to_thread.run_sync(reflex.ask, chat("second"))
            missed: list[Event] = []
            again = client.events(after=last)
            async for _, told in again:
                missed.append(told)
                if len(missed) == 2:
                    break
            await again.aclose()
        return heard, missed

    heard, missed = anyio.run(listen)
    for told, question in ((heard, "first"), (missed, "second")):
        rows = [one.exchange for one in told if isinstance(one, ExchangeEvent)]
        stored = [one for one in told if isinstance(one, StoredEvent)]
        assert [row.question for row in rows] == [question]
        assert [one.entry for one in stored] == [rows[0].entry]


def test_a_listener_does_not_keep_the_daemon_from_stopping(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    with daemon(settings_for(tmp_path / "s", upstream.url)) as runtime:
        wire = Wire(runtime.url)
        wire.send(get("/admin/events", f"Authorization: Bearer {runtime.admin_token}"))
        wire.head()
        wire.until(b": still here\n\n")
        asked = time.monotonic()
    with wire:
        assert wire.chunk() == b""  # a regular end
    assert time.monotonic() - asked < server.GRACE / 3


def test_a_stream_of_events_that_cannot_be_read_is_refused(reflex: Daemon) -> None:
    client = BlockingClient(reflex.place)
    assert client.send("GET", "/admin/events?kinds=exchange,nonsense")[0] == 400
    with Wire(reflex.place.url) as wire:
        token = f"Authorization: Bearer {reflex.place.token}"
        answer = wire.ask(get("/admin/events", "Last-Event-ID: x", token))
    assert answer.status == 400


def test_a_store_that_fails_is_told(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=completion()))
    settings = settings_for(tmp_path / "s", upstream.url)
    with daemon(settings) as runtime:
        reflex = Daemon(Place(runtime.url, runtime.admin_token))
        (tmp_path / "s" / "tenants" / f"{settings.active_tenant}.sqlite3").mkdir()

        async def listen() -> HealthEvent:
            async with Client(reflex.place) as client:
                heard_now = client.events(after=0)
                with anyio.fail_after(15):
                    async for _, told in heard_now:
                        if isinstance(told, HealthEvent):
                            await heard_now.aclose()
                            return told
            raise AssertionError("it was not told")

        reflex.ask(chat(), "Authorization: Bearer reflex")
        told = anyio.run(listen)
        assert told.status == "degraded"
        assert settings.active_tenant in told.problems


def test_a_listener_that_reads_nothing_slows_nobody_and_is_told_what_it_missed(
    monkeypatch: pytest.MonkeyPatch, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    monkeypatch.setattr(events, "KEPT", 64)
    upstream.answers(Reply(body=completion()))
    body = post(chat("\N{GRINNING FACE}" * 200))
    with (
        daemon(settings_for(tmp_path / "s", upstream.url)) as runtime,
        Wire(runtime.url, receive_buffer=4096) as deaf,
    ):
        deaf.send(get("/admin/events?kinds=exchange", f"Authorization: Bearer {runtime.admin_token}"))
        deaf.head()
        deaf.until(b": still here\n\n")
        with Wire(runtime.url) as wire:
            hits = sum(wire.ask(body).told == "hit-l1-exact" for _ in range(6000))
        assert hits == 5999
        assert b'"count":' in deaf.until(b'"kind":"dropped"')


def test_silence_is_told_too_and_nothing_is_lost_over_it(
    monkeypatch: pytest.MonkeyPatch, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    monkeypatch.setattr(listening, "KEEP_ALIVE", 0.05)
    upstream.answers(Reply(body=completion()))
    with daemon(settings_for(tmp_path / "s", upstream.url)) as runtime, Wire(runtime.url) as listener:
        listener.send(get("/admin/events?kinds=exchange", f"Authorization: Bearer {runtime.admin_token}"))
        listener.head()
        for _ in range(3):
            listener.until(b": still here\n\n")
        for text in ("first", "second"):
            reflex = Daemon(Place(runtime.url, runtime.admin_token))
            reflex.ask(chat(text))
            assert b'"kind":"exchange"' in listener.until(f'"question":"{text}"'.encode())
            listener.until(b": still here\n\n")
