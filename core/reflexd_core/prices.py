"""Prices: what a stored answer cost, so that a hit can say what it saved.

List prices of the providers, US dollars a million tokens, as published; an unknown model costs None, never a guess.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from reflexd_core.request import Usage

AS_OF = "2025-06"
"""When the table was true."""

_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|latest)$")


@dataclass(frozen=True, slots=True)
class Price:
    input: float
    output: float
    cached_input: float


PRICES: dict[str, Price] = {
    "gpt-4.1": Price(2.00, 8.00, 0.50),
    "gpt-4.1-mini": Price(0.40, 1.60, 0.10),
    "gpt-4.1-nano": Price(0.10, 0.40, 0.025),
    "gpt-4o": Price(2.50, 10.00, 1.25),
    "gpt-4o-mini": Price(0.15, 0.60, 0.075),
    "o3": Price(2.00, 8.00, 0.50),
    "o4-mini": Price(1.10, 4.40, 0.275),
    "claude-opus-4": Price(15.00, 75.00, 1.50),
    "claude-sonnet-4": Price(3.00, 15.00, 0.30),
    "claude-3-5-haiku": Price(0.80, 4.00, 0.08),
}
"""By model name without its date."""


def cost_of(model: str, usage: Usage | None) -> float | None:
    """Dollars that the answer cost, or None where model or usage are unknown."""
    price = _price_of(model) if usage is not None else None
    if usage is None or price is None:
        return None
    fresh = max(0, usage.input - usage.cached_input)
    return (fresh * price.input + usage.cached_input * price.cached_input + usage.output * price.output) / 1e6


@lru_cache(maxsize=1024)
def _price_of(model: str) -> Price | None:
    name = model.rpartition("/")[2]
    return PRICES.get(name) or PRICES.get(_DATED.sub("", name))
