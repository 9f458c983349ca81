"""Statistics: what was saved, how fast, how often."""

from typing import Any, Literal

from reflexd_io.control_client.shapes.common import Told, Wire

Range = Literal["today", "7d", "30d", "ever"]


class StatsQuery(Wire, frozen=True, kw_only=True):
    tenant: str | None = None
    range: Range = "today"


class Percentiles(Told, frozen=True, kw_only=True):
    p50: float
    p90: float
    p99: float
    count: int


class Point(Told, frozen=True, kw_only=True):
    """One step of time in a chart."""

    at: float
    """Its beginning."""
    by_status: dict[str, int]
    saved_tokens: int
    saved_dollars: float
    latency_ms: dict[str, Percentiles] = {}
    """By status, as in `Stats`."""


class TopModel(Told, frozen=True, kw_only=True):
    model: str
    exchanges: int
    hits: int
    saved_tokens: int
    saved_dollars: float | None = None
    """None where its price is not known."""


class TopQuestion(Told, frozen=True, kw_only=True):
    entry: str
    tenant: str
    question: str
    hits: int


class TenantStorage(Told, frozen=True, kw_only=True):
    tenant: str
    entries: int
    size: int
    """Bytes."""


class Stats(Told, frozen=True, kw_only=True):
    range: Range
    since: float
    step: float
    """Seconds between `series`' points."""
    exchanges: int
    by_status: dict[str, int]
    hits: int
    hit_rate: float | None = None
    total_requests: int = 0
    """As `exchanges`, by the name that other caches give it; so are the next three."""
    exact_hits: int = 0
    semantic_hits: int = 0
    misses: int = 0
    """Requests that were forwarded, whatever for."""
    services: dict[str, Literal["up", "down"]] = {}
    coalesced: int = 0
    saved_tokens: int = 0
    saved_dollars: float = 0.0
    """Of models whose price is known."""
    unpriced_tokens: int = 0
    """Saved tokens of models whose price is not known."""
    paid_tokens: int = 0
    """Of answers that came from upstream and told their tokens."""
    paid_dollars: float = 0.0
    errors: int = 0
    """Exchanges whose client was told of an error, whosever."""
    provider_cached_tokens: int = 0
    """Input tokens that the providers' own caches made cheaper; not ours, and in no other number here."""
    provider_saved_dollars: float = 0.0
    """What those took off the bill."""
    prices_as_of: str = ""
    latency_ms: dict[str, Percentiles] = {}
    """By status; ``coalesced``: misses that were answered with a twin's answer. ``relayed``: what is never cached."""
    series: list[Point] = []
    top_models: list[TopModel] = []
    top_questions: list[TopQuestion] = []
    false_hits: int = 0
    """Answers that were called wrong."""
    audits: dict[str, int] = {}
    """Verdicts of compared answers: same, different, unsure."""
    storage: list[TenantStorage] = []
    storage_bytes: int = 0
    storage_limit: int = 0
    memory_entries: int = 0
    memory_bytes: int = 0
    models: dict[str, Any] = {}
    """What really loaded, as ``/ready`` tells it."""
    problem: str | None = None
    """Why statistics are not written to disk at present."""
