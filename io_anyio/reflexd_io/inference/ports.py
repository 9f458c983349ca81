"""The ports: what an embedder and a verifier are, whatever computes them.

Both are synchronous and are called in worker threads; an implementation need not be safe for two calls at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reflexd_core.meaning.calibration import Calibration
from reflexd_io.inference.tokens import Tokens

Vectors = NDArray[np.float32]
Pair = tuple[str, str]
"""The question an answer was stored for, and the question asked now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What really loaded."""

    backend: str
    """``cpu``, ``cuda``, ``mlx``."""
    device: str
    model: str
    dtype: str
    """Of the matrices as they are multiplied: ``int8``, ``float32``, ``float16``."""
    dimension: int
    """Of the vectors; 0 for a verifier."""
    fingerprint: str
    """Of weights and tokenizer: vectors and scores of equal fingerprints may be compared, whatever the backend."""
    max_tokens: int
    """Of one text, or of a pair together; special tokens count."""
    calibrated: bool = True
    """Whether a verifier's logits are known to mean a probability."""
    at_once: int = 32
    """Texts or pairs that are best computed together."""
    note: str = ""
    """In words, where something is not as good as it could be."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A word in which two questions differ, as the verifier sees it."""

    side: int
    """0: the stored question; 1: the asked one."""
    start: int
    end: int
    """Characters of that question."""
    word: str
    logit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Raw logits: `reflexd_core.meaning.calibration` makes a probability of them."""

    strict: float
    """One answer, unchanged, serves both."""
    loose: float
    """The two say about the same; equal to ``strict`` where a model has one output."""
    tags: tuple[Tag, ...] = ()
    """The strongest first."""


class Embedder(Protocol):
    @property
    def facts(self) -> Facts: ...

    @property
    def tokens(self) -> Tokens: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(len(texts), dimension), of length 1. Raises `errors.CannotCompare`, `errors.InferenceFailed`."""
        ...


class Verifier(Protocol):
    @property
    def facts(self) -> Facts: ...

    @property
    def tokens(self) -> Tokens: ...

    @property
    def calibration(self) -> Calibration | None:
        """What makes a probability of its logits; None for a model of which nobody knows."""
        ...

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        """One judgement a pair, in order. Raises `errors.CannotCompare`, `errors.InferenceFailed`."""
        ...
