"""Other users of this machine, and another machine: what only root can make."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

OTHER = 65534
"""``nobody``, whose processes are not ours."""

ADDRESS = "192.0.2.129"
"""Of this machine, as the other one reaches it (RFC 5737 keeps it for examples)."""


def no_users() -> str | None:
    """Why nobody else can be played here; None where it can be done."""
    if sys.platform != "linux":
        return "users are told apart on Linux"
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return "only root can act as another user, by setpriv"
    return None


def no_machines() -> str | None:
    """Why no other machine can be played here."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        return "only root of Linux can make a network, by ip"
    made = subprocess.run(["ip", "netns", "add", "reflex-probe"], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", "reflex-probe"], capture_output=True, check=False)
    return None if made.returncode == 0 else "this kernel makes no network namespaces here"


def as_another_user(*command: str) -> list[str]:
    return ["setpriv", f"--reuid={OTHER}", f"--regid={OTHER}", "--clear-groups", *command]


@contextmanager
def another_machine() -> Iterator[list[str]]:
    """The start of a command that runs on a machine of its own, from which this one is `ADDRESS`."""
    name, ours, theirs = f"reflex{os.getpid()}", f"rfx{os.getpid()}"[:14], f"rfy{os.getpid()}"[:14]
    there = ["ip", "netns", "exec", name]
    steps = (
        ["ip", "netns", "add", name],
        ["ip", "link", "add", ours, "type", "veth", "peer", "name", theirs],
        ["ip", "link", "set", theirs, "netns", name],
        ["ip", "addr", "add", f"{ADDRESS}/30", "dev", ours],
        ["ip", "link", "set", ours, "up"],
        [*there, "ip", "addr", "add", "192.0.2.130/30", "dev", theirs],
        [*there, "ip", "link", "set", theirs, "up"],
    )
    try:
        for step in steps:
            subprocess.run(step, check=True, capture_output=True)
        yield there
    finally:
        subprocess.run(["ip", "link", "del", ours], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
