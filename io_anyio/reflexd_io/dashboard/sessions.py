"""Sessions of the dashboard: how a browser comes to a token without the admin token ever standing in a URL.

`reflexd dashboard` asks for a code and opens the page with it behind the ``#``, which browsers send to nobody. The
page exchanges it, once and within a minute, for a token of its own, which the control API takes like the admin token
until it lapses, or the daemon ends.
"""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

CODE_LIVES = 60.0
"""Seconds that a code may be exchanged."""
SESSION_LIVES = 12 * 3600.0
MOST = 64
"""Codes, and sessions, of which the oldest goes for one more."""


class Sessions:
    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._codes: OrderedDict[str, float] = OrderedDict()
        self._tokens: OrderedDict[str, float] = OrderedDict()

    def code(self) -> str:
        """A new code, to be exchanged once."""
        return _add(self._codes, self._clock() + CODE_LIVES)

    def exchange(self, code: str) -> str | None:
        """A session's token, or None where the code is wrong, used or too old."""
        known = _find(self._codes, code)
        until = self._codes.pop(known) if known is not None else None
        if until is None or until <= self._clock():
            return None
        return _add(self._tokens, self._clock() + SESSION_LIVES)

    def allows(self, token: str) -> bool:
        known = _find(self._tokens, token)
        return known is not None and self._tokens[known] > self._clock()

    def end(self, token: str) -> None:
        known = _find(self._tokens, token)
        if known is not None:
            del self._tokens[known]


def _add(kept: OrderedDict[str, float], until: float) -> str:
    made = secrets.token_urlsafe(32)
    kept[made] = until
    if len(kept) > MOST:
        kept.popitem(last=False)
    return made


def _find(kept: OrderedDict[str, float], given: str) -> str | None:
    """The one that was given, compared in constant time; all are looked at."""
    found = None
    for known in kept:
        if hmac.compare_digest(known.encode(), given.encode("utf-8", "surrogatepass")):
            found = known
    return found
