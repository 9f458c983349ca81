"""Loading: a tenant's base is opened and its delta read, away from every search."""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reflexd_io.near import rows
from reflexd_io.near.base import Base
from reflexd_io.near.delta import Delta
from reflexd_io.near.files import Unusable, Verified
from reflexd_io.near.index import Loaded

log = logging.getLogger(__name__)

ALIVE = 0.75
"""An index of which less is left is made anew."""

_BLOCK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    loaded: Loaded | None
    """None where it would be too much without a base."""
    is_due: bool
    """Whether a base is to be made."""
    model: str
    dimension: int


def load(
    connection: sqlite3.Connection,
    folder: Path,
    verified: Verified,
    model: str,
    dimension: int,
    go_on: Callable[[], None],
) -> Outcome | None:
    """What is there of the model's vectors, or None; ``model`` "" is the one that the base is made of.

    Raises `sqlite3.Error`, and whatever ``go_on`` raises to stop it.
    """
    token, upto = rows.committed(connection)
    base = open_base(folder, token, verified) if upto else None
    if base is not None and not model:
        model, dimension = base.footer.model, base.footer.dimension
    if base is not None and (base.footer.model, base.footer.dimension) != (model, dimension):
        base = None
    number = rows.number_of(connection, model)
    if number is None:
        return None
    loaded = Loaded(
        token=token,
        model=model,
        number=number,
        dimension=dimension,
        base=base,
        delta=Delta(dimension),
        seen=base.footer.upto if base is not None else 0,
    )
    while newer := rows.newer(connection, number, loaded.seen, _BLOCK):
        go_on()
        loaded.delta.add(newer)
        loaded.seen = newer[-1][0]
        if loaded.is_overflowing:
            return Outcome(loaded=None, is_due=True, model=model, dimension=dimension)
    is_hollow = base is not None and rows.living(connection, number) < ALIVE * loaded.rows
    return Outcome(loaded=loaded, is_due=loaded.is_due or is_hollow, model=model, dimension=dimension)


def open_base(folder: Path, token: bytes, verified: Verified) -> Base | None:
    """The base of that token, if it can be used."""
    try:
        return Base(folder, token, verified)
    except Unusable as error:
        log.warning("an index is made anew: %s", error)
        return None
