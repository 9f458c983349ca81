"""Statistics: what was saved, how often and how fast, from the first day on.

The ledger counts, the keeper writes, and here the written rows become what people are shown. "Today" begins at the
machine's own midnight; 7 days are 168 hours up to this one, and 30 days are days of UTC, since what is older than a
week is kept by the day.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import time

from reflexd_core.commands import Status
from reflexd_core.prices import Prices
from reflexd_core.tally import Tally
from reflexd_io.control_client.shapes.stats import Percentiles, Point, Range, TopModel
from reflexd_io.ledger import AUDITED, BESIDE, COALESCED, HITS, SAVING, SLOT, VERDICTS
from reflexd_io.stats.file import DAY, EVER, HOUR, Row
from reflexd_io.stats.keeper import Keeper

QUARTER = 900
TOP = 10
MOST_POINTS = 400
"""Days of a chart of everything."""


@dataclass(frozen=True, slots=True)
class Span:
    since: float
    step: int


def span_of(name: Range, now: float) -> Span:
    """The range's beginning, and the seconds between two points of its charts."""
    match name:
        case "today":
            midnight = datetime.fromtimestamp(now).astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
            return Span(midnight.timestamp(), QUARTER)
        case "7d":
            return Span(now // HOUR * HOUR - 167 * HOUR, HOUR)
        case "30d":
            return Span(now // DAY * DAY - 29 * DAY, DAY)
        case "ever":
            return Span(0.0, DAY)


class Sums:
    """Rows added up in the ways in which they are shown."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.by_what: dict[str, Tally] = {}
        self.by_model: dict[str, dict[str, Tally]] = {}
        for row in rows:
            self.by_what.setdefault(row.what, Tally()).add(row.tally)
            if row.what not in BESIDE and row.model:
                self.by_model.setdefault(row.model, {}).setdefault(row.what, Tally()).add(row.tally)
        self.by_status = statuses(self.by_what)
        self.exchanges = sum(self.by_status.values())
        self.hits = sum(self.by_status.get(status, 0) for status in HITS)
        self.exact_hits = self.by_status.get(Status.HIT_L1.value, 0)
        self.semantic_hits = self.hits - self.exact_hits
        self.saved = added(tally for what, tally in self.by_what.items() if what in SAVING)
        self.errors = sum(tally.errors for what, tally in self.by_what.items() if what not in BESIDE)
        self.paid = added(tally for what, tally in self.by_what.items() if what not in SAVING)

    @property
    def hit_rate(self) -> float | None:
        return self.hits / self.exchanges if self.exchanges else None

    def of(self, what: str) -> int:
        return self.by_what[what].requests if what in self.by_what else 0

    @property
    def audits(self) -> dict[str, int]:
        return {verdict: self.of(AUDITED + verdict) for verdict in VERDICTS}

    def latencies(self) -> dict[str, Percentiles]:
        return {what: latency for what, tally in self.by_what.items() if (latency := latency_of(tally)) is not None}

    def top_models(self, prices: Prices) -> list[TopModel]:
        counted = [(model, statuses(kinds), kinds) for model, kinds in self.by_model.items()]
        counted.sort(key=lambda found: (-sum(found[1].values()), found[0]))
        return [_top_model(model, by_status, kinds, prices) for model, by_status, kinds in counted[:TOP]]


def _top_model(model: str, by_status: Counter[str], kinds: dict[str, Tally], prices: Prices) -> TopModel:
    saved = added(tally for what, tally in kinds.items() if what in SAVING)
    known = saved.dollars > 0 or (not saved.unpriced and prices.of(model) is not None)
    return TopModel(
        model=model,
        exchanges=sum(by_status.values()),
        hits=sum(by_status[status] for status in HITS),
        saved_tokens=saved.tokens,
        saved_dollars=round(saved.dollars, 6) if known else None,
    )


def statuses(by_what: dict[str, Tally]) -> Counter[str]:
    """As clients were told: an answer shared with a twin is a miss."""
    counts: Counter[str] = Counter()
    for what, tally in by_what.items():
        if what not in BESIDE:
            counts[Status.MISS.value if what == COALESCED else what] += tally.requests
    return counts


def added(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def latency_of(tally: Tally) -> Percentiles | None:
    found = [tally.quantile(share) for share in (0.5, 0.9, 0.99)]
    p50, p90, p99 = (None if seconds is None else round(seconds * 1000, 3) for seconds in found)
    if p50 is None or p90 is None or p99 is None:
        return None
    return Percentiles(p50=p50, p90=p90, p99=p99, count=sum(tally.buckets))


def series(rows: Sequence[Row], span: Span, now: float) -> list[Point]:
    """One point a step from the beginning to now, those without anything included."""
    placed = [row for row in rows if row.span != EVER and row.start <= now]
    first = span.since or min((row.start for row in placed), default=now) // span.step * span.step
    first = max(first, (now // span.step - MOST_POINTS) * span.step)
    steps: dict[int, list[Row]] = {}
    for row in placed:
        steps.setdefault(int((row.start - first) // span.step), []).append(row)
    count = int((now - first) // span.step) + 1
    return [_point(first + number * span.step, steps.get(number, ())) for number in range(count)]


def _point(at: float, rows: Iterable[Row]) -> Point:
    sums = Sums(rows)
    return Point(
        at=at,
        by_status=dict(sums.by_status),
        saved_tokens=sums.saved.tokens,
        saved_dollars=round(sums.saved.dollars, 6),
        latency_ms=sums.latencies(),
    )


class Statistics:
    def __init__(self, keeper: Keeper, clock: Callable[[], float] = time) -> None:
        self._keeper = keeper
        self.clock = clock

    @property
    def problem(self) -> str | None:
        """Why statistics are not written at present."""
        return self._keeper.problem

    async def rows(self, name: Range, tenant: str | None) -> tuple[list[Row], Span]:
        """Those of the range. What lies ahead of the clock, which was set back, is part of "ever" alone."""
        now = self.clock()
        span = span_of(name, now)
        rows = await self._keeper.since(span.since, tenant)
        return [row for row in rows if row.start <= now or name == "ever"], span

    async def today(self, tenant: str | None = None) -> Sums:
        return Sums((await self.rows("today", tenant))[0])

    async def lately(self) -> Sums:
        """Of the last five to ten minutes."""
        now = self.clock()
        rows = await self._keeper.since(now // SLOT * SLOT - SLOT, None)
        return Sums(row for row in rows if row.start <= now)
