"""Numbers as a line of blocks, so that a share over time is seen in one row of text."""

from collections.abc import Mapping, Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"


def share(counts: Mapping[str, int], kind: str) -> float | None:
    """Of all that is counted; None where nothing is."""
    whole = sum(counts.values())
    return counts.get(kind, 0) / whole if whole else None


def width(steps: int, room: int) -> int:
    """Characters that `line` takes: each step as wide as there is room for, all alike."""
    if not steps:
        return 0
    return steps * max(1, room // steps) if steps <= room else room


def line(shares: Sequence[float | None], room: int) -> str:
    """Shares from 0 to 1, a block each; nothing is a gap, and anything above nothing is seen."""
    if not shares or room <= 0:
        return ""
    wide = width(len(shares), room)
    if len(shares) > room:
        groups = [shares[place * len(shares) // room : (place + 1) * len(shares) // room] for place in range(room)]
        return "".join(_block(_mean(group)) for group in groups)
    return "".join(_block(each) * (wide // len(shares)) for each in shares)


def _mean(group: Sequence[float | None]) -> float | None:
    known = [each for each in group if each is not None]
    return sum(known) / len(known) if known else None


def _block(value: float | None) -> str:
    if value is None or value <= 0:
        return _BLOCKS[0]
    return _BLOCKS[max(1, min(8, round(value * 8)))]
