"""A user's own model on disk: which of its files is what. Nothing is loaded here."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reflexd_io.inference import tokens
from reflexd_io.inference.errors import UnusableModel
from reflexd_io.inference.tokens import Tokens

_USUAL = ("model.onnx", "onnx/model.onnx", "model.safetensors")
_KINDS = (".onnx", ".safetensors")
_MOST_TOKENS = 512
"""Longer questions are not compared by meaning anyway; a model that could read 8,192 tokens would take seconds."""


@dataclass(frozen=True, slots=True)
class Folder:
    model: Path
    tokenizer: Path
    config: Mapping[str, Any]
    """``config.json``; empty where there is none."""
    pooling: Mapping[str, Any]
    """``1_Pooling/config.json``; empty where there is none."""

    @property
    def name(self) -> str:
        return self.tokenizer.parent.name

    @property
    def is_onnx(self) -> bool:
        return self.model.suffix == ".onnx"


def find(path: Path) -> Folder:
    """Raises `UnusableModel` where a file is missing or cannot be read."""
    if not path.exists():
        raise UnusableModel(f"{path} does not exist")
    model = _model_in(path) if path.is_dir() else path
    if model.suffix not in _KINDS:
        raise UnusableModel(f"{model} is neither an .onnx nor a .safetensors file")
    for root in (model.parent, model.parent.parent):
        if (root / "tokenizer.json").exists():
            if (root / "2_Dense").exists():
                raise UnusableModel(f"{root} has a dense layer after its pooling (2_Dense), which is not read")
            config, pooling = _json(root / "config.json"), _json(root / "1_Pooling" / "config.json")
            return Folder(model, root / "tokenizer.json", config, pooling)
    raise UnusableModel(f"{model.parent} has no tokenizer.json; the model's own belongs beside it")


def _model_in(path: Path) -> Path:
    for name in _USUAL:
        if (path / name).exists():
            return path / name
    others = [file for file in sorted(path.iterdir()) if file.suffix in _KINDS]
    if len(others) != 1:
        there = ", ".join(file.name for file in others) or "none"
        raise UnusableModel(f"{path} has no model.onnx and no model.safetensors, and of others there is {there}")
    return others[0]


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UnusableModel(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise UnusableModel(f"{path} is not a JSON object")
    return found


def read_tokens(folder: Folder) -> Tokens:
    """The model's tokenizer, which here neither cuts nor pads. Raises `UnusableModel`."""
    tokenizer = tokens.read_file(folder.tokenizer)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    known = folder.config.get("vocab_size")
    if isinstance(known, int) and tokenizer.get_vocab_size() > known:
        raise UnusableModel(
            f"{folder.tokenizer} knows {tokenizer.get_vocab_size()} tokens, and the model {known}: it is another's"
        )
    most = folder.config.get("max_position_embeddings", _MOST_TOKENS)
    return Tokens(tokenizer, min(_MOST_TOKENS, most) if isinstance(most, int) else _MOST_TOKENS)


def fingerprint(folder: Folder) -> str:
    """Of all that decides the numbers: weights (those beside an ONNX graph too), tokenizer, pooling."""
    found = hashlib.sha256(json.dumps(dict(folder.pooling), sort_keys=True).encode())
    weights = sorted(file for file in folder.model.parent.iterdir() if file.name.startswith(folder.model.name))
    try:
        for path in (*weights, folder.tokenizer):
            with path.open("rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
    except OSError as error:
        raise UnusableModel(f"{error.filename} cannot be read: {error.strerror}") from error
    return found.hexdigest()[:32]
