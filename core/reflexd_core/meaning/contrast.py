"""Two wordings held against each other: what one has and the other lacks, and how much they share."""

from dataclasses import dataclass
from functools import cached_property

from reflexd_core.meaning.tokens import Kind
from reflexd_core.meaning.wording import Wording


@dataclass(frozen=True)
class Contrast:
    """Not slotted: what costs more than a set operation is worked out once, when a guard first asks for it."""

    stored: Wording
    asked: Wording
    likeness: float
    """Shared content words over all content words, 0 to 1; 1 where neither has any."""

    @cached_property
    def unmatched(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Content words of each side without a counterpart, though inflected or misspelled, in the other."""
        stored, asked = self.stored.content - self.asked.content, self.asked.content - self.stored.content
        return _without_counterpart(sorted(stored), sorted(asked))

    def only(self, *kinds: Kind) -> tuple[frozenset[str], frozenset[str]]:
        """Tokens of these kinds that the other side has nowhere, of the stored and of the asked."""
        stored: frozenset[str] = _NONE.union(*(self.stored.literals.get(kind, _NONE) for kind in kinds))
        asked: frozenset[str] = _NONE.union(*(self.asked.literals.get(kind, _NONE) for kind in kinds))
        return stored - self.asked.bag, asked - self.stored.bag


_NONE: frozenset[str] = frozenset()


def contrast(stored: Wording, asked: Wording) -> Contrast:
    everything = len(stored.content | asked.content)
    return Contrast(stored, asked, len(stored.content & asked.content) / everything if everything else 1.0)


_MANY = 12
"""Leftovers beyond which the two are plainly no rewording of each other and pairing them off is not worth it."""


def _without_counterpart(stored: list[str], asked: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if stored and asked and len(stored) <= _MANY and len(asked) <= _MANY:
        for word in tuple(stored):
            for other in asked:
                if same_word(word, other):
                    stored.remove(word)
                    asked.remove(other)
                    break
    return tuple(stored), tuple(asked)


_ENDINGS = ("ies", "ing", "es", "ed", "ly", "er", "s", "d", "y", "e")


def stem(word: str) -> str:
    """Crude, and used only to ask whether two words *might* be one."""
    if len(word) <= 4 or not word.isalpha():
        return word.removesuffix("s") if len(word) > 3 else word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word.removesuffix("e") if len(word) > 4 else word


def same_word(one: str, other: str) -> bool:
    """Whether two words are one, but for inflection or a slip of the keys: a letter left out, doubled or transposed,
    never one put for another (``getItem`` and ``setItem``, ``lstrip`` and ``rstrip`` are not one)."""
    if abs(len(one) - len(other)) > 3:
        return False
    if stem(one) == stem(other):
        return True
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < 4 or shorter[0] != longer[0] or shorter.isdigit():
        return False
    if len(shorter) == len(longer):
        return sorted(shorter) == sorted(longer) and sum(a != b for a, b in zip(one, other, strict=True)) <= 3
    missing = len(longer) - len(shorter)
    return missing <= (1 if len(longer) < 8 else 2) and _is_subsequence(shorter, longer)


def _is_subsequence(shorter: str, longer: str) -> bool:
    rest = iter(longer)
    return all(letter in rest for letter in shorter)
