"""MLX: the default models on Apple's GPUs, and on the CPU wherever MLX is installed, so that it can be tested.

Weights are multiplied out to float32 when they are loaded. One thread of our own does all of it, since MLX's streams
belong to the thread that made them: arrays of one thread, computed in another, raise "There is no Stream".
"""

import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from reflexd_io.inference import bert, tensors
from reflexd_io.inference.arrays import Array, Mlx, Ops
from reflexd_io.inference.errors import UnusableModel
from reflexd_io.inference.manifest import Kind
from reflexd_io.inference.models import Outputs, Run
from reflexd_io.inference.tokens import Encoded, padded

GPU = "Apple GPU"
Made = TypeVar("Made")


class Worker:
    """The thread that everything of MLX happens in."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mlx")

    def __call__(self, work: Callable[[], Made]) -> Made:
        return self._thread.submit(work).result()


def shipped(weights: Path, kind: Kind) -> tuple[Run, str]:
    """A default model, and the device that it is on. Raises `UnusableModel`."""
    worker = Worker()
    try:
        ops = worker(Mlx)
    except ImportError as error:
        raise UnusableModel(f"MLX cannot be imported: {error}") from error
    w = worker(lambda: _evaluated(ops, weights, kind))
    compute = _embed if kind == "embedder" else _judge

    def run(encoded: Sequence[Encoded]) -> list[Outputs]:
        return worker(lambda: compute(ops, w, padded(encoded)))

    return run, worker(lambda: GPU if "gpu" in str(ops.core.default_device()) else f"{platform.machine()} CPU")


def _evaluated(ops: Mlx, weights: Path, kind: Kind) -> dict[str, Array]:
    found = multiplied_out(weights, kind)
    w = {name: ops.array(tensor) for name, tensor in found.items()}
    ops.core.eval(w)
    return w


def multiplied_out(weights: Path, kind: Kind) -> dict[str, np.ndarray]:
    """The weights of a default model as float32, under the names that `bert` knows."""
    stored = {**tensors.read(weights / "words.safetensors"), **tensors.read(weights / f"{kind}.safetensors")}
    found: dict[str, np.ndarray] = {}
    for name, tensor in stored.items():
        path, _, leaf = name.removeprefix(f"{kind}.").rpartition(".")
        match leaf:
            case "q" if path == "words":
                found["words.weight"] = tensor * stored["words.scale"][:, None]
            case "q":
                smooth = stored.get(f"{kind}.{path}.smooth")
                weight = tensor * stored[f"{kind}.{path}.scale"]
                found[f"{path}.weight"] = weight if smooth is None else weight * smooth[:, None]
            case "scale" | "smooth":
                pass
            case _:
                found[name.removeprefix(f"{kind}.")] = tensor.astype(np.float32)
    return found


def _embed(ops: Ops, w: bert.Weights, rows: dict[str, np.ndarray]) -> list[Outputs]:
    fed = {name: ops.array(matrix.astype(np.int32)) for name, matrix in rows.items()}
    pooled = bert.mean(bert.encode(ops, w, bert.DEFAULT, fed), fed["mask"])
    return [(vector,) for vector in ops.numpy(pooled / ops.length(pooled))]


def _judge(ops: Ops, w: bert.Weights, rows: dict[str, np.ndarray]) -> list[Outputs]:
    fed = {name: ops.array(matrix.astype(np.int32)) for name, matrix in rows.items()}
    outputs = bert.align(ops, w, bert.encode(ops, w, bert.DEFAULT, fed), fed["content"])
    return list(zip(*(ops.numpy(output) for output in outputs), strict=True))
