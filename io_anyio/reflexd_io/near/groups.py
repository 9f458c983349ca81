"""Groups: the vectors of one scope side by side in a file: codes (int8), ids (int64), scales (float32)."""

from mmap import mmap
from typing import BinaryIO

import numpy as np

from reflexd_io.near.codes import Codes, Found, Ids, Query, best, scan
from reflexd_io.near.vectors import Floats


class Group:
    """A group in a mapped file. Raises `ValueError` where it does not fit in there."""

    def __init__(self, mapped: mmap, offset: int, count: int, dimension: int) -> None:
        self._codes: Codes = np.frombuffer(mapped, np.int8, count * dimension, offset).reshape(count, dimension)
        offset += self._codes.nbytes
        self._ids: Ids = np.frombuffer(mapped, "<i8", count, offset)
        self._scales: Floats = np.frombuffer(mapped, "<f4", count, offset + self._ids.nbytes)

    def search(self, query: Query, count: int) -> Found:
        return best(self._ids, scan(self._codes, self._scales, query.codes, query.scale), count)


def write_group(file: BinaryIO, codes: Codes, ids: Ids, scales: Floats) -> None:
    file.write(codes.tobytes())
    write_tail(file, ids, scales)


def write_tail(file: BinaryIO, ids: Ids, scales: Floats) -> None:
    """What comes after the codes."""
    file.write(ids.astype("<i8").tobytes())
    file.write(scales.astype("<f4").tobytes())
