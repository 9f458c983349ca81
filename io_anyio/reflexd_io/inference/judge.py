"""The judge: the one code path by which two questions are compared, for serving, `reflexd judge` and `reflexd eval`.

Synchronous and safe for several threads: each model is asked by one at a time. A question is compared whole or not
at all, and what tokenising loses is compared as it was typed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TypeVar

import numpy as np

from reflexd_core.by_meaning import FLOOR
from reflexd_core.meaning.calibration import Calibration, probability
from reflexd_core.meaning.guards import Refusal, refusal_between
from reflexd_core.meaning.judge import decide
from reflexd_core.meaning.wording import read_wording
from reflexd_io.inference.errors import CannotCompare
from reflexd_io.inference.ports import Embedder, Judgement, Pair, Tag, Vectors, Verifier
from reflexd_io.inference.tokens import MOST_CHARACTERS

WINDOW = 96
"""Tokens of one question, special ones aside."""
GREY = 0.02
"""How near the threshold a score must be for the pair to be read in the other order too. Of 5,000 pairs of question
families the other order decides 93 otherwise, 87 of them within this; the other six were refused and stay so. A third
of the pairs that are accepted lie within it (at 0.05 it was nine in ten, and each such hit took twice as long)."""
_SPECIAL = 2
_REMEMBERED = 512
"""Questions of which it is remembered how they read: one meets several candidates, and those are met again."""
_LONGEST_REMEMBERED = 1024
"""Characters; nothing longer is ever compared, but for a few strange scripts."""
_AT_ONCE = 64
"""Pairs that are handed to a model together."""
NOT_WHOLE = "too-long"
NOT_NEAR = "nothing-near"
UNREADABLE = "unreadable"

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Look:
    """What reading a question tells before any model runs."""

    tokens: int | None
    """Special ones aside; None where there is nothing to read, or far too much."""
    unknown: tuple[str, ...] = ()
    """Words in which something was read as `[UNK]`, sorted."""


@dataclass(frozen=True, slots=True)
class Score:
    probability: float
    tags: tuple[Tag, ...]
    """Words in which the verifier sees the two differ, the strongest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is thought of one pair, eligibility aside."""

    similarity: float | None
    """Cosine; None where no model can read the pair."""
    score: float
    """The probability that the answer stored for the one satisfies who asks the other, before guards; 0 where nothing
    can be seen."""
    guard: str | None
    words: tuple[str, ...]
    """Those that a guard refused for, or else those that the verifier found in conflict."""
    reason: str
    """``normal-form``, ``verified``, ``below-threshold``, ``guard-`` and its name, ``nothing-near``, ``too-long`` or
    ``unreadable``."""
    accepted: bool


class Judge:
    def __init__(self, embedder: Embedder, verifier: Verifier, calibration: Calibration) -> None:
        self.embedder = embedder
        self.verifier = verifier
        self.calibration = calibration
        self._embedding = Lock()
        self._verifying = Lock()
        self._look_short = lru_cache(_REMEMBERED)(self._look_anew)
        self._wording = lru_cache(_REMEMBERED)(read_wording)

    def unfit(self, question: str) -> str | None:
        """Why the question is exact-only as far as the models go: it is not seen whole, or not seen at all."""
        tokens = self._look(question).tokens
        if tokens is None:
            return NOT_WHOLE if len(question) > MOST_CHARACTERS else UNREADABLE
        return NOT_WHOLE if tokens > self._window else None

    def fits(self, question: str) -> bool:
        """Whether the models see the question whole."""
        return self.unfit(question) is None

    def refusal(self, stored: str, asked: str) -> Refusal | None:
        """What refuses the pair whatever its score, and needs no model to run."""
        if stored == asked:
            return None
        if max(len(stored), len(asked)) > _LONGEST_REMEMBERED:
            refused = refusal_between(read_wording(stored), read_wording(asked))
        else:
            refused = refusal_between(self._wording(stored), self._wording(asked))
        return refused or self._unread(stored, asked)

    def embed(self, questions: Sequence[str]) -> Vectors:
        """Unit vectors, (n, dimension), rounded as they are stored. Raises `CannotCompare`, `InferenceFailed`."""
        with self._embedding:
            made = _in_parts(lambda some: list(self.embedder.embed(some)), questions)
        whole = np.array(made, np.float32).reshape(len(made), self.embedder.facts.dimension)
        return whole.astype(np.float16).astype(np.float32)

    def score(self, pairs: Sequence[Pair], similarities: Sequence[float]) -> list[Score]:
        """One score a pair; near the threshold the mean of both orders. Raises as `embed` does."""
        found = self._verify(pairs)
        scores = [self._probability(*each) for each in zip(found, similarities, strict=True)]
        grey = [n for n, score in enumerate(scores) if abs(score - self.calibration.needed) < GREY]
        for n, turned in zip(grey, self._verify([(pairs[n][1], pairs[n][0]) for n in grey]), strict=True):
            scores[n] = self._probability(_mean(found[n], turned), similarities[n])
        return [Score(score, each.tags) for score, each in zip(scores, found, strict=True)]

    def judge(self, pairs: Sequence[Pair]) -> list[Judged]:
        """What serving would decide if the first question of a pair were stored and the second asked.

        The models are asked of every pair that they see whole, also where form or guard have decided. Raises
        `InferenceFailed`.
        """
        asked = dict.fromkeys(question for pair in pairs for question in pair)
        counts = {question: self._look(question).tokens for question in asked}
        seen = [n for n, pair in enumerate(pairs) if self._holds(counts[pair[0]], counts[pair[1]])]
        needed = list(dict.fromkeys(question for n in seen for question in pairs[n]))
        vectors = dict(zip(needed, self.embed(needed), strict=True))
        similarities = [_cosine(*(vectors[question] for question in pairs[n])) for n in seen]
        scores = self.score([pairs[n] for n in seen], similarities)
        judged = {
            n: self._decided(pairs[n], s, score) for n, s, score in zip(seen, similarities, scores, strict=True)
        }
        return [judged[n] if n in judged else self._unseen(pair) for n, pair in enumerate(pairs)]

    def _look(self, question: str) -> Look:
        return (self._look_short if len(question) <= _LONGEST_REMEMBERED else self._look_anew)(question)

    def _look_anew(self, question: str) -> Look:
        try:
            read = self.verifier.tokens.read(question)
            counts = [read.count]
            if self.embedder.tokens is not self.verifier.tokens:
                counts.append(self.embedder.tokens.read(question).count)
        except CannotCompare:
            return Look(None)
        if not question.strip() or min(counts) <= _SPECIAL:
            return Look(None)
        unknown = self._unknown(question) if read.unknown else ()
        return Look(max(counts) - _SPECIAL, unknown)

    @property
    def _window(self) -> int:
        """Tokens of a question that may be compared: two of them fit the verifier."""
        return min(WINDOW, self.embedder.facts.max_tokens - _SPECIAL, self.verifier.facts.max_tokens // 2 - _SPECIAL)

    def _holds(self, stored: int | None, asked: int | None) -> bool:
        """Whether the models can read the pair, though it be too long to be served."""
        if stored is None or asked is None or max(stored, asked) + _SPECIAL > self.embedder.facts.max_tokens:
            return False
        return stored + asked + 2 * _SPECIAL <= self.verifier.facts.max_tokens

    def _unseen(self, pair: Pair) -> Judged:
        reason = self.unfit(pair[0]) or self.unfit(pair[1]) or NOT_WHOLE
        return Judged(similarity=None, score=0.0, guard=None, words=(), reason=reason, accepted=False)

    def _decided(self, pair: Pair, similarity: float, score: Score) -> Judged:
        unfit = self.unfit(pair[0]) or self.unfit(pair[1])
        ruling = decide(*pair, score.probability, self.calibration.needed)
        refused = ruling.guard
        if refused is None and not ruling.form_equal:
            refused = self._unread(*pair)
        far = NOT_NEAR if similarity < FLOOR and not ruling.form_equal else None
        return Judged(
            similarity=similarity,
            score=score.probability,
            guard=refused.guard if refused is not None else None,
            words=refused.words if refused is not None else tuple(tag.word for tag in score.tags),
            reason=unfit or (f"guard-{refused.guard}" if refused is not None else far or ruling.reason),
            accepted=ruling.accepted and refused is None and unfit is None and far is None,
        )

    def _unread(self, stored: str, asked: str) -> Refusal | None:
        """What a tokenizer reads as `[UNK]` may be anything: it must be the same on both sides, as typed."""
        one, other = self._look(stored).unknown, self._look(asked).unknown
        return Refusal(UNREADABLE, tuple(word[:40] for word in (*one, *other))) if one != other else None

    def _unknown(self, question: str) -> tuple[str, ...]:
        tokens = self.verifier.tokens
        return tuple(sorted(word for word in question.split() if tokens.read(word).unknown))

    def _verify(self, pairs: Sequence[Pair]) -> list[Judgement]:
        with self._verifying:
            return _in_parts(self.verifier.judge, pairs)

    def _probability(self, found: Judgement, similarity: float) -> float:
        return probability(found.strict, found.loose, similarity, self.calibration)


def _mean(one: Judgement, other: Judgement) -> Judgement:
    return Judgement(strict=(one.strict + other.strict) / 2, loose=(one.loose + other.loose) / 2)


def _cosine(one: Vectors, other: Vectors) -> float:
    return max(-1.0, min(1.0, float(one @ other)))


def _in_parts(work: Callable[[Sequence[T]], list[R]], items: Sequence[T]) -> list[R]:
    return [made for start in range(0, len(items), _AT_ONCE) for made in work(items[start : start + _AT_ONCE])]
