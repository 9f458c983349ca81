"""Warming up: the most recently used answers of all tenants, read in small steps on connections of their own.

A lookup never waits for it, and no more is ever unpacked than there is room for.
"""

import logging
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path

from reflexd_io.memory import Answer
from reflexd_io.store import schema
from reflexd_io.store.readers import open_to_read
from reflexd_io.store.rows import ANSWER_COLUMNS, read_answer

log = logging.getLogger(__name__)

Found = tuple[str, bytes, Answer]
"""A tenant's id, an exact key, and what is stored under it."""
Step = list[Found]

_STEP_ANSWERS = 32
_STEP_BYTES = 1024 * 1024
"""Either ends a step, so that a stop need not wait."""


class _Full(Exception):  # noqa: N818 - it says what the budget is
    """The next answer does not fit any more."""


def steps(folder: Path, limit: int, max_bytes: int) -> Generator[Step]:
    """At most ``limit`` answers of ``max_bytes`` together; tenants by their file's age, then entries by their use.

    Blocks. One larger than a quarter of the room is left out, as memory would; so is what cannot be read.
    """
    budget = _Budget(limit, max_bytes)
    for path in _by_age(folder):
        try:
            yield from _of_file(path, budget)
        except _Full:
            return
        except (sqlite3.Error, schema.NewerSchema) as error:
            log.debug("%s is not read into memory: %s", path.name, error)


class _Budget:
    def __init__(self, limit: int, max_bytes: int) -> None:
        self.answers = limit
        self.bytes = max_bytes
        self.largest = max_bytes // 4

    def take(self, size: int) -> None:
        """Raises `_Full`."""
        if self.answers < 1 or size > self.bytes:
            raise _Full
        self.answers -= 1
        self.bytes -= size


def _by_age(folder: Path) -> list[Path]:
    """Files, the most recently written first. What was used last may only be in the log yet."""
    ages: dict[Path, float] = {}
    for path in folder.glob("*.sqlite3"):
        for part in (path, path.with_name(f"{path.name}-wal")):
            with suppress(OSError):
                found = part.stat()
                if found.st_size:  # merely opening a file makes an empty log
                    ages[path] = max(ages.get(path, 0.0), found.st_mtime)
    return sorted(ages, key=lambda path: (-ages[path], path.name))


def _of_file(path: Path, budget: _Budget) -> Iterator[Step]:
    with closing(open_to_read(path)) as connection:
        if not schema.check(connection):
            return
        # The index alone says which rows; each answer is unpacked only once its size is known to fit.
        by_use = "SELECT number FROM entries ORDER BY used DESC LIMIT ?"
        numbers = connection.execute(by_use, (budget.answers + 1,)).fetchall()
        step: Step = []
        taken = 0
        for (number,) in numbers:
            try:
                size = _size(connection, number)
                if size is None or size > budget.largest:
                    continue
                budget.take(size)
            except _Full:
                yield step
                raise
            sql = f"SELECT {ANSWER_COLUMNS} FROM entries WHERE number = ?"  # noqa: S608 - a constant
            row = connection.execute(sql, (number,)).fetchone()
            taken += size
            if row is not None:
                with suppress(ValueError):
                    step.append((path.stem, *read_answer(row)))
            if len(step) >= _STEP_ANSWERS or taken >= _STEP_BYTES:
                yield step
                step, taken = [], 0
        yield step


def _size(connection: sqlite3.Connection, number: int) -> int | None:
    """Bytes of the answer once unpacked; None where the row went or is none of ours."""
    row = connection.execute("SELECT max(size, length(answer)) FROM entries WHERE number = ?", (number,)).fetchone()
    return row[0] if row is not None and isinstance(row[0], int) else None
