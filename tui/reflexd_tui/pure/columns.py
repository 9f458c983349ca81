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
SQUEEZED = 12
"""Characters: the least of the column that grows, beside another."""


@dataclass(frozen=True, slots=True)
class Placed:
    column: Column
    width: int


def place(columns: Sequence[Column], width: int, hidden: frozenset[str] = frozenset()) -> list[Placed]:
    """Columns in their order, as wide as fits into ``width``; the one that grows is always there.

    It gives way itself before the last of the others goes, down to `SQUEEZED`, and to what there is once it is alone.
    """
    kept = [column for column in columns if column.key not in hidden or column.grows]
    while len(kept) > 1 and _needed(kept) > width + (_gives(kept) if len(kept) == 2 else 0):
        kept.remove(min((column for column in kept if not column.grows), key=lambda column: column.keep))
    left = width - _needed(kept)
    return [Placed(column, max(0, column.width + left) if column.grows else column.width) for column in kept]


def _gives(columns: Sequence[Column]) -> int:
    return sum(max(0, column.width - SQUEEZED) for column in columns if column.grows)


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
