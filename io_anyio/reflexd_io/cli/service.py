"""``reflexd service``: the daemon as a service of the person's own."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from reflexd_io import runtime
from reflexd_io.cli import Failed, settings_of
from reflexd_io.service import CannotManage, Manager, reflexd_command

_BY_THE_MANAGER = ("active", "activating", "reloading", "running")
"""States of a daemon that the service manager has started."""


def service(args: argparse.Namespace) -> int:
    settings = settings_of(args)
    manager = Manager(reflexd_command(), port=settings.port, address=settings.bind_addr)
    if args.action == "status":
        found = manager.look()
        if args.json:
            print(json.dumps(asdict(found)))
        else:
            print(f"{'installed' if found.installed else 'not installed'}, {found.state}")
            print("".join(f"  {path}\n" for path in found.files), end="")
            if found.missing is not None:
                print(f"What they start is not there: {found.missing}. `reflexd service install` writes them anew.")
        return 0 if found.installed else 1
    try:
        if args.action == "install":
            _none_in_its_way(manager, settings.storage_path)
        done = manager.install() if args.action == "install" else manager.uninstall()
    except (CannotManage, OSError) as error:
        raise Failed(str(error)) from error
    print(json.dumps({"done": done}) if args.json else "\n".join(done))
    return 0


def _none_in_its_way(manager: Manager, storage: Path) -> None:
    """A daemon that somebody else has started holds the port and the storage that the service wants."""
    running = runtime.read(storage)
    if running is None or not runtime.is_held(storage) or manager.look().state in _BY_THE_MANAGER:
        return
    raise Failed(f"Reflex runs already, though not as a service (pid {running.pid}): `reflexd stop`, then this again")
