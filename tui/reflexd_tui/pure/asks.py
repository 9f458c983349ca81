"""The language of the Entries view's search: words for the daemon's full-text search, and a few fields of its filter.

``centre div tenant:work model:gpt-4o is:pinned older:7d``. What is no field of ours is the daemon's to read.
"""

import re
from typing import Any, get_args

from reflexd_io.control_client.shapes.entries import EntryFilter, EntryTier
from reflexd_tui.pure.filters import BadFilter

PLACEHOLDER = 'words "a phrase" -without tenant:work model:gpt-4o is:pinned older:7d unused:30d'
_FIELD = re.compile(r"(?<!\S)(?P<field>[a-z]+):(?P<value>\S+)")
_TEXTS = ("tenant", "model", "dialect", "upstream")
_TIMES = {"older": "older_than", "newer": "newer_than", "unused": "unused_for"}
_TIERS = get_args(EntryTier)
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)([a-z]+)")
_UNFINISHED = re.compile(r'^[^"]*(?:"[^"]*"[^"]*)*(?<!\S)[^\s":-][^\s":]*(?<=\w)$')
"""A word at the end, outside of quotation marks, that is neither a field's value nor left out."""
SHORTEST = 3
"""Letters of a beginning that is looked for: fewer begin a good part of all words, and say little."""
FIELDS = (*_TEXTS, "tier", *_TIMES, "is")


def read(text: str, *, typing: bool = False) -> EntryFilter:
    """``typing``: the last word may be only the beginning of one; one that is too short for that is left out.

    Raises `BadFilter`.
    """
    fields: dict[str, Any] = {}
    for found in _FIELD.finditer(text):
        name, value = found["field"], found["value"]
        if name in _TEXTS:
            fields[name] = value
        elif name in _TIMES:
            fields[_TIMES[name]] = seconds(value, found.start("value"))
        elif name == "tier":
            if value not in _TIERS:
                raise BadFilter(f"tier: expected {' or '.join(_TIERS)}", found.start("value"))
            fields[name] = value
        elif name == "is":
            if value != "pinned":
                raise BadFilter("is: expected pinned", found.start("value"))
            fields[value] = True
        else:
            raise BadFilter(f"there is no field {name!r}; there are {', '.join(FIELDS)}", found.start())
    words = " ".join(_FIELD.sub(" ", text).split())
    if typing and _UNFINISHED.search(text):
        rest, _, last = words.rpartition(" ")
        words = rest if last.isascii() and len(last) < SHORTEST else words + "*"
    return EntryFilter(**fields, text=words or None)


def seconds(text: str, at: int = 0) -> float:
    """``90s``, ``15min``, ``12h``, ``7d``, ``2w``. Raises `BadFilter`."""
    found = _TIME.fullmatch(text.strip())
    if found is None or found[2] not in _UNITS:
        raise BadFilter("expected a time such as 15min, 12h or 7d", at)
    return float(found[1]) * _UNITS[found[2]]
