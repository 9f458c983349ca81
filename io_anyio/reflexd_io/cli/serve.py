"""``reflexd serve``: the daemon in the foreground."""

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress

import anyio

from reflexd_core.policy import Semantic
from reflexd_io import app, logs
from reflexd_io.cli import fail, settings_of
from reflexd_io.listener import CannotListen
from reflexd_io.runtime import AlreadyRunning, Runtime
from reflexd_io.settings import Settings

_DESCRIPTORS = 65_536
_COLLECTED = (20_000, 20, 20)
"""How many allocations more than frees until the collector looks. What is remembered of exchanges is thousands of
objects that live long; with the default of 700 looking through them cost a byte-equal hit a sixth of its time."""
_SWITCH = 0.0005
"""Seconds after which a thread that waits for the interpreter may have it: the writer's thread compresses while the
event loop wants to go on, and the default of 5 ms shows in every other miss (measured: p50 1.2 ms, then 0.8)."""


def serve(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    announce = _announce_as_json if args.json else _announce

    def ready(runtime: Runtime, settings: Settings) -> None:
        if settings.is_open:
            _warn(runtime, settings)
        announce(runtime, settings)

    os.umask(0o077)  # whatever is written, be it by a library, is its owner's alone
    try:
        with logs.written(settings):
            return run_until_stopped(settings, ready)
    except logs.Unwritable as error:
        return fail(str(error))


def run_until_stopped(settings: Settings, ready: Callable[[Runtime, Settings], None]) -> int:
    """Serve until a signal comes; gives the exit code."""

    async def main() -> None:
        stop = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app.stop_on_signals, stop, tasks.cancel_scope)
            await app.run(settings, ready=ready, stop=stop)
            tasks.cancel_scope.cancel()

    sys.setswitchinterval(_SWITCH)
    gc.freeze()  # what was imported stays: it need not be looked through again
    gc.set_threshold(*_COLLECTED)
    _raise_descriptor_limit()
    try:
        anyio.run(main)
    except BaseExceptionGroup as group:
        error = innermost(group)
        if isinstance(error, AlreadyRunning | CannotListen):
            return fail(str(error))
        if isinstance(error, OSError) and str(settings.storage_path) in str(error.filename or error):
            return fail(f"{settings.storage_path} cannot be used: {error}; choose another with --storage-path")
        raise
    return 0


def _raise_descriptor_limit() -> None:
    """As many open connections as the system lets us have; the usual soft limit is 1024, and 256 on macOS."""
    try:
        import resource  # noqa: PLC0415 - POSIX only
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, _DESCRIPTORS) if hard != resource.RLIM_INFINITY else _DESCRIPTORS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def described(runtime: Runtime, settings: Settings) -> dict[str, object]:
    """What is served, where and with what."""
    return {
        "base_url": f"{runtime.url}/v1",
        "pid": runtime.pid,
        "storage": str(settings.storage_path),
        "upstreams": {name: upstream.base_url for name, upstream in settings.upstreams.items()},
        "default_upstream": settings.default_upstream,
        "tenant": settings.active_tenant,
        "tiers": _tiers(settings),
        "mock_provider": settings.mock_provider,
    }


def _tiers(settings: Settings) -> list[str]:
    """What the active tenant is answered by."""
    policy = settings.policy_of(settings.active_tenant)
    if not policy.caching:
        return []
    by_meaning = settings.inference_backend != "off" and policy.semantic is not Semantic.OFF
    shown = "other words" if policy.semantic is Semantic.ON else "other words (shadow)"
    return ["exact repeats", *([shown] if by_meaning else [])]


def _announce(runtime: Runtime, settings: Settings) -> None:
    default = settings.upstreams[settings.default_upstream]
    provider = "mock provider" if settings.mock_provider else f"{default.name}  {default.base_url}"
    keyed = [name for name, upstream in settings.upstreams.items() if os.environ.get(upstream.key_env)]
    caching = " and ".join(_tiers(settings)) or "nothing (pass-through)"
    lines = (
        f"Reflex is serving at {runtime.url}/v1",
        f"  storage    {settings.storage_path}",
        f"  upstream   {provider}  (others: {runtime.url}/u/<name>/v1)",
        f"  keys       the client's own; the OS keyring's; then the environment's: {', '.join(keyed) or 'none'}",
        f"  tenant     {settings.active_tenant}, caching {caching}",
        f"  try        OPENAI_BASE_URL={runtime.url}/v1",
    )
    print("\n".join(lines), flush=True)


def _warn(runtime: Runtime, settings: Settings) -> None:
    print(
        f"reflexd: warning: this listens beyond this machine, on {settings.bind_addr} port {runtime.port}. Every "
        "client must show a token (`reflexd tenants token <tenant> add`). The connection is not encrypted: whoever "
        "can read the network reads questions, answers and tokens.",
        file=sys.stderr,
        flush=True,
    )


def _announce_as_json(runtime: Runtime, settings: Settings) -> None:
    print(json.dumps(described(runtime, settings)), flush=True)


def innermost(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception that is no group itself."""
    error = group.exceptions[0]
    return innermost(error) if isinstance(error, BaseExceptionGroup) else error
