"""What several endpoints give or take."""

from msgspec import Struct


class Wire(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the daemon takes: an unknown field is a slip of the asker's, and is told."""


class Told(Struct, frozen=True, kw_only=True):
    """What the daemon gives: a client of another version leaves out what it does not know."""


class Nothing(Wire, frozen=True, kw_only=True):
    """No query, or no body."""


class Done(Told, frozen=True, kw_only=True):
    """It was done."""

    message: str = ""
    """What was done, in words."""


class Fault(Told, frozen=True, kw_only=True):
    code: str
    message: str
    at: int | None = None
    """Where in the given text, in characters, if the fault is at a place of it."""


class Problem(Told, frozen=True, kw_only=True):
    """Every error of the control API."""

    error: Fault
