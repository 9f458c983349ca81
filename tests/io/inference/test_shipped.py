"""The shipped models against the float32 reference, on every backend that this machine has."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from reflexd_io.inference import onnx, shipped
from reflexd_io.inference.errors import UnusableModel
from reflexd_io.inference.models import LocalEmbedder, LocalVerifier
from reflexd_io.native import onnxruntime
from support.models import Golden, family_pairs

EXACT = {"float", "mlx", "cuda"}
"""Backends that compute in float32, with the same rounded weights: among each other they differ by rounding alone."""


def test_vectors_are_those_of_the_reference(embedder: LocalEmbedder, golden: Golden) -> None:
    found = embedder.embed([text.text for text in golden.texts])
    wanted = np.array([text.vector for text in golden.texts], np.float32)
    assert found.dtype == np.float32
    assert found.shape == wanted.shape
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found * wanted).sum(1).min() > 0.998
    between = np.abs(found @ found.T - wanted @ wanted.T)
    assert between.max() < 0.02


def test_logits_and_tags_are_those_of_the_reference(verifier: LocalVerifier, golden: Golden, backend: str) -> None:
    pairs = golden.pairs[: 8 if backend == "mlx" else None]  # MLX is slow on CPUs
    found = verifier.judge([(pair.a, pair.b) for pair in pairs])
    spread = float(np.std([pair.strict for pair in golden.pairs]))
    for each, pair in zip(found, pairs, strict=True):
        assert each.strict == pytest.approx(pair.strict, abs=max(0.1 * spread, 0.01))
        assert each.loose == pytest.approx(pair.loose, abs=max(0.1 * spread, 0.01))
    looked_at = 0
    for each, pair in zip(found, pairs, strict=True):
        logits = _of_content(verifier, pair.a, pair.b, pair.tags)  # special tokens are tagged too, and mean nothing
        if logits.max() > 1:
            looked_at += 1
            wanted = _word_at(verifier, pair.a, pair.b, int(logits.argmax()))
            assert wanted in {(tag.side, place) for tag in each.tags for place in range(tag.start, tag.end)}
    assert looked_at > 0


def _of_content(verifier: LocalVerifier, a: str, b: str, tags: list[float]) -> np.ndarray:
    return np.where(verifier.tokens.pair(a, b).content > 0, tags, -np.inf)


def _word_at(verifier: LocalVerifier, a: str, b: str, place: int) -> tuple[int, int]:
    encoded = verifier.tokens.pair(a, b)
    return int(encoded.content[place]) - 1, encoded.source.offsets[place][0]


def test_a_text_means_the_same_whatever_shares_its_batch(
    embedder: LocalEmbedder, verifier: LocalVerifier, backend: str
) -> None:
    pairs = family_pairs(8 if backend == "mlx" else 40)  # MLX is slow on CPUs
    texts = [text for pair in pairs for text in pair]
    one_by_one = np.concatenate([embedder.embed([text]) for text in texts])
    judged = [verifier.judge([pair])[0] for pair in pairs]
    for size in (3, 8, 32):
        found = np.concatenate([embedder.embed(texts[at : at + size]) for at in range(0, len(texts), size)])
        again = [
            judgement for at in range(0, len(pairs), size) for judgement in verifier.judge(pairs[at : at + size])
        ]
        if backend in EXACT:
            np.testing.assert_allclose(found, one_by_one, atol=1e-5)
            np.testing.assert_allclose([j.strict for j in again], [j.strict for j in judged], atol=1e-3)
        else:
            assert (found == one_by_one).all()
            assert again == judged


def test_facts_say_what_loaded(embedder: LocalEmbedder, verifier: LocalVerifier, backend: str) -> None:
    for facts in (embedder.facts, verifier.facts):
        assert facts.backend == {"int8": "cpu", "float": "cpu"}.get(backend, backend)
        assert facts.dtype == ("int8" if backend == "int8" else "float32")
        assert facts.max_tokens == 256
        assert ("saturates" in facts.note) is (backend == "float")
    assert (embedder.facts.dimension, verifier.facts.dimension) == (384, 0)
    assert embedder.facts.fingerprint != verifier.facts.fingerprint


def test_odd_texts_are_read_or_refused_but_never_crash(embedder: LocalEmbedder, verifier: LocalVerifier) -> None:
    odd = ["🦀" * 9, "a\0b", "Ω≈ç√∫µ≤≥÷", "مرحبا hello 你好", "\u202eabc", "x" * 500, "`" * 40, "e\u0301" * 20]
    assert np.isfinite(embedder.embed(odd)).all()
    assert len(verifier.judge([(text, "plain") for text in odd])) == len(odd)


def test_it_may_be_called_from_any_thread(embedder: LocalEmbedder) -> None:
    here = embedder.embed(["from any thread"])
    for _ in range(3):
        with ThreadPoolExecutor(1) as other:
            np.testing.assert_allclose(other.submit(embedder.embed, ["from any thread"]).result(), here, atol=1e-6)


def test_a_backend_that_computes_something_else_does_not_serve(weights: Path, tmp_path: Path) -> None:
    """As a kernel with a fault would: here the golden results say something else instead."""
    copy = Path(shutil.copytree(weights, tmp_path / "weights"))
    for kind, change in (("embedder", {"vector": [0.05] * 384}), ("verifier", {"strict": 99.0})):
        manifest = json.loads((copy / f"{kind}.json").read_text("utf-8"))
        manifest["check"] = [golden | change for golden in manifest["check"]]
        (copy / f"{kind}.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(UnusableModel, match="computes something else"):
        shipped.embedder("cpu", copy)
    with pytest.raises(UnusableModel, match="computes something else"):
        shipped.verifier("cpu", copy)


def test_cuda_asked_for_and_not_there_is_an_error(weights: Path) -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("CUDA is here")
    with pytest.raises(UnusableModel, match="has no CUDA"):
        shipped.embedder("cuda", weights)


def test_a_session_that_fell_back_is_an_error(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime only warns where CUDA's libraries are missing, and takes the CPU."""

    def fell_back(path: str, options: object, **_: object) -> onnxruntime.InferenceSession:
        return inference_session(path, options, providers=["CPUExecutionProvider"])

    inference_session = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", fell_back)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    with pytest.raises(UnusableModel, match="loaded CPUExecutionProvider where CUDA was asked for"):
        shipped.embedder("cuda", weights)


def test_this_processor_was_looked_at(weights: Path) -> None:
    assert isinstance(onnx.saturates(weights), bool)
