"""The machine of one exchange: held to its table over all pairs, then its stories told arrow by arrow."""

import re
import runpy
from collections import defaultdict
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from reflexd_core import commands as cmd
from reflexd_core import events as ev
from reflexd_core import states as st
from reflexd_core import table
from reflexd_core.commands import Status
from reflexd_core.entry import EntryFacts, Pairing, entry_id
from reflexd_core.machine import ONLY_IF_CACHED, SILENT, IllegalTransition, at_once, step
from reflexd_core.policy import Ask, OnLeave, Policy, Semantic, pass_through
from reflexd_core.request import Form, Usage, Verdict
from reflexd_core.table import TABLE

KEY = bytes(range(32))
ASK = Ask(
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
ENTRY = EntryFacts(
    id="e", dialect="chat", model="m", form=Form.STREAM, created=0.0, expires=None, has_usage=True, asked_usage=True
)
STALE = replace(ENTRY, expires=1.0)
OTHER = bytes(reversed(range(32)))
NEAR = ev.Candidate(OTHER, ENTRY, 0.97)
GUARDED = replace(NEAR, refusal="guard-polarity")
PAIRING = Pairing(entry_key=OTHER, score=0.99, similarity=0.97, model="judge", reason="verified", at=5.0)
AUDIT = cmd.Audit(NEAR, 0.99, "verified")
COMPLETE = Verdict(storable=True, reason="complete", usage=Usage(input=3, output=5), model="m-1")
FAULTY = Verdict(storable=False, reason="content-filter")

WORDS = replace(ASK, has_question=True)

ASKS = (
    ASK,
    WORDS,
    replace(WORDS, only_if_cached=True, joins=False),
    replace(WORDS, reads=False, joins=False),
    replace(WORDS, exact_only="asked"),
    replace(WORDS, max_output=3),
    replace(ASK, exact_only="agent-turn"),
    replace(ASK, only_if_cached=True, joins=False),
    replace(ASK, wants_usage=True, lifetime=60.0),
    replace(ASK, reads=False, joins=False),
    replace(ASK, stores=False, joins=False),
    replace(ASK, reads=False, stores=False, joins=False, reason="x-bypass-cache"),
    replace(ASK, reads=False, only_if_cached=True, joins=False),
    replace(ASK, refusal="use tools"),
    pass_through("not JSON"),
)

STATES: tuple[st.State, ...] = (
    st.Arriving(),
    st.Storing(),
    st.Done("stored"),
    *(
        state
        for ask in ASKS
        for state in (
            st.SeekingExact(ask),
            st.Considering(ask, "not-stored"),
            st.Considering(ask, "store-unavailable", searches=False),
            st.SeekingForm(ask),
            st.Embedding(ask),
            st.SeekingNear(ask),
            st.Judging(ask),
            st.Waiting(ask, 7, same_form=True, started=True),
            st.Waiting(ask, 7, same_form=True, started=False),
            st.Waiting(ask, 7, same_form=False, started=True),
            st.Forwarding(ask, Status.MISS),
            st.Forwarding(ask, Status.MISS, client_here=False),
            st.Forwarding(ask, Status.MISS, audit=AUDIT),
            st.Relaying(ask, 200),
            st.Relaying(ask, 200, size=90, client_here=False),
            st.Relaying(ask, 200, size=900, recording=False),
            st.Relaying(ask, 429),
            st.Relaying(ask, 200, audit=AUDIT),
            st.Replaying(ask, Status.HIT_L1),
        )
    ),
)

AT = 10.0
EVENTS: tuple[ev.Event, ...] = (
    *(ev.RequestArrived(AT, ask) for ask in ASKS),
    ev.ExactFound(AT, ENTRY),
    ev.ExactFound(AT, STALE),
    ev.ExactFound(AT, ENTRY, PAIRING),
    ev.ExactFound(AT, ENTRY, replace(PAIRING, score=0.5)),
    ev.ExactMissed(AT),
    ev.ExactFailed(AT, "torn"),
    ev.Considered(AT, None),
    ev.Considered(AT, "moment-bound", 600.0),
    ev.FormFound(AT, NEAR),
    ev.FormFound(AT, replace(NEAR, entry=STALE)),
    ev.FormMissed(AT),
    ev.FormFailed(AT, "torn"),
    ev.Embedded(AT),
    ev.EmbedFailed(AT, "no model"),
    ev.CandidatesFound(AT, ()),
    ev.CandidatesFound(AT, (NEAR, NEAR, NEAR)),
    ev.CandidatesFound(AT, (GUARDED,)),
    ev.CandidatesFound(AT, (replace(NEAR, entry=STALE),)),
    ev.SeekFailed(AT, "no index"),
    ev.Judged(AT, NEAR, 0.99, "accepted"),
    ev.Judged(AT, replace(NEAR, entry=STALE), 0.99, "accepted"),
    ev.Judged(AT, None, 0.2, "below-threshold", NEAR),
    ev.Judged(AT, None, None, "unreadable"),
    ev.JudgeFailed(AT, "no verifier"),
    ev.ReplayFinished(AT),
    ev.ReplayFailed(AT, "gone"),
    ev.TwinFound(AT, 7, same_form=True, started=True),
    ev.TwinFound(AT, 7, same_form=True, started=False),
    ev.TwinFound(AT, 7, same_form=False, started=True),
    ev.TwinStarted(AT),
    ev.TwinEnded(AT, ENTRY),
    ev.TwinEnded(AT, STALE),
    ev.TwinEnded(AT, None),
    ev.TwinFailed(AT),
    ev.Promoted(AT),
    ev.ResponseStarted(AT, 200),
    ev.ResponseStarted(AT, 503),
    ev.ChunkArrived(AT, 10),
    ev.ChunkArrived(AT, 1000),
    ev.AnswerCompleted(AT, COMPLETE),
    ev.AnswerCompleted(AT, FAULTY),
    ev.ResponseEnded(AT, "error"),
    ev.UpstreamFailed(AT, 502, "refused"),
    ev.UpstreamFailed(AT, 400, "no key"),
    ev.Stored(AT),
    ev.StoreFailed(AT, "disk full"),
    ev.ClientLeft(AT),
    ev.ClientLeft(AT, followers=2),
    ev.FollowersLeft(AT),
    ev.DeadlinePassed(AT),
)

NO_AUDIT = Policy(judge="judge", threshold=0.9, audit_share=0.0)
POLICIES = (
    *(
        replace(NO_AUDIT, on_leave=on_leave, semantic=semantic, record_limit=100)
        for on_leave, semantic in product(OnLeave, Semantic)
    ),
    Policy(record_limit=100),
    replace(NO_AUDIT, audit_share=1.0),
    replace(NO_AUDIT, verify=False, similarity_threshold=0.9),
    replace(NO_AUDIT, verify=False, similarity_threshold=0.99),
)

PAIRS = [(state, event, policy) for state in STATES for event in EVENTS for policy in POLICIES]


def names(kinds: frozenset[type]) -> list[str]:
    return sorted(kind.__name__ for kind in kinds)


def legal() -> list[tuple[st.State, ev.Event, st.State, tuple[cmd.Command, ...]]]:
    """Every legal step of all samples."""
    return [
        (state, event, *step(state, event, policy))
        for state, event, policy in PAIRS
        if type(event) in TABLE[type(state)]
    ]


def test_the_table_and_the_samples_name_every_state_and_event() -> None:
    assert set(TABLE) == set(get_args(st.State)) == {type(state) for state in STATES}
    assert {type(event) for event in EVENTS} == set(get_args(ev.Event))
    assert {event for row in TABLE.values() for event in row} == set(get_args(ev.Event))


def test_step_raises_exactly_where_the_table_is_silent() -> None:
    for state, event, policy in PAIRS:
        if type(event) in TABLE[type(state)]:
            continue
        with pytest.raises(IllegalTransition, match=f"^{type(event).__name__} in {type(state).__name__}$"):
            step(state, event, policy)


def test_step_goes_where_the_table_says_and_everywhere_it_says() -> None:
    reached: dict[tuple[str, str], set[type]] = defaultdict(set)
    for state, event, new, _ in legal():
        reached[type(state).__name__, type(event).__name__].add(type(new))
    assert {pair: names(frozenset(kinds)) for pair, kinds in reached.items()} == {
        (state.__name__, event.__name__): names(targets)
        for state, row in TABLE.items()
        for event, targets in row.items()
    }


def test_leaving_and_deadlines_are_legal_in_every_state_but_done() -> None:
    for state, row in TABLE.items():
        assert ({ev.ClientLeft, ev.DeadlinePassed} <= row.keys()) is (state is not st.Done)


def test_a_failure_before_upstream_was_called_leads_upstream_unless_only_the_cache_was_asked() -> None:
    failures = (ev.ExactFailed, ev.FormFailed, ev.EmbedFailed, ev.SeekFailed, ev.JudgeFailed, ev.ReplayFailed)
    for state, event, new, commands in legal():
        if isinstance(event, failures):
            assert not isinstance(state, st.Forwarding | st.Relaying | st.Storing | st.Done | st.Arriving)
            if isinstance(state, st.SeekingExact) and state.ask.has_question:
                looked_at = st.Considering(state.ask, event.why, searches=False)
                assert (new, commands) == (looked_at, (cmd.Consider(),))
            elif state.ask.only_if_cached:
                assert (new, commands) == (st.Done("not-cached"), (ONLY_IF_CACHED,))
            else:
                assert (new, commands) == (
                    st.Forwarding(state.ask, Status.MISS),
                    (cmd.Forward(Status.MISS, event.why),),
                )


def test_who_asked_for_stored_answers_only_is_never_forwarded() -> None:
    for state, event, _, commands in legal():
        ask = event.ask if isinstance(event, ev.RequestArrived) else getattr(state, "ask", ASK)
        # A request that asks for the cache only never joins another, so it is never Waiting.
        if ask.only_if_cached and not isinstance(state, st.Waiting):
            assert not any(isinstance(command, cmd.Forward) for command in commands)


def test_upstream_is_called_once_exactly_when_forwarding_begins() -> None:
    for state, _, new, commands in legal():
        begins = isinstance(new, st.Forwarding) and not isinstance(state, st.Forwarding)
        assert sum(isinstance(command, cmd.Forward) for command in commands) == int(begins)


def test_only_what_may_be_stored_is_admitted() -> None:
    admitted = 0
    for state, event, new, commands in legal():
        admits = [command for command in commands if isinstance(command, cmd.Admit)]
        assert bool(admits) is (isinstance(new, st.Storing) and not isinstance(state, st.Storing))
        if admits:
            admitted += 1
            assert isinstance(state, st.Relaying)
            assert isinstance(event, ev.AnswerCompleted)
            assert state.recording
            assert state.http_status == 200
            assert state.ask.stores
            assert state.ask.key is not None
            assert event.verdict.storable
    assert admitted > 0


def test_a_client_that_left_is_told_nothing_more() -> None:
    for state, event, _, commands in legal():
        # A twin is looked for while upstream is being called, never later.
        if isinstance(event, ev.TwinFound):
            continue
        if isinstance(state, st.Forwarding | st.Relaying) and not state.client_here:
            assert not any(isinstance(command, cmd.Relay | cmd.Refuse | cmd.Cut | cmd.Replay) for command in commands)


def test_a_client_that_has_nothing_yet_gets_something_or_left() -> None:
    """An exchange ends without a byte only for a client that is gone, or that never sent its request."""
    unanswered = (
        st.SeekingExact,
        st.Considering,
        st.SeekingForm,
        st.Embedding,
        st.SeekingNear,
        st.Judging,
        st.Forwarding,
    )
    for state, event, new, commands in legal():
        if not isinstance(new, st.Done) or not isinstance(state, unanswered):
            continue
        here = not isinstance(event, ev.ClientLeft | ev.FollowersLeft) and getattr(state, "client_here", True)
        assert any(isinstance(command, cmd.Refuse) for command in commands) is here


def test_what_does_not_read_is_never_answered_from_the_cache() -> None:
    for state, event, new, _ in legal():
        if isinstance(event, ev.RequestArrived) and not event.ask.reads:
            assert isinstance(new, st.Considering | st.Forwarding | st.Done)
        if isinstance(state, st.Considering) and not state.ask.reads:
            assert isinstance(new, st.Forwarding | st.Done)
        if isinstance(new, st.Replaying) and not isinstance(state, st.Replaying):
            assert not isinstance(state, st.Forwarding | st.Relaying)


def test_step_is_pure() -> None:
    for state, event, policy in PAIRS[::7]:
        if type(event) in TABLE[type(state)]:
            assert step(state, event, policy) == step(state, event, policy)
    with pytest.raises(FrozenInstanceError):
        STATES[3].ask = ASK  # type: ignore[misc, union-attr]


def test_what_is_no_state_at_all_is_a_bug_of_ours() -> None:
    with pytest.raises(AssertionError):
        step("Arriving", ev.ExactMissed(0.0), Policy())  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- the document


def test_the_document_is_made_from_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    written = (Path(__file__).resolve().parents[2] / "core" / "MACHINE.md").read_text(encoding="utf-8")
    assert written == table.document()
    runpy.run_path(table.__file__, run_name="__main__")
    assert capsys.readouterr().out == written


def test_the_diagram_shows_every_arrow_but_leaving_deadlines_and_loops() -> None:
    arrows = re.findall(r"^    (\w+) --> (\w+): (.+)$", table.diagram(), re.MULTILINE)
    drawn = {(source, heard, target) for source, target, names in arrows for heard in names.split(", ")}
    unseen = (ev.ClientLeft, ev.FollowersLeft, ev.DeadlinePassed)
    assert drawn == {
        (state.__name__, event.__name__, target.__name__)
        for state, row in TABLE.items()
        for event, targets in row.items()
        for target in targets
        if event not in unseen and target is not state
    }


def test_the_document_has_a_row_for_every_pair() -> None:
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (.+) \|$", table.document(), re.MULTILINE)
    assert rows[1:] == [
        (state.__name__, event.__name__, ", ".join(names(targets)))
        for state, row in TABLE.items()
        for event, targets in row.items()
    ]


# ------------------------------------------------------------------------------------------------------ the stories


class Story:
    """A script of arrows: ``hears`` an event, then ``does`` exactly these commands and ``is_`` in this state."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.state: st.State = st.Arriving()
        self.commands: tuple[cmd.Command, ...] = ()

    def hears(self, event: ev.Event) -> "Story":
        assert self.commands == (), "the story left out what was to be done"
        self.state, self.commands = step(self.state, event, self.policy)
        return self

    def does(self, *commands: cmd.Command) -> "Story":
        assert self.commands == commands
        self.commands = ()
        return self

    def is_(self, state: st.State) -> "Story":
        assert self.commands == (), "the story left out what was to be done"
        assert self.state == state
        return self


MISS = cmd.Forward(Status.MISS, "not-stored")


def forwarded(ask: Ask = ASK, policy: Policy | None = None) -> Story:
    return Story(policy).hears(ev.RequestArrived(0, ask)).does(cmd.SeekExact()).hears(ev.ExactMissed(1)).does(MISS)


def relaying(ask: Ask = ASK, policy: Policy | None = None) -> Story:
    return forwarded(ask, policy).hears(ev.ResponseStarted(2, 200)).does(cmd.Relay(None))


def waiting(same_form: bool = True, started: bool = False) -> Story:
    """Joined to exchange 7."""
    relays = (cmd.Relay(7),) if same_form and started else ()
    return forwarded().hears(ev.TwinFound(1, 7, same_form, started)).does(*relays)


def test_a_stored_answer_is_replayed() -> None:
    (
        Story()
        .is_(st.Arriving())
        .hears(ev.RequestArrived(0, ASK))
        .does(cmd.SeekExact())
        .is_(st.SeekingExact(ASK))
        .hears(ev.ExactFound(1, ENTRY))
        .does(cmd.Replay(ENTRY, Status.HIT_L1))
        .is_(st.Replaying(ASK, Status.HIT_L1))
        .hears(ev.DeadlinePassed(2))
        .is_(st.Replaying(ASK, Status.HIT_L1))
        .hears(ev.ReplayFinished(3))
        .is_(st.Done("replayed"))
    )


def test_a_miss_is_forwarded_relayed_and_stored() -> None:
    ask = replace(ASK, lifetime=60.0, wants_usage=True)
    entry = EntryFacts(
        id=entry_id(KEY),
        dialect="chat",
        model="m-1",
        form=Form.STREAM,
        created=5,
        expires=65.0,
        has_usage=True,
        asked_usage=True,
        usage=Usage(input=3, output=5),
    )
    (
        forwarded(ask)
        .is_(st.Forwarding(ask, Status.MISS))
        .hears(ev.ResponseStarted(2, 200))
        .does(cmd.Relay(None))
        .hears(ev.ChunkArrived(3, 40))
        .hears(ev.ChunkArrived(4, 2))
        .is_(st.Relaying(ask, 200, size=42))
        .hears(ev.AnswerCompleted(5, COMPLETE))
        .does(cmd.Admit(entry, exact_only=False))
        .is_(st.Storing())
        .hears(ev.Stored(6))
        .is_(st.Done("stored"))
    )


def test_an_answer_without_model_usage_or_lifetime_is_stored_with_what_is_known() -> None:
    entry = EntryFacts(
        id=entry_id(KEY),
        dialect="chat",
        model="m",
        form=Form.STREAM,
        created=5,
        expires=None,
        has_usage=False,
        asked_usage=False,
    )
    verdict = Verdict(storable=True, reason="complete", exact_only=True)
    relaying().hears(ev.AnswerCompleted(5, verdict)).does(cmd.Admit(entry, exact_only=True)).is_(st.Storing())


def test_a_lookup_that_is_too_slow_is_given_up() -> None:
    story = Story(NO_AUDIT).hears(ev.RequestArrived(0, ASK)).does(cmd.SeekExact())
    story.hears(ev.DeadlinePassed(9)).does(cmd.Forward(Status.MISS, "lookup-too-slow"))


def test_an_exact_only_request_never_reaches_meaning() -> None:
    ask = replace(ASK, exact_only="agent-turn")
    Story(NO_AUDIT).hears(ev.RequestArrived(0, ask)).does(cmd.SeekExact()).hears(ev.ExactMissed(1)).does(MISS)


@pytest.mark.parametrize(
    ("ask", "command"),
    [
        (replace(ASK, refusal="use tools"), cmd.Refuse(400, "unsupported_request", "use tools")),
        (
            replace(ASK, refusal="use tools", reads=False, stores=False),
            cmd.Refuse(400, "unsupported_request", "use tools"),
        ),
        (replace(ASK, reads=False), cmd.Forward(Status.MISS, "no-cache")),
        (replace(ASK, reads=False, stores=False, reason="paused"), cmd.Forward(Status.BYPASS, "paused")),
        (replace(ASK, reads=False, only_if_cached=True), ONLY_IF_CACHED),
        (pass_through("not JSON"), cmd.Forward(Status.BYPASS, "not JSON")),
        (replace(ASK, stores=False), cmd.SeekExact()),
    ],
)
def test_the_first_step_is_what_the_request_allows(ask: Ask, command: cmd.Command) -> None:
    Story().hears(ev.RequestArrived(0, ask)).does(command)


def test_only_if_cached_gets_the_entry_or_504() -> None:
    ask = replace(ASK, only_if_cached=True, joins=False)
    story = Story().hears(ev.RequestArrived(0, ask)).does(cmd.SeekExact())
    story.hears(ev.ExactFound(1, STALE)).does(ONLY_IF_CACHED).is_(st.Done("not-cached"))
    assert ONLY_IF_CACHED.status == 504
    assert not ONLY_IF_CACHED.retry
    story = (
        Story()
        .hears(ev.RequestArrived(0, ask))
        .does(cmd.SeekExact())
        .hears(ev.DeadlinePassed(4))
        .does(ONLY_IF_CACHED)
        .is_(st.Done("not-cached"))
    )


def test_an_entry_whose_bytes_cannot_be_had_is_fetched_anew() -> None:
    story = Story().hears(ev.RequestArrived(0, ASK)).does(cmd.SeekExact())
    story.hears(ev.ExactFound(1, ENTRY)).does(cmd.Replay(ENTRY, Status.HIT_L1))
    story.hears(ev.ReplayFailed(2, "gone")).does(cmd.Forward(Status.MISS, "gone"))


@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [(FAULTY, "not-stored: content-filter"), (Verdict(storable=False, reason="cut"), "not-stored: cut")],
)
def test_an_answer_that_is_not_whole_and_good_is_not_stored(verdict: Verdict, outcome: str) -> None:
    relaying().hears(ev.AnswerCompleted(5, verdict)).is_(st.Done(outcome))


def test_an_answer_that_nobody_wants_stored_is_not_stored() -> None:
    relaying(replace(ASK, stores=False)).hears(ev.AnswerCompleted(5, COMPLETE)).is_(st.Done("not-stored: not-asked"))


def test_only_status_200_is_stored() -> None:
    story = forwarded().hears(ev.ResponseStarted(2, 203)).does(cmd.Relay(None))
    story.hears(ev.AnswerCompleted(5, COMPLETE)).is_(st.Done("not-stored: not-asked"))


def test_an_error_of_the_provider_is_relayed_and_not_stored() -> None:
    story = forwarded().hears(ev.ResponseStarted(2, 429)).does(cmd.Relay(None))
    story.hears(ev.ResponseEnded(3, "status 429")).is_(st.Done("not-stored: status 429"))


def test_an_answer_too_large_is_relayed_on_and_not_stored() -> None:
    story = relaying(policy=Policy(record_limit=100)).hears(ev.ChunkArrived(3, 100)).is_(st.Relaying(ASK, 200, 100))
    story.hears(ev.ChunkArrived(4, 1)).does(cmd.StopRecording()).is_(st.Relaying(ASK, 200, 101, recording=False))
    story.hears(ev.ChunkArrived(5, 1)).is_(st.Relaying(ASK, 200, 102, recording=False))
    story.hears(ev.AnswerCompleted(6, COMPLETE)).is_(st.Done("not-stored: too-large"))


def test_a_full_disk_costs_the_entry_and_nothing_else() -> None:
    story = relaying().hears(ev.AnswerCompleted(5, COMPLETE))
    assert isinstance(story.state, st.Storing)
    story.commands = ()
    for event in (ev.ClientLeft(6), ev.FollowersLeft(6), ev.DeadlinePassed(7)):
        story.hears(event).is_(st.Storing())
    story.hears(ev.StoreFailed(8, "disk full")).is_(st.Done("not-stored: disk full"))


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (502, cmd.Refuse(502, "upstream_unreachable", "why", retry=True)),
        (504, cmd.Refuse(504, "upstream_unreachable", "why", retry=True)),
        (400, cmd.Refuse(400, "upstream_not_configured", "why", retry=False)),
    ],
)
def test_an_upstream_that_cannot_be_had_is_told_to_the_client(status: int, refusal: cmd.Refuse) -> None:
    forwarded().hears(ev.UpstreamFailed(2, status, "why")).does(refusal).is_(st.Done("upstream-failed"))


def test_an_upstream_that_breaks_off_cuts_the_client() -> None:
    relaying().hears(ev.UpstreamFailed(3, 502, "reset")).does(cmd.Cut()).is_(st.Done("cut"))


def test_an_upstream_that_stays_silent_is_given_up() -> None:
    forwarded().hears(ev.DeadlinePassed(600)).does(cmd.CancelUpstream(), SILENT).is_(st.Done("upstream-silent"))
    relaying().hears(ev.DeadlinePassed(600)).does(cmd.CancelUpstream(), cmd.Cut()).is_(st.Done("upstream-silent"))


@pytest.mark.parametrize("begun", [forwarded, relaying])
def test_the_last_client_to_leave_cancels_upstream(begun: Callable[..., Story]) -> None:
    begun().hears(ev.ClientLeft(3)).does(cmd.CancelUpstream()).is_(st.Done("left"))
    story = begun().hears(ev.ClientLeft(3, followers=1))
    assert not story.state.client_here
    story.hears(ev.FollowersLeft(4)).does(cmd.CancelUpstream()).is_(st.Done("left"))


@pytest.mark.parametrize("begun", [forwarded, relaying])
def test_upstream_is_finished_for_nobody_where_the_policy_says_so(begun: Callable[..., Story]) -> None:
    story = begun(policy=Policy(on_leave=OnLeave.FINISH)).hears(ev.ClientLeft(3))
    assert not story.state.client_here
    story.hears(ev.FollowersLeft(4))
    assert story.commands == ()
    if begun is forwarded:
        story.hears(ev.ResponseStarted(5, 200)).is_(st.Relaying(ASK, 200, client_here=False))
    story.hears(ev.AnswerCompleted(6, COMPLETE))
    assert isinstance(story.state, st.Storing)


@pytest.mark.parametrize("begun", [forwarded, relaying])
def test_an_answer_that_may_not_be_kept_is_finished_for_nobody(begun: Callable[..., Story]) -> None:
    story = begun(replace(ASK, stores=False), policy=Policy(on_leave=OnLeave.FINISH))
    story.hears(ev.ClientLeft(3)).does(cmd.CancelUpstream()).is_(st.Done("left"))


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("entry", [ENTRY, STALE])
@pytest.mark.parametrize("pairing", [None, PAIRING, replace(PAIRING, score=0.5), replace(PAIRING, model="old")])
@pytest.mark.parametrize("policy", POLICIES)
def test_what_is_answered_at_once_is_what_the_machine_comes_to(
    ask: Ask, entry: EntryFacts, pairing: Pairing | None, policy: Policy
) -> None:
    state, commands = step(st.Arriving(), ev.RequestArrived(AT, ask), policy)
    if isinstance(state, st.SeekingExact):
        state, commands = step(state, ev.ExactFound(AT, entry, pairing), policy)
    replays = tuple(command for command in commands if isinstance(command, cmd.Replay))
    found = at_once(ask, entry, pairing, policy, AT)
    assert replays == ((found,) if found is not None else ())


def test_a_client_that_left_hears_of_no_failure() -> None:
    finish = Policy(on_leave=OnLeave.FINISH)
    forwarded(policy=finish).hears(ev.ClientLeft(3)).hears(ev.UpstreamFailed(4, 502, "x")).is_(
        st.Done("upstream-failed")
    )
    relaying(policy=finish).hears(ev.ClientLeft(3)).hears(ev.UpstreamFailed(4, 502, "x")).is_(st.Done("cut"))
    forwarded(policy=finish).hears(ev.ClientLeft(3)).hears(ev.DeadlinePassed(4)).does(cmd.CancelUpstream())
    relaying(policy=finish).hears(ev.ClientLeft(3)).hears(ev.DeadlinePassed(4)).does(cmd.CancelUpstream())


@pytest.mark.parametrize("event", [ev.ClientLeft(1), ev.DeadlinePassed(1)])
def test_a_client_that_never_sent_its_request_leaves_nothing_behind(event: ev.Event) -> None:
    Story().hears(event).is_(st.Done("left"))


def test_a_follower_reads_the_twins_bytes_and_ends_with_it() -> None:
    waiting().is_(st.Waiting(ASK, 7, same_form=True, started=False)).hears(ev.TwinStarted(2)).does(cmd.Relay(7)).is_(
        st.Waiting(ASK, 7, same_form=True, started=True)
    ).hears(ev.DeadlinePassed(3)).hears(ev.TwinEnded(4, ENTRY)).is_(st.Done("joined"))


def test_a_follower_that_comes_late_reads_from_the_first_byte_at_once() -> None:
    waiting(started=True).is_(st.Waiting(ASK, 7, same_form=True, started=True)).hears(ev.TwinEnded(2, None)).is_(
        st.Done("joined")
    )


def test_a_follower_gets_the_same_cut() -> None:
    waiting(started=True).hears(ev.TwinFailed(2)).does(cmd.Cut()).is_(st.Done("cut"))


def test_a_waiter_gets_the_entry_in_its_own_form() -> None:
    waiting(same_form=False).hears(ev.TwinStarted(2)).hears(ev.TwinEnded(3, ENTRY)).does(
        cmd.Replay(ENTRY, Status.HIT_L1)
    ).is_(st.Replaying(ASK, Status.HIT_L1))


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (ev.TwinEnded(3, None), "twin-not-stored"),
        (ev.TwinEnded(3, replace(ENTRY, expires=2.0)), "twin-not-stored"),
        (ev.TwinFailed(3), "twin-failed"),
        (ev.Promoted(3), "leader-failed"),
        (ev.DeadlinePassed(3), "twin-too-slow"),
    ],
)
def test_a_waiter_whom_the_twin_cannot_serve_calls_upstream_itself(event: ev.Event, reason: str) -> None:
    story = waiting(same_form=False, started=True).hears(event).does(cmd.Forward(Status.MISS, reason))
    story.is_(st.Forwarding(ASK, Status.MISS))


def test_a_follower_without_a_byte_can_be_moved_to_another_twin() -> None:
    waiting().hears(ev.TwinFound(2, 8, same_form=False, started=True)).is_(
        st.Waiting(ASK, 8, same_form=False, started=True)
    )
