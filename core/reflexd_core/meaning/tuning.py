"""Tuning: a calibration fitted to what one user's own hits proved to be.

Only pairs that would have been served are ever audited or called wrong, so nothing is known of those below the
threshold in force: tuning may raise it, never lower it. The curve is refitted where there are enough labels of either
kind, held back towards the old one as by one more observation of each coefficient; a refit keeps the order of scores,
so the threshold is chosen on the old scale, whose grid no label has touched, and then carried over.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reflexd_core.meaning.calibration import Calibration
from reflexd_core.meaning.trials import GRID, Choice, Scored, choose_threshold

LEAST_TO_REFIT = 20
"""Labels of each kind below which the curve stays as it is; a threshold needs more than that anyway."""
_ROUNDS = 50
_FLATTEST = 0.05
"""The least slope: more agreement never counts against a candidate."""
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Fit:
    calibration: Calibration | None
    """None where the labels support no threshold: too few of them, or too many wrong ones."""
    choice: Choice
    """The walk, on the scale of the calibration that was in force."""


def fit(trials: Sequence[Scored], current: Calibration, *, precision: float, confidence: float) -> Fit:
    """A calibration for these labels. The trials' scores are the probabilities of the one in force."""
    floor = min(current.needed, 1.0)
    grid = [*(threshold for threshold in GRID if threshold > floor), floor]
    choice = choose_threshold(trials, target=1.0 - precision, confidence=confidence, grid=grid)
    last = choice.steps[-1] if choice.steps else None
    if last is not None and last.threshold == floor and last.holds:
        choice = replace(choice, threshold=floor)  # all of them were walked through: nothing speaks against it
    if choice.threshold is None:
        return Fit(None, choice)
    slope, shift = refit([(trial.score, trial.label) for trial in trials])
    threshold = _moved(choice.threshold, slope, shift)
    same = sum(trial.label for trial in trials)
    return Fit(
        Calibration(
            strict=slope * current.strict,
            loose=slope * current.loose,
            cosine=slope * current.cosine,
            intercept=slope * current.intercept + shift,
            base_rate=same / len(trials) if (slope, shift) != (1.0, 0.0) else current.base_rate,
            threshold=max(0.0, threshold - current.band),
            band=current.band,
        ),
        choice,
    )


def refit(scored: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """Slope and shift for the logits of the scores: logistic regression by Newton's method, the prior included."""
    same = sum(label for _, label in scored)
    if min(same, len(scored) - same) < LEAST_TO_REFIT:
        return 1.0, 0.0
    rows = [(_logit(score), float(label)) for score, label in scored]
    slope, shift = 1.0, 0.0
    cost = _cost(rows, slope, shift)
    for _ in range(_ROUNDS):
        by_slope, by_shift = _newton(rows, slope, shift)
        part = 1.0
        while True:  # a whole step may overshoot where the curve is flat
            to_slope, to_shift = max(_FLATTEST, slope - part * by_slope), shift - part * by_shift
            lower = _cost(rows, to_slope, to_shift)
            if lower < cost or part < _EPSILON:
                break
            part /= 2
        if cost - lower < _EPSILON:
            break
        slope, shift, cost = to_slope, to_shift, lower
    return slope, shift


def _cost(rows: Sequence[tuple[float, float]], slope: float, shift: float) -> float:
    """The log loss, and the prior: one more observation of each at its old value, with a deviation of 1."""
    prior = ((slope - 1.0) ** 2 + shift**2) / 2
    logits = ((slope * x + shift, label) for x, label in rows)
    return prior + sum(max(z, 0.0) - z * label + math.log1p(math.exp(-abs(z))) for z, label in logits)


def _newton(rows: Sequence[tuple[float, float]], slope: float, shift: float) -> tuple[float, float]:
    """The step to take back of each: the gradient of the cost by its curvature."""
    by_slope, by_shift = slope - 1.0, shift
    slope_slope, slope_shift, shift_shift = 1.0, 0.0, 1.0
    for x, label in rows:
        p = _logistic(slope * x + shift)
        by_slope += (p - label) * x
        by_shift += p - label
        weight = p * (1.0 - p)
        slope_slope += weight * x * x
        slope_shift += weight * x
        shift_shift += weight
    determinant = slope_slope * shift_shift - slope_shift * slope_shift
    return (
        (shift_shift * by_slope - slope_shift * by_shift) / determinant,
        (slope_slope * by_shift - slope_shift * by_slope) / determinant,
    )


def _moved(score: float, slope: float, shift: float) -> float:
    return _logistic(slope * _logit(score) + shift) if (slope, shift) != (1.0, 0.0) else score


def _logit(score: float) -> float:
    score = min(1.0 - _EPSILON, max(_EPSILON, score))
    return math.log(score / (1.0 - score))


def _logistic(logit: float) -> float:
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    small = math.exp(logit)
    return small / (1 + small)
