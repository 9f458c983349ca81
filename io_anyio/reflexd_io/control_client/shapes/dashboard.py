"""How a browser comes to the dashboard: a code that is exchanged once, and a session's token for it."""

from reflexd_io.control_client.shapes.common import Told, Wire


class Code(Told, frozen=True, kw_only=True):
    code: str
    lives: float
    """Seconds that it may be exchanged."""
    url: str
    """The page, with the code behind its ``#``."""


class Visit(Wire, frozen=True, kw_only=True):
    code: str


class Session(Told, frozen=True, kw_only=True):
    token: str
    """A bearer token of the control API."""
    lives: float
