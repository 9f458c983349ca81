"""Events of one frame, gathered by what they mean for the screen: so that a burst of them is one drawing."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from reflexd_io.control_client.shapes.events import (
    ChangedEvent,
    DroppedEvent,
    Event,
    ExchangeEvent,
    HealthEvent,
    PurgedEvent,
    StoredEvent,
)
from reflexd_io.control_client.shapes.exchanges import ExchangeRow


@dataclass(slots=True)
class Heard:
    rows: list[ExchangeRow] = field(default_factory=list)
    missed: int = 0
    """Events that the daemon could not keep for us."""
    stored: bool = False
    edited: bool = False
    """Entries were changed in place, or came back."""
    changed: bool = False
    """Something else was: state, tenants, policy, keys."""
    purged: list[PurgedEvent] = field(default_factory=list)
    health: list[HealthEvent] = field(default_factory=list)


def gathered(events: Iterable[Event], lost: int) -> Heard:
    heard = Heard(missed=lost)
    for event in events:
        match event:
            case ExchangeEvent(exchange=row):
                heard.rows.append(row)
            case DroppedEvent(count=count):
                heard.missed += count
            case StoredEvent():
                heard.stored = True
            case PurgedEvent():
                heard.purged.append(event)
            case ChangedEvent(what="entries"):
                heard.edited = True
            case ChangedEvent():
                heard.changed = True
            case HealthEvent():
                heard.health.append(event)
    return heard
