"""Tallies: counting, adding up, and percentiles from buckets."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from reflexd_core.prices import Price, Prices
from reflexd_core.request import Usage
from reflexd_core.tally import BOUNDS, Tally, quantile

PRICES = Prices([Price(pattern="m", input=1.0, output=2.0, cached_input=0.5, as_of="")])
TIMES = some.lists(some.floats(0, 400, allow_nan=False), max_size=50)


@given(TIMES, TIMES)
def test_adding_is_the_same_as_having_counted_on(first: list[float], second: list[float]) -> None:
    one, other, both = Tally(), Tally(), Tally()
    for tally, times in ((one, first), (other, second), (both, [*first, *second])):
        for seconds in times:
            tally.note(seconds, Usage(input=3, output=2, cached_input=1))
    one.add(other)
    assert one.seconds == pytest.approx(both.seconds)
    one.seconds = both.seconds
    assert one == both
    assert one.requests == sum(one.buckets) == len(first) + len(second)


def test_a_bound_belongs_to_the_bucket_below_it() -> None:
    tally = Tally()
    for seconds in (0.0, BOUNDS[0], BOUNDS[1], BOUNDS[-1], BOUNDS[-1] + 1):
        tally.note(seconds, None)
    assert (tally.buckets[0], tally.buckets[1], tally.buckets[-2], tally.buckets[-1]) == (2, 1, 1, 1)


def test_percentiles_lie_within_the_bucket_of_the_true_one() -> None:
    drawn = random.Random(7)
    times = sorted(drawn.lognormvariate(-3, 1.5) for _ in range(5000))
    tally = Tally()
    for seconds in times:
        tally.note(seconds, None)
    for share in (0.01, 0.25, 0.5, 0.9, 0.99):
        true, told = times[int(share * len(times))], tally.quantile(share)
        bucket = next(number for number, bound in enumerate(BOUNDS) if true <= bound)
        low = BOUNDS[bucket - 1] if bucket else 0.0
        assert told is not None
        assert low <= told <= BOUNDS[bucket]


def test_there_is_no_percentile_of_nothing_and_the_longest_are_told_as_the_last_bound() -> None:
    assert quantile([0] * (len(BOUNDS) + 1), 0.5) is None
    assert Tally().mean is None
    tally = Tally()
    tally.note(10_000.0, None)
    assert tally.quantile(0.5) == BOUNDS[-1]
    assert tally.mean == 10_000.0


def test_tokens_cost_what_they_cost_or_count_as_unpriced() -> None:
    known, unknown = Tally(), Tally()
    for tally in (known, unknown):
        tally.note(0.1, Usage(input=2_000_000, output=1_000_000, cached_input=1_000_000))
    known.price("m", PRICES)
    unknown.price("n", PRICES)
    assert (known.dollars, known.spared, known.unpriced) == (pytest.approx(3.5), pytest.approx(0.5), 0)
    assert (unknown.dollars, unknown.spared, unknown.unpriced) == (0.0, 0.0, 3_000_000)
