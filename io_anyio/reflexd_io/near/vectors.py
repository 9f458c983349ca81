"""Vectors: how one is packed for keeping, and what of a row is taken for one."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def pack(vector: Floats) -> bytes:
    """As it is stored and searched with: float16, little-endian, of unit length.

    Raises `ValueError` for one that has no direction: NaN, infinite, or all zero.
    """
    exact = np.asarray(vector, dtype=np.float64).ravel()
    with np.errstate(over="ignore", invalid="ignore"):
        length = float(np.sqrt(exact @ exact))
    if not (np.isfinite(length) and length > 0):
        raise ValueError("this vector has no direction")
    return (exact / length).astype("<f2").tobytes()


def unpack(packed: bytes) -> Floats:
    """Raises `ValueError` for what is no vector."""
    return np.frombuffer(packed, dtype="<f2").astype(np.float32)
