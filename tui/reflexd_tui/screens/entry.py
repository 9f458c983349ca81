"""One entry: what it answers, how often it did, and for how long it may."""

from typing import ClassVar

from reflexd_io.control_client.shapes.entries import EntryDetail, EntryRow, Use
from reflexd_tui.host import host_of
from reflexd_tui.pure import told, words
from reflexd_tui.pure.safe import line, short
from reflexd_tui.pure.told import Line
from reflexd_tui.screens.detail import DetailScreen

_GONE = "It has gone: purged, or it made room for others."


class EntryScreen(DetailScreen):
    PANES: ClassVar[tuple[tuple[str, str], ...]] = (("question", "Question"), ("history", "Hits"))

    def __init__(self, row: EntryRow) -> None:
        super().__init__()
        self.row = row

    async def load(self) -> None:
        now = host_of(self).now()
        await self.load_entry(self.row.id, _GONE)
        entry = self.entry
        row = entry.row if entry is not None else self.row
        facts = [
            f"entry {row.id[:12]} · tenant {row.tenant} · {row.dialect} · {row.model or '–'} → {row.upstream}",
            f"stored {words.moment(row.created, now)}, {_until(row, now)}, {words.size(row.size)}, "
            + words.plural(row.hits, "hit", "hits")
            + (", pinned" if row.pinned else "")
            + (", answers its own words only" if row.exact_only else ""),
        ]
        lines: list[Line] = [
            [(short(row.question, 200) or row.model, "bold")],
            *([(fact, "muted")] for fact in facts),
        ]
        if entry is None:
            lines.append([(_GONE, "warning")])
        self.head(lines)
        asked = entry.question if entry is not None and entry.question is not None else row.question
        self.put("question", told.questions(asked or "(there is no question, or it is not kept)", None))
        self.put("history", _history(entry) if entry is not None else [])


def _until(row: EntryRow, now: float) -> str:
    return "answers for ever" if row.expires is None else f"answers for {words.span(row.expires - now)} more"


def _history(entry: EntryDetail) -> list[Line]:
    lines: list[Line] = [[("Hits by day (UTC)", "heading")]]
    most = max((use.hits for use in entry.uses), default=0)
    lines += [_bar(use, most) for use in entry.uses]
    if not entry.uses:
        lines.append([("  none yet", "muted")])
    lines += [[], [("Other wordings it answers", "heading")]]
    for wording in entry.wordings:
        score = f"{wording.reason}" + ("" if wording.score is None else f" {wording.score:.3f}")
        lines.append([("  ◆ ", "accent"), (line(wording.question), ""), (f"   {score}", "muted")])
    if not entry.wordings:
        lines.append([("  none", "muted")])
    return lines


def _bar(use: Use, most: int) -> Line:
    return [(f"  {use.day}  ", "muted"), ("█" * round(30 * use.hits / most), "success"), (f" {use.hits}", "")]
