"""Models that think in words: they are asked as real ones are, and what they say can be worked out by hand.

The embedder counts words; the verifier's logit is as given for a pair, or ten times the share of words in common,
less five.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from reflexd_core.meaning.calibration import Calibration
from reflexd_io.inference.errors import CannotCompare, InferenceFailed
from reflexd_io.inference.judge import Judge
from reflexd_io.inference.ports import Facts, Judgement, Pair, Vectors
from reflexd_io.inference.tokens import Tokens

_TEXT = "how do i sort a list in python rust descending ascending what is the of to center div css make word x y z w"
WORDS = _TEXT.split()
CALIBRATION = Calibration(strict=1.0, threshold=0.9)
"""A logit of 2.2 is needed: the grey band begins at 1.99."""


def tokens(max_tokens: int = 512) -> Tokens:
    vocabulary = {word: place for place, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, "?", "."])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return Tokens(tokenizer, max_tokens)


def _facts(max_tokens: int, dimension: int = 0) -> Facts:
    return Facts(
        backend="cpu",
        device="words",
        model="words",
        dtype="float32",
        dimension=dimension,
        fingerprint="words",
        max_tokens=max_tokens,
    )


class WordEmbedder:
    def __init__(self, max_tokens: int = 512) -> None:
        self.tokens = tokens(max_tokens)
        self.facts = _facts(max_tokens, len(WORDS) + 2)
        self.asked: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        rows = np.zeros((len(texts), self.facts.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[1] = 0.5  # so that a text of unknown words has a direction too
            for place in self.tokens.single(text).ids[1:-1]:
                row[max(0, int(place) - 3)] += 1
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


class WordVerifier:
    def __init__(self, logits: Mapping[Pair, float] | None = None, max_tokens: int = 512) -> None:
        self.tokens = tokens(max_tokens)
        self.facts = _facts(max_tokens)
        self.calibration: Calibration | None = CALIBRATION
        self.asked: list[list[Pair]] = []
        self._logits = logits or {}

    def judge(self, pairs: Sequence[Pair]) -> list[Judgement]:
        self.asked.append(list(pairs))
        return [self._judge(pair) for pair in pairs]

    def _judge(self, pair: Pair) -> Judgement:
        if len(self.tokens.pair(*pair)) > self.facts.max_tokens:
            raise CannotCompare("too long")
        logit = self._logits.get(pair)
        if logit is None:
            one, other = (set(question.lower().split()) for question in pair)
            logit = 10 * len(one & other) / len(one | other) - 5
        if logit != logit:  # noqa: PLR0124 - not a number
            raise InferenceFailed("the model's output is not a number")
        return Judgement(strict=logit, loose=logit)


def word_judge(logits: Mapping[Pair, float] | None = None) -> Judge:
    return Judge(WordEmbedder(), WordVerifier(logits), CALIBRATION)
