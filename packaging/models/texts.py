"""Texts of the families beside this file, as the exporter needs them: single ones, and pairs of both labels."""

import json
import random
from collections.abc import Iterator

import torch
from paths import FAMILIES
from tokenizers import Encoding, Tokenizer

_SEED = 20261125
_SMOOTHED_ON = 160


def families() -> Iterator[dict[str, object]]:
    """But for those that calibrate: the weights are to know nothing of them."""
    for file in sorted(FAMILIES.glob("*.jsonl")):
        if file.stem.startswith("calibration"):
            continue
        for line in file.read_text("utf-8").splitlines():
            yield json.loads(line)


def questions(count: int) -> list[str]:
    return random.Random(_SEED).sample([text for family in families() for text in family["same"]], count)


def pairs(count: int) -> list[tuple[str, str]]:
    """Half of them served by one answer, half near-misses."""
    same, near = [], []
    for family in families():
        first, *others = family["same"]
        same += [(first, other) for other in others]
        near += [(first, text) for miss in family["near"] for text in miss["q"]]
    chance = random.Random(_SEED)
    chosen = zip(chance.sample(same, count // 2), chance.sample(near, count // 2), strict=True)
    return [pair for both in chosen for pair in both]


def singles(tokenizer: Tokenizer, most: int) -> list[tuple[torch.Tensor, ...]]:
    encoded = (tokenizer.encode(text) for text in questions(_SMOOTHED_ON))
    return [single(each) for each in encoded if len(each.ids) <= most]


def couples(tokenizer: Tokenizer, most: int) -> list[tuple[torch.Tensor, ...]]:
    encoded = (tokenizer.encode(a, b) for a, b in pairs(_SMOOTHED_ON))
    return [couple(each) for each in encoded if len(each.ids) <= most]


def single(encoded: Encoding) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.tensor([encoded.ids])
    return ids, torch.ones_like(ids)


def couple(encoded: Encoding) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    ids, types = torch.tensor([encoded.ids]), torch.tensor([encoded.type_ids])
    content = torch.tensor([[0 if side is None else side + 1 for side in encoded.sequence_ids]])
    return ids, types, torch.ones_like(ids), content
