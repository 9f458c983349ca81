"""Endpoints about what was saved, how often and how fast."""

from typing import Any

from reflexd_io.catalogue.browsing import Browsing, Listing
from reflexd_io.control.aliases import services
from reflexd_io.control.endpoint import Asked, Endpoint
from reflexd_io.control.entry_shapes import row_of
from reflexd_io.control_client.shapes.common import Nothing
from reflexd_io.control_client.shapes.stats import Stats, StatsQuery, TenantStorage, TopQuestion
from reflexd_io.memory import Memory
from reflexd_io.models import Models
from reflexd_io.settings import Settings
from reflexd_io.stats import TOP, Statistics, Sums, series
from reflexd_io.store import Store, StoreUnavailable
from reflexd_io.store.order import Sort
from reflexd_io.tenants.registry import Registry


class Account:
    """The whole page of statistics, from everybody who knows a part of it."""

    def __init__(
        self,
        *,
        statistics: Statistics,
        store: Store,
        memory: Memory,
        models: Models,
        settings: Settings,
        registry: Registry,
        browsing: Browsing,
    ) -> None:
        self._statistics = statistics
        self._store = store
        self._memory = memory
        self._models = models
        self._settings = settings
        self._registry = registry
        self._browsing = browsing

    async def page(self, query: StatsQuery) -> Stats:
        tenant = self._registry.known(query.tenant) if query.tenant is not None else None
        rows, span = await self._statistics.rows(query.range, tenant)
        now, sums = self._statistics.clock(), Sums(rows)
        points = series(rows, span, now)
        storage = await self._storage(tenant)
        prices = self._settings.prices
        return Stats(
            range=query.range,
            since=span.since or min((row.start for row in rows), default=now),
            step=span.step,
            exchanges=sums.exchanges,
            by_status=dict(sums.by_status),
            hits=sums.hits,
            hit_rate=sums.hit_rate,
            total_requests=sums.exchanges,
            exact_hits=sums.exact_hits,
            semantic_hits=sums.semantic_hits,
            misses=sums.exchanges - sums.hits,
            services=services(self._store, self._models),
            coalesced=sums.of("coalesced"),
            saved_tokens=sums.saved.tokens,
            saved_dollars=round(sums.saved.dollars, 6),
            unpriced_tokens=sums.saved.unpriced,
            paid_tokens=sums.paid.tokens,
            paid_dollars=round(sums.paid.dollars, 6),
            errors=sums.errors,
            provider_cached_tokens=sums.paid.cached,
            provider_saved_dollars=round(sums.paid.spared, 6),
            prices_as_of=max((price.as_of for price in (*prices.own, *prices.shipped)), default=""),
            latency_ms=sums.latencies(),
            series=points,
            top_models=sums.top_models(prices),
            top_questions=await self._questions(tenant),
            false_hits=sums.of("wrong"),
            audits=sums.audits,
            storage=storage,
            storage_bytes=sum(row.size for row in storage),
            storage_limit=self._settings.storage_bytes,
            memory_entries=len(self._memory),
            memory_bytes=self._memory.bytes,
            models=dict(self._models.account()),
            problem=self._statistics.problem,
        )

    async def _questions(self, tenant: str | None) -> list[TopQuestion]:
        """What was answered most, ever. A file that cannot be read now is no reason to tell nothing else."""
        listing = Listing(tenant=tenant, sort=Sort.HITS)
        try:
            sheet = await self._browsing.page(listing, cursor=None, limit=TOP)
        except StoreUnavailable:
            return []
        rows = [(line.tenant, row_of(line.tenant, line.listed)) for line in sheet.lines]
        return [
            TopQuestion(entry=row.id, tenant=self._registry.name_of(owner), question=row.question, hits=row.hits)
            for owner, row in rows
            if row.hits
        ]

    async def _storage(self, tenant: str | None) -> list[TenantStorage]:
        found = await self._store.usage()
        return [
            TenantStorage(tenant=self._registry.name_of(name), entries=usage.entries, size=usage.size)
            for name, usage in sorted(found.items(), key=lambda item: (-item[1].size, item[0]))
            if tenant in (None, name)
        ]


def endpoints(account: Account) -> list[Endpoint[Any, Any]]:
    async def page(asked: Asked[StatsQuery, Nothing]) -> Stats:
        return await account.page(asked.query)

    return [
        Endpoint(
            method="GET",
            path="/admin/stats",
            summary="What was saved, how often and how fast: today, in 7 or 30 days, or ever.",
            run=page,
            query=StatsQuery,
            answer=Stats,
            tag="statistics",
            problems=(404,),
        )
    ]
