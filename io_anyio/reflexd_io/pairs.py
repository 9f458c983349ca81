"""Pairs: which question was answered with whose answer lately, for whoever finds that wrong.

By the asker's exact key: a hit from memory knows nothing else.
"""

from collections import OrderedDict
from dataclasses import dataclass

KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Pair:
    """What was answered with what."""

    entry_key: bytes
    stored: str
    asked: str
    form: str
    """The asked question's normal form."""
    score: float | None


class Pairs:
    def __init__(self) -> None:
        self._pairs: OrderedDict[bytes, Pair] = OrderedDict()

    def learn(self, key: bytes, pair: Pair) -> None:
        """What the asker's exact key is answered with."""
        self._pairs[key] = pair
        self._pairs.move_to_end(key)
        if len(self._pairs) > KEPT:
            self._pairs.popitem(last=False)

    def find(self, key: bytes) -> Pair | None:
        return self._pairs.get(key)
