"""The one module that imports the native libraries of inference and search, in the only order that works.

Importing `usearch.index` before `onnxruntime` crashes the process (seen with 2.26.6 and 1.32.0); everybody takes them
from here. `numkong`, which usearch brings along, may be imported at any time.
"""

from types import ModuleType

import onnxruntime

onnxruntime.disable_telemetry_events()  # newer builds carry a client that reports home; nothing of ours leaves here

__all__ = ["onnxruntime", "usearch"]


def usearch() -> ModuleType:
    """`usearch.index`, loaded where a large scope first needs its graph, which few ever do (0.1 s)."""
    import usearch.index  # noqa: PLC0415 - see above

    return usearch.index
