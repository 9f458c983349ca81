"""The incomplete beta function against values that can be known without it."""

from math import comb, isclose, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.meaning.beta import beta_cdf, beta_quantile

shapes = st.floats(0.05, 1e6)


@given(st.integers(1, 400), st.data())
def test_it_is_the_tail_of_a_binomial(total: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, total - 1))
    p = data.draw(st.floats(0.001, 0.999))
    tail = sum(comb(total, hits) * p**hits * (1 - p) ** (total - hits) for hits in range(count + 1))
    assert 1.0 - beta_cdf(p, count + 1, total - count) == pytest.approx(tail, abs=1e-10)


@pytest.mark.parametrize(
    ("x", "a", "b", "value"),
    [
        pytest.param(0.5, 2, 3, 11 / 16, id="a polynomial"),
        pytest.param(0.3, 1, 1, 0.3, id="uniform"),
        pytest.param(0.25, 0.5, 0.5, 1 / 3, id="arcsine"),
        pytest.param(0.2, 1, 9, 1 - 0.8**9, id="one of them 1"),
        pytest.param(0.2, 9, 1, 0.2**9, id="the other 1"),
        pytest.param(0.5, 1e6, 1e6, 0.5, id="the middle of something narrow"),
        pytest.param(-1.0, 2, 3, 0.0, id="below"),
        pytest.param(0.0, 2, 3, 0.0, id="the lower end"),
        pytest.param(1.0, 2, 3, 1.0, id="the upper end"),
        pytest.param(2.0, 2, 3, 1.0, id="above"),
    ],
)
def test_known_values(x: float, a: float, b: float, value: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(value, rel=1e-9, abs=1e-15)


@given(st.integers(1, 1023), shapes, shapes)
def test_seen_from_the_other_end_it_is_the_rest(place: int, a: float, b: float) -> None:
    x = place / 1024  # so that 1 - x is exact
    assert isclose(beta_cdf(x, a, b), 1.0 - beta_cdf(1.0 - x, b, a), abs_tol=1e-8)


@given(st.floats(0.0001, 0.9999), st.floats(0.5, 1e4), st.floats(0.5, 1e4))
def test_the_inverse_inverts(p: float, a: float, b: float) -> None:
    assert beta_cdf(beta_quantile(p, a, b), a, b) == pytest.approx(p, abs=1e-9)


def test_the_inverse_where_it_is_known() -> None:
    assert beta_quantile(0.975, 1, 10) == pytest.approx(1 - 0.025**0.1, rel=1e-14)
    assert beta_quantile(0.05, 30, 1) == pytest.approx(0.05 ** (1 / 30), rel=1e-14)
    assert beta_quantile(1e-6, 1, 1e6) == pytest.approx(1e-12, rel=1e-5)
    assert beta_quantile(0.0, 2, 3) == 0.0
    assert beta_quantile(1.0, 2, 3) == 1.0


@pytest.mark.parametrize(("a", "b"), [(0, 1), (1, 0), (-1, 2), (1, nan), (nan, 1), (float("inf"), 1)])
def test_parameters_are_positive(a: float, b: float) -> None:
    for p in (0.0, 0.5):
        with pytest.raises(ValueError, match="positive"):
            beta_cdf(p, a, b)
        with pytest.raises(ValueError, match="positive"):
            beta_quantile(p, a, b)


@pytest.mark.parametrize("p", [-0.1, 1.1, nan])
def test_a_probability_is_one(p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        beta_quantile(p, 1, 1)
