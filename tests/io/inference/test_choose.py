"""The choice of a backend: by name or not at all, and what was passed over is told."""

import shutil
from pathlib import Path

import pytest

from reflexd_io import native
from reflexd_io.inference import choose, shipped
from reflexd_io.inference.errors import UnusableModel
from reflexd_io.native import onnxruntime


def machine(patch: pytest.MonkeyPatch, system: str, processor: str, *providers: str) -> None:
    patch.setattr(choose.sys, "platform", system)
    patch.setattr(choose.platform, "machine", lambda: processor)
    patch.setattr(onnxruntime, "get_available_providers", lambda: [*providers, "CPUExecutionProvider"])


@pytest.mark.parametrize(
    ("system", "processor", "providers", "wanted"),
    [
        ("darwin", "arm64", ["CoreMLExecutionProvider"], ["mlx", "cpu"]),
        ("darwin", "x86_64", [], ["cpu"]),
        ("linux", "x86_64", [], ["cpu"]),
        ("linux", "aarch64", [], ["cpu"]),
        ("linux", "x86_64", ["TensorrtExecutionProvider", "CUDAExecutionProvider"], ["cuda", "cpu"]),
        ("win32", "AMD64", ["CUDAExecutionProvider"], ["cuda", "cpu"]),
    ],
)
def test_the_fastest_that_a_machine_may_have_is_tried_first(
    system: str, processor: str, providers: list[str], wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, system, processor, *providers)
    assert choose.candidates() == wanted


def test_off_is_off() -> None:
    assert choose.load("off") == choose.Loaded()


def test_this_machine_has_models(weights: Path) -> None:
    loaded = choose.load("auto", weights=weights)
    assert loaded.problems == ()
    assert loaded.embedder is not None
    assert loaded.verifier is not None


def test_left_to_choose_it_tells_what_did_not_load(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA that was installed and does not work, as with a driver too old."""

    def broken(*_: object) -> shipped.Loaded:
        raise UnusableModel("the driver is too old")

    machine(monkeypatch, "linux", "x86_64", "CUDAExecutionProvider")
    monkeypatch.setitem(shipped.BACKENDS, "cuda", broken)
    loaded = choose.load("auto", weights=weights)
    assert loaded.problems == ()
    assert loaded.embedder is not None
    assert loaded.embedder.facts.backend == "cpu"
    assert loaded.embedder.facts.note.startswith("cuda: the driver is too old")


def test_asked_for_by_name_nothing_takes_its_place(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> shipped.Loaded:
        raise UnusableModel("the driver is too old")

    monkeypatch.setitem(shipped.BACKENDS, "cuda", broken)
    loaded = choose.load("cuda", weights=weights)
    assert (loaded.embedder, loaded.verifier) == (None, None)
    assert loaded.problems == ("cuda: the driver is too old", "cuda: the driver is too old")


def test_a_broken_verifier_leaves_the_embedder(weights: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(weights, tmp_path / "weights"))
    (copy / "verifier.safetensors").write_bytes(b"torn")
    loaded = choose.load("auto", weights=copy)
    assert loaded.embedder is not None
    assert loaded.verifier is None
    assert len(loaded.problems) == 1
    assert "verifier.safetensors has 4 bytes" in loaded.problems[0]


def test_cuda_that_was_installed_in_vain_is_told(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both packages are there, and the files of the one without CUDA."""
    monkeypatch.setattr(native, "_version", lambda name: "1.31.1")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    loaded = choose.load("auto", weights=weights)
    assert loaded.verifier is not None
    assert loaded.verifier.facts.backend == "cpu"
    assert native.CURE in loaded.verifier.facts.note
    (problem, _) = choose.load("cuda", weights=weights).problems
    assert native.CURE in problem
