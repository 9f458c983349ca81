"""Bounds against published and computable values, and what the choice of a threshold promises, put to the test."""

from math import comb, inf
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.meaning.trials import (
    GRID,
    Choice,
    Count,
    Interval,
    Scored,
    choose_threshold,
    interval,
    lower_bound,
    precision_at,
    upper_bound,
)

counts = st.integers(0, 300).flatmap(lambda total: st.builds(Count, st.integers(0, total), st.just(total)))


@pytest.mark.parametrize(
    ("of", "total", "confidence", "low", "high"),
    [
        # SciPy 1.17, scipy.stats.binomtest(of, total).proportion_ci(confidence, "exact")
        (0, 10, 0.95, 0.0, 0.3084971078),
        (10, 10, 0.95, 0.6915028922, 1.0),
        (1, 10, 0.95, 0.0025285785, 0.4450161175),
        (5, 20, 0.95, 0.0865714691, 0.4910458717),
        (81, 263, 0.95, 0.2527367446, 0.3676219226),
        (4, 120, 0.90, 0.0114645420, 0.0746528082),
    ],
)
def test_two_sided_intervals(of: int, total: int, confidence: float, low: float, high: float) -> None:
    found = interval(Count(of, total), confidence)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


def test_one_sided_bounds() -> None:
    assert upper_bound(Count(0, 99)) == pytest.approx(1 - 0.05 ** (1 / 99))
    assert upper_bound(Count(0, 100)) == pytest.approx(0.0295130, abs=1e-6)  # the rule of three
    assert lower_bound(Count(100, 100)) == pytest.approx(0.9704870, abs=1e-6)
    assert (lower_bound(Count(0, 9)), upper_bound(Count(9, 9))) == (0.0, 1.0)
    assert interval(Count(0, 0)) == Interval(0.0, 1.0)


@given(counts, st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_a_bound_lies_beyond_the_rate_and_two_sides_are_wider(count: Count, confidence: float) -> None:
    both = interval(count, confidence)
    assert both.low <= lower_bound(count, confidence) <= upper_bound(count, confidence) <= both.high
    if count.rate is not None:
        assert both.low <= count.rate <= both.high


def test_a_bound_holds_as_often_as_it_says() -> None:
    for rate, total in ((0.04, 80), (0.3, 25), (0.5, 200)):
        chances = [comb(total, of) * rate**of * (1 - rate) ** (total - of) for of in range(total + 1)]
        held = sum(chance for of, chance in enumerate(chances) if upper_bound(Count(of, total)) >= rate)
        assert 0.95 <= held < 0.995


@pytest.mark.parametrize(("of", "total"), [(-1, 3), (4, 3), (0, -1)])
def test_no_count_is_more_than_all(of: int, total: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Count(of, total)


def test_precision_falls_with_the_base_rate() -> None:
    right, wrong = Count(50, 100), Count(1, 100)
    rates = (0.5, 0.2, 0.05, 0.02)
    found = [precision_at(rate, right, wrong) for rate in rates]
    assert [row.precision for row in found] == pytest.approx([0.980392, 0.925926, 0.724638, 0.505051], abs=1e-6)
    assert [row.base_rate for row in found] == list(rates)
    for row in found:
        assert row.precision is not None
        assert row.interval.low < row.precision < row.interval.high
    # By hand: each rate's own interval at 97.5 %, put together the worst and the best way.
    each_right, each_wrong = interval(right, 0.975), interval(wrong, 0.975)
    assert found[0].interval.low == pytest.approx(each_right.low / (each_right.low + each_wrong.high))
    assert found[0].interval.high == pytest.approx(each_right.high / (each_right.high + each_wrong.low))


def test_precision_where_nothing_is_known() -> None:
    assert precision_at(0.5, Count(0, 0), Count(0, 9)).precision is None
    nothing = precision_at(0.5, Count(0, 5), Count(0, 5))
    assert nothing.precision is None
    assert nothing.interval == Interval(0.0, 1.0)
    for rate in (0.0, 1.0, -1.0):
        with pytest.raises(ValueError, match="base rate"):
            precision_at(rate, Count(1, 2), Count(1, 2))


def _pairs(*rows: tuple[float, bool, str]) -> list[Scored]:
    return [Scored(score, label, unit, f"{unit}{number}") for number, (score, label, unit) in enumerate(rows)]


def _faultless(units: int, score: float = 0.9) -> list[Scored]:
    return _pairs(*((score, True, f"u{unit}") for unit in range(units)))


def test_the_threshold_is_the_lowest_before_the_first_that_fails() -> None:
    good = _faultless(200)
    bad = _pairs(*((0.4, False, f"b{unit}") for unit in range(30)))
    more = _pairs(*((0.6, True, f"c{unit}") for unit in range(10)))
    choice = choose_threshold(good + bad + more, target=0.03, grid=(0.8, 0.6, 0.5, 0.3, 0.2))
    assert choice.threshold == 0.6  # at 0.5 nothing new is accepted, so nothing is known of what lies there
    assert [(step.threshold, step.wrong, step.holds) for step in choice.steps] == [
        (0.8, Count(0, 200), True),
        (0.6, Count(0, 210), True),
        (0.5, Count(0, 210), True),
        (0.3, Count(30, 240), False),
    ]
    assert choice.steps[-1].bound == upper_bound(Count(30, 240))


def test_too_few_units_support_no_threshold() -> None:
    assert choose_threshold(_faultless(98), target=0.03) == Choice(None, ())
    assert choose_threshold(_faultless(99), target=0.03).threshold == 0.9
    assert choose_threshold([], target=0.03) == Choice(None, ())


def test_where_a_faultless_record_would_not_do_yet_nothing_is_tested() -> None:
    top = _pairs(*((0.9, unit > 0, f"t{unit}") for unit in range(50)))  # one is wrong, and 50 cannot prove anything
    rest = _faultless(250, 0.7)
    choice = choose_threshold(top + rest, target=0.03, grid=(0.9, 0.7, 0.1))
    assert [step.threshold for step in choice.steps] == [0.7, 0.1]
    assert choice.threshold == 0.7


def test_a_unit_is_one_trial_however_many_pairs_it_has() -> None:
    many = [Scored(0.9, True, f"u{unit}", f"{pair}") for unit in range(50) for pair in range(20)]
    assert choose_threshold(many, target=0.03) == Choice(None, ())


def test_the_drawn_pair_is_any_of_the_accepted_ones() -> None:
    """Units of one right and one wrong pair: it finds the wrong one about every second time, and always alike."""
    pairs = [Scored(0.9, label, f"u{unit}", f"{unit}{label}") for unit in range(1000) for label in (True, False)]
    (step,) = choose_threshold(pairs, target=0.6, grid=(0.5,)).steps
    assert step.wrong.total == 1000
    assert 440 < step.wrong.of < 560
    assert choose_threshold(reversed(pairs), target=0.6, grid=(0.5,)).steps == (step,)


def test_a_refused_pair_is_never_drawn() -> None:
    pairs = [
        Scored(0.9 if label else 0.1, label, f"u{unit}", f"{unit}{label}")
        for unit in range(100)
        for label in (True, False)
    ]
    (step,) = choose_threshold(pairs, target=0.05, grid=(0.5,)).steps
    assert step.wrong == Count(0, 100)


def test_the_promise_holds() -> None:
    """Of many experiments in which low scores are wrong more often, few choose a threshold that breaks the target."""
    rng, chosen = Random(3), []
    for _ in range(60):
        scores = [rng.random() for _ in range(300)]
        trials = [Scored(s, rng.random() > 0.4 * (1 - s) ** 2, f"{n}", "") for n, s in enumerate(scores)]
        threshold = choose_threshold(trials, target=0.08, grid=[step / 20 for step in range(19, 0, -1)]).threshold
        chosen += [threshold] if threshold is not None else []
    assert len(chosen) > 45
    wrong = [0.4 * (1 - threshold) ** 2 / 3 for threshold in chosen]  # the share of wrong ones above it, integrated
    assert sum(share > 0.08 for share in wrong) / 60 <= 0.06


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, inf])
def test_a_target_is_a_share(target: float) -> None:
    with pytest.raises(ValueError, match="target"):
        choose_threshold([], target=target)


@pytest.mark.parametrize("grid", [(0.5, 0.5), (0.5, 0.6)])
def test_a_grid_goes_down(grid: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="goes down"):
        choose_threshold([], target=0.1, grid=grid)


def test_the_usual_grid() -> None:
    assert (GRID[0], GRID[-1], len(GRID)) == (0.995, 0.005, 199)
