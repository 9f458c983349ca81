"""Rows: a finished exchange as the control API tells it."""

from reflexd_core import events as ev
from reflexd_core.entry import entry_id
from reflexd_core.prices import Prices
from reflexd_io.control_client.shapes.exchanges import CandidateRow, ExchangeDetail, ExchangeRow, Tier
from reflexd_io.exchange import TierName
from reflexd_io.journal.finished import Detail, Finished

_GUARD = "guard-"
_TIMED: dict[TierName, bytes] = {"exact": b"l1", "form": b"form", "embed": b"embed", "near": b"l2", "judge": b"l3"}
"""What a tier is called in ``Server-Timing``."""


def row_of(found: Finished, name: str, prices: Prices, tenant: str) -> ExchangeRow:
    """``tenant``: what people call it."""
    usage, entry = found.usage, found.entry
    model = entry.model if entry is not None else found.model
    saved_tokens, saved_dollars = 0, 0.0 if not found.is_saved else None
    if found.is_saved and usage is not None:
        saved_tokens, saved_dollars = usage.input + usage.output, prices.cost(model, usage)
    return ExchangeRow(
        id=name,
        at=found.at,
        tenant=tenant,
        client=found.about.client,
        dialect=found.dialect,
        model=found.model,
        form=found.form.value,
        status=found.status.value,
        joined=found.joined,
        http_status=found.http_status,
        reason=found.reason,
        ms=found.took * 1000,
        first_byte_ms=found.first_byte * 1000 if found.first_byte is not None else None,
        input_tokens=usage.input if usage is not None else None,
        output_tokens=usage.output if usage is not None else None,
        saved_tokens=saved_tokens,
        saved_dollars=saved_dollars,
        question=found.about.question,
        entry=entry.id if entry is not None else None,
        session=found.session,
    )


def detail_of(
    found: Finished, row: ExchangeRow, *, question: str | None, stored_question: str | None
) -> ExchangeDetail:
    """``question`` and ``stored_question``: as far as somebody still knows them whole."""
    detail = found.detail
    return ExchangeDetail(
        row=row,
        path=found.path,
        upstream=found.upstream,
        tiers=_tiers(found, detail) if detail is not None else [],
        rules=list(found.rules),
        exact_only=detail.exact_only if detail is not None else None,
        candidates=_candidates(found, detail) if detail is not None else [],
        similarity=found.similarity,
        score=found.score,
        threshold=detail.threshold if detail is not None else None,
        question=question,
        stored_question=stored_question,
        pairing=found.replay is not None and found.replay.key is not None,
    )


def _candidates(found: Finished, detail: Detail) -> list[CandidateRow]:
    accepted = found.replay.key if found.replay is not None else None
    judged = next((event for _, event in detail.heard if isinstance(event, ev.Judged)), None)
    seen: dict[bytes, ev.Candidate] = {}
    for _, event in detail.heard:
        if isinstance(event, ev.FormFound):
            seen[event.candidate.key] = event.candidate
        elif isinstance(event, ev.CandidatesFound):
            seen |= {candidate.key: candidate for candidate in event.candidates}
    return [_candidate(candidate, detail, judged, accepted=key == accepted) for key, candidate in seen.items()]


def _candidate(candidate: ev.Candidate, detail: Detail, judged: ev.Judged | None, *, accepted: bool) -> CandidateRow:
    key, words = candidate.key, candidate.words
    if judged is not None and judged.best is not None and judged.best.key == key and not words:
        words = judged.words
    return CandidateRow(
        entry=entry_id(key),
        question=detail.stored.get(key, ""),
        similarity=candidate.similarity,
        score=detail.scores.get(key),
        guard=candidate.refusal.removeprefix(_GUARD) if candidate.refusal is not None else None,
        words=list(words),
        accepted=accepted,
    )


def _tiers(found: Finished, detail: Detail) -> list[Tier]:
    """Those that were asked, in order, each with what it said last."""
    said: dict[TierName, str] = {}
    for tier, event in detail.heard:
        if not isinstance(event, ev.Considered):
            said[tier] = _outcome(event, detail)
    tiers = [
        Tier(name=tier, ms=detail.timings.get(_TIMED[tier], 0.0) * 1000, outcome=outcome)
        for tier, outcome in said.items()
    ]
    if detail.called:
        outcome = str(found.http_status) if detail.upstream is not None else "failed"
        tiers.append(Tier(name="upstream", ms=(detail.upstream or 0.0) * 1000, outcome=outcome))
    return tiers


def _outcome(event: ev.Event, detail: Detail) -> str:
    match event:
        case ev.ExactFound():
            return detail.unfit or "found"
        case ev.FormFound() | ev.Embedded():
            return "found"
        case ev.ExactMissed() | ev.FormMissed() | ev.CandidatesFound(candidates=()):
            return "nothing"
        case ev.CandidatesFound(candidates=candidates):
            return "refused" if all(one.refusal is not None for one in candidates) else "found"
        case ev.Judged(accepted=accepted):
            return "accepted" if accepted is not None else "refused"
        case ev.DeadlinePassed():
            return "too slow"
        case _:
            return "failed"
