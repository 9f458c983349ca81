"""Average precision, recall and calibration on pairs that can be counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.meaning.curves import average_precision, calibration_error, recall_at, reliability
from reflexd_core.meaning.trials import Count, interval

scored = st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.5, 0.9]), st.booleans()))


@pytest.mark.parametrize(
    ("scores", "labels", "area"),
    [
        pytest.param([], [], None, id="no pairs"),
        pytest.param([0.5, 0.6], [False, False], None, id="nothing is the same"),
        pytest.param([0.9, 0.8, 0.2, 0.1], [True, True, False, False], 1.0, id="in order"),
        pytest.param([0.1, 0.2], [True, False], 0.5, id="the wrong way round"),
        pytest.param([0.9, 0.8, 0.7], [True, False, True], (1 + 2 / 3) / 2, id="one between"),
        pytest.param([0.5, 0.5, 0.5, 0.5], [True, False, False, False], 0.25, id="all alike"),
        pytest.param([0.5, 0.5], [False, True], 0.5, id="alike, in the other order"),
    ],
)
def test_average_precision(scores: list[float], labels: list[bool], area: float | None) -> None:
    assert average_precision(scores, labels) == (None if area is None else pytest.approx(area))


def test_recall_at_a_precision() -> None:
    scores, labels = [0.9, 0.8, 0.7, 0.6, 0.5], [True, False, True, True, True]
    assert recall_at(scores, labels, 1.0) == 0.25
    assert recall_at(scores, labels, 0.8) == 1.0  # 4 of 5, though 1 of 2 on the way
    assert recall_at(scores, labels, 0.81) == 0.25
    assert recall_at([0.5, 0.5], [True, False], 0.9) == 0.0
    assert recall_at([0.5], [False], 0.9) is None


@given(scored)
def test_order_among_equals_changes_nothing(pairs: list[tuple[float, bool]]) -> None:
    for order in (sorted(pairs), sorted(pairs, key=lambda pair: (pair[0], not pair[1]))):
        scores, labels = [score for score, _ in order], [label for _, label in order]
        assert average_precision(scores, labels) == average_precision(*_split(pairs))
        assert recall_at(scores, labels, 0.7) == recall_at(*_split(pairs), 0.7)


def test_reliability_counts_every_pair_once() -> None:
    scores = [0.0, 0.05, 0.5, 0.55, 0.95, 1.0]
    table = reliability(scores, [False, False, True, False, True, True])
    assert [row.right for row in table if row.right.total] == [Count(0, 2), Count(1, 2), Count(2, 2)]
    assert [row.low for row in table] == pytest.approx([n / 10 for n in range(10)])
    assert [row.high for row in table] == pytest.approx([n / 10 for n in range(1, 11)])
    assert [row.score for row in table if row.right.total] == pytest.approx([0.025, 0.525, 0.975])
    assert table[1].score is None
    assert table[9].interval == interval(Count(2, 2))
    assert calibration_error(table) == pytest.approx((0.05 + 0.05 + 0.05) / 6)
    assert calibration_error(reliability([], [])) is None


@given(scored, st.integers(1, 20))
def test_reliability_loses_none(pairs: list[tuple[float, bool]], bins: int) -> None:
    table = reliability(*_split(pairs), bins)
    assert len(table) == bins
    assert sum(row.right.total for row in table) == len(pairs)
    assert sum(row.right.of for row in table) == sum(label for _, label in pairs)


def _split(pairs: list[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [score for score, _ in pairs], [label for _, label in pairs]
