"""A user's own models, ``model_path`` and ``reranker_path``: ONNX graphs, or safetensors of BERT and ModernBERT.

What they say is taken as sentence-transformers takes it: an embedder's tokens are pooled and normalised, a
cross-encoder's one number (or the second of two less the first) is its logit. Nobody calibrated them here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from reflexd_io.inference import folder as folders
from reflexd_io.inference import onnx, pretrained
from reflexd_io.inference.errors import InferenceFailed, UnusableModel
from reflexd_io.inference.folder import Folder
from reflexd_io.inference.models import LocalEmbedder, LocalVerifier, Outputs, Run
from reflexd_io.inference.ports import Facts
from reflexd_io.inference.pretrained import Compute
from reflexd_io.inference.stored import Floats
from reflexd_io.inference.tokens import Encoded, Ids, padded

_ROWS = {"input_ids": "ids", "token_type_ids": "types", "attention_mask": "mask"}
_TRIED = ("How do I sort a list?", "how to sort a list, the largest first")


def embedder(path: Path, backend: str) -> LocalEmbedder:
    """Raises `UnusableModel`."""
    folder = folders.find(path)
    words = folders.read_tokens(folder)
    compute = _onnx(folder, backend) if folder.is_onnx else pretrained.embedder(folder, backend)
    model = LocalEmbedder(_one_by_one(compute, _pooled(folder)), words, _facts(folder, backend, words.max_tokens))
    try:
        found = model.embed(_TRIED)
    except InferenceFailed as error:
        raise UnusableModel(f"{folder.model} cannot be used as an embedder: {error}") from error
    model.facts = replace(model.facts, dimension=found.shape[1])
    return model


def verifier(path: Path, backend: str) -> LocalVerifier:
    """Raises `UnusableModel`."""
    folder = folders.find(path)
    words = folders.read_tokens(folder)
    compute = _onnx(folder, backend) if folder.is_onnx else pretrained.verifier(folder, backend)
    model = LocalVerifier(_one_by_one(compute, _logit), words, _facts(folder, backend, words.max_tokens))
    try:
        model.judge([_TRIED])
    except InferenceFailed as error:
        raise UnusableModel(f"{folder.model} cannot be used as a cross-encoder: {error}") from error
    return model


def _facts(folder: Folder, backend: str, max_tokens: int) -> Facts:
    return Facts(
        backend=backend,
        device=onnx.device(backend) if folder.is_onnx else pretrained.device(backend),
        model=folder.name,
        dtype="as stored" if folder.is_onnx else "float32",
        dimension=0,
        fingerprint=folders.fingerprint(folder),
        max_tokens=max_tokens,
        calibrated=False,
        at_once=4,
    )


def _one_by_one(compute: Compute, meaning: Callable[[Encoded, Floats], Outputs]) -> Run:
    """Never in a batch: a graph that quantises as it goes would let its texts change each other's results."""

    def run(encoded: Sequence[Encoded]) -> list[Outputs]:
        return [meaning(each, compute(padded([each]))) for each in encoded]

    return run


def _pooled(folder: Folder) -> Callable[[Encoded, Floats], Outputs]:
    first_only = bool(folder.pooling.get("pooling_mode_cls_token"))
    others = [name for name, on in folder.pooling.items() if name.startswith("pooling_mode_") and on]
    if set(others) - {"pooling_mode_cls_token", "pooling_mode_mean_tokens"} or len(others) > 1:
        raise UnusableModel(f"{folder.name}: pooling by {', '.join(others)} is not read, only mean or first token")

    def pool(_: Encoded, found: Floats) -> Outputs:
        match found.ndim:
            case 2:
                vector = found[0]
            case 3:
                vector = found[0, 0] if first_only else found[0].mean(0)
            case _:
                raise InferenceFailed(f"it gives {found.shape} for one text, which is no vector")
        length = np.linalg.norm(vector)
        return (np.asarray(vector / length, np.float32),)

    return pool


def _logit(_: Encoded, found: Floats) -> Outputs:
    numbers = found.reshape(-1)
    if len(found) != 1 or len(numbers) > 2:
        raise InferenceFailed(f"it gives {found.shape} for one pair; a cross-encoder gives one number, or two")
    logit = np.asarray(numbers[-1] - (numbers[0] if len(numbers) == 2 else 0), np.float32)
    return logit, logit


def _onnx(folder: Folder, backend: str) -> Compute:
    if backend == "mlx":
        raise UnusableModel(f"{folder.model} is an ONNX graph, and MLX reads safetensors")
    graph = onnx.session(folder.model, cuda=backend == "cuda")
    inputs = {each.name: each.type for each in graph.get_inputs()}
    if unknown := set(inputs) - set(_ROWS):
        raise UnusableModel(f"{folder.model} wants {', '.join(sorted(unknown))}, which a text does not have")
    outputs = [each.name for each in graph.get_outputs()]
    wanted = next((name for name in ("sentence_embedding", "logits") if name in outputs), outputs[0])

    def compute(rows: Mapping[str, Ids]) -> Floats:
        fed = {name: rows[_ROWS[name]] for name in inputs}
        for name, kind in inputs.items():
            if kind == "tensor(int32)":
                fed[name] = fed[name].astype(np.int32)
        return np.asarray(graph.run([wanted], fed)[0], np.float32)

    return compute
