"""Prices: what an answer cost, so that a hit can say what it saved.

US dollars a million tokens, by patterns of model names; an unknown model costs None, never a guess. The tables are
data that the hands read (``prices.toml`` and the user's own); which of their lines holds for a model is decided here.
What providers charge for writing into their own caches is not counted, since answers do not tell it alike.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from reflexd_core.request import Usage

_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8}|\d{4}|\d{2}-\d{4}|\d{2}-\d{2}|latest)$")
"""How names of one model's versions end; a version costs what its model costs unless a line of its own says else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    pattern: str
    """A model's name without its date; ``*`` stands for any characters."""
    input: float
    output: float
    cached_input: float
    """Of the tokens that the provider found in its own cache."""
    as_of: str
    """When it was true: ``2025-06``, ``2025-06-30``."""


class Prices:
    """Lines of which the one fits a name best that has the most letters; the user's own come before all others."""

    def __init__(self, own: Iterable[Price] = (), shipped: Iterable[Price] = ()) -> None:
        self.own, self.shipped = tuple(own), tuple(shipped)
        self._tables = (_Table(self.own), _Table(self.shipped))
        self.of = lru_cache(maxsize=4096)(self._of)
        """The price of a model, or None where it is unknown."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prices) and (self.own, self.shipped) == (other.own, other.shipped)

    def __hash__(self) -> int:
        return hash((self.own, self.shipped))

    def _of(self, model: str) -> Price | None:
        bare = model.rpartition("/")[2]
        names = dict.fromkeys((model, bare, _DATED.sub("", bare)))
        found = (table.find(name) for table in self._tables for name in names)
        return next((price for price in found if price is not None), None)

    def cost(self, model: str, usage: Usage | None) -> float | None:
        """Dollars that the answer cost, or None where model or usage are unknown."""
        price = self.of(model) if usage is not None else None
        if usage is None or price is None:
            return None
        fresh = max(0, usage.input - usage.cached_input)
        return (fresh * price.input + usage.cached_input * price.cached_input + usage.output * price.output) / 1e6

    def spared(self, model: str, usage: Usage) -> float | None:
        """Dollars that the provider's own cache took off the bill: no merit of ours."""
        price = self.of(model)
        return None if price is None else usage.cached_input * (price.input - price.cached_input) / 1e6

    def named(self, asked: str, answered: str) -> str:
        """Under which name an answer is counted: as it was asked for, where what answered costs the same."""
        return asked if asked and self._line(asked) == self._line(answered) else answered or asked

    def _line(self, model: str) -> tuple[float, float, float] | None:
        price = self.of(model)
        return None if price is None else (price.input, price.output, price.cached_input)


class _Table:
    def __init__(self, prices: Iterable[Price]) -> None:
        ordered = sorted(prices, key=lambda price: len(price.pattern.replace("*", "")), reverse=True)
        self._exact = {price.pattern: price for price in ordered if "*" not in price.pattern}
        self._wild = [(_matcher(price.pattern), price) for price in ordered if "*" in price.pattern]

    def find(self, name: str) -> Price | None:
        if name in self._exact:
            return self._exact[name]
        return next((price for matcher, price in self._wild if matcher.fullmatch(name)), None)


def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))))
