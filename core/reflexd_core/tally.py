"""Tallies: what is counted of exchanges of one kind, so that adding two of them is the same as having counted on.

Times fall into fixed buckets, since only those can be added up over hours and read by other tools; a percentile is
found between a bucket's bounds by interpolation, so it is as exact as the buckets are narrow.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from reflexd_core.prices import Prices
from reflexd_core.request import Usage

BOUNDS = (
    *(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0),
)
"""Upper bounds, seconds; the last bucket, behind them, has none."""


@dataclass(slots=True)
class Tally:
    requests: int = 0
    errors: int = 0
    """Of them, those whose client was told of an error, whosever."""
    input: int = 0
    output: int = 0
    cached: int = 0
    """Tokens of the answers; ``cached`` is the part of ``input`` that the provider had cached itself."""
    seconds: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    dollars: float = 0.0
    """What those tokens cost, where their price is known."""
    spared: float = 0.0
    """Dollars that the provider's own cache took off."""
    unpriced: int = 0
    """Tokens whose price is unknown."""

    def note(self, seconds: float, usage: Usage | None) -> None:
        self.requests += 1
        self.seconds += seconds
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        if usage is not None:
            self.input += usage.input
            self.output += usage.output
            self.cached += usage.cached_input

    def price(self, model: str, prices: Prices) -> None:
        """Let the tokens cost what they cost now. After calling this, no more is noted here."""
        usage = Usage(input=self.input, output=self.output, cached_input=self.cached)
        dollars, spared = prices.cost(model, usage), prices.spared(model, usage)
        if dollars is None or spared is None:
            self.unpriced = self.tokens
        else:
            self.dollars, self.spared = dollars, spared

    @property
    def tokens(self) -> int:
        return self.input + self.output

    def add(self, other: "Tally") -> None:
        self.requests += other.requests
        self.errors += other.errors
        self.input += other.input
        self.output += other.output
        self.cached += other.cached
        self.seconds += other.seconds
        self.buckets = [mine + its for mine, its in zip(self.buckets, other.buckets, strict=True)]
        self.dollars += other.dollars
        self.spared += other.spared
        self.unpriced += other.unpriced

    @property
    def mean(self) -> float | None:
        return self.seconds / self.requests if self.requests else None

    def quantile(self, share: float) -> float | None:
        return quantile(self.buckets, share)


def quantile(buckets: Sequence[int], share: float) -> float | None:
    """The time, seconds, that this share of exchanges took no longer than; None without any.

    Between the bounds of its bucket the times are taken as evenly spread. In the last one nothing is known but that
    they were longer than all bounds, and the last bound is told.
    """
    total = sum(buckets)
    if not total:
        return None
    rank, below = share * total, 0
    for number, count in enumerate(buckets[:-1]):
        if count and below + count >= rank:
            low = BOUNDS[number - 1] if number else 0.0
            return low + (BOUNDS[number] - low) * max(0.0, rank - below) / count
        below += count
    return BOUNDS[-1]
