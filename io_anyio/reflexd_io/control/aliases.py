"""Endpoints by other caches' names: what existing tools ask of those works here too, with the admin token."""

from time import time
from typing import Any

from reflexd_io.catalogue.purging import Purging, Target
from reflexd_io.control.endpoint import Asked, Endpoint
from reflexd_io.control.entries import Tenants
from reflexd_io.control_client.shapes.aliases import CacheStats, Clear, Cleared, Service
from reflexd_io.control_client.shapes.common import Nothing
from reflexd_io.control_client.shapes.events import ChangedEvent, PurgedEvent
from reflexd_io.events import Events
from reflexd_io.ledger import BESIDE, Ledger
from reflexd_io.memory import Memory
from reflexd_io.models import Models
from reflexd_io.stats import Sums, added
from reflexd_io.stats.file import EVER, Row
from reflexd_io.store import Store

HOUR = 3600.0


def endpoints(ledger: Ledger, store: Store, memory: Memory, models: Models) -> list[Endpoint[Any, Any]]:
    async def told(_: Asked[Nothing, Nothing]) -> CacheStats:
        usage = await store.usage()
        ledger.settle()
        sums = Sums(Row(EVER, 0, *key, tally) for key, tally in ledger.totals.items())
        mean = added(tally for what, tally in sums.by_what.items() if what not in BESIDE).mean
        return CacheStats(
            total_entries=sum(each.entries for each in usage.values()),
            total_requests=sums.exchanges,
            exact_hits=sums.exact_hits,
            semantic_hits=sums.semantic_hits,
            misses=sums.exchanges - sums.hits,
            hit_rate=sums.hit_rate or 0.0,
            miss_rate=1.0 - sums.hit_rate if sums.hit_rate is not None else 0.0,
            avg_response_time_ms=round((mean or 0.0) * 1000, 3),
            memory_usage_mb=round(memory.bytes / 1e6, 3),
            evictions_last_hour=store.evicted_within(HOUR),
            services=services(store, models),
        )

    return [
        Endpoint(
            method="GET",
            path="/cache/stats",
            summary="Statistics since the start, by the names that other caches give them.",
            run=told,
            answer=CacheStats,
            tag="aliases",
        )
    ]


def clearing(tenants: Tenants, purging: Purging, events: Events) -> list[Endpoint[Any, Any]]:
    async def clear(asked: Asked[Nothing, Clear]) -> Cleared:
        name = asked.body.tenant
        target = Target(tenant=tenants.known(name) if name is not None else None, named=name)
        purged = await purging.purge(target)
        if purged.purge is not None:
            at = time()
            events.publish(PurgedEvent(purge=purged.purge, count=purged.entries, what=target.in_words(), at=at))
            events.publish(ChangedEvent(what="entries", at=at))
        return Cleared(entries_cleared=purged.entries, purge=purged.purge, undo_until=purged.undo_until)

    return [
        Endpoint(
            method="POST",
            path=path,
            summary="Purge everything, or everything of a tenant; for ten minutes it can be undone.",
            run=clear,
            body=Clear,
            answer=Cleared,
            tag="aliases",
            problems=(404,),
        )
        for path in ("/cache/clear", "/admin/cache/clear")
    ]


def services(store: Store, models: Models) -> dict[str, Service]:
    """Models that are off or only watched count as down: nothing is answered by meaning."""
    return {
        "forwarding": "up",
        "storage": "down" if store.problems else "up",
        "models": "up" if models.account()["status"] == "ok" else "down",
    }
