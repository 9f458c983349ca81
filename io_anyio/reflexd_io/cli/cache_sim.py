"""A cache, simulated: all ``a`` are stored first, then each ``b`` is asked, as requests of one scope would be.

As in serving: the normal form first, then the nearest five, guards, and the verifier on at most two of what they
leave; eligibility apart. The nearest are found by reading every vector, which the index comes near to.

A served answer is right where a label says so, or several together: what one answer serves is one question. An entry
that no label speaks of counts as wrong, and is told apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reflexd_core.by_meaning import FLOOR, MOST
from reflexd_core.meaning.normal_form import normal_form
from reflexd_io.cli.judging import BATCH, counted
from reflexd_io.cli.pairs import LabelledPair, in_batches
from reflexd_io.inference.judge import Judge
from reflexd_io.semantics import CANDIDATES

_BLOCK = 8192
"""Stored vectors that are multiplied at once."""


@dataclass(slots=True)
class Simulated:
    stored: int = 0
    asked: int = 0
    right: int = 0
    wrong: int = 0
    unlabelled: int = 0
    """Of the wrong ones, those served by an entry that no label speaks of."""
    missed: int = 0
    """Not served, though some stored answer would have done."""
    refused: int = 0
    """Rightly not served."""

    @property
    def precision(self) -> float | None:
        served = self.right + self.wrong
        return self.right / served if served else None

    @property
    def recall(self) -> float | None:
        """Of the questions that a stored answer would have served."""
        servable = self.right + self.missed
        return self.right / servable if servable else None

    @property
    def false_hits_per_1000(self) -> float:
        return 1000 * self.wrong / self.asked if self.asked else 0.0


class Labels:
    """What is known of which question's answer serves which."""

    def __init__(self, pairs: Sequence[LabelledPair]) -> None:
        self._said = {(pair.a, pair.b): pair.label for pair in pairs}
        self._above: dict[str, str] = {}
        for pair in pairs:
            if pair.label:
                self._above[self._root(pair.a)] = self._root(pair.b)
        self._stored = {self._root(pair.a) for pair in pairs}

    def serves(self, stored: str, asked: str) -> bool | None:
        """None where no label speaks of it."""
        if stored == asked:
            return True
        said = self._said.get((stored, asked))
        return True if said is None and self._root(stored) == self._root(asked) else said

    def servable(self, asked: str) -> bool:
        return self._root(asked) in self._stored

    def _root(self, text: str) -> str:
        while (above := self._above.get(text, text)) != text:
            self._above[text] = self._above.get(above, above)
            text = above
        return text


class Shelf:
    """What is stored: questions, found by their form and by their vectors."""

    def __init__(self, judge: Judge, questions: Sequence[str]) -> None:
        self._judge = judge
        self.questions = [question for question in questions if judge.fits(question)]
        self._by_form = {form: question for question in self.questions if (form := normal_form(question)) is not None}
        parts = [
            judge.embed(some).astype(np.float16)
            for some in counted(in_batches(iter(self.questions), BATCH), "stored")
        ]
        self._vectors = np.concatenate(parts) if parts else np.zeros((0, judge.embedder.facts.dimension), np.float16)

    def serve(self, asked: Sequence[str]) -> list[str | None]:
        """The stored question whose answer each would get."""
        served = [self._by_form.get(normal_form(question) or "") for question in asked]
        open_ = [n for n, found in enumerate(served) if found is None and self._judge.fits(asked[n])]
        nearest = self._nearest([asked[n] for n in open_])
        tried = [
            (n, self.questions[place], similarity)
            for n, found in zip(open_, nearest, strict=True)
            for place, similarity in self._left(asked[n], found)
        ]
        scores = self._judge.score([(stored, asked[n]) for n, stored, _ in tried], [each[2] for each in tried])
        best: dict[int, float] = {}
        for (n, stored, _), score in zip(tried, scores, strict=True):
            if score.probability >= self._judge.calibration.needed and score.probability > best.get(n, -1.0):
                best[n] = score.probability
                served[n] = stored
        return served

    def _left(self, asked: str, nearest: list[tuple[int, float]]) -> list[tuple[int, float]]:
        """What is near enough, and the guards leave to the verifier."""
        near = (found for found in nearest if found[1] >= FLOOR)
        left = [found for found in near if self._judge.refusal(self.questions[found[0]], asked) is None]
        return left[:MOST]

    def _nearest(self, asked: Sequence[str]) -> list[list[tuple[int, float]]]:
        """Places and cosines of the nearest, the best first."""
        vectors = self._judge.embed(asked)
        places = np.zeros((len(asked), 0), np.int64)
        cosines = np.zeros((len(asked), 0), np.float32)
        for start in range(0, len(self._vectors), _BLOCK):
            block = vectors @ self._vectors[start : start + _BLOCK].astype(np.float32).T
            numbers = np.broadcast_to(np.arange(start, start + block.shape[1]), block.shape)
            places, cosines = _best(np.hstack([places, numbers]), np.hstack([cosines, block]))
        return [list(zip(*both, strict=True)) for both in zip(places.tolist(), cosines.tolist(), strict=True)]


def _best(places: NDArray[np.int64], cosines: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :CANDIDATES]
    return np.take_along_axis(places, order, 1), np.take_along_axis(cosines, order, 1)


def simulate(judge: Judge, pairs: Iterator[LabelledPair]) -> Simulated:
    """Raises `BadPairs`, `InferenceFailed`."""
    rows = list(pairs)
    labels = Labels(rows)
    shelf = Shelf(judge, list(dict.fromkeys(row.a for row in rows)))
    found = Simulated(stored=len(shelf.questions))
    for some in counted(in_batches(iter(rows), BATCH), "asked"):
        for row, served in zip(some, shelf.serve([row.b for row in some]), strict=True):
            _count(found, labels, served, row.b)
    return found


def _count(found: Simulated, labels: Labels, served: str | None, asked: str) -> None:
    found.asked += 1
    if served is None:
        if labels.servable(asked):
            found.missed += 1
        else:
            found.refused += 1
        return
    verdict = labels.serves(served, asked)
    if verdict:
        found.right += 1
        return
    found.wrong += 1
    found.unlabelled += verdict is None
