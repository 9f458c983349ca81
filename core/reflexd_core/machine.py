"""The machine of one exchange: ``step(state, event, policy) -> (state, commands)``, and nothing else.

`step` is pure. It raises `IllegalTransition` for a pair that the table does not have: then *we* broke the rules,
nothing has happened, and the driver forwards the request as if there were no cache. The steps between the exact
tier and upstream stand in `by_meaning`.
"""

from dataclasses import replace
from typing import assert_never

from reflexd_core import by_meaning
from reflexd_core import commands as cmd
from reflexd_core import events as ev
from reflexd_core import states as st
from reflexd_core.by_meaning import ONLY_IF_CACHED, Result, forward, give_up
from reflexd_core.commands import Command, Status
from reflexd_core.entry import NORMAL_FORM, EntryFacts, Pairing, entry_id, unpaired, unsuitable
from reflexd_core.policy import Ask, OnLeave, Policy
from reflexd_core.request import Verdict

__all__ = ["ONLY_IF_CACHED", "SILENT", "IllegalTransition", "Result", "at_once", "step"]

SILENT = cmd.Refuse(504, "upstream_timeout", "The provider stayed silent for too long.", retry=True)


class IllegalTransition(Exception):  # noqa: N818 - named as the table names it
    """An event came that its state does not allow: a bug of ours."""


def step(state: st.State, event: ev.Event, policy: Policy) -> Result:
    """What the exchange does next, and what is to be done for it."""
    result: Result | None
    match state:
        case st.SeekingExact():
            result = _seeking_exact(state, event, policy)
        case st.Replaying():
            result = _replaying(state, event)
        case st.Arriving():
            result = _arriving(event)
        case st.Considering():
            result = by_meaning.considering(state, event, policy)
        case st.SeekingForm():
            result = by_meaning.seeking_form(state, event, policy)
        case st.Embedding():
            result = by_meaning.embedding(state, event)
        case st.SeekingNear():
            result = by_meaning.seeking_near(state, event, policy)
        case st.Judging():
            result = by_meaning.judging(state, event, policy)
        case st.Waiting():
            result = _waiting(state, event)
        case st.Forwarding():
            result = _forwarding(state, event, policy)
        case st.Relaying():
            result = _relaying(state, event, policy)
        case st.Storing():
            result = _storing(state, event)
        case st.Done():
            result = None
        case _:
            assert_never(state)
    if result is None:
        raise IllegalTransition(f"{type(event).__name__} in {type(state).__name__}")
    return result


def at_once(ask: Ask, entry: EntryFacts, pairing: Pairing | None, policy: Policy, at: float) -> cmd.Replay | None:
    """What the machine comes to in three steps when the entry under the exact key is at hand already.

    Most hits are such, and then there is nothing to wait for, to join or to route; None means that the machine must
    be asked. A test holds this to the machine.
    """
    if ask.refusal is None and ask.reads and ask.key is not None and _unfit(ask, entry, pairing, policy, at) is None:
        return _replay(entry, pairing)
    return None


def _arriving(event: ev.Event) -> Result | None:
    match event:
        case ev.RequestArrived(ask=ask):
            if ask.refusal is not None:
                return st.Done("refused"), (cmd.Refuse(400, "unsupported_request", ask.refusal),)
            if ask.reads and ask.key is not None:
                return st.SeekingExact(ask), (cmd.SeekExact(),)
            if ask.only_if_cached:
                return st.Done("not-cached"), (ONLY_IF_CACHED,)
            if ask.bypasses:
                return forward(ask, ask.reason, Status.BYPASS)
            return _consider(ask, "no-cache")
        case ev.ClientLeft() | ev.DeadlinePassed():
            return st.Done("left"), ()
        case _:
            return None


def _seeking_exact(state: st.SeekingExact, event: ev.Event, policy: Policy) -> Result | None:
    ask = state.ask
    match event:
        case ev.ExactFound(at=at, entry=entry, pairing=pairing):
            unfit = _unfit(ask, entry, pairing, policy, at)
            if unfit is None:
                replay = _replay(entry, pairing)
                return st.Replaying(ask, replay.status), (replay,)
            return _consider(ask, unfit)
        case ev.ExactMissed():
            return _consider(ask, "not-stored")
        case ev.ExactFailed(why=why):
            return _consider(ask, why, searches=False)
        case ev.DeadlinePassed():
            return _consider(ask, "lookup-too-slow", searches=False)
        case ev.ClientLeft():
            return st.Done("left"), ()
        case _:
            return None


def _waiting(state: st.Waiting, event: ev.Event) -> Result | None:
    ask = state.ask
    match event:
        case ev.TwinFound():
            return _join(ask, event)
        case ev.TwinStarted():
            following = st.Waiting(ask, state.leader, state.same_form, started=True)
            return following, _relay_of(state.leader) if state.same_form else ()
        case ev.TwinEnded(at=at, entry=entry):
            if state.same_form and state.started:
                return st.Done("joined"), ()
            return _from_twin(ask, entry, at)
        case ev.TwinFailed():
            if state.same_form and state.started:
                return st.Done("cut"), (cmd.Cut(),)
            return forward(ask, "twin-failed")
        case ev.Promoted():
            return forward(ask, "leader-failed")
        case ev.DeadlinePassed():
            if state.same_form and state.started:
                return state, ()
            return forward(ask, "twin-too-slow")
        case ev.ClientLeft():
            return st.Done("left"), ()
        case _:
            return None


def _forwarding(state: st.Forwarding, event: ev.Event, policy: Policy) -> Result | None:
    match event:
        case ev.TwinFound():
            return _join(state.ask, event)
        case ev.ResponseStarted(status=status):
            relaying = st.Relaying(state.ask, status, client_here=state.client_here, audit=state.audit)
            return relaying, (cmd.Relay(None),) if state.client_here else ()
        case ev.UpstreamFailed(status=status, why=why):
            code = "upstream_unreachable" if status >= 500 else "upstream_not_configured"
            refusal = cmd.Refuse(status, code, why, retry=status >= 500)
            return st.Done("upstream-failed"), (refusal,) if state.client_here else ()
        case ev.DeadlinePassed():
            return st.Done("upstream-silent"), (
                cmd.CancelUpstream(),
                *((SILENT,) if state.client_here else ()),
            )
        case ev.ClientLeft(followers=0) | ev.FollowersLeft() if _gives_up(state.ask, policy):
            return st.Done("left"), (cmd.CancelUpstream(),)
        case ev.ClientLeft() | ev.FollowersLeft():
            return replace(state, client_here=False), ()
        case _:
            return None


def _relaying(state: st.Relaying, event: ev.Event, policy: Policy) -> Result | None:
    cut: tuple[Command, ...] = (cmd.Cut(),) if state.client_here else ()
    match event:
        case ev.ChunkArrived(size=size):
            return _count(state, size, policy)
        case ev.AnswerCompleted(at=at, verdict=verdict):
            return _complete(state, at, verdict)
        case ev.ResponseEnded(reason=reason):
            return st.Done(f"not-stored: {reason}"), ()
        case ev.UpstreamFailed():
            return st.Done("cut"), cut
        case ev.DeadlinePassed():
            return st.Done("upstream-silent"), (cmd.CancelUpstream(), *cut)
        case ev.ClientLeft(followers=0) | ev.FollowersLeft() if _gives_up(state.ask, policy):
            return st.Done("left"), (cmd.CancelUpstream(),)
        case ev.ClientLeft() | ev.FollowersLeft():
            return replace(state, client_here=False), ()
        case _:
            return None


def _replaying(state: st.Replaying, event: ev.Event) -> Result | None:
    match event:
        case ev.ReplayFinished():
            return st.Done("replayed"), ()
        case ev.ReplayFailed(why=why):
            return give_up(state.ask, why)
        case ev.ClientLeft():
            return st.Done("left"), ()
        case ev.DeadlinePassed():
            return state, ()
        case _:
            return None


def _storing(state: st.Storing, event: ev.Event) -> Result | None:
    match event:
        case ev.Stored():
            return st.Done("stored"), ()
        case ev.StoreFailed(why=why):
            return st.Done(f"not-stored: {why}"), ()
        case ev.ClientLeft() | ev.FollowersLeft() | ev.DeadlinePassed():
            return state, ()
        case _:
            return None


def _unfit(ask: Ask, entry: EntryFacts, pairing: Pairing | None, policy: Policy, at: float) -> str | None:
    """Why what lies under the exact key does not answer the ask; None when it does."""
    if pairing is None:
        return unsuitable(entry, ask, at)
    return unpaired(pairing, entry, ask, policy, at)


def _replay(entry: EntryFacts, pairing: Pairing | None) -> cmd.Replay:
    if pairing is None:
        return cmd.Replay(entry, Status.HIT_L1)
    judged = pairing.score is not None or pairing.reason == NORMAL_FORM
    status = Status.HIT_L3 if judged else Status.HIT_L2
    return cmd.Replay(entry, status, pairing.similarity, pairing.score, pairing.reason, pairing.entry_key)


def _consider(ask: Ask, reason: str, *, searches: bool = True) -> Result:
    """The exact tier has nothing: on to the question itself where there is one, else to the provider."""
    if ask.has_question:
        return st.Considering(ask, reason, searches), (cmd.Consider(),)
    return give_up(ask, reason)


def _join(ask: Ask, twin: ev.TwinFound) -> Result:
    waiting = st.Waiting(ask, twin.leader, twin.same_form, started=twin.started)
    return waiting, _relay_of(twin.leader) if twin.same_form and twin.started else ()


def _relay_of(leader: int) -> tuple[Command, ...]:
    return (cmd.Relay(leader),)


def _from_twin(ask: Ask, entry: EntryFacts | None, at: float) -> Result:
    if entry is not None and unsuitable(entry, ask, at) is None:
        return st.Replaying(ask, Status.HIT_L1), (cmd.Replay(entry, Status.HIT_L1),)
    return forward(ask, "twin-not-stored")


def _count(state: st.Relaying, size: int, policy: Policy) -> Result:
    total = state.size + size
    recording = state.recording and total <= policy.record_limit
    counted = replace(state, size=total, recording=recording)
    return counted, (cmd.StopRecording(),) if state.recording and not recording else ()


def _complete(state: st.Relaying, at: float, verdict: Verdict) -> Result:
    ask = state.ask
    if not state.recording:
        return st.Done("not-stored: too-large"), ()
    if not verdict.storable:
        return st.Done(f"not-stored: {verdict.reason}"), ()
    if not ask.stores or ask.key is None or state.http_status != 200:
        return st.Done("not-stored: not-asked"), ()
    entry = EntryFacts(
        id=entry_id(ask.key),
        dialect=ask.dialect,
        model=verdict.model or ask.model,
        form=ask.form,
        created=at,
        expires=at + ask.lifetime if ask.lifetime is not None else None,
        has_usage=verdict.usage is not None,
        asked_usage=ask.wants_usage,
        usage=verdict.usage,
    )
    admit = cmd.Admit(entry, verdict.exact_only or ask.exact_only is not None)
    return st.Storing(), (admit, *((state.audit,) if state.audit is not None else ()))


def _gives_up(ask: Ask, policy: Policy) -> bool:
    """Nobody waits any more: is the call worth finishing? Never for an answer that may not be kept."""
    return policy.on_leave is OnLeave.CANCEL or not ask.stores
