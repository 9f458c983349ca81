"""Starting Reflex's other programs: the daemon for a face that finds none, and commands for a terminal.

In a frozen build the programs lie beside one another; in any other installation they are modules of this Python.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from reflexd_io import runtime
from reflexd_io.control_client.ask import NotThere
from reflexd_io.control_client.place import Place
from reflexd_io.service import start_installed
from reflexd_io.settings import load

START_LIMIT = 20.0
_DETACHED = 0x00000008 | 0x00000200
"""Windows' DETACHED_PROCESS and CREATE_NEW_PROCESS_GROUP."""
_STARTED: list["subprocess.Popen[bytes]"] = []
"""They are never waited for: kept, so that nothing warns of that."""
_MODULES = {"reflexd": "reflexd_io.cli", "reflex-tui": "reflexd_tui", "reflex-tray": "reflexd_tray"}


def command(program: str, *arguments: str) -> list[str]:
    """How to run ``reflexd``, ``reflex-tui`` or ``reflex-tray`` of this very installation."""
    if getattr(sys, "frozen", False):
        suffix = ".exe" if os.name == "nt" else ""
        return [str(Path(sys.executable).with_name(program + suffix)), *arguments]
    return [sys.executable, "-m", _MODULES[program], *arguments]


def start_daemon(*arguments: str, storage: Path | None = None, environ: Mapping[str, str] | None = None) -> Place:
    """Start ``reflexd serve`` so that it outlives us, and wait until it accepts requests. Blocks.

    Where it is a service, its manager starts it. Raises `NotThere` with what it said where it does not come up.
    """
    folder = storage if storage is not None else load(environ=environ).storage_path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ordinary = storage is None and environ is None and not arguments and "REFLEX_STORAGE_PATH" not in os.environ
    if ordinary and start_installed():
        return _awaited(folder)
    told = folder / "start.log"
    where = ("--storage-path", str(folder)) if storage is not None else ()
    told.unlink(missing_ok=True)
    told.touch(mode=0o600)
    with told.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command("reflexd", "serve", *where, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=None if environ is None else dict(environ),
            start_new_session=os.name != "nt",  # neither our terminal's signals nor our end reach it
            creationflags=_DETACHED if os.name == "nt" else 0,
        )
    _STARTED.append(process)
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        running = runtime.read(folder)
        if running is not None and (running.pid == process.pid or runtime.is_held(folder)):
            return Place(running.url, running.admin_token)
        if process.poll() is not None:
            raise NotThere(f"the daemon did not start: {_end_of(told) or f'it ended with {process.returncode}'}")
        time.sleep(0.05)
    raise NotThere(f"the daemon has not come up within {START_LIMIT:.0f} seconds; {told} may say why")


def _awaited(folder: Path) -> Place:
    """The daemon that the service manager is starting."""
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        running = runtime.read(folder)
        if running is not None and runtime.is_held(folder):
            return Place(running.url, running.admin_token)
        time.sleep(0.05)
    raise NotThere("its service was started and has not come up; `reflexd service status` may say why")


def _end_of(path: Path) -> str:
    try:
        lines = path.read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1] if lines else ""
