"""The ledger: what happened, counted by five minutes, tenant, model and kind.

A hit from memory adds a handful of numbers to one tally and no more; money is worked out later, when the tallies are
taken to be written (see `stats`). Names are bounded: beyond `MOST_NAMES` pairs of tenant and model a day, a further
model counts as `OTHER`, and a further anonymous tenant as `ANONYMOUS`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import perf_counter, time

from reflexd_core.commands import Replay, Status
from reflexd_core.prices import Prices
from reflexd_core.tally import Tally
from reflexd_io.call import Call
from reflexd_io.exchange import Exchange

SLOT = 300
"""Seconds that are counted together."""
DAY = 86_400
MOST_NAMES = 200
MOST_TOTALS = 4_000
OTHER = "(other)"
ANONYMOUS = "anon-(other)"
LONGEST_NAME = 100

HITS = (Status.HIT_L1.value, Status.HIT_L2.value, Status.HIT_L3.value)
COALESCED = "coalesced"
SAVING = frozenset({*HITS, COALESCED})
"""Kinds whose tokens were saved; those of other kinds were paid for."""
RELAYED = "relayed"
"""What is no cached dialect and only passes through."""
UNREACHABLE = "unreachable"
WRONG = "wrong"
AUDITED = "audit-"
"""With the verdict behind it."""
VERDICTS = ("same", "different", "unsure")
BESIDE = frozenset({RELAYED, WRONG, *(AUDITED + verdict for verdict in VERDICTS)})
"""Kinds that are no exchanges of a cached dialect, so no share of hits is taken of them."""


Key = tuple[int, str, str, str]
"""What a tally counts: when its time begins (Unix seconds), tenant, model, and a status or one of the kinds above.

The beginning is what the clock says and nothing cleverer: where the clock is set back, older tallies grow further,
and nothing is lost or counted twice.
"""


@dataclass(slots=True)
class Ledger:
    prices: Prices
    started: float = field(default_factory=time)
    totals: dict[tuple[str, str, str], Tally] = field(default_factory=dict)
    """Since the start, by tenant, model and kind, priced; `settle` brings it up to date."""
    upstream_errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By upstream and HTTP status, or ``unreachable``."""
    tiers: dict[str, Tally] = field(default_factory=dict)
    """How long each tier took where an exchange asked it; what memory answers at once asks none."""
    _live: dict[tuple[int, str, str, str, str], Tally] = field(default_factory=dict)
    _waiting: dict[Key, Tally] = field(default_factory=dict)
    """Settled, and yet to be written."""
    _names: set[tuple[str, str]] = field(default_factory=set)
    _day: int = 0

    def note(self, exchange: Exchange) -> None:
        """Count an exchange whose client is done with."""
        call, entry = exchange.call, exchange.entry
        told = COALESCED if exchange.joined else exchange.status.value
        asked, answered = call.ask.model, entry.model if entry is not None else ""
        tally = self._tally(call.route.tenant, asked, answered, told)
        tally.note(perf_counter() - exchange.began, entry.usage if entry is not None else exchange.usage)
        if exchange.http_status >= 400:
            tally.errors += 1
            own = exchange.recording
            if own is not None and (own.status >= 400 or (not own.status and exchange.http_status >= 500)):
                self.note_upstream_error(call.route.upstream.name, own.status)
        for name, seconds in exchange.timings.items():
            self.tiers.setdefault(name.decode(), Tally()).note(seconds, None)

    def note_hit(self, call: Call, replay: Replay, began: float) -> None:
        """Count a hit for which no exchange was opened. ``began``: `time.perf_counter` seconds."""
        entry = replay.entry
        tally = self._tally(call.route.tenant, call.ask.model, entry.model, replay.status.value)
        tally.note(perf_counter() - began, entry.usage)

    def note_relayed(self, tenant: str, upstream: str, http_status: int, began: float) -> None:
        """Count what only passed through. ``http_status`` 0: there was no answer."""
        tally = self._tally(tenant, "", "", RELAYED)
        tally.note(perf_counter() - began, None)
        if http_status >= 400:
            tally.errors += 1
            self.note_upstream_error(upstream, http_status)

    def note_upstream_error(self, upstream: str, http_status: int) -> None:
        """``http_status`` 0: it was not reached."""
        self.upstream_errors[upstream, str(http_status) if http_status else UNREACHABLE] += 1

    def note_beside(self, tenant: str, what: str, count: int = 1) -> None:
        """Count one of `BESIDE` that takes no time; -1 takes it back."""
        self._tally(tenant, "", "", what).requests += count

    def _tally(self, tenant: str, asked: str, answered: str, what: str) -> Tally:
        slot = int(time()) // SLOT * SLOT
        key = (slot, tenant, asked, answered, what)
        tally = self._live.get(key)
        if tally is None:
            tally = self._live[key] = Tally()
        return tally

    def settle(self) -> None:
        """Bring `totals` and what waits to be written up to date."""
        live, self._live = self._live, {}
        for (slot, tenant, asked, answered, what), tally in live.items():
            model = self.prices.named(asked, answered)
            tally.price(answered or asked, self.prices)
            names = self._bounded(slot, tenant, model[:LONGEST_NAME])
            self._total(*names, what).add(tally)
            self._waiting.setdefault((slot, *names, what), Tally()).add(tally)

    def _total(self, tenant: str, model: str, what: str) -> Tally:
        """Names are bounded by the day, and a daemon may run for years."""
        key = (tenant, model, what)
        if key not in self.totals and len(self.totals) >= MOST_TOTALS:
            key = (*_folded(tenant, model), what)
        return self.totals.setdefault(key, Tally())

    def take(self) -> dict[Key, Tally]:
        """What is to be written. After calling this, `give_back` it if it was not."""
        self.settle()
        taken, self._waiting = self._waiting, {}
        return taken

    def give_back(self, taken: dict[Key, Tally]) -> None:
        for key, tally in taken.items():
            self._waiting.setdefault(key, Tally()).add(tally)

    def know(self, names: Iterable[tuple[str, str]]) -> None:
        """Pairs of tenant and model that were counted today before the start."""
        self._day = int(time()) // DAY
        self._names |= set(names)

    def _bounded(self, slot: int, tenant: str, model: str) -> tuple[str, str]:
        day = slot // DAY
        if day != self._day:
            self._day, self._names = day, set()
        if (tenant, model) in self._names or len(self._names) < MOST_NAMES:
            self._names.add((tenant, model))
            return tenant, model
        return _folded(tenant, model)

    def as_json(self) -> dict[str, object]:
        self.settle()
        by_status: Counter[str] = Counter()
        saved = Tally()
        for (_, _, what), tally in self.totals.items():
            if what not in BESIDE:
                by_status[Status.MISS.value if what == COALESCED else what] += tally.requests
            if what in SAVING:
                saved.add(tally)
        total = by_status.total()
        hits = sum(by_status[status] for status in HITS)
        return {
            "exchanges": total,
            "by_status": dict(by_status),
            "hits": hits,
            "hit_rate": hits / total if total else None,
            "coalesced": sum(tally.requests for key, tally in self.totals.items() if key[2] == COALESCED),
            "saved_tokens": saved.tokens,
            "saved_dollars": round(saved.dollars, 6),
        }


def _folded(tenant: str, model: str) -> tuple[str, str]:
    return ANONYMOUS if tenant.startswith("anon-") else tenant, OTHER if model else ""
