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

from reflexd_io.service import launchd, named, startup, systemd

Run = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a command; its exit code and what it said."""
_NOT_THERE = 127


class CannotManage(Exception):  # noqa: N818 - it says what we can
    """The service manager said no; the message is its own."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is on disk, and what the service manager makes of it."""

    installed: bool
    state: str
    """In the manager's own word (``active``, ``running`` …), or why that is not known."""
    files: list[str]
    missing: str | None = None
    """The program that they name, where it is not there any more: what cannot start is not installed."""


def run(command: Sequence[str]) -> tuple[int, str]:
    """127 where the program is not there, as a shell has it."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    except FileNotFoundError:
        return _NOT_THERE, f"{command[0]} is not there"
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
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
        if self._is_linux and self._run(systemd.STATE)[0] == _NOT_THERE:
            raise CannotManage(
                "this system has no systemd (systemctl is not there); let what it has instead run `reflexd serve`"
            )
        said = []
        for path, content in self._files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            said.append(f"wrote {path}")
        return [*said, *self._each(self._starting())]

    def uninstall(self) -> list[str]:
        """Stop the service and take its files away, though it cannot be stopped. Raises `CannotManage`, `OSError`."""
        present = [path for path in self._files if path.exists()]
        if not present:
            return ["nothing was installed"]
        said, failed = [], ""
        for command in self._stopping():
            code, answer = self._run(command)
            failed = failed or (f"`{' '.join(command)}` failed: {answer or code}" if code else "")
            said.append(f"ran {' '.join(command)}")
        for path in (*present, *(systemd.links(present) if self._is_linux else ())):
            path.unlink(missing_ok=True)
            said.append(f"removed {path}")
        if failed:
            raise CannotManage(f"the files are taken away, but {failed}. What still runs, `reflexd stop` ends.")
        return [*said, *self._each(self._afterwards())]

    def look(self) -> Found:
        present = [str(path) for path in self._files if path.exists()]
        missing = self._missing()
        installed = len(present) == len(self._files) and missing is None
        match self._platform:
            case "win32":
                return Found(installed, "starts at login" if installed else "does not start", present, missing)
            case "darwin":
                code, said = self._run(launchd.STATE)
                state = launchd.state_in(said) if code == 0 else "not loaded"
            case _:
                code, said = self._run(systemd.STATE)
                state = "no systemd here" if code == _NOT_THERE else said.split("\n")[0] or "unknown"
                if not present and self._run(systemd.ENABLED)[0] == 0:  # a package's own, outside the home
                    return Found(True, state, [])
        return Found(installed, state, present, missing)

    def _missing(self) -> str | None:
        """The program that the installed files name, where it is not there to be run."""
        starter = list(self._files)[-1]  # a socket unit, which names none, comes before its service
        try:
            return named.missing(starter)
        except OSError:  # it is not there, or is another's
            return None

    def _starting(self) -> list[Sequence[str]]:
        match self._platform:
            case "win32":
                return []
            case "darwin":
                loaded = self._run(launchd.STATE)[0] == 0
                return [*(launchd.STOPPING if loaded else ()), *launchd.starting(next(iter(self._files)))]
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
        return systemd.AFTERWARDS if self._is_linux else []

    @property
    def _is_linux(self) -> bool:
        return self._platform not in ("win32", "darwin")

    def _each(self, commands: list[Sequence[str]]) -> list[str]:
        typed = [" ".join(command) for command in commands]
        for at, command in enumerate(commands):
            code, answer = self._run(command)
            if code:
                left = " && ".join(typed[at:])
                raise CannotManage(
                    f"`{typed[at]}` failed: {answer or code}. The files are in place; what is left to type, in a "
                    f"terminal of your own login: {left}"
                )
        return [f"ran {each}" for each in typed]


def starts_by_itself(run: Run = run, platform: str = sys.platform) -> bool:
    """Whether systemd holds the port for the daemon, so that the next request starts it."""
    return platform == "linux" and run(systemd.LISTENING)[0] == 0


def start_installed(run: Run = run, platform: str = sys.platform) -> bool:
    """Let the service manager start the daemon where it is a service: a second one could not listen beside it."""
    match platform:
        case "linux":
            return starts_by_itself(run, platform) and run(systemd.START)[0] == 0
        case "darwin":
            return run(launchd.STATE)[0] == 0 and run(launchd.START)[0] == 0
        case _:
            return False


def reflexd_command() -> list[str]:
    """``reflexd`` as it is installed: by its script where there is one, since that survives an upgrade of Python."""
    script = shutil.which("reflexd")
    beside = Path(sys.executable).with_name("reflexd.exe" if os.name == "nt" else "reflexd")
    if beside.exists():
        return [str(beside)]
    return [script] if script else [sys.executable, "-m", "reflexd_io.cli"]
