"""ModernBERT's encoder over any `arrays.Ops`: rotary positions, local attention in most layers, gated activations.

Weights are float32 and lie input × output, otherwise under the names of the files that are shared.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reflexd_io.inference.arrays import Array, Ops
from reflexd_io.inference.bert import FARTHEST, Weights, attend, dense


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    heads: int
    epsilon: float
    local: tuple[bool, ...]
    """For each layer, whether a token sees only its neighbourhood."""
    reach: int
    """How far that goes to either side."""
    global_theta: float
    local_theta: float
    activation: str = "gelu"


def encode(ops: Ops, w: Weights, shape: Shape, rows: Mapping[str, Array]) -> Array:
    """``rows`` as `tokens.padded` makes them; (batch, length, width)."""
    length = rows["ids"].shape[1]
    places = np.arange(length)
    near = ops.array((np.abs(places[:, None] - places[None, :]) <= shape.reach).astype(np.int32))
    x = _norm(ops, w, "embeddings.norm", ops.take(w["embeddings.tok_embeddings.weight"], rows["ids"]), shape)
    everywhere = (1 - rows["mask"][:, None, None, :]) * FARTHEST
    nearby = (1 - rows["mask"][:, None, None, :] * near[None, None]) * FARTHEST
    width = x.shape[2] // shape.heads
    turns = [_turns(ops, length, width, theta) for theta in (shape.global_theta, shape.local_theta)]
    activation = getattr(ops, shape.activation)
    for number, local in enumerate(shape.local):
        name = f"layers.{number}."
        # The first layer has no norm of its own: the embeddings were just normalised.
        h = _norm(ops, w, f"{name}attn_norm", x, shape) if number else x
        qkv = _turned(ops, dense(w, f"{name}attn.Wqkv", h), shape.heads, turns[local])
        x = x + dense(w, f"{name}attn.Wo", attend(ops, qkv, shape.heads, nearby if local else everywhere))
        inner = dense(w, f"{name}mlp.Wi", _norm(ops, w, f"{name}mlp_norm", x, shape))
        half = inner.shape[2] // 2
        x = x + dense(w, f"{name}mlp.Wo", activation(inner[:, :, :half]) * inner[:, :, half:])
    return _norm(ops, w, "final_norm", x, shape)


def _norm(ops: Ops, w: Weights, name: str, x: Array, shape: Shape) -> Array:
    return ops.norm(x, w[f"{name}.weight"], w.get(f"{name}.bias"), shape.epsilon)


def _turns(ops: Ops, length: int, width: int, theta: float) -> tuple[Array, Array]:
    """Cosines and sines of each place and channel, (length, 1, width)."""
    speeds = theta ** (-np.arange(0, width, 2) / width)
    angles = np.tile(np.arange(length)[:, None] * speeds[None, :], (1, 2))[:, None, :]
    return ops.array(np.cos(angles).astype(np.float32)), ops.array(np.sin(angles).astype(np.float32))


def _turned(ops: Ops, qkv: Array, heads: int, turns: tuple[Array, Array]) -> Array:
    """Queries and keys turned by their place (RoPE, arXiv 2104.09864); values as they are."""
    batch, length, width = qkv.shape[0], qkv.shape[1], qkv.shape[2] // 3
    cosines, sines = turns
    parts = [
        qkv[:, :, at * width : (at + 1) * width].reshape(batch, length, heads, width // heads) for at in range(2)
    ]
    half = width // heads // 2
    turned = [part * cosines + ops.joined([-part[..., half:], part[..., :half]]) * sines for part in parts]
    flat = [part.reshape(batch, length, width) for part in turned]
    return ops.joined([*flat, qkv[:, :, 2 * width :]])
