"""Files of an index: each is written once, named by the digest of what it holds, and never changed.

So a name says what must be in a file, and one that is torn, cut or damaged is known by it before it is mapped: a
damaged graph would not merely find the wrong entries, it could end the process.
"""

import mmap
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blake3 import blake3

_NAME = 16
"""Bytes of the digest that make the name."""
_UNFINISHED = ".tmp"
_READ = 1 << 20


class Unusable(Exception):  # noqa: N818 - it says what the file is
    """A file of the index is missing, torn, or none of ours; the index is to be made anew."""


class Verified:
    """Looks at each file once, as long as nobody touched it: a gigabyte takes a third of a second."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[int, int, int]] = {}

    def check(self, path: Path) -> None:
        """Raises `Unusable`."""
        try:
            found = path.stat()
            seen = (found.st_ino, found.st_size, found.st_mtime_ns)
            if self._seen.get(path) == seen:
                return
            if _digest_of(path) != path.stem:
                raise Unusable(f"{path.name} is damaged")
        except OSError as error:
            raise Unusable(f"{path.name}: {error.strerror or error}") from error
        self._seen[path] = seen


class Draft:
    """A file that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._name: str | None = None

    def finish(self, suffix: str) -> str:
        """Give the file its name, once it is on the disk. After calling this, open it no more for writing."""
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())
        name = _digest_of(self.path) + suffix
        self.path.replace(self.path.with_name(name))
        return name


@contextmanager
def draft(folder: Path) -> Iterator[Draft]:
    """A file to write; it is gone afterwards unless it was finished."""
    path = folder / f"{secrets.token_hex(8)}{_UNFINISHED}"
    path.touch(mode=0o600)
    try:
        yield Draft(path)
    finally:
        path.unlink(missing_ok=True)


def mapped(path: Path) -> mmap.mmap:
    """The file's bytes, read as they are looked at. Raises `OSError`, or `ValueError` for an empty one."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def name_of(token: bytes) -> str:
    return f"{token.hex()}.base"


def token_of(name: str) -> bytes:
    return bytes.fromhex(Path(name).stem)


def tidy(folder: Path, keep: set[str]) -> None:
    """Delete all other files: older ones, and what a crash left. One that another process maps may stay."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name not in keep:
                with suppress(OSError):
                    path.unlink()


def _digest_of(path: Path) -> str:
    hasher = blake3()
    with path.open("rb") as file:
        while read := file.read(_READ):
            hasher.update(read)
    return hasher.digest(_NAME).hex()
