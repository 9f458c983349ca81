"""Calibration: monotone in each of its three, within 0 and 1 whatever comes, and refused where it cannot be right."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reflexd_core.meaning.calibration import Calibration, at_base_rate, probability

LOGITS = st.floats(-1e6, 1e6)
COSINES = st.floats(-1, 1)
WEIGHTS = st.floats(0, 100)


def calibration(**given: float) -> Calibration:
    return Calibration(**{"strict": 1.0, "threshold": 0.9, **given})


@given(LOGITS, LOGITS, COSINES, st.floats(0, 1e6), st.tuples(WEIGHTS, WEIGHTS, WEIGHTS))
def test_more_agreement_never_counts_against_a_candidate(
    strict: float, loose: float, cosine: float, more: float, weights: tuple[float, float, float]
) -> None:
    curve = calibration(**dict(zip(("strict", "loose", "cosine"), weights, strict=True)))
    base = probability(strict, loose, cosine, curve)
    assert 0 <= base <= 1
    assert probability(strict + more, loose, cosine, curve) >= base
    assert probability(strict, loose + more, cosine, curve) >= base
    assert probability(strict, loose, cosine + more, curve) >= base


def test_the_curve_is_the_logistic_one() -> None:
    curve = calibration(strict=0.5, loose=0.25, cosine=2.0, intercept=-1.0)
    assert probability(2.0, 4.0, 0.5, curve) == pytest.approx(1 / (1 + math.exp(-2.0)))
    assert probability(-2.0, -4.0, 0.0, curve) == pytest.approx(1 / (1 + math.exp(3.0)))
    assert probability(2.0, 0.0, 0.0, curve) == 0.5


@pytest.mark.parametrize("bad", [(math.nan, 0.0, 0.0), (0.0, math.nan, 0.0), (0.0, 0.0, math.nan)])
def test_what_is_not_a_number_is_no_score(bad: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="not a number"):
        probability(*bad, calibration(loose=1.0, cosine=1.0))


def test_infinities_are_sure() -> None:
    assert probability(math.inf, 0.0, 0.0, calibration()) == 1
    assert probability(-math.inf, 0.0, 0.0, calibration()) == 0


@pytest.mark.parametrize(
    "given",
    [
        {"strict": -0.1},
        {"loose": -0.1},
        {"cosine": -1.0},
        {"cosine": math.inf},
        {"strict": math.nan},
        {"band": -0.01},
        {"intercept": math.nan},
        {"base_rate": 0.0},
        {"base_rate": 1.0},
        {"threshold": 1.1},
        {"threshold": -0.1},
        {"threshold": math.nan},
    ],
)
def test_a_calibration_that_cannot_be_right_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        calibration(**given)


def test_the_threshold_is_raised_by_the_band() -> None:
    assert calibration(threshold=0.9, band=0.02).needed == pytest.approx(0.92)


@example(1.0, 0.625, 0.75)
@given(st.floats(0, 1), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_another_base_rate_moves_the_odds_and_back(score: float, one: float, other: float) -> None:
    moved = at_base_rate(score, one, other)
    assert 0 <= moved <= 1
    assert moved >= score - 1e-12 if other >= one else moved <= score + 1e-12
    assert at_base_rate(moved, other, one) == pytest.approx(score, rel=1e-6, abs=1e-6)


def test_bayes_by_hand() -> None:
    # Of 100 candidates 50 were right and 45 of those were accepted, with 5 wrong ones: 0.9. Where 5 of 100 are right,
    # the same test accepts 4.5 right and 9.5 wrong ones.
    assert at_base_rate(0.9, 0.5, 0.05) == pytest.approx(4.5 / 14)
