"""Looking: reading a tenant's file for people, who may ask for more than a lookup does.

Each look has a read-only connection of its own and an end in time, so that nothing which serves requests waits.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import TypeVar

from reflexd_io.store import schema
from reflexd_io.store.readers import StoreUnavailable, open_to_read

T = TypeVar("T")

_STEPS = 10_000
"""Instructions of SQLite's machine between looks at the clock."""


class OutOfDate(Exception):  # noqa: N818 - it says what the file is
    """An older Reflex wrote the file, and nobody has written to it since."""


def look(path: Path, work: Callable[[sqlite3.Connection], T], seconds: float) -> T | None:
    """None where there is no file. Blocks. Raises `StoreUnavailable` and `OutOfDate`."""
    if not path.exists():
        return None
    until = monotonic() + seconds
    try:
        with closing(open_to_read(path)) as connection:
            if not schema.check(connection):
                raise OutOfDate(path.name)
            connection.set_progress_handler(lambda: monotonic() > until, _STEPS)
            return work(connection)
    except (sqlite3.Error, schema.NewerSchema, ValueError) as error:
        if monotonic() > until:
            raise StoreUnavailable(f"{path.name}: this takes longer than {seconds:g} s") from error
        raise StoreUnavailable(f"{path.name}: {error}") from error
