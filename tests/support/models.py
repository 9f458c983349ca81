"""What tests of inference share: golden results of the float32 models, and pairs from the question families."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from reflexd_io.inference.manifest import WEIGHTS
from reflexd_io.inference.ports import Pair

_REPOSITORY = Path(__file__).resolve().parents[2]
_FAMILIES = _REPOSITORY / "packaging" / "models" / "families"
_GOLDEN = _REPOSITORY / "tests" / "io" / "inference" / "golden.json"

needs_models = pytest.mark.skipif(
    not (WEIGHTS / "verifier.safetensors").exists(), reason="the models' weights are not in this checkout"
)


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    vector: list[float]


@dataclass(frozen=True, slots=True)
class Judged:
    a: str
    b: str
    strict: float
    loose: float
    tags: list[float]


@dataclass(frozen=True, slots=True)
class Golden:
    texts: list[Text]
    pairs: list[Judged]


def golden() -> Golden:
    """Made by the exporter together with the weights; the two belong to each other."""
    found = json.loads(_GOLDEN.read_text("utf-8"))
    return Golden([Text(**text) for text in found["texts"]], [Judged(**pair) for pair in found["pairs"]])


def family_pairs(count: int) -> list[Pair]:
    """Half of them of one family, half near-misses; always the same ones."""
    same, near = [], []
    for file in sorted(_FAMILIES.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            family = json.loads(line)
            first, *others = family["same"]
            same += [(first, other) for other in others]
            near += [(first, text) for miss in family["near"] for text in miss["q"]]
    chance = random.Random(7)
    return [*chance.sample(same, count // 2), *chance.sample(near, count - count // 2)]
