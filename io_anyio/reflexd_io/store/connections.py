"""The writer's connections: a handful of open files, however many tenants there are.

Each takes three descriptors (the file, its log, its index), so the least recently used is closed for the next. Only
the writer's thread comes here.
"""

import sqlite3
from collections import OrderedDict
from pathlib import Path

from reflexd_io.store import schema

OPEN = 16
"""Files held open for writing; as many again for reading (see `readers`)."""


class Connections:
    def __init__(self, folder: Path, known: set[str], *, lock_wait: float) -> None:
        """``known``: tenants that have a file; each one made here is added, for the readers to see.

        ``lock_wait``: seconds that another process which holds a file is waited for.
        """
        self._lock_wait = lock_wait
        self._folder = folder
        self._known = known
        self._open: OrderedDict[str, sqlite3.Connection] = OrderedDict()

    def __contains__(self, tenant: str) -> bool:
        return tenant in self._open

    def __len__(self) -> int:
        return len(self._open)

    def get(self, tenant: str) -> sqlite3.Connection:
        """The tenant's file, made where there is none. Raises `sqlite3.Error`, `schema.NewerSchema` or `OSError`."""
        connection = self._open.get(tenant)
        if connection is None:
            while len(self._open) >= OPEN:
                self.close(next(iter(self._open)))
            connection = self._open[tenant] = self.open(tenant)
        self._open.move_to_end(tenant)
        return connection

    def open(self, tenant: str) -> sqlite3.Connection:
        path = self._folder / f"{tenant}.sqlite3"
        if not path.exists():
            path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=self._lock_wait, isolation_level=None, check_same_thread=False)
        try:
            schema.prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._known.add(tenant)
        return connection

    def close(self, tenant: str) -> None:
        connection = self._open.pop(tenant, None)
        if connection is not None:
            connection.close()

    def close_all(self) -> None:
        for tenant in list(self._open):
            self.close(tenant)
