"""Numbers and times as people read them, in few characters and always the same width where they stand in a column."""

from datetime import datetime
from typing import NamedTuple


class Word(NamedTuple):
    """A status: never colour alone."""

    symbol: str
    text: str
    colour: str
    """A variable of the theme."""


_HITS = {
    "hit-l1-exact": Word("●", "exact", "success"),
    "hit-l3-verified": Word("◆", "verified", "primary"),
    "hit-l2-semantic": Word("◇", "similar", "secondary"),
}
_MISS = Word("○", "miss", "warning")
_BYPASS = Word("→", "bypass", "muted")
_JOINED = Word("◎", "joined", "success")
_RELAYED = Word("⇢", "relayed", "muted")
_ERROR = Word("✗", "error", "error")


def status(name: str, *, joined: bool = False, http_status: int = 200) -> Word:
    if http_status >= 400:
        return Word(_ERROR.symbol, f"{_ERROR.text} {http_status}", _ERROR.colour)
    if joined:
        return _JOINED
    return _HITS.get(name) or {"miss": _MISS, "relayed": _RELAYED}.get(name, _BYPASS)


def clock(at: float) -> str:
    """``14:03:59``, local time."""
    return datetime.fromtimestamp(at).strftime("%H:%M:%S")


def moment(at: float, now: float) -> str:
    """A time as far from now as it needs to be told."""
    when, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
    if when.date() == today.date():
        return when.strftime("%H:%M")
    return when.strftime("%d %b" if when.year == today.year else "%d %b %Y")


def date(at: float, step: float) -> str:
    """A step of time in a chart, by what tells it from the next."""
    return datetime.fromtimestamp(at).strftime("%H:%M" if step < 86_400 else "%d %b")


def duration(ms: float | None) -> str:
    if ms is None:
        return "–"
    if 0 < ms < 0.095:
        return f"{ms:.2f} ms"
    if ms < 9.95:
        return f"{ms:.1f} ms"
    if ms < 9_999.5:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.1f} s"


def span(seconds: float) -> str:
    """``3 d``, ``4 h``, ``12 min``, ``9 s``: the largest unit that fits."""
    for unit, size, least in (("d", 86_400, 84_600), ("h", 3_600, 3_570), ("min", 60, 59.5)):
        if seconds >= least:  # what is rounded up to the next unit is told in it
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def count(number: int | None) -> str:
    """``950``, ``1.2k``, ``12k``, ``4.5M``."""
    if number is None:
        return "–"
    for unit, size, least in (("M", 1_000_000, 999_500), ("k", 1_000, 1_000)):
        if number >= size * 9.95:
            return f"{number / size:.0f}{unit}"
        if number >= least:
            return f"{number / size:.1f}{unit}"
    return str(number)


def plural(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def counted(number: int, one: str, many: str) -> str:
    """The same where there is little room."""
    return f"{count(number)} {one if number == 1 else many}"


def restored(number: int, skipped: int) -> str:
    """What came of an undo."""
    kept = f", {skipped:,} {'was' if skipped == 1 else 'were'} stored anew meanwhile" if skipped else ""
    return f"{plural(number, 'entry is', 'entries are')} back{kept}."


def size(number: int) -> str:
    """Bytes, in units of 1,000."""
    if number < 1000:
        return f"{number} B"
    for unit, unit_size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= unit_size * 0.99995 or unit == "kB":
            return f"{number / unit_size:.1f} {unit}"
    raise AssertionError("below a thousand was told above")


def dollars(amount: float | None) -> str:
    """None is not known, which is not nothing."""
    if amount is None:
        return "?"
    if amount == 0:
        return "–"
    if 0 < amount < 0.00005:
        return "<$0.0001"
    return f"${amount:,.2f}" if amount >= 0.99995 else f"${amount:.4f}"


def share(part: float | None) -> str:
    return "–" if part is None else f"{part:.0%}"
