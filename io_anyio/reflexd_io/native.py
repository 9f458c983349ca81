"""The one module that imports the native libraries of inference and search, in the only order that works.

Importing `usearch.index` before `onnxruntime` crashes the process (seen with 2.26.6 and 1.31.1); everybody takes them
from here.
"""

import onnxruntime

__all__ = ["onnxruntime"]
