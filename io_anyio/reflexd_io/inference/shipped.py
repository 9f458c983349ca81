"""The default models, from the files that ship, on the backend that was chosen; checked before they serve."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from reflexd_io.inference import manifest as manifests
from reflexd_io.inference import mlx, onnx, tokens
from reflexd_io.inference.errors import InferenceFailed, UnusableModel
from reflexd_io.inference.manifest import Kind, Manifest
from reflexd_io.inference.models import LocalEmbedder, LocalVerifier, Run
from reflexd_io.inference.ports import Facts
from reflexd_io.inference.tokens import Tokens

LEAST_COSINE = 0.995
"""To the float32 model's vector; int8 on the CPU reaches 0.999."""
MOST_APART = 0.5
"""Logits from the float32 model's; int8 on the CPU stays within 0.2 on the golden pairs."""

Loaded = tuple[Run, str, str, str]
"""The function, its device, its dtype, and what is to be noted."""
TOKENIZER = "tokenizer.json"
ALONE = 4
"""Where each text is computed by itself: enough for all threads, and few enough that none waits for many."""
Load = Callable[[Path, Kind], Loaded]


def on_cpu(weights: Path, kind: Kind) -> Loaded:
    device = onnx.device("cpu")
    if onnx.saturates(weights):
        note = "this processor's int8 kernel saturates; float32 takes its place, at about twice the time"
        return onnx.together(onnx.session(weights / f"{kind}-float.onnx")), device, "float32", note
    return onnx.alone(onnx.session(weights / f"{kind}-int8.onnx", one_thread=True)), device, "int8", ""


def with_cuda(weights: Path, kind: Kind) -> Loaded:
    return onnx.together(onnx.session(weights / f"{kind}-float.onnx", cuda=True)), onnx.device("cuda"), "float32", ""


def with_mlx(weights: Path, kind: Kind) -> Loaded:
    run, device = mlx.shipped(weights, kind)
    note = "" if device == mlx.GPU else "MLX has no GPU here; the cpu backend takes a thirtieth of the time"
    return run, device, "float32", note


BACKENDS: dict[str, Load] = {"cpu": on_cpu, "cuda": with_cuda, "mlx": with_mlx}


def embedder(backend: str, weights: Path = manifests.WEIGHTS) -> LocalEmbedder:
    """Raises `UnusableModel`."""
    manifest, run, facts = _load(backend, weights, "embedder")
    model = LocalEmbedder(run, _words(weights, manifest), facts)
    try:
        found = model.embed([golden.a for golden in manifest.check])
    except InferenceFailed as error:
        raise UnusableModel(f"{facts.model} on {facts.backend} fails: {error}") from error
    wanted = np.array([golden.vector for golden in manifest.check], np.float32)
    least = float((found * wanted).sum(1).min())
    if not least >= LEAST_COSINE:
        raise UnusableModel(f"{facts.model} on {facts.backend} computes something else: cosine {least:.3f}")
    return model


def verifier(backend: str, weights: Path = manifests.WEIGHTS) -> LocalVerifier:
    """Raises `UnusableModel`."""
    manifest, run, facts = _load(backend, weights, "verifier")
    model = LocalVerifier(run, _words(weights, manifest), facts, manifest.calibration)
    try:
        found = model.judge([(golden.a, golden.b) for golden in manifest.check])
    except InferenceFailed as error:
        raise UnusableModel(f"{facts.model} on {facts.backend} fails: {error}") from error
    apart = max(abs(each.strict - golden.strict) for each, golden in zip(found, manifest.check, strict=True))
    if not apart <= MOST_APART:
        raise UnusableModel(f"{facts.model} on {facts.backend} computes something else: {apart:.2f} logits apart")
    return model


def _words(weights: Path, manifest: Manifest) -> Tokens:
    """One tokenizer for both models, whose file was found to be the one that both manifests name."""
    return _words_of(weights / TOKENIZER, manifest.max_tokens, manifest.files[TOKENIZER].sha256)


@lru_cache(2)
def _words_of(path: Path, max_tokens: int, _: str) -> Tokens:
    return tokens.load(path, max_tokens)


def _load(backend: str, weights: Path, kind: Kind) -> tuple[Manifest, Run, Facts]:
    manifest = manifests.load(weights, kind)
    run, device, dtype, note = BACKENDS[backend](weights, kind)
    facts = Facts(
        backend=backend,
        device=device,
        model=manifest.name,
        dtype=dtype,
        dimension=manifest.dimension if kind == "embedder" else 0,
        fingerprint=manifest.fingerprint,
        max_tokens=manifest.max_tokens,
        calibrated=kind == "embedder" or manifest.calibration is not None,
        at_once=ALONE if dtype == "int8" else 32,
        note=note,
    )
    return manifest, run, facts
