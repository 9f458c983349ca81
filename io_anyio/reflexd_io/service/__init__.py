"""The daemon as a service of the person's own: started at login, started again when it fails.

systemd's user units on Linux, a launch agent on macOS, a script in the Startup folder on Windows: `files` says which
files make it one, and `Manager` puts them there, takes them away and looks what is.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reflexd_io.service import launchd, startup, systemd

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a command; its exit code and what it said."""


class CannotManage(Exception):  # noqa: N818 - it says what we can
    """The service manager said no; the message is its own."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is on disk, and what the service manager makes of it."""

    installed: bool
    state: str
    """In the manager's own word (``active``, ``running`` …), or why that is not known."""
    files: list[str]


def run(command: Sequence[str]) -> tuple[int, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return done.returncode, (done.stdout + done.stderr).strip()


class Manager:
    """Installs, removes and looks. The system's name, home and ``run`` are arguments, so that each can be tested."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        port: int,
        address: str,
        platform: str = sys.platform,
        home: Path | None = None,
        run: Run = run,
    ) -> None:
        """``command``: how to run ``reflexd``. ``port`` and ``address``: where it listens."""
        self._run = run
        self._platform = platform
        home = home if home is not None else Path.home()
        match platform:
            case "win32":
                self._files = startup.files(command, home, os.environ)
            case "darwin":
                self._files = launchd.files(command, home)
            case _:
                self._files = systemd.files(command, home, os.environ, port=port, address=address)

    def install(self) -> list[str]:
        """Write the files and start the service; gives what was done, in words. Raises `CannotManage`, `OSError`."""
        said = []
        for path, content in self._files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            said.append(f"wrote {path}")
        return [*said, *self._each(self._starting())]

    def uninstall(self) -> list[str]:
        """Stop the service and take its files away. Raises `CannotManage`, `OSError`."""
        present = [path for path in self._files if path.exists()]
        if not present:
            return ["nothing was installed"]
        said = self._each(self._stopping())
        for path in present:
            path.unlink(missing_ok=True)
            said.append(f"removed {path}")
        return [*said, *self._each(self._afterwards())]

    def look(self) -> Found:
        present = [str(path) for path in self._files if path.exists()]
        installed = len(present) == len(self._files)
        match self._platform:
            case "win32":
                return Found(installed, "starts at login" if installed else "not installed", present)
            case "darwin":
                code, said = self._run(launchd.STATE)
                state = launchd.state_in(said) if code == 0 else "not loaded"
            case _:
                code, said = self._run(systemd.STATE)
                state = said.split("\n")[0] or "unknown"
        return Found(installed, state, present)

    def _starting(self) -> list[Sequence[str]]:
        match self._platform:
            case "win32":
                return []
            case "darwin":
                return launchd.starting(next(iter(self._files)))
            case _:
                return systemd.STARTING

    def _stopping(self) -> list[Sequence[str]]:
        match self._platform:
            case "win32":
                return []
            case "darwin":
                return launchd.STOPPING
            case _:
                return systemd.STOPPING

    def _afterwards(self) -> list[Sequence[str]]:
        return systemd.AFTERWARDS if self._platform not in ("win32", "darwin") else []

    def _each(self, commands: list[Sequence[str]]) -> list[str]:
        said = []
        for command in commands:
            code, answer = self._run(command)
            if code:
                typed = " ".join(command)
                raise CannotManage(f"`{typed}` failed: {answer or code}. The files are in place; type it yourself.")
            said.append(f"ran {' '.join(command)}")
        return said


def reflexd_command() -> list[str]:
    """``reflexd`` as it is installed: by its script where there is one, since that survives an upgrade of Python."""
    script = shutil.which("reflexd")
    beside = Path(sys.executable).with_name("reflexd.exe" if os.name == "nt" else "reflexd")
    if beside.exists():
        return [str(beside)]
    return [script] if script else [sys.executable, "-m", "reflexd_io.cli"]
