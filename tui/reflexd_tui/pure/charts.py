"""Numbers as a line of blocks, so that a share over time is seen in one row of text."""

from collections.abc import Mapping, Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"


def share(counts: Mapping[str, int], kind: str) -> float | None:
    """Of all that is counted; None where nothing is."""
    whole = sum(counts.values())
    return counts.get(kind, 0) / whole if whole else None


def line(shares: Sequence[float | None], room: int) -> str:
    """Shares from 0 to 1 over all the room there is; nothing is a gap, and anything above nothing is seen."""
    if not shares:
        return ""
    steps = len(shares)
    if steps <= room:
        return "".join(_block(shares[place * steps // room]) for place in range(room))
    groups = [shares[place * steps // room : (place + 1) * steps // room] for place in range(room)]
    return "".join(_block(_mean(group)) for group in groups)


def _mean(group: Sequence[float | None]) -> float | None:
    known = [each for each in group if each is not None]
    return sum(known) / len(known) if known else None


def _block(value: float | None) -> str:
    if value is None or value <= 0:
        return _BLOCKS[0]
    return _BLOCKS[max(1, min(8, round(value * 8)))]
