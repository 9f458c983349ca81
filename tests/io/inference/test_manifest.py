"""Manifests: a file that is missing, cut or altered is named before anything is computed with it."""

import json
import shutil
from pathlib import Path

import pytest

from reflexd_io.inference import manifest, shipped
from reflexd_io.inference.errors import UnusableModel


@pytest.fixture
def copy(weights: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(weights, tmp_path / "weights"))


def test_the_shipped_files_are_whole(weights: Path) -> None:
    embedder, verifier = manifest.load(weights, "embedder"), manifest.load(weights, "verifier")
    assert embedder.fingerprint != verifier.fingerprint
    assert embedder.files["words.safetensors"] == verifier.files["words.safetensors"]
    assert {facts.licence for facts in (embedder, verifier)} == {"Apache-2.0"}
    assert sum(file.stat().st_size for file in weights.iterdir()) < 36_000_000


@pytest.mark.parametrize(
    "name",
    ["words.safetensors", "verifier.safetensors", "tokenizer.json", "verifier-int8.onnx", "verifier-float.onnx"],
)
def test_a_cut_altered_or_missing_file_is_named(name: str, copy: Path) -> None:
    path = copy / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnusableModel, match=rf"{name} has \d+ bytes instead of {len(whole)}"):
        shipped.verifier("cpu", copy)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(UnusableModel, match=f"{name} is damaged"):
        shipped.verifier("cpu", copy)
    path.unlink()
    with pytest.raises(UnusableModel, match=f"{name} cannot be read"):
        shipped.verifier("cpu", copy)


def test_one_models_broken_file_leaves_the_other_alone(copy: Path) -> None:
    (copy / "verifier.safetensors").unlink()
    assert shipped.embedder("cpu", copy).facts.dimension == 384


def test_an_installation_without_models_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnusableModel, match="came without its models"):
        shipped.embedder("cpu", tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "embedder"}'])
def test_a_manifest_that_cannot_be_read_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "embedder.json").write_text(text)
    with pytest.raises(UnusableModel, match=r"embedder\.json cannot be read"):
        manifest.load(tmp_path, "embedder")


def test_a_manifest_of_the_other_kind_is_refused(copy: Path) -> None:
    (copy / "embedder.json").write_bytes((copy / "verifier.json").read_bytes())
    with pytest.raises(UnusableModel, match="another kind"):
        manifest.load(copy, "embedder")


def test_a_calibration_that_cannot_be_right_is_refused(copy: Path) -> None:
    path = copy / "verifier.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"calibration": {"strict": -1.0, "threshold": 0.9}}))
    with pytest.raises(UnusableModel, match="strict"):
        manifest.load(copy, "verifier")
