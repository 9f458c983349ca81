"""Statistics: what was saved, how fast, how often."""

from typing import Any, Literal

from reflexd_io.control_client.shapes.common import Told, Wire


class StatsQuery(Wire, frozen=True, kw_only=True):
    tenant: str | None = None
    range: Literal["today", "7d", "30d", "ever"] = "today"


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
    range: Literal["today", "7d", "30d", "ever"]
    since: float
    step: float
    """Seconds between `series`' points."""
    exchanges: int
    by_status: dict[str, int]
    hits: int
    hit_rate: float | None = None
    coalesced: int = 0
    saved_tokens: int = 0
    saved_dollars: float = 0.0
    """Of models whose price is known."""
    unpriced_tokens: int = 0
    """Saved tokens of models whose price is not known."""
    provider_cached_tokens: int = 0
    """Input tokens that the providers' own caches made cheaper; not ours, and in no other number here."""
    prices_as_of: str = ""
    latency_ms: dict[str, Percentiles] = {}
    """By status."""
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
