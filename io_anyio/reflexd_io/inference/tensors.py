"""Reading safetensors files: a header of names, types and places, then bytes.

Read here rather than by the library of that name, which is one more dependency and says of a cut file only that it
is invalid; this says which file, and what is wrong with it.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reflexd_io.inference.errors import UnusableModel

_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2",
    "I64": "<i8", "I32": "<i4", "I8": "<i1", "U8": "<u1",
}  # fmt: skip
_LONGEST_HEADER = 100_000_000
"""The format's own limit."""


def read(path: Path) -> dict[str, NDArray[Any]]:
    """All tensors as stored, but bfloat16 as float32; mapped rather than read. Raises `UnusableModel`."""
    try:
        content = np.memmap(path, np.uint8, mode="r")
        size = int.from_bytes(content[:8].tobytes(), "little")
        if not 2 <= size <= min(_LONGEST_HEADER, len(content) - 8):
            raise UnusableModel(f"{path} is not a safetensors file, or was cut")
        header = json.loads(content[8 : 8 + size].tobytes())
    except FileNotFoundError:
        raise UnusableModel(f"{path} is missing") from None
    except (OSError, ValueError) as error:
        raise UnusableModel(f"{path} is not a safetensors file: {error}") from error
    body = content[8 + size :]
    try:
        return {name: _tensor(body, **facts) for name, facts in header.items() if name != "__metadata__"}
    except (KeyError, TypeError, ValueError) as error:
        raise UnusableModel(f"{path} was cut, or its header is wrong: {error}") from error


def _tensor(body: NDArray[np.uint8], dtype: str, shape: list[int], data_offsets: tuple[int, int]) -> NDArray[Any]:
    start, end = data_offsets
    if not 0 <= start <= end <= len(body):
        raise ValueError(f"{len(body)} bytes where {end} should be")
    values = np.frombuffer(body[start:end], _TYPES[dtype]).reshape(shape)
    if dtype != "BF16":
        return values
    return (values.astype(np.uint32) << 16).view(np.float32)
