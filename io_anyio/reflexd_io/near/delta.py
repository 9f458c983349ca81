"""The delta: vectors that are newer than the base, in memory, each scope's scanned exactly.

It only grows; the entry whose vector it holds may have gone, which whoever verifies the candidates notices.
"""

from array import array

import numpy as np

from reflexd_io.near.codes import NOTHING, Codes, Found, Ids, Query, best, encode, scan
from reflexd_io.near.vectors import Floats

Row = tuple[int, bytes, bytes]
"""Id, scope and packed vector."""

_FIRST = 64
_GATHERED = 8
"""Copying the rows of one scope together costs that many times what scanning a row in place does."""


class Delta:
    def __init__(self, dimension: int) -> None:
        self._ids: Ids = np.empty(_FIRST, np.int64)
        self._scales: Floats = np.empty(_FIRST, np.float32)
        self._codes: Codes = np.empty((_FIRST, dimension), np.int8)
        self._places: dict[bytes, array[int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, rows: list[Row]) -> None:
        """Vectors of another dimension are left out."""
        dimension = self._codes.shape[1]
        rows = [row for row in rows if len(row[2]) == 2 * dimension]
        if not rows:
            return
        self._make_room(len(rows))
        places = slice(self._count, self._count + len(rows))
        packed = np.frombuffer(b"".join(row[2] for row in rows), "<f2").reshape(len(rows), dimension)
        self._codes[places], self._scales[places] = encode(packed.astype(np.float32))
        self._ids[places] = [row[0] for row in rows]
        for place, (_, scope, _) in enumerate(rows, self._count):
            self._places.setdefault(scope, array("q")).append(place)
        self._count += len(rows)

    def search(self, scope: bytes, query: Query, count: int) -> Found:
        if scope not in self._places:
            return NOTHING
        places = np.frombuffer(self._places[scope], np.int64)
        if len(places) * _GATHERED < self._count:
            codes, scales = self._codes[places], self._scales[places]
            return best(self._ids[places], scan(codes, scales, query.codes, query.scale), count)
        all_of_them = slice(self._count)
        similarities = scan(self._codes[all_of_them], self._scales[all_of_them], query.codes, query.scale)
        return best(self._ids[places], similarities[places], count)

    def _make_room(self, more: int) -> None:
        size = len(self._ids)
        if self._count + more <= size:
            return
        size = max(2 * size, self._count + more)
        for name in ("_ids", "_scales", "_codes"):
            old = getattr(self, name)
            new = np.empty((size, *old.shape[1:]), old.dtype)
            new[: self._count] = old[: self._count]
            setattr(self, name, new)
