"""How far the backends differ on 2,000 pairs, and so how wide the band must be by which the threshold is raised.

    uv run python packaging/models/agree.py

Runs in the project's own environment, on the files that ship: int8 against float32, which every other backend
computes.
"""

import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from paths import WEIGHTS

from reflexd_core.meaning.calibration import Calibration, probability
from reflexd_io.inference import manifest, onnx, shipped
from reflexd_io.inference.ports import Pair

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from support.models import family_pairs

PAIRS = 2000
NEAR = 1.0
"""Logits from the threshold; no pair further away comes to lie on the other side of it."""

Rows = NDArray[np.float64]


def main() -> None:
    calibration = manifest.load(WEIGHTS, "verifier").calibration or Calibration(strict=1.0, threshold=0.9)
    quantised, floats = both()
    for name, one, other in zip(("strict", "loose", "cosine"), quantised.T, floats.T, strict=True):
        apart = np.abs(one - other)
        most, all_of = np.quantile(apart, 0.99), apart.max()
        print(f"{name}: {apart.mean():.4f} apart on average, 99 % within {most:.4f}, all within {all_of:.4f}")
    print(f"at the threshold {calibration.threshold} a band of {band(calibration, quantised, floats):.4f}")


def both() -> tuple[Rows, Rows]:
    """What int8 and float32 say of the pairs."""
    pairs = family_pairs(PAIRS)
    quantised = read(pairs)
    exact_kernel, onnx.saturates = onnx.saturates, lambda _: True
    floats = read(pairs)
    onnx.saturates = exact_kernel
    return quantised, floats


def band(calibration: Calibration, quantised: Rows, floats: Rows) -> float:
    """What the largest difference of a pair near the threshold, in calibrated logits, is there in probability."""
    made = np.array([[_logit(probability(*row, calibration)) for row in rows] for rows in (quantised, floats)])
    at = _logit(calibration.threshold)
    near = (np.abs(made - at) < NEAR).any(0)
    most = float(np.abs(made[0] - made[1])[near].max())
    return 1 / (1 + math.exp(-at - most)) - calibration.threshold


def _logit(score: float) -> float:
    return math.log(score / (1 - score))


def read(pairs: list[Pair]) -> Rows:
    """(pairs, 3): strict, loose, cosine."""
    embedder, verifier = shipped.embedder("cpu", WEIGHTS), shipped.verifier("cpu", WEIGHTS)
    rows = []
    for at in range(0, len(pairs), 8):
        chunk = pairs[at : at + 8]
        cosines = (embedder.embed([a for a, _ in chunk]) * embedder.embed([b for _, b in chunk])).sum(1)
        rows += [(j.strict, j.loose, float(c)) for j, c in zip(verifier.judge(chunk), cosines, strict=True)]
    return np.array(rows)


if __name__ == "__main__":
    main()
