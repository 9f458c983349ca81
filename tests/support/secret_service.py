"""A Secret Service of a test's own: a session bus, and gnome-keyring on it, in a home that is thrown away."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEEDED = ("dbus-daemon", "gnome-keyring-daemon")

_LOCK = """
import secretstorage
connection = secretstorage.dbus_init()
secretstorage.get_default_collection(connection).lock()
"""


def missing() -> str | None:
    """Why there can be none here; None where there can."""
    if sys.platform != "linux":
        return "the Secret Service is Linux's"
    absent = [name for name in NEEDED if shutil.which(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else None


@contextmanager
def secret_service(home: Path) -> Iterator[dict[str, str]]:
    """An environment in which a keyring is there and unlocked."""
    home.mkdir(mode=0o700, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    env = {**kept, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    address = f"unix:path={home}/bus"
    bus = ["dbus-daemon", "--session", "--nofork", "--nosyslog", f"--address={address}", "--print-address"]
    with subprocess.Popen(bus, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline(), "the session bus did not start"
            env["DBUS_SESSION_BUS_ADDRESS"] = address
            keyring = ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            with subprocess.Popen(keyring, env=env, **pipes) as unlocked:  # type: ignore[call-overload]
                try:
                    unlocked.stdin.write(b"pw")
                    unlocked.stdin.close()
                    unlocked.stdout.readline()  # it is on the bus once it has said where its socket is
                    yield env
                finally:
                    unlocked.kill()
        finally:
            running.kill()


def lock(env: dict[str, str]) -> None:
    """Lock the keyring; there is no window here in which it could be unlocked."""
    subprocess.run([sys.executable, "-c", _LOCK], env=env, check=True, timeout=30)
