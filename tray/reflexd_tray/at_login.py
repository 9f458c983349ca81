"""Whether the tray starts at login: a desktop entry, a launch agent or a shortcut script, as the system has it.

The tick in the menu shows what is on disk, not what was once asked for; an entry whose program has gone, as an
environment that was moved leaves one, starts nothing and is none.
"""

import os
import plistlib
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from reflexd_io.control_client import command, named

NAME = "dev.reflex.tray"


def place(*, platform: str = sys.platform, environ: Mapping[str, str] = os.environ, home: Path | None = None) -> Path:
    """The file that makes it start."""
    home = home if home is not None else Path.home()
    if platform == "win32":
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        return roaming / "Microsoft" / "Windows" / "Start Menu" / "Programs" / "Startup" / "reflex-tray.vbs"
    if platform == "darwin":
        return home / "Library" / "LaunchAgents" / f"{NAME}.plist"
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "autostart" / "reflex-tray.desktop"


def content(wanted: Sequence[str], *, platform: str = sys.platform) -> bytes:
    """What stands in it. ``wanted``: the command."""
    if platform == "win32":
        line = subprocess.list2cmdline(wanted).replace('"', '""')
        script = f'CreateObject("WScript.Shell").Run "{line}", 0, False\r\n'  # without a console's window
        return b"\xff\xfe" + script.encode("utf-16-le")  # a person's name may stand in the path
    if platform == "darwin":
        agent = {"Label": NAME, "ProgramArguments": list(wanted), "RunAtLoad": True, "ProcessType": "Interactive"}
        return plistlib.dumps(agent)
    return (
        "[Desktop Entry]\n"
        "Type=Application\n"
        "Version=1.0\n"
        "Name=Reflex\n"
        "Comment=Shows and switches the local LLM cache\n"
        f"Exec={_exec(wanted)}\n"
        "Icon=dev.reflex.tray\n"
        "Terminal=false\n"
        "Categories=Development;\n"
        "X-GNOME-Autostart-enabled=true\n"
    ).encode()


def is_on(path: Path | None = None) -> bool:
    """A desktop may switch an entry off within it, and its program may have gone: both count."""
    path = path if path is not None else place()
    try:
        text = path.read_text("utf-8", "replace")
        is_there = named.missing(path) is None
    except OSError:
        return False
    return is_there and "Hidden=true" not in text and "X-GNOME-Autostart-enabled=false" not in text


def switch(wanted: bool, path: Path | None = None) -> None:
    """Raises `OSError`."""
    path = path if path is not None else place()
    if not wanted:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content(command("reflex-tray")))
    fresh.replace(path)


def _exec(wanted: Sequence[str]) -> str:
    """As the Desktop Entry Specification wants arguments quoted: its own way within double quotes."""
    return " ".join(_quoted(argument) for argument in wanted)


def _quoted(argument: str) -> str:
    argument = argument.replace("%", "%%")
    if argument and shlex.quote(argument) == argument:
        return argument
    for mark in '\\"`$':
        argument = argument.replace(mark, "\\" + mark)
    return '"' + argument.replace("\\", "\\\\") + '"'
