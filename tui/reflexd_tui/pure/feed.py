"""The live feed: the last so many exchanges, those of them that a filter shows, and whether the view follows.

Newest at the end, as ``tail -f`` has it. When somebody moves up it stops following and counts what is new below.
Bounded: the oldest goes first, wherever the cursor stands.
"""

from bisect import bisect_right
from collections.abc import Iterable

from reflexd_io.control_client.shapes.exchanges import ExchangeRow
from reflexd_tui.pure.filters import EVERYTHING, Filter

KEPT = 20_000


class Feed:
    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._numbers: dict[str, int] = {}
        """By id, when a row came: rows that come again take the place they had."""
        self._rows: dict[int, ExchangeRow] = {}
        self._next = 0
        self._shown: list[int] = []
        self._filter = EVERYTHING
        self.following = True
        self.new = 0
        """Rows that came below while it did not follow."""
        self.missed = 0
        """Events that the daemon could not keep for us."""

    def __len__(self) -> int:
        """Rows that the filter shows."""
        return len(self._shown)

    @property
    def total(self) -> int:
        return len(self._rows)

    @property
    def filter(self) -> Filter:
        return self._filter

    def row(self, index: int) -> ExchangeRow:
        return self._rows[self._shown[index]]

    def index_of(self, name: str) -> int | None:
        """Where the exchange stands, if it is shown."""
        number = self._numbers.get(name)
        if number is None:
            return None
        place = bisect_right(self._shown, number) - 1
        return place if place >= 0 and self._shown[place] == number else None

    def add(self, rows: Iterable[ExchangeRow]) -> int:
        """Gives how many shown rows went at the beginning, to make room."""
        for row in rows:
            known = self._numbers.get(row.id)
            if known is not None:
                self._rows[known] = row
                continue
            number, self._next = self._next, self._next + 1
            self._numbers[row.id], self._rows[number] = number, row
            if self._filter.holds(row):
                self._shown.append(number)
                if not self.following:
                    self.new += 1
        return self._make_room()

    def show(self, wanted: Filter) -> None:
        """Only what it holds for."""
        self._filter = wanted
        self._shown = [number for number, row in self._rows.items() if wanted.holds(row)]
        self.new = 0

    def follow(self, wanted: bool) -> None:
        self.following = wanted
        if wanted:
            self.new = 0

    def clear(self) -> None:
        self._rows.clear()
        self._numbers.clear()
        self._shown.clear()
        self.new = 0

    def _make_room(self) -> int:
        surplus = len(self._rows) - self._kept
        if surplus <= 0:
            return 0
        for number in list(self._rows)[:surplus]:
            del self._numbers[self._rows.pop(number).id]
        first = next(iter(self._rows))
        gone = bisect_right(self._shown, first - 1)
        del self._shown[:gone]
        self.new = min(self.new, len(self._shown))
        return gone
