"""Health: what a monitor, a person and `reflexd status` are told. Numbers and names, never a key or a text."""

import os
from collections.abc import Callable
from time import time

import anyio

from reflexd_core import __version__
from reflexd_io.control_client.shapes.events import HealthEvent
from reflexd_io.events import Events
from reflexd_io.ledger import Ledger
from reflexd_io.memory import Memory
from reflexd_io.models import Models
from reflexd_io.stats import Statistics
from reflexd_io.store import Store
from reflexd_io.tenants.registry import Registry

WATCH = 1.0
"""Seconds between looks."""

Page = tuple[int, dict[str, object]]

_BRIEF = ("name", "status")


class Health:
    def __init__(
        self,
        *,
        registry: Registry,
        memory: Memory,
        store: Store,
        ledger: Ledger,
        models: Models,
        statistics: Statistics,
    ) -> None:
        self._registry = registry
        self._memory = memory
        self._store = store
        self._ledger = ledger
        self._models = models
        self._statistics = statistics
        self._pages: dict[str, Callable[[], Page]] = {
            "/": self._root,
            "/api/hello": self._root,
            "/healthz": self._alive,
            "/ready": self._ready,
            "/health": self._health,
        }

    def page(self, path: str, *, brief: bool = False) -> Page:
        """HTTP status and content of one of `routing.OWN_PATHS`.

        ``brief``: for whoever is to know that Reflex is well, and nothing of whose it is and what it does.
        """
        status, page = self._pages[path]()
        return status, {name: page[name] for name in _BRIEF if name in page} if brief else page

    @property
    def problems(self) -> dict[str, str]:
        """What does not work at present, by component, and why. Empty when all is well."""
        models = self._models.account()
        broken = {"models": str(models.get("reason", ""))} if models["status"] == "degraded" else {}
        lost = {"statistics": self._statistics.problem} if self._statistics.problem is not None else {}
        return {**self._store.problems, **broken, **lost}

    async def watch(self, events: Events) -> None:
        """Tell when that changes, for ever."""
        told: dict[str, str] = {}
        while True:
            found = self.problems
            if found != told:
                events.publish(HealthEvent(status="degraded" if found else "ok", problems=found, at=time()))
                told = found
            await anyio.sleep(WATCH)

    def _root(self) -> Page:
        return 200, {"name": "reflexd", "version": __version__, "health": "/health"}

    def _alive(self) -> Page:
        return 200, {"status": "ok"}

    def _ready(self) -> Page:
        """503 only when Reflex cannot forward, which it always can once it listens."""
        problems = self._store.problems
        storage: dict[str, object] = {"status": "degraded", "problems": problems} if problems else {"status": "ok"}
        models = self._models.account()
        lost = self._statistics.problem
        return 200, {
            "status": "degraded" if problems or lost or models["status"] == "degraded" else "ok",
            "components": {
                "forwarding": {"status": "ok"},
                "storage": storage,
                "models": models,
                "statistics": {"status": "degraded", "reason": lost} if lost is not None else {"status": "ok"},
            },
        }

    def _health(self) -> Page:
        _, ready = self._ready()
        active = self._registry.tenancy.active
        return 200, {
            **ready,
            "version": __version__,
            "pid": os.getpid(),
            "uptime_seconds": round(time() - self._ledger.started, 3),
            "tenant": active.name,
            "caching": self._registry.policy_of(active.id).caching,
            "memory": {"entries": len(self._memory), "bytes": self._memory.bytes},
            "since_start": self._ledger.as_json(),
        }
