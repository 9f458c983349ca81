"""Tuning: what labels may change of a calibration, and what they may not."""

from dataclasses import replace
from math import exp, log
from random import Random

import pytest

from reflexd_core.meaning.calibration import Calibration, probability
from reflexd_core.meaning.trials import Scored
from reflexd_core.meaning.tuning import LEAST_TO_REFIT, fit, refit

CURRENT = Calibration(strict=0.8, loose=0.1, cosine=0.5, intercept=-0.3, threshold=0.7, band=0.02)


def _trials(*rows: tuple[float, bool, int]) -> list[Scored]:
    """Score, label and how many of them; each of a question of its own."""
    return [
        Scored(score, label, f"{row}-{n}", f"{row}-{n}")
        for row, (score, label, count) in enumerate(rows)
        for n in range(count)
    ]


def test_faultless_labels_leave_everything_as_it_is() -> None:
    found = fit(_trials((0.9, True, 90), (0.73, True, 40)), CURRENT, precision=0.97, confidence=0.95)
    assert found.choice.threshold == pytest.approx(CURRENT.needed)
    assert found.calibration is not None
    assert found.calibration.needed == pytest.approx(CURRENT.needed)
    assert replace(found.calibration, threshold=CURRENT.threshold) == CURRENT


def test_wrong_ones_raise_the_threshold_above_them() -> None:
    trials = _trials((0.95, True, 150), (0.8, False, 15), (0.8, True, 30))
    found = fit(trials, CURRENT, precision=0.97, confidence=0.95)
    assert found.calibration is not None
    assert found.choice.threshold == 0.95
    assert found.calibration.needed == pytest.approx(0.95)
    assert (found.calibration.strict, found.calibration.band) == (CURRENT.strict, CURRENT.band)


def test_the_threshold_is_never_lowered() -> None:
    """What was refused nobody saw: neither labels below the threshold nor none at all say anything of it."""
    for below in (0, 200):
        found = fit(_trials((0.9, True, 150), (0.3, True, below)), CURRENT, precision=0.97, confidence=0.95)
        assert found.calibration is not None
        assert found.calibration.needed == pytest.approx(CURRENT.needed)


@pytest.mark.parametrize(
    ("trials", "steps"),
    [
        pytest.param([], 0, id="no labels"),
        pytest.param(_trials((0.9, True, 98)), 0, id="one too few"),
        pytest.param(_trials((0.9, True, 70), (0.9, False, 70)), 1, id="half of them wrong"),
        pytest.param(_trials((0.5, True, 500)), 0, id="all below the threshold"),
    ],
)
def test_what_supports_no_threshold_changes_nothing(trials: list[Scored], steps: int) -> None:
    found = fit(trials, CURRENT, precision=0.97, confidence=0.95)
    assert found.calibration is None
    assert len(found.choice.steps) == steps


def test_the_curve_follows_the_labels() -> None:
    """Scores that are too sure of themselves, by a slope of 0.5 and a shift of -1: both are found."""
    rng, scored = Random(1), []
    for _ in range(4000):
        logit = rng.uniform(0.5, 6)
        scored.append((1 / (1 + exp(-logit)), rng.random() < 1 / (1 + exp(1 - 0.5 * logit))))
    slope, shift = refit(scored)
    assert slope == pytest.approx(0.5, abs=0.08)
    assert shift == pytest.approx(-1, abs=0.25)


def test_few_of_one_kind_leave_the_curve_alone() -> None:
    few = [(0.9, True)] * 500 + [(0.8, False)] * (LEAST_TO_REFIT - 1)
    assert refit(few) == (1.0, 0.0)
    assert refit([*few, (0.8, False)]) != (1.0, 0.0)


def test_a_slope_stays_positive_whatever_the_labels_say() -> None:
    slope, _ = refit([(0.95, False)] * 100 + [(0.75, True)] * 100)
    assert slope == pytest.approx(0.05)
    assert refit([(0.0, False)] * 100 + [(1.0, True)] * 100) == pytest.approx((1.0, 0.0))
    assert refit([(0.4, False)] * 100 + [(0.6, True)] * 100)[0] > 2


def test_a_refitted_calibration_moves_scores_and_threshold_alike() -> None:
    trials = _trials((0.97, True, 400), (0.8, True, 40), (0.8, False, 40))
    found = fit(trials, CURRENT, precision=0.97, confidence=0.95)
    assert found.calibration is not None
    assert found.choice.threshold == 0.97
    after = found.calibration
    assert after.strict != CURRENT.strict
    assert after.base_rate == pytest.approx(440 / 480)
    for strict in (-1.0, 2.0, 4.0, 6.0):
        before = probability(strict, strict, 0.9, CURRENT)
        assert (before >= 0.97) is (probability(strict, strict, 0.9, after) >= after.needed)
    # An odds ratio is moved as every other is: the new curve is a logistic curve over the old one's logit.
    old = [log(p / (1 - p)) for p in (probability(x, x, 0.9, CURRENT) for x in (0.0, 1.0, 2.0))]
    new = [log(p / (1 - p)) for p in (probability(x, x, 0.9, after) for x in (0.0, 1.0, 2.0))]
    assert (new[1] - new[0]) / (old[1] - old[0]) == pytest.approx((new[2] - new[0]) / (old[2] - old[0]))
