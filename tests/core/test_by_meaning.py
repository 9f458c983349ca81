"""The machine between the exact tier and upstream, told arrow by arrow."""

from dataclasses import replace

import pytest

from reflexd_core import commands as cmd
from reflexd_core import events as ev
from reflexd_core import states as st
from reflexd_core.commands import Status
from reflexd_core.entry import EntryFacts, Pairing, entry_id
from reflexd_core.machine import ONLY_IF_CACHED, step
from reflexd_core.policy import DAY, Ask, Policy, Semantic
from reflexd_core.request import Form, Usage, Verdict

KEY, OTHER = bytes(range(32)), bytes(reversed(range(32)))
ASK = Ask(
    key=KEY,
    dialect="chat",
    model="m",
    form=Form.BODY,
    wants_usage=True,
    reads=True,
    stores=True,
    joins=True,
    reason="",
    has_question=True,
)
ENTRY = EntryFacts(
    id=entry_id(OTHER),
    dialect="chat",
    model="m",
    form=Form.BODY,
    created=0.0,
    expires=None,
    has_usage=True,
    asked_usage=False,
    usage=Usage(input=3, output=5),
)
POLICY = Policy(judge="judge", threshold=0.9, audit_share=0.0)
NEAR = ev.Candidate(OTHER, ENTRY, 0.97)
PAIRING = Pairing(entry_key=OTHER, score=0.95, similarity=0.97, model="judge", reason="verified", at=1.0)
HIT = (cmd.Replay(ENTRY, Status.HIT_L3, 0.97, 0.95, "verified", OTHER), cmd.Promote(NEAR, 0.95, "verified"))


def told(state: st.State, *events: ev.Event, policy: Policy = POLICY) -> tuple[st.State, tuple[cmd.Command, ...]]:
    """Where the last event leads, and what is then to be done."""
    commands: tuple[cmd.Command, ...] = ()
    for event in events:
        state, commands = step(state, event, policy)
    return state, commands


def judged(
    ask: Ask = ASK, policy: Policy = POLICY, entry: EntryFacts = ENTRY
) -> tuple[st.State, tuple[cmd.Command, ...]]:
    return told(st.Judging(ask), ev.Judged(4, replace(NEAR, entry=entry), 0.95, "verified"), policy=policy)


def test_a_paraphrase_passes_every_gate_and_is_replayed_and_remembered() -> None:
    state, commands = told(st.Arriving(), ev.RequestArrived(0, ASK), ev.ExactMissed(1))
    assert (state, commands) == (st.Considering(ASK, "not-stored"), (cmd.Consider(),))
    state, commands = told(state, ev.Considered(1, None))
    assert (state, commands) == (st.SeekingForm(ASK), (cmd.SeekForm(),))
    state, commands = told(state, ev.FormMissed(2))
    assert (state, commands) == (st.Embedding(ASK), (cmd.Embed(),))
    state, commands = told(state, ev.Embedded(2))
    assert (state, commands) == (st.SeekingNear(ASK), (cmd.SeekNear(),))
    state, commands = told(state, ev.CandidatesFound(3, (NEAR, NEAR, NEAR)))
    assert (state, commands) == (st.Judging(ASK), (cmd.Judge((NEAR, NEAR)),))
    state, commands = told(state, ev.Judged(4, NEAR, 0.95, "verified"))
    assert (state, commands) == (st.Replaying(ASK, Status.HIT_L3), HIT)


def test_an_equal_normal_form_answers_without_any_model() -> None:
    same = replace(NEAR, similarity=None)
    state, commands = told(st.SeekingForm(ASK), ev.FormFound(2, same))
    assert state == st.Replaying(ASK, Status.HIT_L3)
    replay = cmd.Replay(ENTRY, Status.HIT_L3, None, None, "normal-form", OTHER)
    assert commands == (replay, cmd.Promote(same, None, "normal-form"))


def test_an_equal_normal_form_that_does_not_suit_leaves_the_search_open() -> None:
    stale = replace(NEAR, entry=replace(ENTRY, expires=1.0))
    assert told(st.SeekingForm(ASK), ev.FormFound(2, stale)) == (st.Embedding(ASK), (cmd.Embed(),))


def test_words_that_forbid_it_are_told_and_shorten_the_answers_life() -> None:
    state, commands = told(st.Considering(ASK, "not-stored"), ev.Considered(1, "moment-bound", 600.0))
    assert commands == (cmd.Forward(Status.MISS, "moment-bound"),)
    assert isinstance(state, st.Forwarding)
    assert (state.ask.exact_only, state.ask.lifetime) == ("moment-bound", 600.0)
    _, commands = told(state, ev.ResponseStarted(2, 200), ev.AnswerCompleted(3, Verdict(storable=True, reason="")))
    admit = commands[0]
    assert isinstance(admit, cmd.Admit)
    assert admit.exact_only
    assert admit.entry.expires == 603.0


def test_a_shorter_life_that_was_asked_for_stays() -> None:
    state, _ = told(st.Considering(replace(ASK, lifetime=60.0), "x"), ev.Considered(1, "moment-bound", 600.0))
    assert isinstance(state, st.Forwarding)
    assert state.ask.lifetime == 60.0


@pytest.mark.parametrize(
    ("ask", "policy", "reason"),
    [
        (ASK, Policy(), "not-stored"),
        (ASK, replace(POLICY, semantic=Semantic.OFF), "not-stored"),
        (replace(ASK, exact_only="asked"), POLICY, "asked"),
        (replace(ASK, reads=False), POLICY, "not-stored"),
    ],
)
def test_where_meaning_is_not_compared_the_question_is_still_looked_at(ask: Ask, policy: Policy, reason: str) -> None:
    _, commands = told(st.Considering(ask, "not-stored"), ev.Considered(1, None), policy=policy)
    assert commands == (cmd.Forward(Status.MISS, reason),)


def test_a_lookup_that_failed_ends_the_search_but_not_the_look_at_the_words() -> None:
    for event, why in ((ev.ExactFailed(1, "torn"), "torn"), (ev.DeadlinePassed(1), "lookup-too-slow")):
        state, commands = told(st.SeekingExact(ASK), event)
        assert (state, commands) == (st.Considering(ASK, why, searches=False), (cmd.Consider(),))
        state, commands = told(state, ev.Considered(2, "moment-bound", 600.0))
        assert commands == (cmd.Forward(Status.MISS, why),)
        assert isinstance(state, st.Forwarding)
        assert state.ask.lifetime == 600.0


def test_a_request_that_only_stores_is_looked_at_too() -> None:
    ask = replace(ASK, reads=False)
    state, commands = told(st.Arriving(), ev.RequestArrived(0, ask))
    assert (state, commands) == (st.Considering(ask, "no-cache"), (cmd.Consider(),))


def test_guards_refuse_before_the_verifier_is_asked() -> None:
    guarded = replace(NEAR, refusal="guard-polarity", words=("enable", "disable"))
    _, commands = told(st.SeekingNear(ASK), ev.CandidatesFound(3, (guarded, NEAR)))
    assert commands == (cmd.Judge((NEAR,)),)
    _, commands = told(st.SeekingNear(ASK), ev.CandidatesFound(3, (guarded,)))
    assert commands == (cmd.Forward(Status.MISS, "guard-polarity", 0.97, words=("enable", "disable")),)


def test_what_is_not_near_at_all_is_not_judged_and_hides_no_guard() -> None:
    far, guarded = replace(NEAR, similarity=0.1), replace(NEAR, refusal="guard-opposite", words=("up", "down"))
    _, commands = told(st.SeekingNear(ASK), ev.CandidatesFound(3, (guarded, far)))
    assert commands == (cmd.Forward(Status.MISS, "guard-opposite", 0.97, words=("up", "down")),)
    _, commands = told(st.SeekingNear(ASK), ev.CandidatesFound(3, (far,)))
    assert commands == (cmd.Forward(Status.MISS, "nothing-near", 0.1),)


def test_a_refusal_tells_similarity_and_score() -> None:
    _, commands = told(st.Judging(ASK), ev.Judged(4, None, 0.2, "below-threshold", NEAR, ("several",)))
    assert commands == (cmd.Forward(Status.MISS, "below-threshold", 0.97, 0.2, ("several",)),)


@pytest.mark.parametrize(
    ("ask", "entry", "reason"),
    [
        (replace(ASK, max_output=4), ENTRY, "longer-than-asked"),
        (replace(ASK, max_output=9), replace(ENTRY, usage=None), "longer-than-asked"),
        (ASK, replace(ENTRY, created=-7 * DAY), "semantic-expired"),
        (ASK, replace(ENTRY, expires=3.0), "expired"),
    ],
)
def test_an_entry_that_does_not_suit_other_words_is_neither_judged_nor_served(
    ask: Ask, entry: EntryFacts, reason: str
) -> None:
    found = replace(NEAR, entry=entry)
    _, commands = told(st.SeekingNear(ask), ev.CandidatesFound(4, (found,)))
    assert commands == (cmd.Forward(Status.MISS, reason, similarity=0.97),)
    _, commands = judged(ask, entry=entry)
    assert commands == (cmd.Forward(Status.MISS, reason),)
    assert not [
        command
        for command in told(st.SeekingExact(ask), ev.ExactFound(4, entry, PAIRING))[1]
        if isinstance(command, cmd.Replay)
    ]


def test_an_answer_within_the_limit_is_served() -> None:
    assert judged(replace(ASK, max_output=5))[1] == HIT


@pytest.mark.parametrize(
    ("policy", "reason"),
    [(replace(POLICY, semantic=Semantic.SHADOW), "shadow"), (replace(POLICY, audit_share=1.0), "audit")],
)
def test_a_hit_that_is_only_watched_is_forwarded_and_compared(policy: Policy, reason: str) -> None:
    audit = cmd.Audit(NEAR, 0.95, "verified")
    state, commands = judged(policy=policy)
    assert state == st.Forwarding(ASK, Status.MISS, audit=audit)
    assert commands == (cmd.Forward(Status.MISS, reason, 0.97, 0.95),)
    complete = Verdict(storable=True, reason="complete")
    _, commands = told(
        state, ev.ResponseStarted(5, 200), ev.ChunkArrived(6, 9), ev.AnswerCompleted(7, complete), policy=policy
    )
    assert isinstance(commands[0], cmd.Admit)
    assert commands[1:] == (audit,)


def test_who_asks_for_stored_answers_only_gets_what_is_trusted_and_nothing_in_shadow() -> None:
    only = replace(ASK, only_if_cached=True)
    assert judged(only, replace(POLICY, audit_share=1.0))[1] == HIT
    assert judged(only, replace(POLICY, semantic=Semantic.SHADOW)) == (st.Done("not-cached"), (ONLY_IF_CACHED,))


def test_about_one_in_twenty_keys_is_audited() -> None:
    policy = replace(POLICY, audit_share=0.05)
    keys = [(n * 2654435761 % 2**32).to_bytes(32) for n in range(4000)]
    drawn = [key for key in keys if isinstance(judged(replace(ASK, key=key), policy)[0], st.Forwarding)]
    assert 140 <= len(drawn) <= 260


def test_a_remembered_acceptance_is_drawn_anew_each_day_and_alike_all_day() -> None:
    policy = replace(POLICY, audit_share=0.05, semantic_lifetime=1e9)

    def is_audited(at: float) -> bool:
        state, _ = told(st.SeekingExact(ASK), ev.ExactFound(at, ENTRY, PAIRING), policy=policy)
        return isinstance(state, st.Considering)

    drawn = [day for day in range(2000) if is_audited(day * 86_400.0)]
    assert 60 <= len(drawn) <= 145
    for day in drawn[:5]:
        assert all(is_audited(day * 86_400.0 + second) for second in (1.0, 40_000.0, 86_399.0))


def test_what_may_not_be_kept_is_not_audited() -> None:
    assert judged(replace(ASK, stores=False), replace(POLICY, audit_share=1.0))[1] == HIT


def test_without_verification_similarity_alone_decides_and_says_so() -> None:
    policy = replace(POLICY, verify=False, similarity_threshold=0.95)
    state, commands = told(st.SeekingNear(ASK), ev.CandidatesFound(3, (NEAR,)), policy=policy)
    assert state == st.Replaying(ASK, Status.HIT_L2)
    assert commands[0] == cmd.Replay(ENTRY, Status.HIT_L2, 0.97, None, "similar", OTHER)
    _, commands = told(st.SeekingNear(ASK), ev.CandidatesFound(3, (replace(NEAR, similarity=0.9),)), policy=policy)
    assert commands == (cmd.Forward(Status.MISS, "below-threshold", similarity=0.9),)


def test_a_remembered_acceptance_answers_at_once_and_still_says_how() -> None:
    state, commands = told(st.SeekingExact(ASK), ev.ExactFound(2, ENTRY, PAIRING))
    assert state == st.Replaying(ASK, Status.HIT_L3)
    assert commands == HIT[:1]


@pytest.mark.parametrize(
    ("pairing", "ask", "policy"),
    [
        (PAIRING, ASK, replace(POLICY, threshold=0.96)),
        (replace(PAIRING, model="old"), ASK, POLICY),
        (PAIRING, replace(ASK, exact_only="asked"), POLICY),
        (PAIRING, ASK, replace(POLICY, semantic=Semantic.SHADOW)),
        (PAIRING, ASK, replace(POLICY, semantic=Semantic.OFF)),
        (PAIRING, ASK, replace(POLICY, verify=False)),
        (replace(PAIRING, score=None, reason="similar"), ASK, POLICY),
        (PAIRING, ASK, replace(POLICY, audit_share=1.0)),
        (PAIRING, ASK, replace(POLICY, match_sampling=True)),
    ],
)
def test_a_remembered_acceptance_is_held_to_todays_rules(pairing: Pairing, ask: Ask, policy: Policy) -> None:
    state, commands = told(st.SeekingExact(ask), ev.ExactFound(2, ENTRY, pairing), policy=policy)
    assert isinstance(state, st.Considering)
    assert commands == (cmd.Consider(),)


def test_a_remembered_normal_form_needs_no_score() -> None:
    pairing = replace(PAIRING, score=None, similarity=None, reason="normal-form")
    state, _ = told(st.SeekingExact(ASK), ev.ExactFound(2, ENTRY, pairing), policy=replace(POLICY, verify=False))
    assert state == st.Replaying(ASK, Status.HIT_L3)


@pytest.mark.parametrize("state", [st.SeekingForm(ASK), st.Embedding(ASK), st.SeekingNear(ASK), st.Judging(ASK)])
def test_a_tier_that_is_too_slow_is_given_up(state: st.State) -> None:
    assert told(state, ev.DeadlinePassed(9))[1] == (cmd.Forward(Status.MISS, "too-slow"),)
    assert told(state, ev.ClientLeft(9)) == (st.Done("left"), ())


def test_nothing_near_leads_upstream() -> None:
    assert told(st.SeekingNear(ASK), ev.CandidatesFound(3, ()))[1] == (cmd.Forward(Status.MISS, "nothing-near"),)


@pytest.mark.parametrize("state", [st.SeekingForm(ASK), st.Embedding(ASK), st.SeekingNear(ASK), st.Judging(ASK)])
def test_what_a_twin_stored_meanwhile_ends_the_search(state: st.State) -> None:
    entry = replace(ENTRY, id=entry_id(KEY))
    replay = cmd.Replay(entry, Status.HIT_L1)
    assert told(state, ev.ExactFound(5, entry)) == (st.Replaying(ASK, Status.HIT_L1), (replay,))
    stale = replace(entry, expires=1.0)
    assert told(state, ev.ExactFound(5, stale))[1] == (cmd.Forward(Status.MISS, "expired"),)
