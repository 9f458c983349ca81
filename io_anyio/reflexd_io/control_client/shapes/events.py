"""Events of ``GET /admin/events``: server-sent events whose ``event`` is the kind and whose ``data`` is one of these.

``id`` counts up; a client that sends ``Last-Event-ID`` is given what is still there of what it missed.
"""

from typing import Annotated, Literal

from msgspec import Meta

from reflexd_io.control_client.shapes.common import Told, Wire
from reflexd_io.control_client.shapes.exchanges import ExchangeRow

_KIND = "exchange|stored|purged|changed|health|dropped"


class EventQuery(Wire, frozen=True, kw_only=True):
    kinds: Annotated[str, Meta(extra_json_schema={"pattern": rf"^\s*({_KIND})?\s*(,\s*({_KIND})?\s*)*$"})] | None = (
        None
    )
    """Comma-separated; None: all."""
    tenant: str | None = None


class ExchangeEvent(Told, tag_field="kind", tag="exchange", frozen=True, kw_only=True):
    exchange: ExchangeRow


class StoredEvent(Told, tag_field="kind", tag="stored", frozen=True, kw_only=True):
    entry: str
    tenant: str
    at: float


class PurgedEvent(Told, tag_field="kind", tag="purged", frozen=True, kw_only=True):
    purge: str
    count: int
    what: str
    at: float


class ChangedEvent(Told, tag_field="kind", tag="changed", frozen=True, kw_only=True):
    """Something that a face shows has changed: ask for it again."""

    what: Literal["tenants", "policy", "state", "keys", "entries"]
    at: float


class HealthEvent(Told, tag_field="kind", tag="health", frozen=True, kw_only=True):
    status: Literal["ok", "degraded"]
    problems: dict[str, str] = {}
    at: float


class DroppedEvent(Told, tag_field="kind", tag="dropped", frozen=True, kw_only=True):
    """The reader was too slow; so many events are missing before the next."""

    count: int


Event = ExchangeEvent | StoredEvent | PurgedEvent | ChangedEvent | HealthEvent | DroppedEvent
