"""Somebody's text made fit for a terminal: nothing in it moves the cursor, turns the line or looks like ours.

Questions and answers come from anywhere. Control characters become their pictures, what changes the direction of
writing or is invisible becomes a dot, and nothing is ever read as markup.
"""

import re
import unicodedata

_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_HIDDEN = "·"
_ALLOWED = frozenset("\u200d\ufe0f\ufe0e")
"""Joiners and variation selectors, of which emoji are made."""
_DOUBTFUL = re.compile(r"[^\n -~]")


def line(text: str) -> str:
    """One line: spaces, tabs and ends of lines are single spaces."""
    return " ".join(block(text).replace("\n", " ").split(" ")).strip() if text else ""


def block(text: str) -> str:
    """Lines as they are; tabs are four spaces."""
    plain = text.replace("\r\n", "\n").replace("\t", "    ")
    return _DOUBTFUL.sub(lambda found: _shown(found[0]), plain)


def short(text: str, width: int) -> str:
    """The beginning on one line, in at most so many characters."""
    whole = line(text[: width * 4 + 64])
    return whole if len(whole) <= width else whole[: max(0, width - 1)] + "…"


def _shown(char: str) -> str:
    if char.isprintable() or char in _ALLOWED:
        return char
    code = ord(char)
    if code in _PICTURES:
        return chr(_PICTURES[code])
    return " " if unicodedata.category(char) == "Zs" else _HIDDEN
