"""Recent: names of exchanges that were answered in other words than the stored question's, for a while.

A client is told the name (``X-Reflex-Exchange``); whoever finds the answer wrong says so by it.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass

KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Named:
    tenant: str
    key: bytes
    """The asker's exact key."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What was answered with what."""

    entry_key: bytes
    stored: str
    asked: str
    form: str
    """The asked question's normal form."""
    score: float | None


class Recent:
    def __init__(self) -> None:
        self._prefix = secrets.token_hex(3)
        self._count = 0
        self._named: OrderedDict[str, Named] = OrderedDict()
        self._pairs: OrderedDict[bytes, Pair] = OrderedDict()

    def note(self, tenant: str, key: bytes) -> str:
        """The name of one more exchange."""
        self._count += 1
        name = f"{self._prefix}-{self._count:x}"
        self._named[name] = Named(tenant, key)
        if len(self._named) > KEPT:
            self._named.popitem(last=False)
        return name

    def learn(self, key: bytes, pair: Pair) -> None:
        """What the asker's exact key is answered with; a hit from memory knows the key alone."""
        self._pairs[key] = pair
        self._pairs.move_to_end(key)
        if len(self._pairs) > KEPT:
            self._pairs.popitem(last=False)

    def find(self, name: str) -> Named | None:
        return self._named.get(name)

    def pair(self, key: bytes) -> Pair | None:
        return self._pairs.get(key)
