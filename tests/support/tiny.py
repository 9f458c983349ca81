"""Tiny models, real in all but size: BERT and ModernBERT with seeded weights, a tokenizer, ONNX graphs.

They stand for what users bring. What the architectures compute was checked once against the reference implementation
(`transformers` 5.24 with PyTorch) on these very weights; the numbers it gave stand in the tests.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers, processors

Tensors = dict[str, NDArray[np.float32]]

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    *["how", "do", "i", "sort", "a", "list", "descending", "ascending", "in", "python", "rust"],
    "to",
]
WIDTH, INNER, HEADS = 16, 24, 2

BERT = {
    "model_type": "bert",
    "vocab_size": 32,
    "hidden_size": WIDTH,
    "intermediate_size": INNER,
    "num_hidden_layers": 2,
    "num_attention_heads": HEADS,
    "max_position_embeddings": 40,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
}
MODERNBERT = {
    "model_type": "modernbert",
    "vocab_size": 32,
    "hidden_size": WIDTH,
    "intermediate_size": INNER,
    "num_hidden_layers": 4,
    "num_attention_heads": HEADS,
    "max_position_embeddings": 64,
    "global_attn_every_n_layers": 3,
    "local_attention": 6,
    "global_rope_theta": 160000.0,
    "local_rope_theta": 10000.0,
    "hidden_activation": "gelu",
    "classifier_activation": "gelu",
    "classifier_pooling": "mean",
    "norm_eps": 1e-5,
}


class _Draw:
    """Seeded tensors under names; matrices are output × input, as PyTorch stores them."""

    def __init__(self, seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        self.tensors: Tensors = {}

    def matrix(self, name: str, *shape: int) -> None:
        self.tensors[name] = (self._chance.standard_normal(shape) * 0.3).astype(np.float32)

    def dense(self, name: str, outputs: int, inputs: int, *, bias: bool = True) -> None:
        self.matrix(f"{name}.weight", outputs, inputs)
        if bias:
            self.matrix(f"{name}.bias", outputs)

    def norm(self, name: str, *, bias: bool = True) -> None:
        self.tensors[f"{name}.weight"] = (1 + self._chance.standard_normal(WIDTH) * 0.1).astype(np.float32)
        if bias:
            self.matrix(f"{name}.bias", WIDTH)


def bert(*, labels: int = 0) -> Tensors:
    """An encoder, or a cross-encoder where there are ``labels``."""
    draw, at = _Draw(1), "bert." if labels else ""
    for name, rows in (("word_embeddings", 32), ("position_embeddings", 40), ("token_type_embeddings", 2)):
        draw.matrix(f"{at}embeddings.{name}.weight", rows, WIDTH)
    draw.norm(f"{at}embeddings.LayerNorm")
    for number in range(2):
        layer = f"{at}encoder.layer.{number}."
        for name in ("query", "key", "value"):
            draw.dense(f"{layer}attention.self.{name}", WIDTH, WIDTH)
        draw.dense(f"{layer}attention.output.dense", WIDTH, WIDTH)
        draw.norm(f"{layer}attention.output.LayerNorm")
        draw.dense(f"{layer}intermediate.dense", INNER, WIDTH)
        draw.dense(f"{layer}output.dense", WIDTH, INNER)
        draw.norm(f"{layer}output.LayerNorm")
    draw.dense(f"{at}pooler.dense", WIDTH, WIDTH)
    if labels:
        draw.dense("classifier", labels, WIDTH)
    return draw.tensors


def modernbert(*, labels: int = 1) -> Tensors:
    """A cross-encoder."""
    draw = _Draw(2)
    draw.matrix("model.embeddings.tok_embeddings.weight", 32, WIDTH)
    draw.norm("model.embeddings.norm", bias=False)
    for number in range(4):
        layer = f"model.layers.{number}."
        if number:
            draw.norm(f"{layer}attn_norm", bias=False)
        draw.dense(f"{layer}attn.Wqkv", 3 * WIDTH, WIDTH, bias=False)
        draw.dense(f"{layer}attn.Wo", WIDTH, WIDTH, bias=False)
        draw.norm(f"{layer}mlp_norm", bias=False)
        draw.dense(f"{layer}mlp.Wi", 2 * INNER, WIDTH, bias=False)
        draw.dense(f"{layer}mlp.Wo", WIDTH, INNER, bias=False)
    draw.norm("model.final_norm", bias=False)
    draw.dense("head.dense", WIDTH, WIDTH, bias=False)
    draw.norm("head.norm", bias=False)
    draw.dense("classifier", labels, WIDTH)
    return draw.tensors


def write(folder: Path, config: Mapping[str, object], tensors: Tensors) -> Path:
    """A folder as people share them: config.json, model.safetensors, tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    write_tokenizer(folder)
    (folder / "model.safetensors").write_bytes(safetensors(tensors))
    return folder


def write_tokenizer(folder: Path) -> None:
    """One token a word; it cuts and pads at 12, as shared ones do."""
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_truncation(12)
    tokenizer.enable_padding(length=12)
    (folder / "tokenizer.json").write_text(tokenizer.to_str())


def safetensors(tensors: Mapping[str, NDArray[np.generic]]) -> bytes:
    names = {"float32": "F32", "float16": "F16", "uint16": "BF16"}
    header, body = {}, b""
    for name, tensor in tensors.items():
        start, body = len(body), body + tensor.tobytes()
        header[name] = {
            "dtype": names[tensor.dtype.name],
            "shape": list(tensor.shape),
            "data_offsets": [start, len(body)],
        }
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    return len(text).to_bytes(8, "little") + text + body


def onnx_model(
    path: Path,
    *,
    output: str = "last_hidden_state",
    numbers: int = 1,
    int32: bool = False,
    value: float | None = None,
) -> Path:
    """A graph of three nodes with a tokenizer beside it: words looked up, and averaged where ``output`` says so.

    ``output``: ``last_hidden_state``, ``sentence_embedding``, or ``logits`` with as many ``numbers``. ``value``: what
    every weight is, in place of seeded ones.
    """
    from onnx import TensorProto, helper, numpy_helper

    chance = np.random.default_rng(3)
    table = chance.standard_normal((32, WIDTH)) if value is None else np.full((32, WIDTH), value)
    weights = {"table": table, "last": chance.standard_normal((WIDTH, numbers)), "axis": np.array([1])}
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["words"])]
    if output == "last_hidden_state":
        nodes.append(helper.make_node("Identity", ["words"], [output]))
        shape = ["batch", "length", WIDTH]
    else:
        nodes.append(helper.make_node("ReduceMean", ["words", "axis"], ["mean"], keepdims=0))
        last = ("MatMul", ["mean", "last"]) if output == "logits" else ("Identity", ["mean"])
        nodes.append(helper.make_node(*last, [output]))
        shape = ["batch", numbers if output == "logits" else WIDTH]
    kind = TensorProto.INT32 if int32 else TensorProto.INT64
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, ["batch", "length"]) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [
            numpy_helper.from_array(tensor.astype(np.int64 if name == "axis" else np.float32), name)
            for name, tensor in weights.items()
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.SerializeToString())
    write_tokenizer(path.parent)
    return path
