"""The two ports over any backend: text into tokens, tokens through the backend, numbers into what they mean.

A backend is one function: tokens in, and for each text or pair the arrays that its graph gives. What it raises, and
what is not a number, is `InferenceFailed`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from reflexd_core.meaning.calibration import Calibration
from reflexd_io.inference.errors import InferenceFailed
from reflexd_io.inference.ports import Facts, Judgement, Pair, Tag, Vectors
from reflexd_io.inference.tokens import Encoded, Tokens

Outputs = tuple[NDArray[np.float32], ...]
Run = Callable[[Sequence[Encoded]], list[Outputs]]

MOST_TAGS = 8


class LocalEmbedder:
    def __init__(self, run: Run, tokens: Tokens, facts: Facts) -> None:
        """``run`` gives one vector (dimension,) a text."""
        self._run = run
        self.tokens = tokens
        self.facts = facts

    def embed(self, texts: Sequence[str]) -> Vectors:
        encoded = [self.tokens.single(text) for text in texts]
        if not encoded:
            return np.zeros((0, self.facts.dimension), np.float32)
        return np.stack([_numbers(vector) for (vector,) in _ran(self._run, encoded)])


class LocalVerifier:
    def __init__(self, run: Run, tokens: Tokens, facts: Facts, calibration: Calibration | None = None) -> None:
        """``run`` gives the strict logit (), the loose one (), and tags (length,), or no tags."""
        self._run = run
        self.tokens = tokens
        self.facts = facts
        self.calibration = calibration

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        encoded = [self.tokens.pair(*pair) for pair in pairs]
        if not encoded:
            return []
        outputs = _ran(self._run, encoded)
        return [_judgement(pair, *made) for pair, made in zip(pairs, zip(encoded, outputs, strict=True), strict=True)]


def _ran(run: Run, encoded: Sequence[Encoded]) -> list[Outputs]:
    try:
        outputs = run(encoded)
    except Exception as error:
        raise InferenceFailed(f"{type(error).__name__}: {error}") from error
    if len(outputs) != len(encoded):
        raise InferenceFailed(f"the model gave {len(outputs)} results for {len(encoded)} questions")
    return outputs


def _numbers(values: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(values).all():
        raise InferenceFailed("the model's output is not a number")
    return values


def _judgement(pair: Pair, encoded: Encoded, outputs: Outputs) -> Judgement:
    strict, loose, *tags = outputs
    return Judgement(
        strict=float(_numbers(strict)),
        loose=float(_numbers(loose)),
        tags=_tags(pair, encoded, _numbers(tags[0])) if tags else (),
    )


def _tags(pair: Pair, encoded: Encoded, logits: NDArray[np.float32]) -> tuple[Tag, ...]:
    """The words that are tagged more likely than not; pieces of one word count as their strongest."""
    words: dict[tuple[int, int | None], Tag] = {}
    for place in np.flatnonzero(encoded.content):
        side = int(encoded.content[place]) - 1
        start, end = encoded.source.offsets[place]
        key, logit = (side, encoded.source.word_ids[place]), float(logits[place])
        if key in words:
            start, logit = words[key].start, max(logit, words[key].logit)
        words[key] = Tag(side, start, end, pair[side][start:end], logit)
    tagged = _joined([tag for tag in words.values() if tag.logit > 0], pair)
    return tuple(sorted(tagged, key=lambda tag: -tag.logit)[:MOST_TAGS])


def _joined(tags: list[Tag], pair: Pair) -> list[Tag]:
    """Those that touch are one: the tokenizer parts ``-D`` and ``3.11``, a reader does not."""
    found: list[Tag] = []
    for tag in tags:
        last = found[-1] if found else None
        if last is not None and last.side == tag.side and last.end == tag.start:
            word = pair[tag.side][last.start : tag.end]
            found[-1] = Tag(tag.side, last.start, tag.end, word, max(last.logit, tag.logit))
        else:
            found.append(tag)
    return found
