"""The endpoint that says what the daemon does, for headers and icons: asked often, so it looks at little."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import islice
from time import time
from typing import Any

from reflexd_core import __version__
from reflexd_io.control.endpoint import Asked, Endpoint
from reflexd_io.control_client.shapes.common import Nothing
from reflexd_io.control_client.shapes.tenants import State
from reflexd_io.health import Health
from reflexd_io.http import Connection
from reflexd_io.journal import Journal
from reflexd_io.ledger import Ledger
from reflexd_io.models import Models
from reflexd_io.stats import Statistics
from reflexd_io.tenants.document import EVERYBODY
from reflexd_io.tenants.registry import Registry

LATELY = 300.0
_LOOKED_AT = 500
"""Exchanges of those seconds in which agents are looked for, the newest."""
UNTIL_RESUMED = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDesk:
    url: str
    connections: Collection[Connection]
    health: Health
    ledger: Ledger
    journal: Journal
    models: Models
    registry: Registry
    statistics: Statistics
    clock: Callable[[], float] = time

    async def look(self) -> State:
        registry, problems = self.registry, self.health.problems
        registry.settle()
        paused = registry.pause_of(EVERYBODY)
        today, lately = await self.statistics.today(), await self.statistics.lately()
        dollars = round(today.saved.dollars, 6)
        return State(
            version=__version__,
            url=self.url,
            started=self.ledger.started,
            active_tenant=registry.tenancy.active.name,
            caching=registry.policy_of(registry.tenancy.active.id).caching,
            paused_until=None if paused is None else UNTIL_RESUMED if paused.until is None else paused.until,
            mode=registry.document.mode,
            status="degraded" if problems else "ok",
            problems=problems,
            models=dict(self.models.account()),
            connections=sum(connection.asks for connection in self.connections),
            agents=self._agents(),
            hit_rate=lately.hit_rate,
            today_hit_rate=today.hit_rate,
            today_saved_dollars=dollars if dollars or not today.saved.unpriced else None,
            today_saved_tokens=today.saved.tokens,
        )

    def _agents(self) -> list[str]:
        """Clients of the last minutes, by name."""
        since = self.clock() - LATELY
        lately = (found for found in islice(self.journal.newest(), _LOOKED_AT) if found.at >= since)
        return sorted({found.about.client for found in lately if found.about.client})


def endpoints(desk: StateDesk) -> list[Endpoint[Any, Any]]:
    async def look(_: Asked[Nothing, Nothing]) -> State:
        return await desk.look()

    return [
        Endpoint(
            method="GET",
            path="/admin/state",
            summary="What the daemon does, and what it saved today.",
            run=look,
            answer=State,
            tag="state",
        )
    ]
