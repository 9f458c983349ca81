"""Int8 weights with scales, and the safetensors files that hold them.

A dense layer becomes `q` (int8, input × output, a scale for each output) so that `W = q * scale * smooth[:, None]`.
`smooth` is there where inputs have channels far larger than the rest (a LayerNorm's output has some 15 times the
median): the layer's input is multiplied by it and its weights were divided by it, so that one scale for all of the
input does not drown the small channels (SmoothQuant, arXiv 2211.10438). Exponent 0.8 was the best of 0.3, 0.5, 0.65,
0.8: the mean cosine to the float32 vectors rose from 0.9945 to 0.9994 together with one scale a row for `down`, whose
large values sit in rows (`[CLS]`, `[SEP]`) rather than in channels.

The file format is written here because the library's own writer gives no say in where data begins: ONNX Runtime maps
external data by offset, and whole pages keep every matrix aligned for whatever reads it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

SMOOTHED = frozenset({"qkv", "up"})
_EXPONENT = 0.8
_LEAST = 1e-4
"""What a channel's largest value counts at least, so that a silent one is not blown up."""
_PAGE = 4096
_NAMES = {"int8": "I8", "float16": "F16", "float32": "F32"}


def dense(weight: NDArray[np.float32], largest: NDArray[np.float32] | None) -> dict[str, Array]:
    """``weight`` (output, input) and the largest input of each channel, where that is to be smoothed."""
    tensors: dict[str, Array] = {}
    turned = weight.T.astype(np.float64)
    if largest is not None:
        reach = np.abs(turned).max(1).clip(_LEAST)
        strength = largest.clip(_LEAST) ** _EXPONENT / reach ** (1 - _EXPONENT)
        smooth = (np.median(strength) / strength).astype(np.float32)
        turned /= smooth[:, None]
        tensors["smooth"] = smooth
    tensors["q"], tensors["scale"] = _rounded(turned, axis=0)
    return tensors


def table(weight: NDArray[np.float32]) -> dict[str, Array]:
    """An embedding table, one scale a row."""
    q, scale = _rounded(weight.astype(np.float64), axis=1)
    return {"q": q, "scale": scale}


def _rounded(values: NDArray[np.float64], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    scale = (np.abs(values).max(axis) / 127).astype(np.float32)
    scale[scale == 0] = 1
    return np.rint(values / np.expand_dims(scale, axis)).clip(-127, 127).astype(np.int8), scale


def write(path: Path, tensors: Mapping[str, Array], notes: Mapping[str, str]) -> dict[str, int]:
    """Write a safetensors file; where each tensor's bytes begin comes back, counted from the file's start."""
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].nbytes, item[0]))
    header: dict[str, object] = {"__metadata__": dict(notes)}
    places, end = {}, 0
    for name, tensor in ordered:
        header[name] = {
            "dtype": _NAMES[tensor.dtype.name],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + tensor.nbytes],
        }
        places[name] = end
        end += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % _PAGE)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in ordered:
            file.write(np.ascontiguousarray(tensor).tobytes())
    return {name: 8 + len(text) + place for name, place in places.items()}
