"""The control API put together: each endpoint with the parts of the daemon that it asks or changes."""

from dataclasses import dataclass
from typing import Any

from reflexd_io.catalogue.browsing import Browsing
from reflexd_io.catalogue.changing import Changing
from reflexd_io.catalogue.moving import Moving
from reflexd_io.catalogue.purging import Purging
from reflexd_io.catalogue.shelves import Shelves
from reflexd_io.control import (
    aliases,
    dashboard,
    entries,
    exchanges,
    keys,
    listening,
    meaning,
    pausing,
    policy,
    state,
    statistics,
    tenants,
)
from reflexd_io.control.endpoint import Endpoint
from reflexd_io.control.state import StateDesk
from reflexd_io.dashboard.sessions import Sessions
from reflexd_io.events import Events
from reflexd_io.feedback import Feedback
from reflexd_io.health import Health
from reflexd_io.http import Connection
from reflexd_io.journal import Journal
from reflexd_io.journal.accounts import Accounts
from reflexd_io.key_desk import KeyDesk
from reflexd_io.keys import Keys
from reflexd_io.ledger import Ledger
from reflexd_io.memory import Memory
from reflexd_io.models import Models
from reflexd_io.pairs import Pairs
from reflexd_io.policies import Policies
from reflexd_io.settings import Settings
from reflexd_io.stats import Statistics
from reflexd_io.store import Store
from reflexd_io.tenants.changes import why_closed
from reflexd_io.tenants.desk import Desk
from reflexd_io.tenants.registry import Registry
from reflexd_io.upstream import UpstreamClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What of the daemon the control API reaches."""

    settings: Settings
    url: str
    registry: Registry
    policies: Policies
    store: Store
    memory: Memory
    shelves: Shelves
    models: Models
    pairs: Pairs
    journal: Journal
    ledger: Ledger
    statistics: Statistics
    health: Health
    events: Events
    keys: Keys
    client: UpstreamClient
    sessions: Sessions
    connections: set[Connection]


def endpoints(parts: Parts) -> list[Endpoint[Any, Any]]:
    """All of them."""
    store, memory, registry = parts.store, parts.memory, parts.registry
    desk = Desk(
        settings=parts.settings,
        registry=registry,
        store=store,
        memory=memory,
        ledger=parts.ledger,
        journal=parts.journal,
    )
    told = _state(parts)
    browsing, purging = Browsing(parts.shelves), Purging(parts.shelves)
    accounts = Accounts(journal=parts.journal, store=store, pairs=parts.pairs, policies=parts.policies)
    changing = Changing(parts.shelves)
    moving = Moving(
        parts.shelves,
        closed=lambda tenant: why_closed(registry.document, tenant),
        keeps=lambda tenant: registry.settled(tenant).keep_request,
    )
    return [
        *state.endpoints(told),
        *pausing.endpoints(desk, told),
        *tenants.endpoints(desk),
        *policy.endpoints(desk),
        *meaning.endpoints(_feedback(parts)),
        *exchanges.endpoints(registry, parts.journal, accounts),
        *listening.endpoints(registry, parts.events),
        *statistics.endpoints(_account(parts, browsing)),
        *dashboard.endpoints(parts.sessions, parts.url),
        *aliases.endpoints(parts.ledger, store, memory, parts.models),
        *keys.endpoints(KeyDesk(parts.settings, registry, parts.keys, parts.client)),
        *entries.endpoints(registry, browsing, changing, purging, moving, parts.events),
        *entries.emptying(registry, parts.shelves, parts.events),
        *aliases.clearing(registry, purging, parts.events),
    ]


def _state(parts: Parts) -> StateDesk:
    return StateDesk(
        url=parts.url,
        connections=parts.connections,
        health=parts.health,
        ledger=parts.ledger,
        journal=parts.journal,
        models=parts.models,
        registry=parts.registry,
        statistics=parts.statistics,
    )


def _account(parts: Parts, browsing: Browsing) -> statistics.Account:
    return statistics.Account(
        statistics=parts.statistics,
        store=parts.store,
        memory=parts.memory,
        models=parts.models,
        settings=parts.settings,
        registry=parts.registry,
        browsing=browsing,
    )


def _feedback(parts: Parts) -> Feedback:
    return Feedback(
        store=parts.store,
        memory=parts.memory,
        journal=parts.journal,
        pairs=parts.pairs,
        registry=parts.registry,
        ledger=parts.ledger,
    )
