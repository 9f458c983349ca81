"""Joined requests in every phase: whoever leaves, stalls or is cut, the others get the whole answer of one call.

Phases of the leader's call: upstream has sent no event yet, it is in the middle, its end was seen and its connection
is still open. Those who trouble: the leader's client, a follower, and one that waits for the other form.
"""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from reflexd_core.policy import Policy
from reflexd_core.states import State, Waiting
from reflexd_io import app
from reflexd_io.driver import Driver
from reflexd_io.settings import DEFAULT_TENANT
from reflexd_io.upstream import UpstreamClient
from support.daemon import daemon, settings_for
from support.upstream import Cut, Reply, ScriptedUpstream
from support.wire import DONE, STREAM, USAGE, Wire, chat, event, eventually, post

STREAMED = post(chat(stream=True, stream_options={"include_usage": True}))
BODY = post(chat())
FIRST, SECOND, END = event({"role": "assistant", "content": "a"}), event({"content": "b"}), event({}, "stop")
WHOLE = FIRST + SECOND + END + USAGE + DONE
DRIVERS: list[Driver] = []


@pytest.fixture(autouse=True)
def _drivers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets a test see what the exchanges are doing, so that none has to guess how long that takes."""

    def seen(**parts: object) -> Driver:
        driver = Driver(**parts)  # type: ignore[arg-type]
        DRIVERS.append(driver)
        return driver

    monkeypatch.setattr(app, "Driver", seen)
    yield
    DRIVERS.clear()


def _states() -> list[State]:
    return [state for driver in DRIVERS for state in driver._exchanges._states.copy().values()]


def _waiting(count: int) -> None:
    eventually(lambda: sum(isinstance(state, Waiting) for state in _states()) == count, f"{count} waiting")


@pytest.fixture
def reflex(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[str]:
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as runtime:
        yield runtime.url


def _held(phase: str, gate: threading.Event) -> list[bytes | threading.Event]:
    match phase:
        case "silent":
            return [gate, FIRST, SECOND, END, USAGE, DONE]
        case "middle":
            return [FIRST, gate, SECOND, END, USAGE, DONE]
        case _:
            return [FIRST, SECOND, END, USAGE, DONE, gate]


@pytest.mark.parametrize("phase", ["silent", "middle", "over"])
@pytest.mark.parametrize("who", ["leader", "follower", "other form"])
@pytest.mark.parametrize("how", ["leaves", "stops reading"])
def test_the_others_get_the_whole_answer_of_one_call(
    reflex: str, upstream: ScriptedUpstream, phase: str, who: str, how: str
) -> None:
    gate = threading.Event()
    upstream.answers(Reply(headers=STREAM, body=_held(phase, gate)))
    wires = {"leader": Wire(reflex)}
    wires["leader"].send(STREAMED)
    eventually(lambda: upstream.calls)
    if phase != "silent":
        wires["leader"].head()
        wires["leader"].until(FIRST if phase == "middle" else DONE)
    for name, request in (("follower", STREAMED), ("another", STREAMED), ("other form", BODY)):
        wires[name] = Wire(reflex)
        wires[name].send(request)
    if phase != "over":  # then they are answered from memory already
        _waiting(3)
    if how == "leaves":
        wires.pop(who).close()
        if who == "leader" and phase != "over":
            eventually(lambda: any(not getattr(state, "client_here", True) for state in _states()), "leaving")
        elif phase != "over":
            _waiting(2)
    else:
        stalled = wires.pop(who)
    gate.set()
    for name, wire in wires.items():
        if name == "leader" and phase != "silent":
            left = wire.answer_body()
            assert left == (SECOND + END + USAGE + DONE if phase == "middle" else b"")
            continue
        answer = wire.answer()
        assert answer.whole
        if name == "other form":
            assert answer.json()["choices"][0]["message"]["content"] == "ab"  # type: ignore[index]
        else:
            assert answer.body == WHOLE
    with Wire(reflex) as late:
        assert late.ask(STREAMED).told == "hit-l1-exact"
    assert upstream.calls == 1
    for wire in wires.values():
        wire.close()
    if how != "leaves":
        stalled.close()


@pytest.mark.parametrize("phase", ["silent", "middle"])
def test_whoever_waited_for_the_other_form_of_a_cut_answer_asks_for_himself(
    reflex: str, upstream: ScriptedUpstream, phase: str
) -> None:
    gate = threading.Event()
    cut = Reply(headers=STREAM, body=[*_held(phase, gate)[:2], SECOND, Cut])
    whole = Reply(headers=STREAM, body=[WHOLE])
    upstream.script = lambda _: cut if upstream.calls == 1 else whole
    with Wire(reflex) as leader, Wire(reflex) as waiter:
        leader.send(STREAMED)
        eventually(lambda: upstream.calls)
        waiter.send(BODY)
        _waiting(1)
        gate.set()
        assert not leader.answer().whole
        assert waiter.answer().status == 200
    assert upstream.calls == 2


def test_a_leader_that_hangs_is_not_joined(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    policy = Policy(join_silence=0.3)
    gate = threading.Event()
    upstream.script = lambda _: Reply(headers=STREAM, body=[FIRST, gate] if upstream.calls == 1 else [WHOLE])
    settings = settings_for(tmp_path / "storage", upstream.url, policy=policy, tenants={DEFAULT_TENANT: policy})
    with daemon(settings) as runtime, Wire(runtime.url) as leader, Wire(runtime.url) as later:
        leader.send(STREAMED)
        leader.head()
        leader.until(FIRST)
        assert leader.silent_for(0.5)
        answer = later.ask(STREAMED)
        assert (answer.told, answer.body) == ("miss", WHOLE)
        assert upstream.calls == 2
        gate.set()


@pytest.mark.parametrize("phase", ["silent", "middle"])
def test_an_upstream_that_hangs_is_given_up_for_all(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    """Before the first byte each is told so, behind it each is cut; nothing is stored."""
    monkeypatch.setattr(app, "UpstreamClient", partial(UpstreamClient, read_timeout=0.5))
    gate = threading.Event()
    upstream.answers(Reply(headers=STREAM, body=_held(phase, gate)[:2]))
    with daemon(settings_for(tmp_path / "storage", upstream.url)) as runtime:
        wires = [Wire(runtime.url) for _ in range(3)]
        for wire in wires:
            wire.send(STREAMED)
        answers = [wire.answer() for wire in wires]
        for wire in wires:
            wire.close()
        assert {answer.whole for answer in answers} == {False}
        assert {answer.body for answer in answers} == {FIRST if phase == "middle" else b""}
        with Wire(runtime.url) as asker:
            assert asker.ask(post(chat(stream=True), "Cache-Control: only-if-cached")).status == 504
        gate.set()
