"""The endpoint that faces listen at: what happens, as it happens."""

from collections.abc import AsyncGenerator
from typing import Any

import anyio
import msgspec

from reflexd_io.control.endpoint import Asked, Endpoint, Problem, Streamed
from reflexd_io.control_client.shapes.common import Nothing
from reflexd_io.control_client.shapes.events import DroppedEvent, Event, EventQuery, ExchangeEvent, StoredEvent
from reflexd_io.events import Events
from reflexd_io.tenants.registry import Registry

KEEP_ALIVE = 15.0
"""Seconds without an event after which a comment says that the stream still runs."""
COMMENT = b": still here\n\n"

KINDS = frozenset({"exchange", "stored", "purged", "changed", "health", "dropped"})


def endpoints(tenants: Registry, events: Events) -> list[Endpoint[Any, Any]]:
    async def listen(asked: Asked[EventQuery, Nothing]) -> Streamed:
        kinds = _kinds(asked.query.kinds)
        if asked.query.tenant is not None:
            tenants.known(asked.query.tenant)
        return Streamed(_written(events, _after(asked.headers.get("last-event-id")), kinds, asked.query.tenant))

    return [
        Endpoint(
            method="GET",
            path="/admin/events",
            summary="Server-sent events of all that happens; `Last-Event-ID` goes on behind that one.",
            run=listen,
            query=EventQuery,
            answer=None,
            content_type="text/event-stream",
            tag="exchanges",
            problems=(404,),
        )
    ]


def _after(told: str | None) -> int | None:
    if told is None:
        return None
    if not (told.isascii() and told.isdigit() and len(told) < 20):
        raise Problem(400, "bad_header", "Last-Event-ID must be the id of an event.")
    return int(told)


def _kinds(text: str | None) -> frozenset[str]:
    """What is told. Raises `Problem`."""
    if text is None:
        return KINDS
    asked = frozenset(filter(None, (name.strip() for name in text.split(","))))
    if unknown := asked - KINDS:
        said = f"There are no events {', '.join(sorted(unknown))}; there are: {', '.join(sorted(KINDS))}."
        raise Problem(400, "bad_query", said)
    return asked | {"dropped"}


async def _written(
    events: Events, after: int | None, kinds: frozenset[str], tenant: str | None
) -> AsyncGenerator[bytes]:
    listener = events.listener(after)
    yield COMMENT  # so that a listener knows at once that it is heard
    while True:
        batch = None
        with anyio.move_on_after(KEEP_ALIVE) as silence:
            batch = await listener.heard()
        if silence.cancelled_caught:
            yield COMMENT
        elif batch is None:
            return
        elif told := b"".join(_line(number, event) for number, event in batch if _concerns(event, kinds, tenant)):
            yield told


def _line(number: int, event: Event) -> bytes:
    return b"event: %s\nid: %d\ndata: %s\n\n" % (_kind(event).encode(), number, msgspec.json.encode(event))


def _concerns(event: Event, kinds: frozenset[str], tenant: str | None) -> bool:
    if _kind(event) not in kinds:
        return False
    match event:
        case ExchangeEvent(exchange=row) if tenant is not None:
            return row.tenant == tenant
        case StoredEvent(tenant=owner) if tenant is not None:
            return owner == tenant
        case DroppedEvent() | _:
            return True


def _kind(event: Event) -> str:
    return str(event.__struct_config__.tag)
