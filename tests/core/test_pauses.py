"""Pauses: they end by themselves, whatever either clock does, and never later than they were meant to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.pauses import Moment, Pause, restored

BEGAN = Moment(1000.0, 50.0)


@pytest.mark.parametrize(
    ("now", "over", "left"),
    [
        (Moment(1000.0, 50.0), False, 60.0),
        (Moment(1059.0, 109.0), False, 1.0),
        (Moment(1060.0, 110.0), True, 0.0),
        pytest.param(Moment(100.0, 110.0), True, 0.0, id="the wall clock was set back"),
        pytest.param(Moment(100.0, 109.0), False, 1.0, id="set back, and some time is left"),
        pytest.param(Moment(5000.0, 51.0), True, 0.0, id="it was set ahead, or the machine slept"),
    ],
)
def test_a_pause_ends_by_whichever_clock_says_so_first(now: Moment, over: bool, left: float) -> None:
    pause = Pause(began=BEGAN, seconds=60.0)
    assert (pause.is_over(now), pause.left(now), pause.until) == (over, left, 1060.0)


def test_a_pause_without_an_end_has_none() -> None:
    pause = Pause(began=BEGAN, seconds=None)
    assert (pause.is_over(Moment(1e12, 1e12)), pause.left(BEGAN), pause.until) == (False, None, None)


@pytest.mark.parametrize(
    ("until", "seconds", "expected"),
    [
        (1030.0, 60.0, Pause(began=BEGAN, seconds=30.0)),
        (1000.0, 60.0, None),
        (900.0, 60.0, None),
        pytest.param(9999.0, 60.0, Pause(began=BEGAN, seconds=60.0), id="the clock was set back meanwhile"),
        (None, None, Pause(began=BEGAN, seconds=None)),
    ],
)
def test_a_pause_outlives_a_restart_with_what_is_left_of_it(
    until: float | None, seconds: float | None, expected: Pause | None
) -> None:
    assert restored(until, seconds, BEGAN) == expected


@given(
    st.floats(1.0, 1e6),
    st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0.0, 1e5)), min_size=1, max_size=20),
)
def test_no_clock_that_jumps_prolongs_a_pause(seconds: float, jumps: list[tuple[float, float]]) -> None:
    pause, steady = Pause(began=Moment(0.0, 0.0), seconds=seconds), 0.0
    for wall, passed in jumps:
        steady += passed
        now = Moment(wall, steady)
        assert pause.is_over(now) or steady < seconds
        assert (pause.left(now) or 0.0) <= seconds
