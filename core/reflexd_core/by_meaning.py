"""The machine's steps between the exact tier and upstream: whether another question's answer may be served.

Cheap things first, and each may end the search: the question's own words, its normal form, guards, similarity, and
at last the verifier. A hit that a tenant only wants to watch (shadow), or that the audit draws, is forwarded like a
miss, and the fresh answer is compared with the one that would have been served.

Decision: the audit draws by the digest of exact key and day rather than by chance: the machine has no randomness, and
the same request is treated alike all day. A pairing that was served before is drawn anew each day like any other, so
it is audited sooner or later while it is used; more often would only tell the same of the same two questions.
"""

from dataclasses import replace

from reflexd_core import commands as cmd
from reflexd_core import events as ev
from reflexd_core import states as st
from reflexd_core.commands import Command, Status
from reflexd_core.entry import NORMAL_FORM, is_drawn, unsuitable, unsuitable_by_meaning
from reflexd_core.policy import Ask, Policy, Semantic

Result = tuple[st.State, tuple[Command, ...]]

MOST = 2
"""Candidates that the verifier is asked about."""
FLOOR = 0.4
"""The least cosine of a candidate that is worth asking about: rewordings of one question hardly ever lie lower."""

ONLY_IF_CACHED = cmd.Refuse(
    504, "not_cached", "The request said only-if-cached, and Reflex has no stored answer for it."
)


def considering(state: st.Considering, event: ev.Event, policy: Policy) -> Result | None:
    match event:
        case ev.Considered(exact_only=exact_only, lifetime=lifetime):
            ask = state.ask
            shortest = min((x for x in (ask.lifetime, lifetime) if x is not None), default=None)
            ask = replace(ask, lifetime=shortest, exact_only=ask.exact_only or exact_only)
            if not (state.searches and ask.reads and policy.compares):
                return give_up(ask, state.reason)
            if ask.exact_only is not None:
                return give_up(ask, ask.exact_only)
            return st.SeekingForm(ask), (cmd.SeekForm(),)
        case _:
            return _left_or_late(state.ask, event)


def seeking_form(state: st.SeekingForm, event: ev.Event, policy: Policy) -> Result | None:
    match event:
        case ev.FormFound(at=at, candidate=found):
            if unsuitable_by_meaning(found.entry, state.ask, policy, at) is None:
                return _accept(state.ask, found, None, NORMAL_FORM, Status.HIT_L3, policy, at)
            return st.Embedding(state.ask), (cmd.Embed(),)
        case ev.FormMissed():
            return st.Embedding(state.ask), (cmd.Embed(),)
        case ev.FormFailed(why=why):
            return give_up(state.ask, why)
        case _:
            return _meanwhile(state.ask, event)


def embedding(state: st.Embedding, event: ev.Event) -> Result | None:
    match event:
        case ev.Embedded():
            return st.SeekingNear(state.ask), (cmd.SeekNear(),)
        case ev.EmbedFailed(why=why):
            return give_up(state.ask, why)
        case _:
            return _meanwhile(state.ask, event)


def seeking_near(state: st.SeekingNear, event: ev.Event, policy: Policy) -> Result | None:
    match event:
        case ev.CandidatesFound(candidates=()):
            return give_up(state.ask, "nothing-near")
        case ev.CandidatesFound(at=at, candidates=candidates):
            return _among(state.ask, candidates, at, policy)
        case ev.SeekFailed(why=why):
            return give_up(state.ask, why)
        case _:
            return _meanwhile(state.ask, event)


def judging(state: st.Judging, event: ev.Event, policy: Policy) -> Result | None:
    match event:
        case ev.Judged(at=at, accepted=ev.Candidate() as found, score=score, reason=reason):
            unfit = unsuitable_by_meaning(found.entry, state.ask, policy, at)
            if unfit is not None:
                return give_up(state.ask, unfit)
            return _accept(state.ask, found, score, reason, Status.HIT_L3, policy, at)
        case ev.Judged(reason=reason, score=score, best=best, words=words):
            similarity = best.similarity if best is not None else None
            return give_up(state.ask, reason, similarity=similarity, score=score, words=words)
        case ev.JudgeFailed(why=why):
            return give_up(state.ask, why)
        case _:
            return _meanwhile(state.ask, event)


def give_up(
    ask: Ask,
    reason: str,
    *,
    similarity: float | None = None,
    score: float | None = None,
    words: tuple[str, ...] = (),
) -> Result:
    """The cache has nothing: forward, unless the client wanted nothing else."""
    if ask.only_if_cached:
        return st.Done("not-cached"), (ONLY_IF_CACHED,)
    return forward(ask, reason, similarity=similarity, score=score, words=words)


def forward(
    ask: Ask,
    reason: str,
    status: Status = Status.MISS,
    *,
    similarity: float | None = None,
    score: float | None = None,
    words: tuple[str, ...] = (),
    audit: cmd.Audit | None = None,
) -> Result:
    return st.Forwarding(ask, status, audit=audit), (cmd.Forward(status, reason, similarity, score, words),)


def _among(ask: Ask, candidates: tuple[ev.Candidate, ...], at: float, policy: Policy) -> Result:
    """What is to be done with what L2 found, the nearest first."""
    fit = [found for found in candidates if unsuitable_by_meaning(found.entry, ask, policy, at) is None]
    open_ones = [found for found in fit if found.refusal is None and (found.similarity or 0.0) >= FLOOR]
    if not open_ones:
        nearest = fit[0] if fit else candidates[0]
        why = nearest.refusal or unsuitable_by_meaning(nearest.entry, ask, policy, at) or "nothing-near"
        return give_up(ask, why, similarity=nearest.similarity, words=nearest.words if nearest.refusal else ())
    if policy.verify:
        return st.Judging(ask), (cmd.Judge(tuple(open_ones[:MOST])),)
    nearest = open_ones[0]
    if nearest.similarity is not None and nearest.similarity >= policy.similarity_threshold:
        return _accept(ask, nearest, None, "similar", Status.HIT_L2, policy, at)
    return give_up(ask, "below-threshold", similarity=nearest.similarity)


def _accept(
    ask: Ask, found: ev.Candidate, score: float | None, reason: str, status: Status, policy: Policy, at: float
) -> Result:
    """A hit by meaning, unless it is only to be watched."""
    drawn = is_drawn(ask, policy, at)
    watched = "shadow" if policy.semantic is Semantic.SHADOW else "audit" if drawn else None
    if watched is not None and not ask.only_if_cached:
        audit = cmd.Audit(found, score, reason)
        return forward(ask, watched, similarity=found.similarity, score=score, audit=audit)
    if watched == "shadow":
        return give_up(ask, watched)
    replay = cmd.Replay(found.entry, status, found.similarity, score, reason, found.key)
    return st.Replaying(ask, status), (replay, cmd.Promote(found, score, reason))


def _meanwhile(ask: Ask, event: ev.Event) -> Result | None:
    """What may be heard in the middle of a search: that a twin's answer was stored, beside leaving and being late."""
    match event:
        case ev.ExactFound(at=at, entry=entry, pairing=pairing):
            unfit = "paired" if pairing is not None else unsuitable(entry, ask, at)
            if unfit is not None:
                return give_up(ask, unfit)
            return st.Replaying(ask, Status.HIT_L1), (cmd.Replay(entry, Status.HIT_L1),)
        case _:
            return _left_or_late(ask, event)


def _left_or_late(ask: Ask, event: ev.Event) -> Result | None:
    match event:
        case ev.ClientLeft():
            return st.Done("left"), ()
        case ev.DeadlinePassed():
            return give_up(ask, "too-slow")
        case _:
            return None
