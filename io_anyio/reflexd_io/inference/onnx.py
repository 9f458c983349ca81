"""ONNX Runtime: the default models on a CPU (int8) or with CUDA (float32).

Which arithmetic, measured on an EPYC 9004 core (AVX-512 VNNI): CPU time of one text of 32 tokens, and the mean cosine
to the float32 vectors.

- float32, multiplied out when loaded: 9.0 ms, 0.9996 (what rounding the weights costs);
- `MatMulNBits`, 8 bits, blocks of 128, int8 activations: 6.1 ms, 0.9993;
- one scale for a whole input (`DynamicQuantizeLinear`): 3.9 ms, 0.9945; with batch mates, a text's cosine to others
  moves by up to 0.04, since they share the scale;
- the same with inputs smoothed and one scale a row where rows differ most: 4.1 ms, 0.9993. **This one**, and always
  one text at a time: eight at once would take only a fifth less, and nothing that arrives beside a question may
  change what is said of it. Without the fused sum and LayerNorm of which below it takes 2.9.

Static scales would save the search for the largest value, one pass of thousands of multiplications, and clip what
calibration never saw.

One thread a text, and several texts beside each other: two pairs of 29 tokens on two cores take 4.1 ms so, one takes
3.4. Two threads for each text, asleep between operators, gain nothing for one (3.5) and lose for two (6.8); two that
spin take 2.4 for one and 4.8 for two, and twice the CPU time. Only a text of 64 tokens would gain (6.5 ms to 5.6).
What computes a whole batch at once has all threads.

The int8 weights are signed, which is half as expensive as unsigned ones, but on x86 processors older than VNNI their
kernel sums into 16 bits and saturates. That is looked at when a model is loaded; such a processor gets the float32
graph, and `Facts` says so.
"""

import os
import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from reflexd_io.inference.errors import UnusableModel
from reflexd_io.inference.models import Outputs, Run
from reflexd_io.inference.tokens import Encoded, padded
from reflexd_io.native import clash, onnxruntime

_EXACT = 64 * 255 * 127
"""What `saturation.onnx` gives for a row of 255s."""
_MOST_THREADS = 4
_SLOW_ALONE = ("SkipLayerNormFusion",)
"""Optimisers that are left out for int8: what they put in place of ``Add`` and ``LayerNormalization`` takes
three times as long as they do together, 0.5 ms of a text of 32 tokens. float32 was no different with it."""


def session(path: Path, *, cuda: bool = False, one_thread: bool = False) -> onnxruntime.InferenceSession:
    """A graph, loaded where it was asked for. Raises `UnusableModel`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1 if one_thread else threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers: list[object] = ["CPUExecutionProvider"]
    if cuda:
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            absent = "the ONNX Runtime that is installed has no CUDA; onnxruntime-gpu has, in its place"
            raise UnusableModel(clash() or absent)
        onnxruntime.preload_dlls()
        # TF32 keeps 10 bits of the mantissa: fine for training, not for equal decisions on all backends.
        providers.insert(0, ("CUDAExecutionProvider", {"use_tf32": "0"}))
    try:
        left_out = list(_SLOW_ALONE) if one_thread else []
        made = onnxruntime.InferenceSession(str(path), options, providers=providers, disabled_optimizers=left_out)
    except Exception as error:
        raise UnusableModel(f"{path} cannot be loaded: {_first_line(error)}") from error
    made.disable_fallback()
    loaded = made.get_providers()[0]
    if cuda and loaded != "CUDAExecutionProvider":
        raise UnusableModel(f"ONNX Runtime loaded {loaded} where CUDA was asked for; are CUDA and cuDNN installed?")
    return made


def threads() -> int:
    try:
        there = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        there = os.cpu_count() or 1
    return max(1, min(_MOST_THREADS, there))


def device(backend: str) -> str:
    return "NVIDIA GPU 0" if backend == "cuda" else f"{platform.machine()} CPU, {threads()} threads"


def saturates(weights: Path) -> bool:
    """Whether this processor's int8 kernel loses the top of large sums. Raises `UnusableModel`."""
    sums = session(weights / "saturation.onnx").run(None, {"row": np.full((1, 64), 255, np.uint8)})[0]
    return bool((np.asarray(sums) != _EXACT).any())


def alone(graph: onnxruntime.InferenceSession) -> Run:
    """Feed each text by itself, without padding; several at once, in threads. The graph has one thread."""
    names = [each.name for each in graph.get_inputs()]
    beside = ThreadPoolExecutor(threads(), thread_name_prefix="onnx")

    def run_one(encoded: Encoded) -> Outputs:
        return _first(graph.run(None, _rows(names, padded([encoded]))))

    def run(encoded: Sequence[Encoded]) -> list[Outputs]:
        return [run_one(encoded[0])] if len(encoded) == 1 else list(beside.map(run_one, encoded))

    return run


def together(graph: onnxruntime.InferenceSession) -> Run:
    """Feed all at once, padded; what a row gives for its padding is cut off."""
    names = [each.name for each in graph.get_inputs()]

    def run(encoded: Sequence[Encoded]) -> list[Outputs]:
        outputs = graph.run(None, _rows(names, padded(encoded)))
        return [tuple(np.asarray(output)[row] for output in outputs) for row in range(len(encoded))]

    return run


def _rows(names: list[str], rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: rows[name] for name in names}


def _first(outputs: Sequence[object]) -> Outputs:
    return tuple(np.asarray(output)[0] for output in outputs)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
