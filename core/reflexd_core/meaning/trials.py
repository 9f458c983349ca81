"""What a number of trials proves: exact bounds on a rate, precision at another base rate, and the lowest threshold
that the trials support (learn-then-test: Angelopoulos, Bates, Candès, Jordan and Lei, 2021).

Pairs that were written together (a question's paraphrases and near-misses) go wrong together, so what is counted is
the *unit* they belong to. A unit's trial at a threshold is one of its accepted pairs, drawn by hash: uniform, always
the same, and independent of the other units' trials, which is what the exact bound asks for. Counting pairs instead
would overstate the evidence several times over; counting a unit as failed by any one of its pairs would measure
something else than precision.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby, pairwise
from math import log1p

from reflexd_core.meaning.beta import beta_quantile

CONFIDENCE = 0.95
BASE_RATES = (0.50, 0.20, 0.05, 0.02)
"""Shares of pairs that are truly the same, from a balanced test to a store full of unrelated questions."""
GRID = tuple(round(1.0 - step / 200, 3) for step in range(1, 200))
"""0.995 down to 0.005: fixed before anybody looks at a score."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many of how many."""

    of: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.of <= self.total:
            raise ValueError(f"{self.of} of {self.total} cannot be")

    @property
    def rate(self) -> float | None:
        return self.of / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AtBaseRate:
    base_rate: float
    precision: float | None
    """None where nothing at all was accepted."""
    interval: Interval


@dataclass(frozen=True, slots=True)
class Scored:
    """A labelled pair."""

    score: float
    label: bool
    """Whether the stored answer satisfies the asker."""
    unit: str
    pair: str
    """What tells it from the unit's other pairs."""


@dataclass(frozen=True, slots=True)
class Step:
    """What the trials say about one threshold."""

    threshold: float
    wrong: Count
    """Units whose drawn pair was accepted wrongly, of those that have an accepted pair."""
    bound: float
    """Upper bound on the share that is wrong."""
    holds: bool


@dataclass(frozen=True, slots=True)
class Choice:
    threshold: float | None
    """None where the trials support none: too few, or too many wrong ones."""
    steps: tuple[Step, ...]
    """Each threshold that was tried, in order; the last may be the one that failed."""


def lower_bound(count: Count, confidence: float = CONFIDENCE) -> float:
    """One-sided Clopper–Pearson: the rate is at least this, in ``confidence`` of all such experiments."""
    return beta_quantile(1.0 - confidence, count.of, count.total - count.of + 1) if count.of else 0.0


def upper_bound(count: Count, confidence: float = CONFIDENCE) -> float:
    """One-sided Clopper–Pearson: the rate is at most this, in ``confidence`` of all such experiments."""
    return beta_quantile(confidence, count.of + 1, count.total - count.of) if count.of < count.total else 1.0


def interval(count: Count, confidence: float = CONFIDENCE) -> Interval:
    """Two-sided Clopper–Pearson: half of what may fail on either side."""
    each = (1.0 + confidence) / 2
    return Interval(lower_bound(count, each), upper_bound(count, each))


def precision_at(
    base_rate: float, true_accepts: Count, false_accepts: Count, confidence: float = CONFIDENCE
) -> AtBaseRate:
    """Precision where ``base_rate`` of the pairs are truly the same.

    ``true_accepts``: accepted of those that are the same; ``false_accepts``: accepted of those that are not. Each
    rate's interval is wider by half of what may fail, so that both hold together.
    """
    if not 0.0 < base_rate < 1.0:
        raise ValueError(f"a base rate lies between 0 and 1, not {base_rate}")
    each = (1.0 + confidence) / 2
    right, wrong = interval(true_accepts, each), interval(false_accepts, each)
    found, mistaken = true_accepts.rate, false_accepts.rate
    return AtBaseRate(
        base_rate,
        None if found is None or mistaken is None else _precision(base_rate, found, mistaken),
        Interval(
            _precision(base_rate, right.low, wrong.high) or 0.0,
            1.0 if (best := _precision(base_rate, right.high, wrong.low)) is None else best,
        ),
    )


def _precision(base_rate: float, right: float, wrong: float) -> float | None:
    accepted = base_rate * right + (1.0 - base_rate) * wrong
    return base_rate * right / accepted if accepted else None


def choose_threshold(
    trials: Iterable[Scored],
    *,
    target: float,
    confidence: float = CONFIDENCE,
    grid: Sequence[float] = GRID,
) -> Choice:
    """Go down the grid for as long as, with ``confidence``, at most ``target`` of what is accepted is wrong.

    The walk begins where a faultless record would be enough, which the scores alone decide; from there on each
    threshold is tested at the full level, and the first that fails ends it, so no correction for their number is due.
    A threshold that accepts no pair more than the one before it was not tried on anything, and is not chosen.
    """
    if not 0.0 < target < 1.0:
        raise ValueError(f"a target lies between 0 and 1, not {target}")
    if any(lower >= higher for higher, lower in pairwise(grid)):
        raise ValueError("a grid of thresholds goes down")
    units = _drawn_in_order(trials)
    needed = log1p(-confidence) / log1p(-target)  # units, if none goes wrong
    chosen: float | None = None
    steps: list[Step] = []
    accepted = 0
    for threshold in grid:
        before, accepted = accepted, sum(trial.score >= threshold for unit in units for trial in unit)
        wrong = _count(units, threshold)
        if wrong.total < needed:
            continue
        bound = upper_bound(wrong, confidence)
        steps.append(Step(threshold, wrong, bound, bound <= target))
        if bound > target:
            break
        if accepted > before:
            chosen = threshold
    return Choice(chosen, tuple(steps))


def _drawn_in_order(trials: Iterable[Scored]) -> list[list[Scored]]:
    """The units, each with its pairs in the order in which they are drawn."""
    ordered = sorted(trials, key=lambda trial: (trial.unit, _draw(trial.pair)))
    return [list(unit) for _, unit in groupby(ordered, key=lambda trial: trial.unit)]


def _draw(pair: str) -> bytes:
    return blake2b(pair.encode("utf-8", "replace"), digest_size=8).digest()


def wrong_among(trials: Iterable[Scored], threshold: float) -> Count:
    """Units whose drawn pair is accepted wrongly, of those that have an accepted one."""
    return _count(_drawn_in_order(trials), threshold)


def _count(units: list[list[Scored]], threshold: float) -> Count:
    drawn = [next((trial for trial in unit if trial.score >= threshold), None) for unit in units]
    accepted = [trial for trial in drawn if trial is not None]
    return Count(sum(not trial.label for trial in accepted), len(accepted))
