"""Which questions hang together: connected components over every text that anything here was trained or measured on.

Two texts hang together where a family, a pair or a command holds both. A measured pair whose component holds a text
that was trained or calibrated on is left out; what is left is counted by component, since pairs of one go wrong
together.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import data
from data import Pair
from paths import FAMILIES, PAIRS


class Components:
    """Union-find over texts, case and spacing aside."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}
        self._trained: set[str] = set()

    def join(self, texts: Iterable[str], *, trained: bool) -> None:
        """These hang together; ``trained``: and something was learnt from them."""
        names = [_name(text) for text in texts]
        for name in names:
            self._above[self._root(name)] = self._root(names[0])
        if trained and names:
            self._trained.add(names[0])

    def of(self, text: str) -> str:
        return self._root(_name(text))

    def trained(self) -> set[str]:
        """The components that hold a text something was learnt from."""
        return {self._root(name) for name in self._trained}

    def _root(self, name: str) -> str:
        while (above := self._above.setdefault(name, name)) != name:
            self._above[name] = self._above[above]
            name = self._above[name]
        return name


def _name(text: str) -> str:
    return " ".join(text.casefold().split())


def everything() -> Components:
    found = Components()
    for family in data.read_families([FAMILIES]):
        texts = [text for _, texts in family.classes() for text in texts]
        found.join(texts, trained=data.split_of(family) != "test")
    for split, pair in data.read_sql(PAIRS):
        found.join((pair.a, pair.b), trained=split == "train")
    for pair in data.read_quora(PAIRS):
        found.join((pair.a, pair.b), trained=data.quora_split(pair) == "train")
    for texts in data.read_bash(PAIRS):
        found.join(texts, trained=True)
    for pair in _always_trained():
        found.join((pair.a, pair.b), trained=True)
    return found


def _always_trained() -> Iterator[Pair]:
    yield from data.read_checklist(PAIRS)
    yield from data.read_mock(PAIRS)
    yield from data.read_mrpc(PAIRS)
    yield from data.read_entity_edits(PAIRS, 6000)


def unseen(sets: dict[str, list[Pair]]) -> dict[str, list[Pair]]:
    """Of each set the pairs that hang together with nothing learnt; the unit of each is its component."""
    components = everything()
    trained = components.trained()
    return {
        name: [
            replace(pair, unit=components.of(pair.a))
            for pair in pairs
            if components.of(pair.a) not in trained and components.of(pair.b) not in trained
        ]
        for name, pairs in sets.items()
    }
