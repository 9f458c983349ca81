"""Figures of judged pairs, counted by hand."""

import pytest

from reflexd_core.meaning.figures import Outcome, figures
from reflexd_core.meaning.trials import Count, interval, precision_at


def _outcome(label: bool, reason: str, score: float, *, unit: str = "", similarity: float = 0.5) -> Outcome:
    return Outcome(
        label=label,
        accepted=reason in ("verified", "normal-form"),
        reason=reason,
        score=score,
        similarity=similarity,
        unit=unit or f"{label}{reason}{score}",
        pair=f"{reason}{score}",
    )


OUTCOMES = [
    _outcome(True, "verified", 0.97),
    _outcome(True, "normal-form", 0.40),
    _outcome(False, "verified", 0.92),
    _outcome(False, "guard-number", 0.99),
    _outcome(True, "below-threshold", 0.60),
    _outcome(False, "below-threshold", 0.20),
    _outcome(False, "too-long", 0.95),
    _outcome(True, "guard-flag", 0.85),
]


def test_decisions() -> None:
    found = figures(OUTCOMES, by_unit=False)
    assert (found.pairs, found.same, found.accepted) == (8, 4, 3)
    assert found.precision.count == Count(2, 3)
    assert found.precision.value == pytest.approx(2 / 3)
    assert found.precision.interval == interval(Count(2, 3))
    assert found.recall.count == Count(2, 4)
    assert found.false_hits_per_1000 == 125.0
    assert found.at_base_rates[0] == precision_at(0.5, Count(2, 4), Count(1, 4))
    assert [row.base_rate for row in found.at_base_rates] == [0.5, 0.2, 0.05, 0.02]
    assert found.reasons["verified"] == 2
    assert sum(found.reasons.values()) == 8


def test_rankings_before_and_after_what_decides_without_a_score() -> None:
    served = figures(OUTCOMES, by_unit=False).rankings["served"]
    # 1.0 right, 0.97 right, 0.92 wrong, 0.60 right, 0.20 wrong, and the refused ones last, one of four right
    assert served.average_precision == pytest.approx((1 + 1 + 3 / 4 + 4 / 8) / 4)
    assert served.recall_at == {0.90: 0.5, 0.95: 0.5, 0.98: 0.5, 0.99: 0.5}
    score = figures(OUTCOMES, by_unit=False).rankings["score"]
    assert score.recall_at[0.90] == 0.0  # the surest one is wrong


def test_a_unit_counts_once() -> None:
    many = [_outcome(True, "verified", 0.9 + n / 1000, unit="u") for n in range(50)]
    found = figures([*many, _outcome(False, "verified", 0.91, unit="v")], by_unit=True)
    assert found.precision.count == Count(1, 2)
    assert found.by_unit
    assert found.recall.count == Count(50, 50)


def test_nothing_is_no_figure() -> None:
    found = figures([], by_unit=False)
    assert (found.precision.value, found.recall.value, found.false_hits_per_1000) == (None, None, None)
    assert found.rankings["score"].average_precision is None
    assert found.calibration_error is None
