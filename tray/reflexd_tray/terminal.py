"""The person's terminal emulator, for the programs that need one."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_LINUX: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("x-terminal-emulator", ("-e",)),
    ("gnome-terminal", ("--",)),
    ("kgx", ("--",)),
    ("konsole", ("-e",)),
    ("xfce4-terminal", ("-x",)),
    ("mate-terminal", ("-x",)),
    ("ptyxis", ("--",)),
    ("kitty", ()),
    ("alacritty", ("-e",)),
    ("wezterm", ("start", "--")),
    ("foot", ()),
    ("xterm", ("-e",)),
)
"""Emulators, and how each is told what to run; a desktop's own choice goes first."""


class NoTerminal(Exception):  # noqa: N818 - it says what the desktop has
    """No terminal emulator is to be had; the message says what to type instead."""


def command(
    wanted: Sequence[str],
    *,
    platform: str = sys.platform,
    environ: Mapping[str, str] = os.environ,
    which: Callable[[str], str | None] = shutil.which,
) -> list[str]:
    """How to run ``wanted`` in a terminal window. Raises `NoTerminal`."""
    if platform == "win32":
        windows_terminal = which("wt")
        return [windows_terminal, *wanted] if windows_terminal else ["cmd", "/c", "start", "", *wanted]
    if platform == "darwin":
        return ["open", "-a", "Terminal", str(_script(wanted))]
    own = environ.get("TERMINAL", "")
    if own and which(own):
        return [own, *dict(_LINUX).get(Path(own).name, ("-e",)), *wanted]
    for name, marks in _LINUX:
        if which(name):
            return [name, *marks, *wanted]
    raise NoTerminal(f"no terminal emulator was found; type it in one: {shlex.join(wanted)}")


def run(wanted: Sequence[str]) -> None:
    """Open a window that runs it and outlives us. Raises `NoTerminal`, or `OSError`."""
    subprocess.Popen(  # noqa: S603 - our own program
        command(wanted),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=os.name != "nt",
    )


def held(wanted: Sequence[str], *, platform: str = sys.platform) -> list[str]:
    """The same, with the window left open afterwards until somebody has read what it said."""
    if platform == "win32":
        return ["cmd", "/k", *wanted]
    return ["sh", "-c", f'{shlex.join(wanted)}; printf "\\n[Enter closes this window] "; read _']


def _script(wanted: Sequence[str]) -> Path:
    """macOS' Terminal opens files, not commands: one that runs this, and removes itself."""
    descriptor, name = tempfile.mkstemp(prefix="reflex-", suffix=".command")
    with os.fdopen(descriptor, "w") as file:
        file.write(f'#!/bin/sh\nrm -f "$0"\nexec {shlex.join(wanted)}\n')
    path = Path(name)
    path.chmod(0o700)
    return path
