"""Usage: how many entries each tenant has and what it takes on disk, for statistics.

Counting walks an index, so a file that has not changed since is not counted again.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from reflexd_io.store.readers import open_to_read

_Mark = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Usage:
    entries: int
    size: int
    """Bytes on disk, the search index included."""


class Usages:
    """Used by one worker thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counted: dict[str, tuple[_Mark, int]] = {}

    def read(self, tenants: Iterable[str]) -> dict[str, Usage]:
        """Those of the tenants that have a file that can be read. Blocks."""
        found = {}
        for tenant in tenants:
            path = self._folder / f"{tenant}.sqlite3"
            marks = [_mark(path), _mark(path.with_name(path.name + "-wal"))]
            if marks[0] == (0, 0):
                continue
            size = sum(size for _, size in marks) + _index_size(path.with_suffix(".near"))
            with suppress(sqlite3.Error):
                found[tenant] = Usage(self._count(tenant, path, tuple(marks)), size)
        self._counted = {tenant: self._counted[tenant] for tenant in found}
        return found

    def _count(self, tenant: str, path: Path, mark: _Mark) -> int:
        known = self._counted.get(tenant)
        if known is None or known[0] != mark:
            with closing(open_to_read(path)) as connection:
                (count,) = connection.execute("SELECT count(*) FROM entries").fetchone()
            known = self._counted[tenant] = (mark, count)
        return known[1]


def _mark(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _index_size(folder: Path) -> int:
    with suppress(OSError):  # few have one, and it may be tidied up just now
        return sum(path.stat().st_size for path in folder.iterdir())
    return 0
