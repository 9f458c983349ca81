"""The regularised incomplete beta function and its inverse, in plain floats: what exact binomial bounds are made of.

The function is evaluated by its continued fraction (Lentz's method; Abramowitz and Stegun 26.5.8), the inverse by
bisection: slower than Newton's method, but it cannot miss, and a bound is asked for a few hundred times at most.
"""

from math import exp, inf, lgamma, log, log1p

_TINY = 1e-300
_PRECISE = 1e-15


def beta_cdf(x: float, a: float, b: float) -> float:
    """The chance that a Beta(a, b) variable is at most ``x``. Raises `ValueError` for parameters not positive."""
    if not (0 < a < inf and 0 < b < inf):
        raise ValueError(f"a beta distribution has positive parameters, not {a} and {b}")
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    # The fraction converges fast below the mean only; above it the mirrored one does.
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1.0 - x, b, a) / b


def beta_quantile(p: float, a: float, b: float) -> float:
    """The ``x`` of which `beta_cdf` is ``p``."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"a probability lies between 0 and 1, not {p}")
    if p in (0.0, 1.0):
        beta_cdf(p, a, b)  # for what it raises
        return p
    low, high = 0.0, 1.0
    while (middle := (low + high) / 2) not in (low, high) and high - low > _PRECISE * low:
        if beta_cdf(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return middle


def _fraction(x: float, a: float, b: float) -> float:
    """It takes about ``sqrt(max(a, b))`` rounds: 1,000 for a million trials."""
    c, d = 1.0, 1.0 / _off_zero(1.0 - (a + b) * x / (a + 1.0))
    value = d
    m = 0
    while True:
        m += 1
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d = 1.0 / _off_zero(1.0 + even * d)
        c = _off_zero(1.0 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d = 1.0 / _off_zero(1.0 + odd * d)
        c = _off_zero(1.0 + odd / c)
        value *= d * c
        if abs(d * c - 1.0) < _PRECISE or m > _ROUNDS:
            return value


_ROUNDS = 100_000
"""More than a number of trials that anybody counts can need; it is here so that no input is endless."""


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
