"""One tenant's index: base and delta searched together, and every candidate looked up in SQLite.

So what is found is there and is as near as it is said to be, whatever the index believes: an entry that has gone has
no row, and the similarity is computed from the row's own vector. What is newer than the index is read from SQLite
before each search, so an entry is found as soon as its store was announced.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from reflexd_io.near import direct, rows
from reflexd_io.near.base import Base
from reflexd_io.near.codes import Query, query_of, together
from reflexd_io.near.delta import Delta
from reflexd_io.near.vectors import unpack

FOLD = 4096
"""Vectors in a delta from which on a base is made of them."""
FOLD_SHARE = 16
"""A delta may have this share of its base: that of a million vectors is written anew every 62,500."""
OVERFLOW = 4
"""A delta of so many times what it should hold, since no base can be made, is given up: memory is bounded."""
GONE = 1024
"""Vectors found to have gone that are put up with, or an eighth of all."""

_SPARE = 16
"""Candidates beyond those that are wanted: int8 ranks a few of them wrongly, and some may have gone."""
_MOST = 1024
"""Candidates that are looked at in one search."""


@dataclass(slots=True, kw_only=True)
class Loaded:
    """What an index searches in."""

    token: bytes
    """The one that counted in SQLite when this was loaded, whether there is a base of it or not."""
    model: str
    number: int
    dimension: int
    base: Base | None
    delta: Delta
    seen: int
    """The last id that is in either."""
    gone: dict[bytes, set[int]] = field(default_factory=dict)
    """By scope, ids that were found to have no row any more."""
    all_gone: int = 0

    @property
    def rows(self) -> int:
        return (self.base.footer.rows if self.base else 0) + len(self.delta)

    @property
    def is_due(self) -> bool:
        """Whether a base is to be made."""
        return len(self.delta) > self._room

    @property
    def is_overflowing(self) -> bool:
        return len(self.delta) > OVERFLOW * self._room

    @property
    def is_hollow(self) -> bool:
        """Whether it holds so much that has gone that it is to be made anew."""
        return self.all_gone > max(GONE, self.rows // 8)

    @property
    def _room(self) -> int:
        return max(FOLD, (self.base.footer.rows if self.base else 0) // FOLD_SHARE)


Wanted = Callable[[str, int], None]
"""Told which model and dimension are asked for; returns at once."""


class TenantIndex:
    """Used by one thread at a time, but for `offer`."""

    def __init__(self, wants_load: Wanted, wants_build: Wanted) -> None:
        self._wants_load = wants_load
        self._wants_build = wants_build
        self._loaded: Loaded | None = None

    def offer(self, loaded: Loaded) -> None:
        """Search in this from now on. From any thread."""
        self._loaded = loaded

    def search(
        self, connection: sqlite3.Connection, scope: bytes, vector: bytes, model: str, count: int
    ) -> list[tuple[int, float]] | None:
        """Numbers of the nearest entries of the scope and their cosine, the best first.

        None where the scope is too large to be searched before the index is loaded.
        """
        loaded = self._current(connection, model, len(vector) // 2)
        if loaded is None:
            return direct.search(connection, scope, vector, model, count)
        query = query_of(vector)
        wanted = count + _SPARE
        while True:
            candidates = _candidates(loaded, scope, query, wanted)
            hits = _look_up(connection, loaded, scope, query, candidates)
            if len(hits) >= count or len(candidates) < wanted or wanted >= _MOST:
                return hits[:count]
            wanted = min(4 * wanted, _MOST)

    def _current(self, connection: sqlite3.Connection, model: str, dimension: int) -> Loaded | None:
        """What is loaded, with all that is newer; None where that is to be loaded first."""
        loaded = self._loaded
        token, _ = rows.committed(connection)
        if loaded is None or (loaded.token, loaded.model, loaded.dimension) != (token, model, dimension):
            if rows.number_of(connection, model) is not None:
                self._wants_load(model, dimension)
            return None
        newer = rows.newer(connection, loaded.number, loaded.seen, FOLD)
        if newer:
            loaded.delta.add(newer)
            loaded.seen = newer[-1][0]
        if loaded.is_due or loaded.is_hollow:
            self._wants_build(model, dimension)
        if loaded.is_overflowing:
            self._loaded = None
            return None
        return loaded if len(newer) < FOLD else None


def _candidates(loaded: Loaded, scope: bytes, query: Query, wanted: int) -> list[int]:
    """Ids of the nearest, the best first, as far as codes tell."""
    gone = loaded.gone.get(scope, set())
    found = loaded.delta.search(scope, query, wanted + len(gone))
    if loaded.base is not None:
        found = together([found, loaded.base.search(scope, query, wanted + len(gone))])
    ordered: list[int] = found.ids[np.argsort(-found.similarities)].tolist()
    return [number for number in ordered if number not in gone][:wanted]


def _look_up(
    connection: sqlite3.Connection, loaded: Loaded, scope: bytes, query: Query, candidates: list[int]
) -> list[tuple[int, float]]:
    """Of the candidates that are still there, the entry's number and the exact cosine, the best first."""
    found = connection.execute(
        f"""
        SELECT id, entry, vector FROM vectors
        WHERE id IN ({", ".join("?" * len(candidates))}) AND scope = ? AND model = ?
        """,  # noqa: S608 - question marks
        (*candidates, scope, loaded.number),
    ).fetchall()
    if len(found) < len(candidates):
        missing = set(candidates).difference(row[0] for row in found)
        loaded.gone.setdefault(scope, set()).update(missing)
        loaded.all_gone += len(missing)
    if not found:
        return []
    similarities = np.stack([unpack(row[2]) for row in found]) @ query.exact
    return [(found[place][1], float(similarities[place])) for place in np.argsort(-similarities, kind="stable")]
