"""What a daemon may say of itself, for tests of the faces."""

from typing import Any

from reflexd_io.control_client.shapes.exchanges import ExchangeRow
from reflexd_io.control_client.shapes.tenants import State

FACTS = {"status": "ok", "backend": "cpu", "device": "x86_64 CPU, 2 threads", "embedder": "all-MiniLM-L6-v2"}


def state(**changes: Any) -> State:
    fields: dict[str, Any] = {
        "version": "1.2.3",
        "url": "http://127.0.0.1:8080",
        "started": 1_000.0,
        "active_tenant": "default",
        "caching": True,
        "mode": "normal",
        "status": "ok",
        "models": FACTS,
    }
    return State(**{**fields, **changes})


def row(name: str = "x-1", **changes: Any) -> ExchangeRow:
    fields: dict[str, Any] = {
        "id": name,
        "at": 1_000.0,
        "tenant": "default",
        "client": "codex",
        "dialect": "responses",
        "model": "gpt-4o",
        "form": "stream",
        "status": "hit-l1-exact",
        "ms": 1.2,
        "question": "How do I center a div?",
    }
    return ExchangeRow(**{**fields, **changes})
