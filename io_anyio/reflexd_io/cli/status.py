"""``reflexd status`` and ``reflexd stop``: a running daemon, seen and ended from outside."""

import argparse
import http.client
import json
import os
import signal
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from reflexd_io import runtime
from reflexd_io.cli import NOT_RUNNING, fail, settings_of
from reflexd_io.runtime import Runtime
from reflexd_io.service import starts_by_itself

Account = dict[str, Any]
"""What ``/health`` says."""

_STOP_TIMEOUT = 45.0
"""Longer than the grace that the daemon gives to answers under way."""

_AGAIN = (
    "Its service keeps the port open, and the next request starts it again; without: "
    "systemctl --user stop reflexd.socket, or reflexd service uninstall"
)
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""No proxy of the environment's can reach our loopback."""


def status(args: argparse.Namespace) -> int:
    running, health = _find(settings_of(args).storage_path)
    if health is None:
        print(json.dumps({"status": "not-running"}) if args.json else "Reflex is not running.")
        return NOT_RUNNING
    if args.json:
        print(json.dumps({"status": "running", "url": running.url if running else None, **_prefixed(health)}))
        return 0
    done = health["since_start"]
    memory = health["memory"]
    rate = "no requests yet" if done["hit_rate"] is None else f"{done['hit_rate']:.0%} hits"
    print(
        f"Reflex {health['version']} is running at {running.url if running else '?'}/v1 (pid {health['pid']})\n"
        f"  up         {_duration(health['uptime_seconds'])}\n"
        f"  health     {health['status']}\n"
        f"  requests   {done['exchanges']}, {rate}, {done['coalesced']} coalesced\n"
        f"  saved      {done['saved_tokens']} tokens, ${done['saved_dollars']:.4f}\n"
        f"  in memory  {memory['entries']} answers, {memory['bytes'] / 1e6:.1f} MB"
    )
    return 0


def stop(args: argparse.Namespace) -> int:
    storage = settings_of(args).storage_path
    running, health = _find(storage)
    if running is None or (health is None and not runtime.is_held(storage)):
        print(json.dumps({"status": "not-running"}) if args.json else "Reflex is not running.")
        return NOT_RUNNING
    try:
        if health is not None:  # else it is stopping already, and a second signal would cut the last answers
            os.kill(running.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it ended by itself meanwhile
    except PermissionError:
        return fail(f"the daemon (pid {running.pid}) belongs to another user; let that user stop it")
    deadline = time.monotonic() + _STOP_TIMEOUT
    while time.monotonic() < deadline:
        if not runtime.is_held(storage):  # it hears no more well before its last answers are out and on disk
            print(json.dumps({"status": "stopped"}) if args.json else "Reflex has stopped.")
            if starts_by_itself():
                print(_AGAIN, file=sys.stderr)
            return 0
        time.sleep(0.1)
    return fail(
        f"the daemon (pid {running.pid}) is still finishing answers; try again, or end it with: kill {running.pid}"
    )


def ask_health(running: Runtime, timeout: float = 2.0) -> Account | None:
    """The daemon's own account of itself, or None when it does not answer or is another process."""
    try:
        with _DIRECT.open(f"{running.url}/health", timeout=timeout) as answer:
            health = json.load(answer)
    except (http.client.HTTPException, OSError, ValueError):
        return None
    return health if isinstance(health, dict) and health.get("pid") == running.pid else None


def _find(storage: Path) -> tuple[Runtime | None, Account | None]:
    running = runtime.read(storage)
    return running, ask_health(running) if running is not None else None


def _prefixed(health: Account) -> Account:
    return {("health" if name == "status" else name): value for name, value in health.items()}


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
