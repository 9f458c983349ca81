"""The runtime file: where a running daemon is, for the CLI, the TUI and the tray; and the lock that keeps it single.

``runtime.json`` in the storage folder, mode 0600: port, pid, admin token. One daemon per storage folder: the lock is
the operating system's, so a daemon that was killed leaves none behind.
"""

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from reflexd_core import __version__

_LOCK = "reflexd.lock"
_SALT = 32
_LOCK_WAIT = 0.3
"""Seconds; `is_held` holds the lock for a moment too, which must not keep a daemon from starting."""


class AlreadyRunning(Exception):  # noqa: N818 - it says what the daemon is
    """Another daemon serves this storage folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    url: str
    """``http://127.0.0.1:8080``, without a path."""
    port: int
    pid: int
    admin_token: str
    version: str
    started: float


@contextmanager
def single_instance(storage: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises `AlreadyRunning`, or `OSError` where the folder cannot be used."""
    storage.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FileLock(storage / _LOCK, mode=0o600)
    try:
        lock.acquire(timeout=_LOCK_WAIT)
    except Timeout:
        running = read(storage)
        where = f" at {running.url} (pid {running.pid})" if running else ""
        raise AlreadyRunning(
            f"a Reflex daemon already serves {storage}{where}: use that one, end it with `reflexd stop`, "
            "or choose another folder with --storage-path"
        ) from None
    try:
        yield
    finally:
        lock.release()


def is_held(storage: Path) -> bool:
    """Whether a daemon serves this folder still, be it only for its last answers."""
    if not (storage / _LOCK).exists():
        return False
    try:
        with FileLock(storage / _LOCK, mode=0o600).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # it belongs to another user
        return read(storage) is not None


@contextmanager
def announced(storage: Path, host: str, port: int, admin_token: str) -> Iterator[Runtime]:
    """Write the runtime file for as long as the body runs."""
    runtime = Runtime(
        url=url_of(host, port),
        port=port,
        pid=os.getpid(),
        admin_token=admin_token,
        version=__version__,
        started=time.time(),
    )
    path = storage / "runtime.json"
    path.unlink(missing_ok=True)
    replace_private(path, json.dumps(asdict(runtime)).encode())
    try:
        yield runtime
    finally:
        path.unlink(missing_ok=True)


def url_of(host: str, port: int) -> str:
    """``http://127.0.0.1:8080``, without a path; where every address is listened on, loopback's."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is read, not listened on
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_admin_token() -> str:
    return secrets.token_urlsafe(32)


def read(storage: Path) -> Runtime | None:
    """The running daemon's file, or None where there is none that can be read."""
    try:
        return Runtime(**json.loads((storage / "runtime.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def salt(storage: Path) -> bytes:
    """32 random bytes of this installation, made once, mode 0600. Raises `OSError` where they cannot be had."""
    path = storage / "salt"
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return _make_salt(path)
    if len(found) != _SALT:  # another one would name every anonymous tenant anew, and orphan all their answers
        raise OSError(
            f"{path} is damaged ({len(found)} bytes instead of {_SALT}): restore it from a backup, or delete it to "
            "have a new one made, with which the answers of anonymous tenants are not found any more"
        )
    return found


def _make_salt(path: Path) -> bytes:
    made = secrets.token_bytes(_SALT)
    replace_private(path, made)
    return made


def replace_private(path: Path, content: bytes) -> None:
    """The file as a whole, for its owner only. Written elsewhere first, so that a crash leaves no half of it.

    After calling this it survives a loss of power. Raises `OSError`; the file is then as it was.
    """
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    _write_private(fresh, content)
    fresh.replace(path)
    if os.name == "posix":  # elsewhere a folder cannot be opened, and replacing is safe by itself
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _write_private(path: Path, content: bytes) -> None:
    """A new file that was never readable for anybody else, not even for a moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
