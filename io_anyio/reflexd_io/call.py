"""One call: a request to a cached dialect, read and routed, with what it was found to ask."""

from dataclasses import dataclass

from reflexd_core.credentials import Route
from reflexd_core.dialects.base import Dialect
from reflexd_core.policy import Ask, Policy
from reflexd_core.request import Reading
from reflexd_core.routing import Target
from reflexd_io.incoming import Request


@dataclass(frozen=True, slots=True)
class About:
    """What people are shown of a request."""

    client: str = ""
    """The agent or library that asks."""
    question: str = ""
    """The beginning of what the person typed, as it came; empty where the tenant keeps none."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a cached dialect, read and routed."""

    request: Request
    target: Target
    dialect: Dialect
    route: Route
    policy: Policy
    ask: Ask
    reading: Reading | None
    """None where the body cannot be compared."""
    pieces: list[bytes]
    """The body as it was read."""
    about: About
    number: int
    """The exchange's, which its public name is made of (see `journal`)."""
    mark: int
    """The moment in `Memory.purged` when its first byte came: what was purged since is not brought back by it."""

    def raw(self) -> bytes:
        """The body as it came: what is forwarded and kept. A hit never needs it in one piece."""
        return b"".join(self.pieces)
