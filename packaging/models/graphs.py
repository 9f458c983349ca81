"""What `model.Embedder` and `model.Verifier` compute, written as graphs; to be read side by side with `model`."""

import numpy as np
import onnx
from graph import FARTHEST, HEADS, LAYERS, WIDTH, Stored, Writer
from onnx import TensorProto, helper, numpy_helper

EACH = WIDTH // HEADS


def embedder(stored: dict[str, Stored], *, quantised: bool) -> onnx.ModelProto:
    """``ids`` (and ``mask``) in, ``vectors`` (batch, 384) of length 1 out."""
    w = Writer(stored, quantised)
    hidden = _encoder(w, "embedder.", None)
    if quantised:
        pooled = w.op("ReduceMean", hidden, w.axis(1), keepdims=0)
    else:
        weight = w.op("Unsqueeze", w.op("Cast", "mask", to=TensorProto.FLOAT), w.axis(2))
        pooled = _mean(w, hidden, weight)
    length = w.op("ReduceL2", pooled, w.axis(-1), keepdims=1)
    vectors = w.op("Div", pooled, length)
    inputs = ["ids"] if quantised else ["ids", "mask"]
    return w.model("embedder", inputs, {"vectors": (vectors, ["batch", WIDTH])})


def verifier(stored: dict[str, Stored], *, quantised: bool) -> onnx.ModelProto:
    """``ids``, ``types``, ``content`` (and ``mask``) in; ``strict``, ``loose`` and, for each token, ``tags`` out."""
    w = Writer(stored, quantised)
    x = _encoder(w, "verifier.", "types")
    first, second = (
        w.op("Cast", w.op("Equal", "content", w.constant(side, np.int64)), to=TensorProto.FLOAT) for side in (1, 2)
    )
    left = _left(w, x, first, second)
    tags = w.op("Squeeze", w.linear(left, "verifier.tag"), w.axis(2))
    strict, loose = _verdict(w, x, left, tags, first, second)
    inputs = ["ids", "types", "content"] if quantised else ["ids", "types", "content", "mask"]
    outputs = {"strict": (strict, ["batch"]), "loose": (loose, ["batch"]), "tags": (tags, ["batch", "length"])}
    return w.model("verifier", inputs, outputs)


def _encoder(w: Writer, prefix: str, types: str | None) -> str:
    q, scale = w.op("Gather", w.tensor("words.q"), "ids"), w.op("Gather", w.tensor("words.scale"), "ids")
    words = w.op("Mul", w.op("Cast", q, to=TensorProto.FLOAT), w.op("Unsqueeze", scale, w.axis(2)))
    length = w.op("Slice", w.op("Shape", "ids"), w.axis(1), w.axis(2))
    places = w.op("Slice", w.real(f"{prefix}positions.weight"), w.axis(0), length, w.axis(0))
    kinds = w.op("Gather", w.real(f"{prefix}types.weight"), types or w.constant(0, np.int64))
    x = w.normalised(w.op("Add", w.op("Add", words, kinds), places), f"{prefix}norm")
    bias = None
    if not w.quantised:
        absent = w.op("Sub", w.constant(1.0), w.op("Cast", "mask", to=TensorProto.FLOAT))
        bias = w.op("Unsqueeze", w.op("Mul", absent, w.constant(FARTHEST)), w.axis(1, 2))
    for number in range(LAYERS):
        name = f"{prefix}layers.{number}."
        x = w.residual(x, w.dense(_attention(w, w.dense(x, f"{name}qkv"), bias), f"{name}out"), f"{name}norm1")
        inner = w.op("Gelu", w.dense(x, f"{name}up"))
        x = w.residual(x, w.dense_by_rows(inner, f"{name}down"), f"{name}norm2")
    return x


def _attention(w: Writer, qkv: str, bias: str | None) -> str:
    q, k, v = w.ops("Split", 3, qkv, axis=2, num_outputs=3)
    if bias is None:
        return w.op("MultiHeadAttention", q, k, v, domain="com.microsoft", num_heads=HEADS)
    q, k, v = (w.op("Reshape", each, w.constant((0, 0, HEADS, EACH), np.int64)) for each in (q, k, v))
    q, v = (w.op("Transpose", each, perm=[0, 2, 1, 3]) for each in (q, v))
    k = w.op("Transpose", k, perm=[0, 2, 3, 1])
    scores = w.op("Add", w.op("Mul", w.op("MatMul", q, k), w.constant(EACH**-0.5)), bias)
    mixed = w.op("MatMul", w.op("Softmax", scores, axis=-1), v)
    return w.op("Reshape", w.op("Transpose", mixed, perm=[0, 2, 1, 3]), w.constant((0, 0, WIDTH), np.int64))


def _left(w: Writer, x: str, first: str, second: str) -> str:
    """What remains of each token once its counterpart in the other question is taken away."""
    p = w.linear(x, "verifier.project")
    p = w.op("Div", p, w.op("Max", w.op("ReduceL2", p, w.axis(-1), keepdims=1), w.constant(1e-12)))
    scores = w.op("Mul", w.op("MatMul", p, w.op("Transpose", p, perm=[0, 2, 1])), w.tensor("verifier.sharpness"))
    pairs = [
        w.op("Mul", w.op("Unsqueeze", one, w.axis(2)), w.op("Unsqueeze", other, w.axis(1)))
        for one, other in ((first, second), (second, first))
    ]
    across = w.op("Cast", w.op("Add", *pairs), to=TensorProto.BOOL)
    weights = w.op("Softmax", w.op("Where", across, scores, w.constant(FARTHEST)), axis=-1)
    aligned = w.op("MatMul", weights, x)
    both = w.op("Concat", w.op("Sub", x, aligned), w.op("Mul", x, aligned), axis=-1)
    return w.op("Gelu", w.linear(both, "verifier.remainder"))


def _verdict(w: Writer, x: str, left: str, tags: str, first: str, second: str) -> tuple[str, str]:
    both = w.op("Add", first, second)
    there = w.op("Cast", both, to=TensorProto.BOOL)
    weight = w.op("Unsqueeze", both, w.axis(2))
    total = w.op("ReduceSum", both, w.axis(1), keepdims=1)
    lowest = w.constant(FARTHEST)
    worst = w.op("ReduceMax", w.op("Where", w.op("Unsqueeze", there, w.axis(2)), left, lowest), w.axis(1), keepdims=0)
    mean = w.op("Div", w.op("ReduceSum", w.op("Mul", left, weight), w.axis(1), keepdims=0), total)
    highest = w.op("ReduceMax", w.op("Where", there, tags, lowest), w.axis(1), keepdims=1)
    average = w.op("Div", w.op("ReduceSum", w.op("Mul", tags, both), w.axis(1), keepdims=1), total)
    a, b = (_mean(w, x, w.op("Unsqueeze", side, w.axis(2))) for side in (first, second))
    start = w.op("Gather", x, w.constant(0, np.int64), axis=1)
    apart = w.op("Abs", w.op("Sub", a, b))
    features = w.op("Concat", start, apart, worst, mean, highest, average, axis=-1)
    hidden = w.op("Gelu", w.linear(features, "verifier.hidden"))
    strict, loose = (w.op("Squeeze", w.linear(hidden, f"verifier.{head}"), w.axis(1)) for head in ("strict", "loose"))
    return strict, loose


def _mean(w: Writer, x: str, weight: str) -> str:
    count = w.op("Max", w.op("ReduceSum", weight, w.axis(1), keepdims=0), w.constant(1.0))
    return w.op("Div", w.op("ReduceSum", w.op("Mul", x, weight), w.axis(1), keepdims=0), count)


def saturation() -> onnx.ModelProto:
    """255 × 127, summed over 64: 2,072,640, unless the processor's int8 kernel saturates its 16-bit sums."""
    left = numpy_helper.from_array(np.full((64, 16), 127, np.int8), "weights")
    node = helper.make_node("MatMulInteger", ["row", "weights"], ["sums"])
    row = helper.make_tensor_value_info("row", TensorProto.UINT8, [1, 64])
    sums = helper.make_tensor_value_info("sums", TensorProto.INT32, [1, 16])
    graph = helper.make_graph([node], "saturation", [row], [sums], [left])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
