"""``GET /metrics``: the ledger and the store for Prometheus, and as JSON with numbers for whoever accepts that.

Counters go from the daemon's start, as Prometheus expects them; what outlives a restart is in ``/admin/stats``.
Labels are bounded: anonymous tenants count as one, and beyond `MOST` tenants or models the rest count as ``(other)``.
Beyond loopback it wants the admin token, since names of models and tenants are nobody else's business.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import time

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from reflexd_core import __version__
from reflexd_core.tally import BOUNDS, Tally
from reflexd_io.ledger import AUDITED, BESIDE, COALESCED, OTHER, SAVING, VERDICTS, WRONG, Ledger
from reflexd_io.memory import Memory
from reflexd_io.models import Models
from reflexd_io.stats import Sums, added
from reflexd_io.stats.file import Row
from reflexd_io.store import Store
from reflexd_io.store.usage import Usage

MOST = 50
ANONYMOUS = "anonymous"
_JSON = "application/json"

Page = tuple[str, bytes]
"""Content type and body."""


class Metrics:
    def __init__(
        self,
        *,
        ledger: Ledger,
        store: Store,
        memory: Memory,
        models: Models,
        active: Callable[[], int],
        storage_limit: int,
        name_of: Callable[[str], str],
    ) -> None:
        """``active``: how many exchanges are under way. ``name_of``: what people call a tenant."""
        self._ledger = ledger
        self._store = store
        self._memory = memory
        self._models = models
        self._active = active
        self._storage_limit = storage_limit
        self._name_of = name_of

    async def page(self, accept: str) -> Page:
        snapshot = await self._snapshot()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(snapshot)
        if _JSON in accept.lower():
            return _JSON, msgspec.json.encode(dict(map(_as_json, registry.collect())))
        ProcessCollector(registry=registry)
        encode, content_type = choose_encoder(accept)
        return content_type, encode(registry)

    async def _snapshot(self) -> "Snapshot":
        usage = await self._store.usage()
        self._ledger.settle()
        return Snapshot(
            ledger=self._ledger,
            usage=usage,
            memory=(len(self._memory), self._memory.bytes),
            models=self._models.account(),
            active=self._active(),
            evictions=self._store.evictions,
            problems=len(self._store.problems),
            storage_limit=self._storage_limit,
            name_of=self._name_of,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot(Collector):
    """What there is to tell at one moment."""

    ledger: Ledger
    usage: Mapping[str, Usage]
    memory: tuple[int, int]
    models: Mapping[str, object]
    active: int
    evictions: int
    problems: int
    storage_limit: int
    name_of: Callable[[str], str]

    def collect(self) -> Iterator[Metric]:
        rows = [Row(0, 0, *key, tally) for key, tally in self.ledger.totals.items()]
        yield from self._requests(rows)
        yield from _latencies(rows, self.ledger.tiers)
        yield from _money(rows)
        yield from self._storage()
        yield from self._health()

    def _requests(self, rows: list[Row]) -> Iterator[Metric]:
        sums = Sums(rows)
        asked = [(self._called(row.tenant), row.what, row.tally.requests) for row in rows if row.what not in BESIDE]
        busiest = _count((tenant, "", count) for tenant, _, count in asked)
        name = _kept(tenant for tenant, _ in sorted(busiest, key=lambda key: -busiest[key]))
        counts = _count((name(tenant), what, count) for tenant, what, count in asked)
        requests = CounterMetricFamily(
            "reflex_requests", "Exchanges of cached dialects, by how they were answered", labels=("tenant", "status")
        )
        for (tenant, what), count in counts.items():
            requests.add_metric((tenant, what), count)
        yield requests
        yield CounterMetricFamily("reflex_coalesced", "Misses answered by a twin under way", value=sums.of(COALESCED))
        yield CounterMetricFamily("reflex_relayed", "Requests that are never cached", value=sums.of("relayed"))
        yield CounterMetricFamily("reflex_errors", "Exchanges that ended in an error", value=sums.errors)
        if sums.hit_rate is not None:
            yield GaugeMetricFamily("reflex_hit_ratio", "Share of hits since the start", value=sums.hit_rate)
        failed = CounterMetricFamily(
            "reflex_upstream_errors",
            "Errors that providers gave, or that kept them from answering",
            labels=("upstream", "status"),
        )
        for labels, count in self.ledger.upstream_errors.items():
            failed.add_metric(labels, count)
        yield failed
        yield CounterMetricFamily("reflex_false_hits", "Answers that were called wrong", value=max(0, sums.of(WRONG)))
        audits = CounterMetricFamily("reflex_audits", "Hits compared with a fresh answer", labels=("verdict",))
        for verdict in VERDICTS:
            audits.add_metric((verdict,), sums.of(AUDITED + verdict))
        yield audits

    def _called(self, tenant: str) -> str:
        return ANONYMOUS if tenant.startswith("anon-") else self.name_of(tenant)

    def _storage(self) -> Iterator[Metric]:
        entries = GaugeMetricFamily("reflex_entries", "Entries on disk", labels=("tenant",))
        size = GaugeMetricFamily("reflex_storage_bytes", "Bytes on disk", labels=("tenant",))
        largest = sorted(self.usage.items(), key=lambda item: -item[1].size)
        name = _kept(self._called(tenant) for tenant, _ in largest)
        counted = _count((name(self._called(tenant)), "", usage.entries) for tenant, usage in largest)
        sizes = _count((name(self._called(tenant)), "", usage.size) for tenant, usage in largest)
        for (tenant, _), count in counted.items():
            entries.add_metric((tenant,), count)
            size.add_metric((tenant,), sizes[tenant, ""])
        yield entries
        yield size
        yield GaugeMetricFamily("reflex_storage_limit_bytes", "What storage may take", value=self.storage_limit)
        yield CounterMetricFamily("reflex_evictions", "Entries that made room for others", value=self.evictions)
        yield GaugeMetricFamily("reflex_memory_entries", "Answers in memory", value=self.memory[0])
        yield GaugeMetricFamily("reflex_memory_bytes", "Bytes of answers in memory", value=self.memory[1])

    def _health(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("reflex_exchanges_active", "Exchanges under way", value=self.active)
        yield GaugeMetricFamily("reflex_storage_problems", "Tenants whose file cannot be used", value=self.problems)
        yield GaugeMetricFamily("reflex_start_time_seconds", "When the daemon started", value=self.ledger.started)
        yield GaugeMetricFamily("reflex_uptime_seconds", "Since the start", value=time() - self.ledger.started)
        yield InfoMetricFamily("reflex_build", "This Reflex", value={"version": __version__})
        told = {
            name: str(value) for name, value in self.models.items() if name not in ("note", "reason", "threshold")
        }
        yield InfoMetricFamily("reflex_model_backend", "The models that really loaded", value=told)
        usable = float(self.models.get("status") == "ok")
        yield GaugeMetricFamily("reflex_model_backend_ok", "Whether meaning is compared and served", value=usable)


def _latencies(rows: list[Row], tiers: Mapping[str, Tally]) -> Iterator[Metric]:
    served = HistogramMetricFamily(
        "reflex_request_duration_seconds", "From a request's head to the end of its answer", labels=("status",)
    )
    for what, tally in Sums(rows).by_what.items():
        if sum(tally.buckets):
            served.add_metric((what,), _buckets(tally), tally.seconds)
    yield served
    asked = HistogramMetricFamily(
        "reflex_tier_duration_seconds", "What each tier took where an exchange asked it", labels=("tier",)
    )
    for tier, tally in tiers.items():
        asked.add_metric((tier,), _buckets(tally), tally.seconds)
    yield asked


def _money(rows: list[Row]) -> Iterator[Metric]:
    by_model: dict[str, list[Row]] = {}
    for row in rows:
        if row.model:
            by_model.setdefault(row.model, []).append(row)
    most = sorted(by_model, key=lambda model: -sum(row.tally.requests for row in by_model[model]))
    name = _kept(most)
    folded: dict[str, list[Row]] = {}
    for model in most:
        folded.setdefault(name(model), []).extend(by_model[model])
    families = {
        which: CounterMetricFamily(f"reflex_{which}", told, labels=("model",))
        for which, told in (
            ("saved_tokens", "Tokens of answers that were not paid for again"),
            ("saved_dollars", "What those cost when they were paid for, where the price is known"),
            ("unpriced_tokens", "Saved tokens of models whose price is unknown"),
            ("paid_tokens", "Tokens of answers that came from upstream"),
            ("paid_dollars", "What those cost, where the price is known"),
            ("provider_cached_tokens", "Input tokens that providers found in their own caches"),
            ("provider_saved_dollars", "What those took off the bill, which is no merit of ours"),
        )
    }
    for model, its in folded.items():
        saved = added(row.tally for row in its if row.what in SAVING)
        paid = added(row.tally for row in its if row.what not in SAVING)
        numbers = {
            "saved_tokens": saved.tokens,
            "saved_dollars": saved.dollars,
            "unpriced_tokens": saved.unpriced,
            "paid_tokens": paid.tokens,
            "paid_dollars": paid.dollars,
            "provider_cached_tokens": paid.cached,
            "provider_saved_dollars": paid.spared,
        }
        for which, number in numbers.items():
            families[which].add_metric((model,), number)
    yield from families.values()


def _buckets(tally: Tally) -> list[tuple[str, float]]:
    """Cumulative, as Prometheus has them."""
    below, told = 0, []
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), tally.buckets, strict=True):
        below += count
        told.append((bound, float(below)))
    return told


def _kept(names: Iterable[str]) -> Callable[[str], str]:
    """The first `MOST` of the names keep theirs."""
    kept = set(list(dict.fromkeys(names))[:MOST])
    return lambda name: name if name in kept else OTHER


def _count(counted: Iterable[tuple[str, str, int]]) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for first, second, count in counted:
        counts[first, second] = counts.get((first, second), 0) + count
    return counts


def _as_json(family: Metric) -> tuple[str, object]:
    """A family by its name: a number, or a list of labels and numbers."""
    name = f"{family.name}_total" if family.type == "counter" else family.name
    if family.type == "histogram":
        return name, _histograms(family)
    told = [{**sample.labels, "value": _plain(sample.value)} for sample in family.samples]
    if family.type == "info":
        labels = family.samples[0].labels.items()
        return name, {label: int(value) if value.isdecimal() else value for label, value in labels}
    return name, told[0]["value"] if len(told) == 1 and len(told[0]) == 1 else told


def _histograms(family: Metric) -> list[dict[str, object]]:
    found: dict[tuple[tuple[str, str], ...], dict[str, object]] = {}
    for sample in family.samples:
        labels = {key: value for key, value in sample.labels.items() if key != "le"}
        told = found.setdefault(tuple(labels.items()), {**labels, "buckets": []})
        buckets = told["buckets"]
        if sample.name.endswith("_bucket") and isinstance(buckets, list):
            bound = sample.labels["le"]
            buckets.append({"le": None if bound == "+Inf" else float(bound), "count": _plain(sample.value)})
        else:
            told[sample.name.rpartition("_")[2]] = _plain(sample.value)
    return list(found.values())


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value
