"""Limits: connections, and requests of one client; who is over them waits or is told when to come back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest

from reflexd_io import limits
from reflexd_io.limits import TooMany, Turns
from reflexd_io.peers import Peer, Peers
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream, Seen
from support.wire import Wire, chat, completion, get, post


@pytest.mark.anyio
async def test_a_turn_goes_to_whoever_waited_longest() -> None:
    turns, order = Turns(2), []

    async def work(name: str) -> None:
        if not turns.take("a"):
            await turns.wait("a")
        order.append(name)

    assert turns.take("a")
    assert turns.take("a")
    assert turns.take("b")  # another client is not held up
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for name in ("one", "two"):
                tasks.start_soon(work, name)
                await anyio.wait_all_tasks_blocked()
            assert order == []
            turns.leave("a")
            await anyio.wait_all_tasks_blocked()
            assert order == ["one"]
            assert not turns.take("a")
            turns.leave("a")
    assert order == ["one", "two"]
    turns.leave("a")
    turns.leave("a")
    turns.leave("b")
    assert (turns._under_way, turns._waiting) == ({}, {})


@pytest.mark.anyio
async def test_who_waits_too_long_or_gives_up_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 0.01)
    turns = Turns(1)
    assert turns.take("a")
    with pytest.raises(TooMany, match="client_requests"):
        await turns.wait("a")
    monkeypatch.setattr(limits, "PATIENCE", 60.0)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(turns.wait, "a")
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(TooMany):
            await turns.wait("a")  # as many wait already as may be under way
        tasks.cancel_scope.cancel()
    turns.leave("a")
    assert (turns._under_way, turns._waiting) == ({}, {})


@pytest.mark.anyio
async def test_a_turn_that_came_in_the_moment_of_giving_up_is_passed_on() -> None:
    turns = Turns(1)
    assert turns.take("a")

    async def work() -> None:
        await turns.wait("a")
        turns.leave("a")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        await anyio.wait_all_tasks_blocked()
        turns.leave("a")
        tasks.cancel_scope.cancel()
    assert (turns._under_way, turns._waiting) == ({}, {})


def test_a_client_that_runs_wild_waits_and_then_is_told_to_come_back(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 0.3)
    go = threading.Event()

    def script(seen: Seen) -> Reply:
        return Reply(body=[go, completion()])

    upstream.script = script
    with (
        daemon(settings_for(tmp_path / "s", upstream.url, client_requests=2)) as running,
        ThreadPoolExecutor() as pool,
    ):

        def ask(text: str) -> tuple[int, str | None, str | None]:
            with Wire(running.url) as wire:
                answer = wire.ask(post(chat(text)))
                return answer.status, answer.header("retry-after"), answer.header("x-should-retry")

        first = [pool.submit(ask, f"first {number}") for number in range(2)]
        while upstream.calls < 2:
            pass
        late = pool.submit(ask, "late")
        assert late.result(10) == (429, "1", None)
        waiting = pool.submit(ask, "waiting")
        go.set()
        assert waiting.result(10)[0] == 200
        assert [found.result(10)[0] for found in first] == [200, 200]
        with Wire(running.url) as wire:  # Reflex's own pages are always there
            assert wire.ask(get("/healthz")).status == 200


def test_the_idlest_connection_makes_room(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    with daemon(settings_for(tmp_path / "s", upstream.url, max_connections=8)) as running:
        held = [Wire(running.url) for _ in range(8)]
        for wire in held:
            assert wire.ask(get("/healthz")).status == 200
        with Wire(running.url) as one_more:
            assert one_more.ask(get("/healthz")).status == 200
        assert held[0].is_closed()
        assert held[7].ask(get("/healthz")).status == 200
        for wire in held:
            wire.close()


def test_where_all_are_busy_one_more_is_turned_away(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    go = threading.Event()
    upstream.script = lambda _: Reply(body=[go, completion()])
    with daemon(settings_for(tmp_path / "s", upstream.url, max_connections=8)) as running:
        held = [Wire(running.url) for _ in range(8)]
        for number, wire in enumerate(held):
            wire.send(post(chat(str(number))))
        while upstream.calls < 8:
            pass
        with Wire(running.url) as one_more:
            answer = one_more.ask(get("/healthz"))
            assert (answer.status, answer.header("retry-after"), answer.header("x-should-retry")) == (503, "1", None)
            assert b"max_connections" in answer.body
            assert one_more.is_closed()
        go.set()
        assert [wire.answer().status for wire in held] == [200] * 8
        for wire in held:
            wire.close()


def test_a_burst_does_not_pass_the_limit(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it takes to tell whose connections they are."""
    meet = Peers.meet

    async def slowly(self: Peers, stream: anyio.abc.SocketStream) -> Peer:
        await anyio.sleep(0.2)
        return await meet(self, stream)

    monkeypatch.setattr(Peers, "meet", slowly)
    go = threading.Event()
    upstream.script = lambda _: Reply(body=[go, completion()])
    with daemon(settings_for(tmp_path / "s", upstream.url, max_connections=8)) as running:
        wires = [Wire(running.url) for _ in range(24)]
        for number, wire in enumerate(wires):
            wire.send(post(chat(str(number))))
        while upstream.calls < 8:
            pass
        refused = [wire.answer().status for wire in wires[8:]]
        go.set()
        assert [wire.answer().status for wire in wires[:8]] == [200] * 8
        assert refused == [503] * 16
        assert upstream.calls == 8
        for wire in wires:
            wire.close()
