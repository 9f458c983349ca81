"""The ledger: what happened since the start, counted, and one log line an exchange."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter, time

from reflexd_core.commands import Replay, Status
from reflexd_core.entry import EntryFacts
from reflexd_core.prices import cost_of
from reflexd_io.call import Call
from reflexd_io.exchange import Exchange

log = logging.getLogger("reflexd.exchange")

_HITS = frozenset({Status.HIT_L1, Status.HIT_L2, Status.HIT_L3})


@dataclass(slots=True)
class Ledger:
    started: float = field(default_factory=time)
    by_status: Counter[str] = field(default_factory=Counter)
    coalesced: int = 0
    saved_tokens: int = 0
    saved_dollars: float = 0.0
    """Only of models whose price is known."""

    def note(self, exchange: Exchange) -> None:
        """Count an exchange whose client is done with."""
        status = exchange.status
        self.by_status[status.value] += 1
        if exchange.joined:
            self.coalesced += 1
        if status in _HITS or exchange.joined:
            self._save(exchange.entry)
        if log.isEnabledFor(logging.INFO):
            told = "coalesced" if exchange.joined else status.value
            _log(exchange.call, exchange.http_status, told, exchange.began)

    def note_hit(self, call: Call, replay: Replay, began: float) -> None:
        """Count a hit for which no exchange was opened. ``began``: `time.perf_counter` seconds."""
        self.by_status[replay.status.value] += 1
        self._save(replay.entry)
        if log.isEnabledFor(logging.INFO):
            _log(call, 200, replay.status.value, began)

    def _save(self, entry: EntryFacts | None) -> None:
        if entry is None or entry.usage is None:
            return
        self.saved_tokens += entry.usage.input + entry.usage.output
        self.saved_dollars += cost_of(entry.model, entry.usage) or 0.0

    def as_json(self) -> dict[str, object]:
        total = self.by_status.total()
        hits = sum(self.by_status[status.value] for status in _HITS)
        return {
            "exchanges": total,
            "by_status": dict(self.by_status),
            "hits": hits,
            "hit_rate": hits / total if total else None,
            "coalesced": self.coalesced,
            "saved_tokens": self.saved_tokens,
            "saved_dollars": round(self.saved_dollars, 6),
        }


def _log(call: Call, http_status: int, told: str, began: float) -> None:
    took = (perf_counter() - began) * 1000
    model = call.ask.model or "-"
    log.info("%s %s %s %d %s %.1f ms", call.route.tenant, call.target.path, model, http_status, told, took)
