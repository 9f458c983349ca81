"""Many exchanges at once: who joins whom, and that nobody is ever forgotten, whatever happens in whatever order."""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as hs
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reflexd_core import commands as cmd
from reflexd_core import events as ev
from reflexd_core import states as st
from reflexd_core.commands import Status
from reflexd_core.entry import EntryFacts, entry_id
from reflexd_core.exchanges import Exchanges, Routed
from reflexd_core.machine import SILENT, IllegalTransition
from reflexd_core.policy import Ask, OnLeave, Policy
from reflexd_core.request import Form, Usage, Verdict

KEY = bytes(range(32))
STREAM = Ask(
    key=KEY,
    dialect="chat",
    model="m",
    form=Form.STREAM,
    wants_usage=False,
    reads=True,
    stores=True,
    joins=True,
    reason="",
)
BODY = replace(STREAM, form=Form.BODY, wants_usage=True)
USAGE = replace(STREAM, wants_usage=True)
CANCEL = Policy(record_limit=100)
FINISH = replace(CANCEL, on_leave=OnLeave.FINISH)
COMPLETE = Verdict(storable=True, reason="complete", usage=Usage(input=1, output=1))
PLAIN = Verdict(storable=True, reason="complete")
FILTERED = Verdict(storable=False, reason="content-filter")
MISS = cmd.Forward(Status.MISS, "not-stored")


def entry(ask: Ask = STREAM, at: float = 0, verdict: Verdict = COMPLETE) -> EntryFacts:
    return EntryFacts(
        id=entry_id(KEY),
        dialect="chat",
        model="m",
        form=ask.form,
        created=at,
        expires=None,
        has_usage=verdict.usage is not None,
        asked_usage=ask.wants_usage,
        usage=verdict.usage,
    )


def missed(exchanges: Exchanges, number: int, ask: Ask = STREAM, at: float = 0, policy: Policy = CANCEL) -> Routed:
    """A request that comes and finds nothing stored."""
    exchanges.open(number, policy)
    assert exchanges.handle(number, ev.RequestArrived(at, ask)) == [(number, cmd.SeekExact())]
    return exchanges.handle(number, ev.ExactMissed(at))


def led(*asks: Ask, policy: Policy = CANCEL) -> Exchanges:
    """Exchange 0 leads a stream; the others, 1 and up, have joined it and wait."""
    exchanges = Exchanges()
    assert missed(exchanges, 0, policy=policy) == [(0, MISS)]
    for number, ask in enumerate(asks, start=1):
        assert missed(exchanges, number, ask) == []
    return exchanges


def doing(exchanges: Exchanges, *numbers: int) -> list[str]:
    return [type(exchanges.state(number)).__name__ for number in numbers]


def test_twenty_identical_requests_make_one_upstream_call() -> None:
    exchanges = led(*[STREAM] * 19)
    routed = exchanges.handle(0, ev.ResponseStarted(1, 200))
    assert routed == [(0, cmd.Relay(None)), *((number, cmd.Relay(0)) for number in range(1, 20))]
    assert exchanges.handle(0, ev.ChunkArrived(2, 10)) == []
    assert exchanges.handle(0, ev.AnswerCompleted(3, COMPLETE)) == [(0, cmd.Admit(entry(at=3), exact_only=False))]
    assert len(exchanges) == 1
    assert exchanges.handle(0, ev.Stored(4)) == []
    assert len(exchanges) == 0


def test_twenty_requests_in_both_forms_make_one_upstream_call() -> None:
    exchanges = led(*[STREAM, BODY] * 9, BODY)
    routed = exchanges.handle(0, ev.ResponseStarted(1, 200))
    assert routed == [(0, cmd.Relay(None)), *((number, cmd.Relay(0)) for number in range(1, 18, 2))]
    waiters = [*range(2, 19, 2), 19]
    replay = cmd.Replay(entry(at=3), Status.HIT_L1)
    assert exchanges.handle(0, ev.AnswerCompleted(3, COMPLETE)) == [
        (0, cmd.Admit(entry(at=3), exact_only=False)),
        *((number, replay) for number in waiters),
    ]
    for number in waiters:
        assert exchanges.handle(number, ev.ReplayFinished(4)) == []
    exchanges.handle(0, ev.Stored(4))
    assert len(exchanges) == 0


def test_who_comes_after_the_first_byte_reads_from_the_first_byte() -> None:
    exchanges = led()
    exchanges.handle(0, ev.ResponseStarted(1, 200))
    assert missed(exchanges, 1, at=2) == [(1, cmd.Relay(0))]


def test_who_comes_after_the_end_finds_a_flight_of_its_own() -> None:
    exchanges = led()
    exchanges.handle(0, ev.ResponseStarted(1, 200))
    exchanges.handle(0, ev.AnswerCompleted(2, COMPLETE))
    assert missed(exchanges, 1, at=3) == [(1, MISS)]


@pytest.mark.parametrize(
    "other",
    [
        replace(STREAM, key=bytes(32)),
        replace(STREAM, joins=False),
        replace(STREAM, key=None),
    ],
)
def test_another_key_and_whoever_does_not_join_call_upstream_themselves(other: Ask) -> None:
    exchanges = led()
    exchanges.open(1, CANCEL)
    exchanges.handle(1, ev.RequestArrived(0, other))
    if other.key is not None:
        exchanges.handle(1, ev.ExactMissed(0))
    assert doing(exchanges, 1) == ["Forwarding"]


def test_nobody_joins_one_that_does_not_join() -> None:
    exchanges = Exchanges()
    assert missed(exchanges, 0, replace(STREAM, joins=False)) == [(0, MISS)]
    assert missed(exchanges, 1) == [(1, MISS)]
    assert missed(exchanges, 2) == []
    assert exchanges.state(2) == st.Waiting(STREAM, 1, same_form=True, started=False)


def test_the_other_form_waits_for_the_end_and_is_converted() -> None:
    exchanges = led(BODY, USAGE)
    assert exchanges.handle(0, ev.ResponseStarted(1, 200)) == [(0, cmd.Relay(None))]
    assert doing(exchanges, 1, 2) == ["Waiting", "Waiting"]
    replay = cmd.Replay(entry(at=2), Status.HIT_L1)
    routed = exchanges.handle(0, ev.AnswerCompleted(2, COMPLETE))
    assert routed == [(0, cmd.Admit(entry(at=2), exact_only=False)), (1, replay), (2, replay)]


def test_waiters_whom_the_answer_does_not_suit_share_one_call_of_their_own() -> None:
    exchanges = led(BODY, BODY, USAGE)
    exchanges.handle(0, ev.ResponseStarted(1, 200))
    # The stream carries no token counts, and all three want them.
    assert exchanges.handle(0, ev.AnswerCompleted(2, PLAIN)) == [
        (0, cmd.Admit(entry(at=2, verdict=PLAIN), exact_only=False)),
        (1, cmd.Forward(Status.MISS, "twin-not-stored")),
    ]
    assert exchanges.state(2) == st.Waiting(BODY, 1, same_form=True, started=False)
    assert exchanges.state(3) == st.Waiting(USAGE, 1, same_form=False, started=False)


@pytest.mark.parametrize("end", [ev.AnswerCompleted(2, FILTERED), ev.ResponseEnded(2, "unreadable")])
def test_an_answer_that_is_not_stored_ends_its_followers_and_frees_its_waiters(end: ev.Event) -> None:
    exchanges = led(STREAM, BODY)
    exchanges.handle(0, ev.ResponseStarted(1, 200))
    assert exchanges.handle(0, end) == [(2, cmd.Forward(Status.MISS, "twin-not-stored"))]
    assert doing(exchanges, 0, 1, 2) == ["NoneType", "NoneType", "Forwarding"]


@pytest.mark.parametrize("status", [301, 400, 401, 404, 429])
def test_a_refusal_of_the_provider_is_shared(status: int) -> None:
    exchanges = led(STREAM)
    assert exchanges.handle(0, ev.ResponseStarted(1, status)) == [(0, cmd.Relay(None)), (1, cmd.Relay(0))]
    assert exchanges.handle(0, ev.ResponseEnded(2, f"status {status}")) == []
    assert len(exchanges) == 0


@pytest.mark.parametrize("status", [500, 502, 503, 529])
def test_a_failure_of_the_provider_promotes_a_follower(status: int) -> None:
    exchanges = led(BODY, STREAM, STREAM)
    # The first of the leader's own form leads, whoever came first; the others join it.
    assert exchanges.handle(0, ev.ResponseStarted(1, status)) == [
        (0, cmd.Relay(None)),
        (2, cmd.Forward(Status.MISS, "leader-failed")),
    ]
    assert exchanges.state(3) == st.Waiting(STREAM, 2, same_form=True, started=False)
    assert exchanges.state(1) == st.Waiting(BODY, 2, same_form=False, started=False)
    # The leader that failed goes on alone.
    assert exchanges.handle(0, ev.ChunkArrived(2, 5)) == []
    assert exchanges.handle(0, ev.ResponseEnded(2, "status 503")) == []
    assert exchanges.handle(2, ev.ResponseStarted(3, 200)) == [(2, cmd.Relay(None)), (3, cmd.Relay(2))]


def test_waiters_only_are_promoted_too_and_change_form_with_their_leader() -> None:
    exchanges = led(BODY, BODY)
    routed = exchanges.handle(0, ev.UpstreamFailed(1, 502, "refused"))
    assert routed == [
        (0, cmd.Refuse(502, "upstream_unreachable", "refused", retry=True)),
        (1, cmd.Forward(Status.MISS, "leader-failed")),
    ]
    assert exchanges.state(2) == st.Waiting(BODY, 1, same_form=True, started=False)


def test_a_second_failure_in_a_row_lets_everybody_call_for_himself() -> None:
    exchanges = led(STREAM, STREAM, STREAM)
    failed, refused = ev.UpstreamFailed(1, 502, "x"), cmd.Refuse(502, "upstream_unreachable", "x", retry=True)
    assert exchanges.handle(0, failed) == [(0, refused), (1, cmd.Forward(Status.MISS, "leader-failed"))]
    alone = cmd.Forward(Status.MISS, "twin-failed")
    assert exchanges.handle(1, failed) == [(1, refused), (2, alone), (3, alone)]
    assert missed(exchanges, 4) == [(4, MISS)], "who is let go leads nobody"
    for exchange in (2, 3, 4):
        assert exchanges.handle(exchange, failed) == [(exchange, refused)]
    assert len(exchanges) == 0


@pytest.mark.parametrize("status", [500, 503])
def test_a_second_refusal_of_the_provider_lets_everybody_call_for_himself(status: int) -> None:
    exchanges = led(STREAM, STREAM, STREAM)
    exchanges.handle(0, ev.ResponseStarted(1, status))
    alone = cmd.Forward(Status.MISS, "twin-failed")
    assert exchanges.handle(1, ev.ResponseStarted(2, status)) == [(1, cmd.Relay(None)), (2, alone), (3, alone)]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (ev.UpstreamFailed(1, 504, "x"), [cmd.Refuse(504, "upstream_unreachable", "x", retry=True)]),
        (ev.DeadlinePassed(1), [cmd.CancelUpstream(), SILENT]),
    ],
)
def test_a_silent_leader_is_not_waited_for_one_after_another(event: ev.Event, told: list[cmd.Command]) -> None:
    exchanges = led(STREAM, STREAM)
    alone = cmd.Forward(Status.MISS, "twin-failed")
    assert exchanges.handle(0, event) == [*((0, command) for command in told), (1, alone), (2, alone)]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (ev.UpstreamFailed(2, 502, "reset"), [cmd.Cut()]),
        (ev.DeadlinePassed(2), [cmd.CancelUpstream(), cmd.Cut()]),
    ],
)
def test_a_leader_that_breaks_off_cuts_its_followers_and_frees_its_waiters(
    event: ev.Event, told: list[cmd.Command]
) -> None:
    exchanges = led(STREAM, BODY, BODY)
    exchanges.handle(0, ev.ResponseStarted(1, 200))
    assert exchanges.handle(0, event) == [
        *((0, command) for command in told),
        (1, cmd.Cut()),
        (2, cmd.Forward(Status.MISS, "twin-failed")),
    ]
    assert exchanges.state(3) == st.Waiting(BODY, 2, same_form=True, started=False)


def test_nobody_joins_a_leader_that_has_been_silent_too_long() -> None:
    exchanges = led()
    assert missed(exchanges, 1, at=30.0) == []
    assert missed(exchanges, 2, at=30.1) == [(2, MISS)]
    assert missed(exchanges, 3, at=31) == []
    assert exchanges.state(3) == st.Waiting(STREAM, 2, same_form=True, started=False)


def test_every_byte_breaks_the_silence() -> None:
    exchanges = led()
    exchanges.handle(0, ev.ResponseStarted(25, 200))
    exchanges.handle(0, ev.ChunkArrived(50, 1))
    assert missed(exchanges, 1, at=80) == [(1, cmd.Relay(0))]
    assert missed(exchanges, 2, at=80.1) == [(2, MISS)]


def test_nobody_joins_an_answer_that_is_too_large_to_be_kept() -> None:
    exchanges = led(STREAM)
    exchanges.handle(0, ev.ResponseStarted(1, 200))
    assert exchanges.handle(0, ev.ChunkArrived(1, 101)) == [(0, cmd.StopRecording())]
    assert missed(exchanges, 2) == [(2, MISS)]
    assert missed(exchanges, 3) == []
    # The end of the first flight must not end the second.
    assert exchanges.handle(0, ev.AnswerCompleted(2, COMPLETE)) == []
    assert doing(exchanges, 0, 1, 2, 3) == ["NoneType", "NoneType", "Forwarding", "Waiting"]
    assert missed(exchanges, 4) == []


def test_followers_of_a_silent_leader_that_fails_join_the_newer_flight() -> None:
    exchanges = led(STREAM, STREAM, BODY)
    assert missed(exchanges, 9, at=40) == [(9, MISS)]
    routed = exchanges.handle(0, ev.UpstreamFailed(41, 502, "x"))
    assert routed == [(0, cmd.Refuse(502, "upstream_unreachable", "x", retry=True))]
    assert [exchanges.state(number) for number in (1, 2, 3)] == [
        st.Waiting(STREAM, 9, same_form=True, started=False),
        st.Waiting(STREAM, 9, same_form=True, started=False),
        st.Waiting(BODY, 9, same_form=False, started=False),
    ]
    assert exchanges.handle(9, ev.ResponseStarted(42, 200)) == [
        (9, cmd.Relay(None)),
        (1, cmd.Relay(9)),
        (2, cmd.Relay(9)),
    ]


def test_followers_of_a_silent_leader_that_fails_read_the_newer_flight_from_its_first_byte() -> None:
    exchanges = led(STREAM, STREAM)
    missed(exchanges, 9, at=40)
    exchanges.handle(9, ev.ResponseStarted(41, 200))
    assert exchanges.handle(0, ev.UpstreamFailed(42, 502, "x"))[1:] == [(1, cmd.Relay(9)), (2, cmd.Relay(9))]


def test_a_follower_that_waited_too_long_for_a_silent_leader_leads_itself() -> None:
    exchanges = led(STREAM)
    assert exchanges.handle(1, ev.DeadlinePassed(30.5)) == [(1, cmd.Forward(Status.MISS, "twin-too-slow"))]
    assert doing(exchanges, 0, 1) == ["Forwarding", "Forwarding"]
    assert missed(exchanges, 2, at=31) == []
    assert exchanges.state(2) == st.Waiting(STREAM, 1, same_form=True, started=False)


def test_a_follower_with_bytes_has_no_deadline_of_its_own() -> None:
    exchanges = led(STREAM)
    exchanges.handle(0, ev.ResponseStarted(1, 200))
    assert exchanges.handle(1, ev.DeadlinePassed(99)) == []
    assert doing(exchanges, 1) == ["Waiting"]


def test_the_leaders_client_may_leave_while_others_read() -> None:
    exchanges = led(STREAM, BODY)
    exchanges.handle(0, ev.ResponseStarted(1, 200))
    assert exchanges.handle(0, ev.ClientLeft(2)) == []
    assert exchanges.handle(1, ev.ClientLeft(3)) == []
    assert exchanges.handle(2, ev.ClientLeft(4)) == [(0, cmd.CancelUpstream())]
    assert len(exchanges) == 0


def test_the_leader_alone_is_cancelled_when_its_client_leaves() -> None:
    exchanges = led()
    assert exchanges.handle(0, ev.ClientLeft(1)) == [(0, cmd.CancelUpstream())]
    assert len(exchanges) == 0
    assert missed(exchanges, 1) == [(1, MISS)]


def test_a_follower_that_leaves_is_nobodys_business_while_the_leaders_client_is_here() -> None:
    exchanges = led(STREAM)
    assert exchanges.handle(1, ev.ClientLeft(1)) == []
    assert exchanges.handle(0, ev.ClientLeft(2)) == [(0, cmd.CancelUpstream())]


@pytest.mark.parametrize("started", [True, False])
def test_upstream_is_finished_for_nobody_where_the_policy_says_so(started: bool) -> None:
    exchanges = led(STREAM, policy=FINISH)
    if started:
        exchanges.handle(0, ev.ResponseStarted(1, 200))
    assert exchanges.handle(0, ev.ClientLeft(2)) == []
    assert exchanges.handle(1, ev.ClientLeft(3)) == []
    assert missed(exchanges, 2, at=4) == ([(2, cmd.Relay(0))] if started else [])
    if not started:
        assert exchanges.handle(0, ev.ResponseStarted(5, 200)) == [(2, cmd.Relay(0))]
    assert exchanges.handle(2, ev.ClientLeft(5)) == []
    assert exchanges.handle(0, ev.AnswerCompleted(6, COMPLETE)) == [(0, cmd.Admit(entry(at=6), exact_only=False))]


def test_a_leader_without_a_client_is_cancelled_when_its_last_follower_goes_its_own_way() -> None:
    exchanges = led(STREAM)
    assert exchanges.handle(0, ev.ClientLeft(1)) == []
    assert exchanges.handle(1, ev.DeadlinePassed(31)) == [
        (1, cmd.Forward(Status.MISS, "twin-too-slow")),
        (0, cmd.CancelUpstream()),
    ]
    assert doing(exchanges, 0, 1) == ["NoneType", "Forwarding"]


def test_a_waiter_that_joins_again_keeps_its_leader() -> None:
    exchanges = led(BODY)
    exchanges.handle(0, ev.ResponseStarted(10, 200))
    exchanges.handle(0, ev.ClientLeft(11))
    assert exchanges.handle(1, ev.DeadlinePassed(31)) == []
    assert doing(exchanges, 0, 1) == ["Relaying", "Waiting"]


def test_a_leader_without_a_client_that_fails_is_cancelled_once_its_followers_are_promoted() -> None:
    exchanges = led(STREAM)
    exchanges.handle(0, ev.ClientLeft(1))
    assert exchanges.handle(0, ev.ResponseStarted(2, 500)) == [
        (1, cmd.Forward(Status.MISS, "leader-failed")),
        (0, cmd.CancelUpstream()),
    ]
    assert doing(exchanges, 0, 1) == ["NoneType", "Forwarding"]


def test_a_replay_that_fails_joins_who_already_calls() -> None:
    exchanges = led()
    exchanges.open(1, CANCEL)
    exchanges.handle(1, ev.RequestArrived(1, STREAM))
    exchanges.handle(1, ev.ExactFound(1, entry()))
    assert exchanges.handle(1, ev.ReplayFailed(2, "gone")) == []
    assert exchanges.state(1) == st.Waiting(STREAM, 0, same_form=True, started=False)


def test_what_races_with_the_end_means_nothing_after_it() -> None:
    exchanges = led()
    exchanges.handle(0, ev.ClientLeft(1))
    for event in (ev.ClientLeft(2), ev.FollowersLeft(2), ev.DeadlinePassed(2)):
        assert exchanges.handle(0, event) == []
    with pytest.raises(IllegalTransition, match="ChunkArrived for an exchange that is over"):
        exchanges.handle(0, ev.ChunkArrived(2, 1))
    assert len(exchanges) == 0


def test_an_illegal_event_changes_nothing() -> None:
    exchanges = led(STREAM, BODY)
    before = deepcopy(exchanges)
    for number, event in ((0, ev.ExactMissed(1)), (0, ev.Stored(1)), (1, ev.ChunkArrived(1, 1)), (7, ev.Stored(1))):
        with pytest.raises(IllegalTransition):
            exchanges.handle(number, event)
    for name in ("_states", "_policies", "_flights", "_leads", "_follows"):
        assert getattr(exchanges, name) == getattr(before, name)


def test_an_abandoned_leader_promotes_its_followers_or_cuts_them() -> None:
    exchanges = led(STREAM, BODY)
    assert exchanges.abandon(0, 1) == [(1, cmd.Forward(Status.MISS, "leader-failed"))]
    exchanges.handle(1, ev.ResponseStarted(2, 200))
    missed(exchanges, 3, at=2)
    assert exchanges.abandon(1, 3) == [(2, cmd.Forward(Status.MISS, "twin-failed")), (3, cmd.Cut())]
    assert len(exchanges) == 1


def test_an_abandoned_follower_leaves_like_any_other() -> None:
    exchanges = led(STREAM)
    exchanges.handle(0, ev.ClientLeft(1))
    assert exchanges.abandon(1, 2) == [(0, cmd.CancelUpstream())]
    assert len(exchanges) == 0


def test_abandoning_what_is_alone_or_unknown_tells_nobody() -> None:
    exchanges = Exchanges()
    exchanges.open(0, CANCEL)
    assert exchanges.abandon(0, 1) == []
    assert exchanges.abandon(7, 1) == []
    assert len(exchanges) == 0


class ManyExchanges(RuleBasedStateMachine):
    """A driver that does what it is told, clients and providers that do what they like."""

    @initialize()
    def begin(self) -> None:
        self.exchanges = Exchanges()
        self.now = 0.0
        self.asks: dict[int, Ask] = {}
        self.policies: dict[int, Policy] = {}
        self.heard: dict[int, float] = {}
        """When upstream was called for an exchange, or last gave a byte."""
        self.replaced: set[int] = set()
        """Leaders that somebody else was allowed to call upstream beside."""
        self.reads: dict[int, int | None] = {}
        """Whose bytes a client is being sent."""

    # What is going on

    def in_state(self, *kinds: type) -> list[int]:
        return [number for number in self.asks if isinstance(self.exchanges.state(number), kinds)]

    def pick(self, data: hs.DataObject, *kinds: type) -> int:
        return data.draw(hs.sampled_from(self.in_state(*kinds)), label="exchange")

    def hear(self, number: int, event: ev.Event) -> None:
        self.obey(self.exchanges.handle(number, event))

    def obey(self, routed: Routed) -> None:
        for number, command in routed:
            match command:
                case cmd.Forward():
                    self.check_call(number)
                    self.heard[number] = self.now
                case cmd.Relay(leader=leader):
                    assert number not in self.reads, "an answer is begun once"
                    self.reads[number] = leader
                    assert isinstance(self.exchanges.state(number if leader is None else leader), st.Relaying)
                case cmd.Cut():
                    assert number in self.reads, "only a client that has bytes can be cut"
                case cmd.Refuse() | cmd.Replay():
                    assert number not in self.reads, "a client gets one answer"
                case _:
                    pass

    def may_be_joined(self, number: int) -> bool:
        state = self.exchanges.state(number)
        return (
            number not in self.replaced
            and number not in self.exchanges._alone
            and (
                isinstance(state, st.Forwarding)
                or (isinstance(state, st.Relaying) and state.recording and state.http_status < 500)
            )
        )

    def check_call(self, number: int) -> None:
        ask = self.asks[number]
        if not ask.joins or number in self.exchanges._alone:
            return
        for other, others_ask in self.asks.items():
            if other != number and others_ask.joins and others_ask.key == ask.key and self.may_be_joined(other):
                assert self.now - self.heard[other] > CANCEL.join_silence, "two leaders for one key"
                self.replaced.add(other)

    # What happens

    @rule(
        key=hs.sampled_from([KEY, bytes(32)]),
        ask=hs.sampled_from([STREAM, STREAM, BODY, USAGE]),
        joins=hs.sampled_from([True, True, True, False]),
        policy=hs.sampled_from([CANCEL, CANCEL, FINISH]),
        found=hs.sampled_from([False, False, False, True]),
    )
    def arrive(self, key: bytes, ask: Ask, joins: bool, policy: Policy, found: bool) -> None:
        number = len(self.asks)
        self.asks[number] = replace(ask, key=key, joins=joins)
        self.policies[number] = policy
        self.exchanges.open(number, policy)
        self.hear(number, ev.RequestArrived(self.now, self.asks[number]))
        self.hear(number, ev.ExactFound(self.now, entry()) if found else ev.ExactMissed(self.now))

    @rule(seconds=hs.sampled_from([0.5, 10.0, 29.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.in_state(st.Forwarding))
    @rule(data=hs.data(), status=hs.sampled_from([200, 200, 200, 404, 429, 500, 503]))
    def respond(self, data: hs.DataObject, status: int) -> None:
        number = self.pick(data, st.Forwarding)
        self.heard[number] = self.now
        self.hear(number, ev.ResponseStarted(self.now, status))

    @precondition(lambda self: self.in_state(st.Relaying))
    @rule(data=hs.data(), size=hs.sampled_from([1, 40, 101]))
    def send(self, data: hs.DataObject, size: int) -> None:
        number = self.pick(data, st.Relaying)
        self.heard[number] = self.now
        self.hear(number, ev.ChunkArrived(self.now, size))

    @precondition(lambda self: self.in_state(st.Relaying))
    @rule(data=hs.data(), verdict=hs.sampled_from([COMPLETE, PLAIN, FILTERED]))
    def complete(self, data: hs.DataObject, verdict: Verdict) -> None:
        self.hear(self.pick(data, st.Relaying), ev.AnswerCompleted(self.now, verdict))

    @precondition(lambda self: self.in_state(st.Relaying))
    @rule(data=hs.data())
    def end(self, data: hs.DataObject) -> None:
        self.hear(self.pick(data, st.Relaying), ev.ResponseEnded(self.now, "unreadable"))

    @precondition(lambda self: self.in_state(st.Forwarding, st.Relaying))
    @rule(data=hs.data(), status=hs.sampled_from([502, 504]))
    def fail(self, data: hs.DataObject, status: int) -> None:
        self.hear(self.pick(data, st.Forwarding, st.Relaying), ev.UpstreamFailed(self.now, status, "x"))

    @precondition(lambda self: self.in_state(st.Replaying))
    @rule(data=hs.data(), works=hs.booleans())
    def replayed(self, data: hs.DataObject, works: bool) -> None:
        event = ev.ReplayFinished(self.now) if works else ev.ReplayFailed(self.now, "gone")
        self.hear(self.pick(data, st.Replaying), event)

    @precondition(lambda self: self.in_state(st.Storing))
    @rule(data=hs.data(), works=hs.booleans())
    def stored(self, data: hs.DataObject, works: bool) -> None:
        event = ev.Stored(self.now) if works else ev.StoreFailed(self.now, "full")
        self.hear(self.pick(data, st.Storing), event)

    @precondition(lambda self: self.asks)
    @rule(data=hs.data())
    def leave(self, data: hs.DataObject) -> None:
        """Clients leave at any moment, after the end of their exchange too; none leaves twice."""
        number = data.draw(hs.sampled_from(sorted(self.asks)), label="exchange")
        if getattr(self.exchanges.state(number), "client_here", True):
            self.hear(number, ev.ClientLeft(self.now))

    @precondition(lambda self: self.asks)
    @rule(data=hs.data())
    def be_late(self, data: hs.DataObject) -> None:
        self.hear(data.draw(hs.sampled_from(sorted(self.asks)), label="exchange"), ev.DeadlinePassed(self.now))

    @precondition(lambda self: self.asks)
    @rule(data=hs.data())
    def crash(self, data: hs.DataObject) -> None:
        """The driver of one exchange fails."""
        number = data.draw(hs.sampled_from(sorted(self.asks)), label="exchange")
        self.obey(self.exchanges.abandon(number, self.now))
        assert self.exchanges.state(number) is None

    # What holds

    @invariant()
    def who_waits_waits_for_an_answer_that_comes(self) -> None:
        for number in self.in_state(st.Waiting):
            state = self.exchanges.state(number)
            assert isinstance(state, st.Waiting)
            leader = self.exchanges.state(state.leader)
            assert isinstance(leader, st.Forwarding | st.Relaying)
            # Who waits for the end need not hear of the beginning.
            assert not state.same_form or state.started is isinstance(leader, st.Relaying)
            assert not isinstance(leader, st.Relaying) or leader.http_status < 500
            assert leader.ask.key == state.ask.key
            assert leader.ask.joins
            assert state.ask.joins
            same = (leader.ask.form, leader.ask.wants_usage) == (state.ask.form, state.ask.wants_usage)
            assert state.same_form is same
            assert self.reads.get(number) == (state.leader if same and state.started else None)

    @invariant()
    def nobody_is_called_for_no_one(self) -> None:
        read = {state.leader for number in self.in_state(st.Waiting) if (state := self.exchanges.state(number))}
        for number in self.in_state(st.Forwarding, st.Relaying):
            state = self.exchanges.state(number)
            if not state.client_here and self.policies[number].on_leave is OnLeave.CANCEL:
                assert number in read

    @invariant()
    def only_what_goes_on_is_remembered(self) -> None:
        live = set(self.in_state(object)) - set(self.in_state(type(None)))
        assert len(self.exchanges) == len(live)
        assert set(self.exchanges._policies) == live
        assert self.exchanges._alone <= live
        assert set(self.exchanges._leads) <= set(self.in_state(st.Forwarding, st.Relaying))
        assert set(self.exchanges._follows) == set(self.in_state(st.Waiting))
        assert set(map(id, self.exchanges._flights.values())) <= set(map(id, self.exchanges._leads.values()))

    def teardown(self) -> None:
        """Every provider comes to an end and every disk writes; those who wait need nothing else to be done too."""
        if not hasattr(self, "exchanges"):
            return
        ends: dict[type, ev.Event] = {
            st.Forwarding: ev.UpstreamFailed(self.now, 502, "x"),
            st.Relaying: ev.UpstreamFailed(self.now, 502, "x"),
            st.Replaying: ev.ReplayFinished(self.now),
            st.Storing: ev.Stored(self.now),
        }
        for _ in range(len(self.asks) + 1):
            for number in self.in_state(*ends):
                state = self.exchanges.state(number)
                if state is not None and not isinstance(state, st.Waiting):
                    self.hear(number, ends[type(state)])
        assert len(self.exchanges) == 0
        for name in ("_states", "_policies", "_flights", "_leads", "_follows"):
            assert getattr(self.exchanges, name) == {}


TestManyExchanges = ManyExchanges.TestCase
TestManyExchanges.settings = settings(max_examples=300, stateful_step_count=40)


def test_how_an_exchange_ended_is_told_once() -> None:
    exchanges = Exchanges()
    missed(exchanges, 1)
    assert exchanges.outcome(1) == ""
    exchanges.handle(1, ev.ResponseStarted(1, 429))
    exchanges.handle(1, ev.ResponseEnded(1, "status-429"))
    assert [exchanges.outcome(1), exchanges.outcome(1)] == ["not-stored: status-429", ""]
    exchanges.open(2, CANCEL)
    exchanges.abandon(2, 1)
    assert exchanges.outcome(2) == ""
