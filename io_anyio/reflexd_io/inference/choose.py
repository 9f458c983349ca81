"""Which backend computes, decided once at start; and whose models.

Asked for by name, a backend loads or its models do not: nothing takes its place. Left to ``auto``, the first that
loads is taken of MLX (on Apple Silicon), CUDA (where ONNX Runtime has it) and the CPU; `Facts` says what did not, and
where CUDA was installed beside what has none.
"""

import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from reflexd_io.inference import manifest, own, shipped
from reflexd_io.inference.errors import UnusableModel
from reflexd_io.inference.models import LocalEmbedder, LocalVerifier
from reflexd_io.native import clash, onnxruntime

BACKENDS = ("auto", "cpu", "cuda", "mlx", "off")
Model = TypeVar("Model", LocalEmbedder, LocalVerifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    embedder: LocalEmbedder | None = None
    verifier: LocalVerifier | None = None
    problems: tuple[str, ...] = ()
    """In words; whatever is said here, its model is None."""


def load(
    backend: str,
    *,
    model_path: Path | None = None,
    reranker_path: Path | None = None,
    weights: Path = manifest.WEIGHTS,
) -> Loaded:
    """Load both models, which takes some tenths of a second. ``backend``: one of `BACKENDS`.

    The paths are a user's own models, in place of those that ship.
    """
    if backend == "off":
        return Loaded()
    tried = candidates() if backend == "auto" else [backend]
    problems: list[str] = []
    clashing = clash() if backend == "auto" and "cuda" not in tried else None
    unasked = [f"cuda: {clashing}"] if clashing else []
    make_embedder = partial(own.embedder, model_path) if model_path else partial(shipped.embedder, weights=weights)
    make_verifier = (
        partial(own.verifier, reranker_path) if reranker_path else partial(shipped.verifier, weights=weights)
    )
    return Loaded(
        embedder=_first(tried, make_embedder, problems, unasked),
        verifier=_first(tried, make_verifier, problems, unasked),
        problems=tuple(problems),
    )


def candidates() -> list[str]:
    """The backends that this machine may have, the fastest first."""
    found = ["cpu"]
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        found.insert(0, "cuda")
    if sys.platform == "darwin" and platform.machine() == "arm64":
        found.insert(0, "mlx")
    return found


def _first(
    tried: list[str], make: Callable[[str], Model], problems: list[str], unasked: Sequence[str]
) -> Model | None:
    """The first that loads, with what did not in its note; otherwise what was wrong with the last."""
    notes: list[str] = list(unasked)
    for name in tried:
        try:
            model = make(name)
        except UnusableModel as error:
            notes.append(f"{name}: {error}")
            continue
        model.facts = replace(model.facts, note="; ".join(filter(None, [*notes, model.facts.note])))
        return model
    problems.append(notes[-1])
    return None
