"""The table of entries: its columns, and what stands in a row."""

from reflexd_io.control_client.shapes.entries import EntryRow
from reflexd_tui.pure import words
from reflexd_tui.pure.columns import Column
from reflexd_tui.widgets.rows import Cell

COLUMNS = (
    Column(key="mark", title=" ", width=1, keep=20),
    Column(key="created", title="Stored", width=8, keep=8, sorts=True),
    Column(key="used", title="Used", width=8, keep=3, sorts=True),
    Column(key="hits", title="Hits", width=6, keep=9, align="right", sorts=True),
    Column(key="size", title="Size", width=8, keep=5, align="right", sorts=True),
    Column(key="expires", title="Left", width=7, keep=4, align="right", sorts=True),
    Column(key="tenant", title="Tenant", width=10, keep=6, sorts=True),
    Column(key="dialect", title="Dialect", width=10, keep=1, sorts=True),
    Column(key="model", title="Model", width=18, keep=7, sorts=True),
    Column(key="question", title="Question", width=32, grows=True, sorts=True),
)
SORTED = tuple(column for column in COLUMNS if column.sorts)
_FROM_A = frozenset({"tenant", "dialect", "model", "question"})


def descends_at_first(column: str) -> bool:
    """Numbers from the largest on, times from the last on, texts from A on."""
    return column not in _FROM_A


def cells(row: EntryRow, now: float, *, is_marked: bool) -> dict[str, Cell]:
    said = row.question or row.answer
    left = "" if row.expires is None else words.span(row.expires - now)
    return {
        "mark": Cell("✓" if is_marked else "▪" if row.pinned else "", "warning"),
        "created": Cell(words.moment(row.created, now), "muted"),
        "used": Cell(words.moment(row.used, now), "muted"),
        "hits": Cell(words.count(row.hits), "success" if row.hits else "muted"),
        "size": Cell(words.size(row.size), "muted"),
        "expires": Cell("pinned" if row.pinned else left or "ever", "muted"),
        "tenant": Cell(row.tenant),
        "dialect": Cell(row.dialect, "muted"),
        "model": Cell(row.model or "–"),
        "question": Cell(said) if said else Cell(f"({row.dialect})", "muted"),
    }
