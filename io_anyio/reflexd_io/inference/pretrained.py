"""BERT and ModernBERT from the safetensors files that people share: names, shapes, and what follows the encoder.

Computed in float32 with NumPy, or with MLX where that was chosen.
"""

import platform
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reflexd_io.inference import bert, modernbert
from reflexd_io.inference.arrays import Array, Mlx, Numpy, Ops
from reflexd_io.inference.errors import UnusableModel
from reflexd_io.inference.folder import Folder
from reflexd_io.inference.mlx import Worker
from reflexd_io.inference.stored import Floats, Stored
from reflexd_io.inference.tokens import Ids

Compute = Callable[[Mapping[str, Ids]], Floats]
Forward = Callable[[Ops, bert.Weights, Mapping[str, Array]], Array]


def embedder(folder: Folder, backend: str) -> Compute:
    """Gives (batch, length, width). Raises `UnusableModel`."""
    stored = Stored(folder)
    return _computed(backend, stored, _ENCODERS[stored.kind](stored))


def verifier(folder: Folder, backend: str) -> Compute:
    """Gives (batch, labels). Raises `UnusableModel`."""
    stored = Stored(folder)
    encode = _ENCODERS[stored.kind](stored)
    width = stored.number("hidden_size")
    head = _bert_head(stored, width) if stored.kind == "bert" else _modernbert_head(stored, width)
    stored.dense("classifier", ["classifier"], None, width)

    def classify(ops: Ops, w: bert.Weights, rows: Mapping[str, Array]) -> Array:
        return bert.dense(w, "classifier", head(ops, w, encode(ops, w, rows), rows["mask"]))

    return _computed(backend, stored, classify)


def device(backend: str) -> str:
    return "MLX's default device" if backend == "mlx" else f"{platform.machine()} CPU, NumPy"


def _computed(backend: str, stored: Stored, forward: Forward) -> Compute:
    if backend == "cuda":
        raise UnusableModel(f"{stored.folder.model}: with CUDA only ONNX graphs are computed; export it")
    worker: Callable[[Callable[[], Any]], Any] = Worker() if backend == "mlx" else lambda work: work()
    try:
        ops: Ops = worker(Mlx) if backend == "mlx" else Numpy()
    except ImportError as error:
        raise UnusableModel(f"MLX cannot be imported: {error}") from error
    w = worker(lambda: {name: ops.array(tensor) for name, tensor in stored.weights.items()})

    def compute(rows: Mapping[str, Ids]) -> Floats:
        fed = {name: matrix.astype(np.int32) for name, matrix in rows.items()}
        found: Floats = worker(
            lambda: ops.numpy(forward(ops, w, {name: ops.array(matrix) for name, matrix in fed.items()}))
        )
        return found

    return compute


def _sizes(stored: Stored) -> tuple[int, int, int]:
    return stored.number("hidden_size"), stored.number("intermediate_size"), stored.number("num_hidden_layers")


def _bert(stored: Stored) -> Forward:
    width, inner, layers = (
        stored.number(f"{name}") for name in ("hidden_size", "intermediate_size", "num_hidden_layers")
    )
    shape = bert.Shape(
        layers=layers,
        heads=stored.number("num_attention_heads"),
        epsilon=float(stored.config.get("layer_norm_eps", 1e-12)),
        activation=stored.activation("hidden_act"),
    )
    if stored.config.get("position_embedding_type", "absolute") != "absolute":
        raise UnusableModel(f"{stored.folder.model}: only absolute position embeddings are read")
    at = f"{stored.prefix}embeddings."
    stored.table("words.weight", f"{at}word_embeddings.weight", stored.number("vocab_size"), width)
    stored.table(
        "positions.weight", f"{at}position_embeddings.weight", stored.number("max_position_embeddings"), width
    )
    stored.table("types.weight", f"{at}token_type_embeddings.weight", None, width)
    stored.norm("norm", f"{at}LayerNorm", width)
    for number in range(layers):
        ours, theirs = f"layers.{number}.", f"{stored.prefix}encoder.layer.{number}."
        each = [f"{theirs}attention.self.{name}" for name in ("query", "key", "value")]
        stored.dense(f"{ours}qkv", each, width, width)
        stored.dense(f"{ours}out", [f"{theirs}attention.output.dense"], width, width)
        stored.norm(f"{ours}norm1", f"{theirs}attention.output.LayerNorm", width)
        stored.dense(f"{ours}up", [f"{theirs}intermediate.dense"], inner, width)
        stored.dense(f"{ours}down", [f"{theirs}output.dense"], width, inner)
        stored.norm(f"{ours}norm2", f"{theirs}output.LayerNorm", width)
    return lambda ops, w, rows: bert.encode(ops, w, shape, rows)


def _modernbert(stored: Stored) -> Forward:
    width, inner, layers = _sizes(stored)
    every = stored.number("global_attn_every_n_layers", 3)
    kinds = stored.config.get("layer_types")
    local = (
        (kind != "full_attention" for kind in kinds) if kinds else (number % every > 0 for number in range(layers))
    )
    thetas = stored.config.get("rope_parameters") or {}
    shape = modernbert.Shape(
        heads=stored.number("num_attention_heads"),
        epsilon=float(stored.config.get("norm_eps", 1e-5)),
        local=tuple(local),
        reach=stored.number("local_attention", 128) // 2,
        global_theta=float(_theta(thetas, "full_attention") or stored.config.get("global_rope_theta", 160_000)),
        local_theta=float(_theta(thetas, "sliding_attention") or stored.config.get("local_rope_theta", 10_000)),
        activation=stored.activation("hidden_activation"),
    )
    if len(shape.local) != layers:
        raise UnusableModel(
            f"{stored.folder.model}: its config.json has {layers} layers and {len(shape.local)} kinds"
        )
    at = stored.prefix
    table = "embeddings.tok_embeddings.weight"
    stored.table(table, f"{at}{table}", stored.number("vocab_size"), width)
    stored.norm("embeddings.norm", f"{at}embeddings.norm", width)
    stored.norm("final_norm", f"{at}final_norm", width)
    for number in range(layers):
        name = f"layers.{number}."
        if number:
            stored.norm(f"{name}attn_norm", f"{at}{name}attn_norm", width)
        stored.norm(f"{name}mlp_norm", f"{at}{name}mlp_norm", width)
        for part, outputs, inputs in (
            ("attn.Wqkv", 3 * width, width),
            ("attn.Wo", width, width),
            ("mlp.Wi", 2 * inner, width),
            ("mlp.Wo", width, inner),
        ):
            stored.dense(f"{name}{part}", [f"{at}{name}{part}"], outputs, inputs)
    return lambda ops, w, rows: modernbert.encode(ops, w, shape, rows)


def _theta(parameters: Mapping[str, Any], kind: str) -> float | None:
    found: float | None = (parameters.get(kind) or {}).get("rope_theta")
    return found


_ENCODERS: dict[str, Callable[[Stored], Forward]] = {"bert": _bert, "modernbert": _modernbert}

Head = Callable[[Ops, bert.Weights, Array, Array], Array]


def _bert_head(stored: Stored, width: int) -> Head:
    stored.dense("pooler", [f"{stored.prefix}pooler.dense"], width, width)
    return lambda ops, w, x, _: ops.tanh(bert.dense(w, "pooler", x[:, 0]))


def _modernbert_head(stored: Stored, width: int) -> Head:
    stored.dense("head", ["head.dense"], width, width)
    stored.norm("head.norm", "head.norm", width)
    activation = stored.activation("classifier_activation")
    epsilon = float(stored.config.get("norm_eps", 1e-5))
    by_mean = stored.config.get("classifier_pooling", "cls") == "mean"

    def head(ops: Ops, w: bert.Weights, x: Array, mask: Array) -> Array:
        pooled = bert.mean(x, mask) if by_mean else x[:, 0]
        h = getattr(ops, activation)(bert.dense(w, "head", pooled))
        return ops.norm(h, w["head.norm.weight"], w.get("head.norm.bias"), epsilon)

    return head
