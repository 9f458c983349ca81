"""Calibration: from a verifier's logits and a cosine to the probability that the served answer is right.

The numbers belong to one model and ship with it. None of the weights is negative, so that more agreement never counts
against a candidate; a fit that wants otherwise has found noise.
"""

import math
from dataclasses import dataclass

_WEIGHTS = ("strict", "loose", "cosine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A logistic curve over what the models say; fitted where ``base_rate`` of the candidates were right."""

    strict: float
    """What a logit of the strict head counts: one divided by the temperature."""
    loose: float = 0.0
    cosine: float = 0.0
    intercept: float = 0.0
    base_rate: float = 0.5
    threshold: float
    """The least probability at which an answer is served, ``band`` aside."""
    band: float = 0.0
    """How far a pair's probability may differ between backends and batch sizes; the threshold is raised by it."""

    def __post_init__(self) -> None:
        for name in (*_WEIGHTS, "band"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"calibration: {name} must be a number of at least 0")
        if not math.isfinite(self.intercept):
            raise ValueError("calibration: intercept must be a number")
        if not 0 < self.base_rate < 1:
            raise ValueError("calibration: base_rate must lie between 0 and 1")
        if not 0 <= self.threshold <= 1:
            raise ValueError("calibration: threshold must lie between 0 and 1")

    @property
    def needed(self) -> float:
        """The probability that a candidate must reach to be served."""
        return self.threshold + self.band


def probability(strict_logit: float, loose_logit: float, cosine: float, calibration: Calibration) -> float:
    """That the stored answer serves the asked question, at the calibration's base rate; 0 to 1.

    Never falls when one of the three rises. Raises `ValueError` for what is not a number.
    """
    total = (
        calibration.strict * strict_logit
        + calibration.loose * loose_logit
        + calibration.cosine * cosine
        + calibration.intercept
    )
    if math.isnan(total):
        raise ValueError("a score that is not a number means nothing")
    return _logistic(total)


def at_base_rate(score: float, fitted: float, wanted: float) -> float:
    """The probability where another share of the candidates is right: the odds move by the ratio of their odds."""
    odds = wanted / (1 - wanted) * (1 - fitted) / fitted
    return min(1.0, score * odds / (score * odds + 1 - score))  # rounding may put it a hair above


def _logistic(logit: float) -> float:
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    small = math.exp(logit)  # the other form would overflow
    return small / (1 + small)
