"""All backends and batch sizes decide alike: none serves what another refuses, beyond the declared band."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from reflexd_core.meaning.calibration import Calibration, probability
from reflexd_io.inference import manifest, onnx, shipped
from reflexd_io.inference.models import LocalEmbedder
from reflexd_io.inference.ports import Pair
from reflexd_io.native import onnxruntime
from support.models import family_pairs

pytestmark = pytest.mark.slow

PAIRS = 2000
UNCALIBRATED = Calibration(strict=1.0, threshold=0.9, band=0.05)
"""Stands in while the verifier that ships has no calibration of its own."""


@pytest.fixture(scope="module")
def calibration(weights: Path) -> Calibration:
    return manifest.load(weights, "verifier").calibration or UNCALIBRATED


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    return family_pairs(PAIRS)


@pytest.fixture(scope="module")
def on_cpu(weights: Path, calibration: Calibration, pairs: list[Pair]) -> list[float]:
    """What int8 on the CPU says, one pair at a time."""
    return _scores("cpu", weights, calibration, pairs, [1])


def chunks(pairs: list[Pair], sizes: Sequence[int]) -> Iterator[list[Pair]]:
    at = turn = 0
    while at < len(pairs):
        yield pairs[at : at + sizes[turn % len(sizes)]]
        at += sizes[turn % len(sizes)]
        turn += 1


def _scores(
    backend: str, weights: Path, calibration: Calibration, pairs: list[Pair], sizes: Sequence[int]
) -> list[float]:
    verifier = shipped.verifier(backend, weights)
    judged = [judgement for chunk in chunks(pairs, sizes) for judgement in verifier.judge(chunk)]
    cosines = [0.0] * len(pairs)
    if calibration.cosine > 0:
        embedder = shipped.embedder(backend, weights)
        cosines = [cosine for chunk in chunks(pairs, sizes) for cosine in _cosines(embedder, chunk)]
    return [
        probability(judgement.strict, judgement.loose, cosine, calibration)
        for judgement, cosine in zip(judged, cosines, strict=True)
    ]


def _cosines(embedder: LocalEmbedder, pairs: list[Pair]) -> list[float]:
    firsts, seconds = (embedder.embed([pair[side] for pair in pairs]) for side in (0, 1))
    return [float(cosine) for cosine in (firsts * seconds).sum(1)]


def holds(one: list[float], other: list[float], calibration: Calibration) -> None:
    assert any(score < calibration.threshold for score in one)
    assert any(score >= calibration.needed for score in one)
    low, high = np.minimum(one, other), np.maximum(one, other)
    flipped = (low < calibration.threshold) & (high >= calibration.needed)
    assert not flipped.any(), f"{flipped.sum()} pairs, up to {(high - low)[flipped].max():.3f} apart"


@pytest.mark.parametrize("size", [2, 8, 32])
def test_batch_mates_change_nothing_on_the_cpu(
    size: int, weights: Path, calibration: Calibration, pairs: list[Pair], on_cpu: list[float]
) -> None:
    some = PAIRS // 4
    assert _scores("cpu", weights, calibration, pairs[:some], [size]) == on_cpu[:some]


def test_float32_on_the_cpu_refuses_what_int8_refuses(
    weights: Path, calibration: Calibration, pairs: list[Pair], on_cpu: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx, "saturates", lambda _: True)
    holds(_scores("cpu", weights, calibration, pairs, [1, 2, 8, 32]), on_cpu, calibration)


def test_mlx_refuses_what_int8_refuses(
    weights: Path, calibration: Calibration, pairs: list[Pair], on_cpu: list[float]
) -> None:
    if find_spec("mlx") is None:
        pytest.skip("MLX is not installed")
    step = 1 if "GPU" in shipped.embedder("mlx", weights).facts.device else 20  # it is slow on CPUs
    found = _scores("mlx", weights, calibration, pairs[::step], [1, 2, 8, 32])
    holds(found, on_cpu[::step], calibration)


def test_cuda_refuses_what_int8_refuses(
    weights: Path, calibration: Calibration, pairs: list[Pair], on_cpu: list[float]
) -> None:
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("ONNX Runtime is here without CUDA; install reflexd[cuda] on a machine with a GPU")
    for size in (1, 2, 8, 32):
        holds(_scores("cuda", weights, calibration, pairs, [size]), on_cpu, calibration)
