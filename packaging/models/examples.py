"""Examples: pairs as the verifier is fed, with the tags that are known from the difference of the two texts."""

import difflib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

import data
import sampling
import torch
from paths import BASE
from tokenizers import Encoding, Tokenizer
from torch import Tensor

BUDGET = 3072
"""Padded tokens in a batch."""
LONGEST = 128
POOL = 600
"""Groups that are sorted by length together."""
WORD = re.compile(r"\w+|[^\w\s]")


def load_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(BASE / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@dataclass(slots=True)
class Example:
    encoding: Encoding
    tags: list[float]
    """Per token: 1 where the texts conflict, 0 where not, -1 where nobody knows."""
    pair: data.Pair
    group: int
    margin: bool


def example(tokenizer: Tokenizer, pair: data.Pair, group: int, margin: bool) -> Example:
    encoding = tokenizer.encode(pair.a, pair.b)
    return Example(encoding, tags_of(pair, encoding), pair, group, margin)


def tags_of(pair: data.Pair, encoding: Encoding) -> list[float]:
    """Which tokens conflict: none in a pair that is the same, the edit in one that differs by little."""
    known = pair.strict is not None and (pair.strict > 0.9 or pair.strict < 0.1)
    if not known:
        return [-1.0] * len(encoding.ids)
    if pair.strict > 0.9:
        return [0.0] * len(encoding.ids)
    spans_a = [(m.start(), m.end(), m.group().lower()) for m in WORD.finditer(pair.a)]
    spans_b = [(m.start(), m.end(), m.group().lower()) for m in WORD.finditer(pair.b)]
    matcher = difflib.SequenceMatcher(None, [w for *_, w in spans_a], [w for *_, w in spans_b], autojunk=False)
    changed: tuple[set[int], set[int]] = (set(), set())
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        if kind != "equal":
            for spans, chars, x0, x1 in ((spans_a, changed[0], a0, a1), (spans_b, changed[1], b0, b1)):
                for start, end, _ in spans[x0:x1]:
                    chars.update(range(start, end))
    size = sum(e - s for s, e, _ in spans_a) + sum(e - s for s, e, _ in spans_b)
    if len(changed[0]) + len(changed[1]) > 0.4 * size:
        return [-1.0] * len(encoding.ids)
    return [
        1.0 if start < end and start in changed[side] else 0.0
        for (start, end), side in zip(encoding.offsets, encoding.type_ids, strict=True)
    ]


def batches(
    groups: Iterator[tuple[sampling.Group, bool]], tokenizer: Tokenizer, rng: random.Random
) -> Iterator[list[Example]]:
    """Groups of like length together, ``BUDGET`` padded tokens a batch."""
    number = 0
    while True:
        pool: list[list[Example]] = []
        for _ in range(POOL):
            group, margin = next(groups)
            number += 1
            made = [example(tokenizer, pair, number, margin) for pair in group]
            if max(len(item.encoding.ids) for item in made) <= LONGEST:
                pool.append(made)
        pool.sort(key=lambda made: max(len(item.encoding.ids) for item in made) + rng.random() * 6)
        cut: list[list[Example]] = [[]]
        for made in pool:
            longest = max(len(item.encoding.ids) for item in [*cut[-1], *made])
            if cut[-1] and longest * (len(cut[-1]) + len(made)) > BUDGET:
                cut.append([])
            cut[-1] += made
        rng.shuffle(cut)
        yield from cut


def tensors(examples: list[Example]) -> dict[str, Tensor]:
    length = max(len(item.encoding.ids) for item in examples)

    def padded(values: list[list[float]], fill: float, dtype: torch.dtype) -> Tensor:
        return torch.tensor([row + [fill] * (length - len(row)) for row in values], dtype=dtype)

    content = [
        [
            0 if special else kind + 1
            for kind, special in zip(e.encoding.type_ids, e.encoding.special_tokens_mask, strict=True)
        ]
        for e in examples
    ]
    return {
        "ids": padded([e.encoding.ids for e in examples], 0, torch.long),
        "types": padded([e.encoding.type_ids for e in examples], 0, torch.long),
        "mask": padded([e.encoding.attention_mask for e in examples], 0, torch.long),
        "content": padded(content, 0, torch.long),
        "tags": padded([e.tags for e in examples], -1, torch.float),
    }
