"""BERT's encoder over any `arrays.Ops`, and what the default models do with it: the same as their graphs.

Weights are float32 and lie input × output, under the names of ``packaging/models/model.py``.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from reflexd_io.inference.arrays import Array, Ops

Weights = Mapping[str, Array]
FARTHEST = -1e4
"""What stands for minus infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    layers: int
    heads: int
    epsilon: float
    activation: str = "gelu"
    """`arrays.Ops` has a method of this name."""


DEFAULT = Shape(layers=6, heads=12, epsilon=1e-12)


def encode(ops: Ops, w: Weights, shape: Shape, rows: Mapping[str, Array]) -> Array:
    """``rows`` as `tokens.padded` makes them; (batch, length, width)."""
    places = w["positions.weight"][: rows["ids"].shape[1]]
    words = ops.take(w["words.weight"], rows["ids"]) + ops.take(w["types.weight"], rows["types"]) + places
    x = ops.norm(words, w["norm.weight"], w["norm.bias"], shape.epsilon)
    hidden = (1 - rows["mask"][:, None, None, :]) * FARTHEST
    activation = getattr(ops, shape.activation)
    for number in range(shape.layers):
        name = f"layers.{number}."
        mixed = attend(ops, dense(w, f"{name}qkv", x), shape.heads, hidden)
        x = x + dense(w, f"{name}out", mixed)
        x = ops.norm(x, w[f"{name}norm1.weight"], w[f"{name}norm1.bias"], shape.epsilon)
        x = x + dense(w, f"{name}down", activation(dense(w, f"{name}up", x)))
        x = ops.norm(x, w[f"{name}norm2.weight"], w[f"{name}norm2.bias"], shape.epsilon)
    return x


def attend(ops: Ops, qkv: Array, heads: int, hidden: Array) -> Array:
    """``qkv``: (batch, length, 3 × width). ``hidden`` is added to the scores."""
    batch, length, width = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
    parts = qkv.reshape(batch, length, 3, heads, width // heads)
    q, k, v = (ops.transposed(parts[:, :, part], [0, 2, 1, 3]) for part in range(3))
    weights = ops.softmax(q @ ops.transposed(k, [0, 1, 3, 2]) * (1 / math.sqrt(width // heads)) + hidden)
    return ops.transposed(weights @ v, [0, 2, 1, 3]).reshape(batch, length, width)


def dense(w: Weights, name: str, x: Array) -> Array:
    y = x @ w[f"{name}.weight"]
    return y + w[f"{name}.bias"] if f"{name}.bias" in w else y


def mean(x: Array, mask: Array) -> Array:
    """Over the tokens that ``mask`` has; (batch, width)."""
    weight = mask[:, :, None]
    return (x * weight).sum(1) / (weight.sum(1) + (weight.sum(1) == 0))


def align(ops: Ops, w: Weights, x: Array, content: Array) -> tuple[Array, Array, Array]:
    """The verifier's head: strict and loose logits (batch,), tags (batch, length)."""
    first, second = content == 1, content == 2
    across = (first[:, :, None] & second[:, None, :]) | (second[:, :, None] & first[:, None, :])
    p = dense(w, "project", x)
    p = p / (ops.length(p) + 1e-12)
    weights = ops.softmax(ops.where(across, p @ ops.transposed(p, [0, 2, 1]) * w["sharpness"], FARTHEST))
    aligned = weights @ x
    left = ops.gelu(dense(w, "remainder", ops.joined([x - aligned, x * aligned])))
    tags = dense(w, "tag", left)[:, :, 0]
    both = first | second
    total = both.sum(1)[:, None]
    worst = ops.largest(ops.where(both[:, :, None], left, FARTHEST), 1)
    highest = ops.largest(ops.where(both, tags, FARTHEST), 1)
    average = (tags * both).sum(1)[:, None] / total
    apart = mean(x, first) - mean(x, second)
    remaining = (left * both[:, :, None]).sum(1) / total
    features = ops.joined([x[:, 0], abs(apart), worst, remaining, highest[:, None], average])
    judged = ops.gelu(dense(w, "hidden", features))
    return dense(w, "strict", judged)[:, 0], dense(w, "loose", judged)[:, 0], tags
