"""Fixtures of inference: the shipped models where the checkout has them, on each backend that this machine has."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import pytest

from reflexd_io.inference import manifest, onnx, shipped
from reflexd_io.inference.models import LocalEmbedder, LocalVerifier
from reflexd_io.native import onnxruntime
from support.models import Golden
from support.models import golden as read_golden

Model = TypeVar("Model")
BACKENDS = ["int8", "float", "mlx", "cuda"]
"""``int8`` and ``float`` are both the CPU's: the latter serves where a processor's int8 kernel saturates."""


@pytest.fixture(scope="session")
def weights() -> Path:
    """The folder of the shipped models."""
    if not (manifest.WEIGHTS / "verifier.safetensors").exists():
        pytest.skip(f"{manifest.WEIGHTS} has no models; packaging/models/export.py makes them")
    return manifest.WEIGHTS


@pytest.fixture(scope="session")
def golden(weights: Path) -> Golden:
    return read_golden()


def absent(backend: str) -> str | None:
    """Why this machine cannot test a backend."""
    if backend == "mlx" and find_spec("mlx") is None:
        return "MLX is not installed"
    if backend == "cuda" and "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "ONNX Runtime is here without CUDA; install reflexd[cuda] on a machine with a GPU"
    return None


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest, weights: Path) -> str:
    name: str = request.param
    if reason := absent(name):
        pytest.skip(reason)
    return name


@pytest.fixture(scope="session")
def embedder(backend: str, weights: Path) -> LocalEmbedder:
    return _made(backend, shipped.embedder, weights)


@pytest.fixture(scope="session")
def verifier(backend: str, weights: Path) -> LocalVerifier:
    return _made(backend, shipped.verifier, weights)


def _made(backend: str, make: Callable[[str, Path], Model], weights: Path) -> Model:
    with pytest.MonkeyPatch.context() as patch:
        if backend == "float":
            patch.setattr(onnx, "saturates", lambda _: True)
        return make({"int8": "cpu", "float": "cpu"}.get(backend, backend), weights)
