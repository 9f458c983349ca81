"""launchd: an agent that runs at login and is started again when it fails. Not run on a Mac here."""

import os
import plistlib
from collections.abc import Sequence
from pathlib import Path

NAME = "dev.reflex.daemon"


def _domain() -> str:
    return f"gui/{os.getuid()}" if hasattr(os, "getuid") else "gui/0"


STOPPING: list[Sequence[str]] = [("launchctl", "bootout", f"{_domain()}/{NAME}")]
START = ("launchctl", "kickstart", f"{_domain()}/{NAME}")
STATE = ("launchctl", "print", f"{_domain()}/{NAME}")


def files(command: Sequence[str], home: Path) -> dict[Path, bytes]:
    logs = home / "Library" / "Logs"
    agent = {
        "Label": NAME,
        "ProgramArguments": [*command, "serve"],
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False, "Crashed": True},
        "ThrottleInterval": 10,
        "ProcessType": "Adaptive",
        "StandardErrorPath": str(logs / "reflexd.log"),
        "Umask": 0o077,
        "SoftResourceLimits": {"NumberOfFiles": 65536},
    }
    return {home / "Library" / "LaunchAgents" / f"{NAME}.plist": plistlib.dumps(agent)}


def starting(path: Path) -> list[Sequence[str]]:
    return [("launchctl", "bootstrap", _domain(), str(path))]


def state_in(said: str) -> str:
    """The word behind ``state =`` in what ``launchctl print`` says."""
    for line in said.splitlines():
        name, equals, value = line.strip().partition(" = ")
        if equals and name == "state":
            return value
    return "loaded"
