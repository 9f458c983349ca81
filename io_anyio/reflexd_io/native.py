"""The one module that imports the native libraries of inference and search, in the only order that works.

Importing `usearch.index` before `onnxruntime` crashes the process (seen with 2.26.6 and 1.32.0); everybody takes them
from here. `numkong`, which usearch brings along, may be imported at any time.
"""

from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

import onnxruntime

onnxruntime.disable_telemetry_events()  # newer builds carry a client that reports home; nothing of ours leaves here

__all__ = ["clash", "onnxruntime", "usearch"]

_RUNTIMES = ("onnxruntime", "onnxruntime-gpu")
CURE = "pip uninstall -y onnxruntime && pip install --force-reinstall --no-deps onnxruntime-gpu"
"""Removing one of the two takes files of the other along, so the other is installed again."""


def clash() -> str | None:
    """In words, where two packages own the module ``onnxruntime``: what is there is then whichever came last."""
    there = [f"{name} {found}" for name in _RUNTIMES if (found := _version(name)) is not None]
    if len(there) < len(_RUNTIMES):
        return None
    has = "CUDA" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "no CUDA"
    return f"{' and '.join(there)} are both installed and own the same files, which have {has} now; run: {CURE}"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def usearch() -> ModuleType:
    """`usearch.index`, loaded where a large scope first needs its graph, which few ever do (0.1 s)."""
    import usearch.index  # noqa: PLC0415 - see above

    return usearch.index
