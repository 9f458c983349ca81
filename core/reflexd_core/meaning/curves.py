"""What scores are worth on labelled pairs: average precision, recall at a precision, and whether a score of 0.9 means
nine in ten. Higher scores mean "the same"; equal scores are told apart by nobody, so they count as one threshold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reflexd_core.meaning.trials import Count, Interval, interval


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs whose scores lie from ``low`` to below ``high``."""

    low: float
    high: float
    right: Count
    """How many of them are the same."""
    score: float | None
    """Their mean score; None where there are none."""
    interval: Interval
    """Of the share that is the same."""


def average_precision(scores: Sequence[float], labels: Sequence[bool]) -> float | None:
    """The area under the precision-recall curve, as a sum over thresholds; None where nothing is the same."""
    total = sum(labels)
    if not total:
        return None
    area, hits = 0.0, 0
    for seen, found in _thresholds(scores, labels):
        area += (found - hits) / total * found / seen
        hits = found
    return area


def recall_at(scores: Sequence[float], labels: Sequence[bool], precision: float) -> float | None:
    """The largest recall at which precision is at least this; None where nothing is the same."""
    total = sum(labels)
    if not total:
        return None
    return max(
        (found / total for seen, found in _thresholds(scores, labels) if found / seen >= precision), default=0.0
    )


def reliability(scores: Sequence[float], labels: Sequence[bool], bins: int = 10) -> tuple[Bin, ...]:
    """The calibration table, in bins of equal width; the last one holds 1 too. Scores lie between 0 and 1."""
    held: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for score, label in zip(scores, labels, strict=True):
        held[min(int(score * bins), bins - 1)].append((score, label))
    return tuple(_bin(number / bins, (number + 1) / bins, pairs) for number, pairs in enumerate(held))


def calibration_error(table: Sequence[Bin]) -> float | None:
    """The mean distance of score and truth over the bins, by the pairs in them; None without pairs."""
    total = sum(row.right.total for row in table)
    if not total:
        return None
    apart = (abs(row.right.of - row.score * row.right.total) for row in table if row.score is not None)
    return sum(apart) / total


def _bin(low: float, high: float, pairs: list[tuple[float, bool]]) -> Bin:
    right = Count(sum(label for _, label in pairs), len(pairs))
    mean = sum(score for score, _ in pairs) / len(pairs) if pairs else None
    return Bin(low, high, right, mean, interval(right))


def _thresholds(scores: Sequence[float], labels: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """At each threshold, from the highest: how many pairs are accepted, and how many of them are the same."""
    ordered = sorted(zip(scores, labels, strict=True), key=lambda pair: -pair[0])
    found = 0
    for seen, (score, label) in enumerate(ordered, 1):
        found += label
        if seen == len(ordered) or ordered[seen][0] != score:
            yield seen, found
