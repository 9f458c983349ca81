"""Measuring with the shipped files: raw scores of labelled pairs, by the code that serves."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from data import Pair
from numpy.typing import NDArray

from reflexd_io.inference import shipped
from reflexd_io.inference.errors import CannotCompare
from reflexd_io.inference.ports import Embedder, Verifier

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    pairs: list[Pair]
    strict: Numbers
    loose: Numbers
    cosine: Numbers
    labels: NDArray[np.bool_]

    def of(self, wanted: Callable[[str], bool]) -> "Scores":
        """Those of the units that are wanted."""
        kept = np.array([wanted(pair.unit) for pair in self.pairs], bool)
        pairs = [pair for pair, keep in zip(self.pairs, kept, strict=True) if keep]
        return Scores(pairs, self.strict[kept], self.loose[kept], self.cosine[kept], self.labels[kept])


@cache
def models() -> tuple[Embedder, Verifier]:
    return shipped.embedder("cpu"), shipped.verifier("cpu")


def score_all(pairs: list[Pair]) -> Scores:
    """Raw logits and cosines; pairs that the models cannot see whole are left out."""
    embedder, verifier = models()
    kept: list[Pair] = []
    rows: list[tuple[float, float, float]] = []
    for pair in pairs:
        try:
            a, b = embedder.embed([pair.a, pair.b])
            (found,) = verifier.judge([(pair.a, pair.b)])
        except CannotCompare:
            continue
        kept.append(pair)
        rows.append((found.strict, found.loose, float(a @ b)))
    strict, loose, cosine = np.array(rows, np.float64).T
    return Scores(kept, strict, loose, cosine, np.array([(pair.strict or 0) > 0.5 for pair in kept], bool))
