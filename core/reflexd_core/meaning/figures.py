"""The figures of labelled pairs that were judged: how good the decisions are, and how good the scores behind them.

Precision is counted by unit where the pairs say what they belong to (see `trials`): its interval then speaks of other
units, not of other pairs of these.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from reflexd_core.meaning.curves import Bin, average_precision, calibration_error, recall_at, reliability
from reflexd_core.meaning.trials import (
    BASE_RATES,
    AtBaseRate,
    Count,
    Interval,
    Scored,
    interval,
    precision_at,
    wrong_among,
)

PRECISIONS = (0.90, 0.95, 0.98, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A labelled pair, judged."""

    label: bool
    """Whether the stored answer satisfies the asker."""
    accepted: bool
    reason: str
    score: float
    similarity: float
    unit: str
    pair: str
    """What tells it from the unit's other pairs."""

    @property
    def as_served(self) -> float:
        """The score, with what form and guards say before it."""
        match self.reason:
            case "normal-form":
                return 1.0
            case "verified" | "below-threshold":
                return self.score
            case _:
                return 0.0


@dataclass(frozen=True, slots=True)
class Rate:
    count: Count
    value: float | None
    interval: Interval


@dataclass(frozen=True, slots=True)
class Ranking:
    """What an order of the pairs is worth, whatever the threshold."""

    average_precision: float | None
    recall_at: dict[float, float | None]
    """By precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    pairs: int
    same: int
    accepted: int
    precision: Rate
    by_unit: bool
    """Whether precision counts units: one drawn pair of each that has an accepted one."""
    recall: Rate
    false_hits_per_1000: float | None
    """Wrongly accepted, of a thousand pairs."""
    at_base_rates: tuple[AtBaseRate, ...]
    reasons: dict[str, int]
    """How often each reason was given, the most frequent first."""
    rankings: dict[str, Ranking]
    """``similarity``, ``score`` (before guards) and ``served`` (after them)."""
    calibration: tuple[Bin, ...]
    calibration_error: float | None


def figures(outcomes: Sequence[Outcome], *, by_unit: bool) -> Figures:
    labels = [outcome.label for outcome in outcomes]
    same = sum(labels)
    accepted = [outcome for outcome in outcomes if outcome.accepted]
    right = sum(outcome.label for outcome in accepted)
    wrong = len(accepted) - right
    scores = [outcome.score for outcome in outcomes]
    ranked = {
        "similarity": [outcome.similarity for outcome in outcomes],
        "score": scores,
        "served": [outcome.as_served for outcome in outcomes],
    }
    table = reliability(scores, labels)
    true_accepts, false_accepts = Count(right, same), Count(wrong, len(outcomes) - same)
    return Figures(
        pairs=len(outcomes),
        same=same,
        accepted=len(accepted),
        precision=_rate(_right_units(accepted) if by_unit else Count(right, len(accepted))),
        by_unit=by_unit,
        recall=_rate(true_accepts),
        false_hits_per_1000=1000 * wrong / len(outcomes) if outcomes else None,
        at_base_rates=tuple(precision_at(rate, true_accepts, false_accepts) for rate in BASE_RATES),
        reasons=dict(Counter(outcome.reason for outcome in outcomes).most_common()),
        rankings={name: _ranking(values, labels) for name, values in ranked.items()},
        calibration=table,
        calibration_error=calibration_error(table),
    )


def _right_units(accepted: Sequence[Outcome]) -> Count:
    wrong = wrong_among((Scored(1.0, each.label, each.unit, each.pair) for each in accepted), 1.0)
    return Count(wrong.total - wrong.of, wrong.total)


def _rate(count: Count) -> Rate:
    return Rate(count, count.rate, interval(count))


def _ranking(scores: Sequence[float], labels: Sequence[bool]) -> Ranking:
    return Ranking(
        average_precision(scores, labels),
        {precision: recall_at(scores, labels, precision) for precision in PRECISIONS},
    )
