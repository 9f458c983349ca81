"""News: tells the faces what has changed in the registry, so that they ask for it again."""

from time import time

from reflexd_io.control_client.shapes.events import ChangedEvent
from reflexd_io.events import Events
from reflexd_io.tenants.registry import Registry


class News:
    def __init__(self, registry: Registry, events: Events) -> None:
        self._registry = registry
        self._events = events
        self._told = registry.document

    def tell(self) -> None:
        old, new = self._told, self._registry.document
        self._told = new
        policies = [{each: kept.settings for each, kept in document.tenants.items()} for document in (old, new)]
        if (old.tenants, old.tokens, old.adopted, old.active) != (new.tenants, new.tokens, new.adopted, new.active):
            self._events.publish(ChangedEvent(what="tenants", at=time()))
        if policies[0] != policies[1]:
            self._events.publish(ChangedEvent(what="policy", at=time()))
        if (old.pauses, old.mode, old.active) != (new.pauses, new.mode, new.active):
            self._events.publish(ChangedEvent(what="state", at=time()))
