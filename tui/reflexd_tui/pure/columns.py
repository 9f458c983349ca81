"""Which columns there is room for, and how wide each is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    key: str
    title: str
    width: int
    """Characters at least."""
    keep: int = 0
    """The least goes first when there is no room."""
    grows: bool = False
    """Takes what is left; one of a table's columns does."""
    align: Literal["left", "right"] = "left"
    sorts: bool = False
    """Whether the table can be sorted by it."""


GAP = 2


@dataclass(frozen=True, slots=True)
class Placed:
    column: Column
    width: int


def place(columns: Sequence[Column], width: int, hidden: frozenset[str] = frozenset()) -> list[Placed]:
    """Columns in their order, as wide as fits into ``width``; the one that grows is always there."""
    kept = [column for column in columns if column.key not in hidden or column.grows]
    while len(kept) > 1 and _needed(kept) > width:
        kept.remove(min((column for column in kept if not column.grows), key=lambda column: column.keep))
    left = max(0, width - _needed(kept))
    return [Placed(column, column.width + (left if column.grows else 0)) for column in kept]


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
