"""How errors of the rooms behind the control API are told to whoever asked: one table."""

from reflexd_io.catalogue import purging, shelves
from reflexd_io.control.endpoint import Problem
from reflexd_io.feedback import Unknown
from reflexd_io.key_desk import NoSuch
from reflexd_io.keys import UnusableKey
from reflexd_io.store import StoreUnavailable
from reflexd_io.tenants.changes import Unfit
from reflexd_io.tenants.registry import NotKept

_UNFIT = {"unknown": 404, "taken": 409, "configured": 409, "refused": 409, "ambiguous": 409}
"""Statuses of what may not be said of tenants; the rest is 400."""

_TABLE: tuple[tuple[type[Exception], int, str, str], ...] = (
    (Unknown, 404, "not_found", "{}"),
    (NoSuch, 404, "not_found", "{}"),
    (UnusableKey, 400, "unusable_key", "{}"),
    (shelves.Unknown, 404, "not_found", "{}"),
    (shelves.Unclear, 400, "unclear", "{}"),
    (purging.Conflict, 409, "conflict", "{}"),
    (NotKept, 503, "not_kept", "Nothing was changed, since it could not be written: {}"),
    (StoreUnavailable, 503, "store_unavailable", "The store cannot be changed now: {}"),
)
"""Error, HTTP status, code, message."""


def told(error: Exception) -> Problem | None:
    """The error as the asker is told it; None where it is a bug of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unfit):
        return Problem(
            _UNFIT.get(error.code, 400), "not_found" if error.code == "unknown" else error.code, str(error)
        )
    for kind, status, code, message in _TABLE:
        if isinstance(error, kind):
            return Problem(status, code, message.format(error), at=getattr(error, "at", None))
    return None
