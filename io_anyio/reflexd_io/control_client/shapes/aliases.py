"""What tools that know other caches ask, in those caches' own words."""

from typing import Literal

from reflexd_io.control_client.shapes.common import Told, Wire

Service = Literal["up", "down"]


class CacheStats(Told, frozen=True, kw_only=True):
    """Since the daemon's start; shares are 0 where nothing was asked yet."""

    total_entries: int
    """On disk, of all tenants."""
    total_requests: int
    exact_hits: int
    semantic_hits: int
    misses: int
    """Requests that were forwarded, whatever for."""
    hit_rate: float
    miss_rate: float
    avg_response_time_ms: float
    memory_usage_mb: float
    """Of answers held in memory."""
    evictions_last_hour: int
    """Entries that made room for others."""
    services: dict[str, Service]


class Clear(Wire, frozen=True, kw_only=True):
    tenant: str | None = None
    """None: everybody's."""


class Cleared(Told, frozen=True, kw_only=True):
    entries_cleared: int
    purge: str | None = None
    """By which it can be taken back, see ``/admin/trash``."""
    undo_until: float | None = None
