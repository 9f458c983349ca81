"""What has been read of a long list of entries: its rows so far, where it goes on, and which of them are marked."""

from collections.abc import Collection

from reflexd_io.control_client.shapes.entries import EntryPage, EntryRow


class Pages:
    def __init__(self) -> None:
        self.begun = False
        """Whether anything was read at all."""
        self.rows: list[EntryRow] = []
        self.marked: set[str] = set()
        """Ids."""
        self.next: str | None = None
        """Where it goes on; None at its end."""
        self.unreadable: dict[str, str] = {}
        self._total: int | None = None
        self._least = 0

    def begin(self, page: EntryPage) -> None:
        """The first page; what was there before is forgotten, marks aside."""
        self.begun = True
        self.rows, self.next, self.unreadable = page.items, page.next, page.unreadable
        self._total, self._least = page.total, page.at_least or 0

    def go_on(self, page: EntryPage, behind: str) -> None:
        """A further page, asked for from ``behind``; one that belongs to another list by now is left out."""
        if behind == self.next:
            known = {row.id for row in self.rows}
            self.rows += [row for row in page.items if row.id not in known]
            self.next = page.next

    def replace(self, changed: EntryRow) -> None:
        self.rows = [changed if row.id == changed.id else row for row in self.rows]

    def drop(self, gone: Collection[str]) -> None:
        """Of these is nothing left."""
        kept = [row for row in self.rows if row.id not in gone]
        if self._total is not None:
            self._total -= len(self.rows) - len(kept)
        self.rows = kept
        self.marked.difference_update(gone)

    def mark_all(self) -> None:
        """Those that were read; where all of them are marked, none any more."""
        shown = {row.id for row in self.rows}
        self.marked = set() if shown <= self.marked else shown

    def index_of(self, name: str | None) -> int | None:
        return next((index for index, row in enumerate(self.rows) if row.id == name), None)

    def told(self) -> list[str]:
        """How many there are, and what is missing."""
        known = f"{self._total:,}" if self._total is not None else f"more than {max(len(self.rows), self._least):,}"
        parts = [f"{len(self.rows):,} of {known}"]
        if self.marked:
            parts.append(f"{len(self.marked):,} marked")
        return parts + [f"{name} is missing: {why}" for name, why in self.unreadable.items()]
