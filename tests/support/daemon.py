"""The real daemon, run inside the test process on an event loop of its own, so that blocking SDKs can talk to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.from_thread

from reflexd_core.routing import PRESETS
from reflexd_io import app
from reflexd_io.runtime import Runtime
from reflexd_io.settings import Settings


def settings_for(storage: Path, upstream_url: str, **changes: object) -> Settings:
    """Any free port, every preset upstream replaced by the one at ``upstream_url``, and no models by default."""
    upstreams = {name: replace(preset, base_url=upstream_url, keyless=True) for name, preset in PRESETS.items()}
    settings = Settings(port=0, storage_path=storage, upstreams=upstreams, log_level="debug", inference_backend="off")
    return replace(settings, **changes)  # type: ignore[arg-type]


@contextmanager
def daemon(settings: Settings, backend: str = "asyncio") -> Iterator[Runtime]:
    """Runs until the body ends, then stops in good order; what went wrong inside is raised here."""
    ready = threading.Event()
    found: list[Runtime] = []

    def announce(runtime: Runtime, _: Settings) -> None:
        found.append(runtime)
        ready.set()

    with anyio.from_thread.start_blocking_portal(backend) as portal:
        stop = portal.call(anyio.Event)

        async def run() -> None:
            try:
                await app.run(settings, ready=announce, stop=stop)
            finally:
                ready.set()

        running = portal.start_task_soon(run)
        ready.wait(60)
        if not found:
            running.result(30)
            raise RuntimeError("the daemon was not ready in time")
        try:
            yield found[0]
        finally:
            portal.call(stop.set)
            running.result(60)
