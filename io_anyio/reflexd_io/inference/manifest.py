"""Manifests: what a shipped model is, which files it has, and a few golden results that a backend must reproduce."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from reflexd_core.meaning.calibration import Calibration
from reflexd_io.inference.errors import UnusableModel

WEIGHTS = Path(__file__).parent / "weights"
Kind = Literal["embedder", "verifier"]


@dataclass(frozen=True, slots=True)
class FileFacts:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """What the float32 model says of a text, or of a pair."""

    a: str
    b: str = ""
    vector: tuple[float, ...] = ()
    strict: float = 0.0
    loose: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    kind: Kind
    name: str
    source: str
    licence: str
    dimension: int
    max_tokens: int
    fingerprint: str
    files: dict[str, FileFacts]
    check: tuple[Golden, ...]
    calibration: Calibration | None = None


def load(folder: Path, kind: Kind) -> Manifest:
    """The manifest of a shipped model, whose files were found whole. Raises `UnusableModel`."""
    path = folder / f"{kind}.json"
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise UnusableModel(f"{path} is missing: this installation came without its models") from None
    except (OSError, msgspec.DecodeError) as error:
        raise UnusableModel(f"{path} cannot be read: {error}") from error
    if manifest.kind != kind:
        raise UnusableModel(f"{path} describes a model of another kind: {manifest.kind}")
    for name, facts in manifest.files.items():
        _check(folder / name, facts)
    return manifest


def _check(path: Path, facts: FileFacts) -> None:
    try:
        size = path.stat().st_size
        if size != facts.bytes:
            raise UnusableModel(f"{path} has {size} bytes instead of {facts.bytes}: install Reflex again")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnusableModel(f"{path} cannot be read ({error.strerror or error}): install Reflex again") from error
    if found != facts.sha256:
        raise UnusableModel(f"{path} is damaged, its checksum differs: install Reflex again")
