"""The ONNX graphs of the two models. They hold no weights: each initializer points into a safetensors file.

Two for each model, which read the same bytes:

- ``int8``: matrices stay int8, what goes into them is quantised as it comes. It takes one text (or pair) without
  padding, so nothing that shares a batch can change a result. Written with ONNX Runtime's own fused operators.
- ``float``: matrices are multiplied out when the graph is loaded; any batch, padded, with a mask. Standard operators
  only, so that every provider has them: CUDA's, and the CPU's where its int8 kernel saturates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

HEADS = 12
LAYERS = 6
WIDTH = 384
EPSILON = 1e-12
FARTHEST = -1e4
"""What stands for minus infinity, as in training."""
LEAST_PEAK = 2.72
"""GELU's lowest value is -0.17; a row's peak counts at least this, so that 15 of 255 steps below zero hold it."""
Outputs = dict[str, tuple[str, list[str | int]]]
"""Name -> the value that it takes, and its shape."""
_MICROSOFT = "com.microsoft"
_TYPES = {"int8": TensorProto.INT8, "float16": TensorProto.FLOAT16, "float32": TensorProto.FLOAT}


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a tensor's bytes lie."""

    file: str
    offset: int
    dtype: str
    shape: tuple[int, ...]


@dataclass(slots=True)
class Writer:
    """A graph under construction. Names of stored tensors get ``prefix`` in front."""

    stored: dict[str, Stored]
    quantised: bool
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: dict[str, TensorProto] = field(default_factory=dict)

    def op(self, name: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        return self.ops(name, 1, *inputs, domain=domain, **attributes)[0]

    def ops(self, name: str, count: int, *inputs: str, domain: str = "", **attributes: object) -> list[str]:
        outputs = [f"n{len(self.nodes)}_{index}" for index in range(count)]
        self.nodes.append(helper.make_node(name, list(inputs), outputs, domain=domain, **attributes))
        return outputs

    def constant(self, value: object, dtype: type[np.generic] = np.float32) -> str:
        array: NDArray[np.generic] = np.asarray(value, dtype)
        name = f"c_{array.dtype.name}_{array.tolist()}"
        self.initializers.setdefault(name, numpy_helper.from_array(array, name))
        return name

    def axis(self, *axes: int) -> str:
        return self.constant(axes, np.int64)

    def tensor(self, name: str) -> str:
        """A stored tensor as it is."""
        place = self.stored[name]
        made = TensorProto(name=name, data_type=_TYPES[place.dtype], dims=place.shape)
        made.data_location = TensorProto.EXTERNAL
        length = int(np.prod(place.shape)) * np.dtype(place.dtype).itemsize
        for key, value in (("location", place.file), ("offset", place.offset), ("length", length)):
            made.external_data.add(key=key, value=str(value))
        self.initializers.setdefault(name, made)
        return name

    def real(self, name: str) -> str:
        """A stored tensor as float32; what is float16 is turned once, when the graph is loaded."""
        if self.stored[name].dtype == "float32":
            return self.tensor(name)
        return self.op("Cast", self.tensor(name), to=TensorProto.FLOAT)

    def linear(self, x: str, name: str) -> str:
        """A dense layer of the head, or one whose matrix is float."""
        y = self.op("MatMul", x, self.real(f"{name}.weight"))
        return self.op("Add", y, self.tensor(f"{name}.bias")) if f"{name}.bias" in self.stored else y

    def dense(self, x: str, name: str) -> str:
        """A dense layer of the encoder."""
        smooth = f"{name}.smooth" if f"{name}.smooth" in self.stored else None
        if not self.quantised:
            weight = self.op("Cast", self.tensor(f"{name}.q"), to=TensorProto.FLOAT)
            weight = self.op("Mul", weight, self.tensor(f"{name}.scale"))
            if smooth:
                weight = self.op("Mul", weight, self.op("Unsqueeze", self.tensor(smooth), self.axis(1)))
            return self.op("Add", self.op("MatMul", x, weight), self.tensor(f"{name}.bias"))
        if smooth:
            x = self.op("Mul", x, self.tensor(smooth))
        weights = (self.tensor(f"{name}.q"), self.tensor(f"{name}.scale"), self.constant(0, np.int8))
        return self.op("DynamicQuantizeMatMul", x, *weights, self.tensor(f"{name}.bias"), domain=_MICROSOFT)

    def dense_by_rows(self, x: str, name: str) -> str:
        """`dense` for what comes out of GELU: one scale a row, since a few rows are far larger than the others."""
        if not self.quantised:
            return self.dense(x, name)
        peak = self.op("Max", self.op("ReduceMax", x, self.axis(-1), keepdims=1), self.constant(LEAST_PEAK))
        step, zero = self.constant(1 / 240), self.constant(15, np.uint8)
        rows = self.op("QuantizeLinear", self.op("Div", x, peak), step, zero)
        weights = (self.tensor(f"{name}.q"), step, self.tensor(f"{name}.scale"), zero, self.constant(0, np.int8))
        y = self.op("MatMulIntegerToFloat", rows, *weights, domain=_MICROSOFT)
        return self.op("Add", self.op("Mul", y, peak), self.tensor(f"{name}.bias"))

    def normalised(self, x: str, name: str) -> str:
        return self.op(
            "LayerNormalization", x, self.tensor(f"{name}.weight"), self.tensor(f"{name}.bias"), epsilon=EPSILON
        )

    def residual(self, x: str, added: str, name: str) -> str:
        """Not as ``SkipLayerNormalization``: on a CPU that takes 65 us for 32 tokens where these two take 15."""
        return self.normalised(self.op("Add", x, added), name)

    def model(self, name: str, inputs: Sequence[str], outputs: Outputs) -> onnx.ModelProto:
        for output, (value, _) in outputs.items():
            self.nodes.append(helper.make_node("Identity", [value], [output]))
        graph = helper.make_graph(
            self.nodes,
            name,
            [
                helper.make_tensor_value_info(
                    each, TensorProto.INT64, ["batch" if not self.quantised else 1, "length"]
                )
                for each in inputs
            ],
            [helper.make_tensor_value_info(each, TensorProto.FLOAT, shape) for each, (_, shape) in outputs.items()],
            list(self.initializers.values()),
        )
        domains = [helper.make_opsetid("", 20), helper.make_opsetid(_MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=domains[: 2 if self.quantised else 1], ir_version=10)
