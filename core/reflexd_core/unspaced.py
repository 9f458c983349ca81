"""Scripts without spaces between words: Chinese, Japanese, Thai, Lao, Burmese, Khmer; and Korean, which has few.

A search engine that knows words by the spaces around them finds such text by whole runs alone. So each of these
letters is a word of its own, in what it reads and in what it is asked for: any part of a run is then a phrase of it.
Between the letters stands a mark that no word has and nobody types, so that the text can be had back.
"""

import re

APART = "\x1f"
"""Stands around each letter; what had one of its own before has none afterwards."""

_RUN = re.compile(
    "["
    "\u0e01-\u0e4e\u0e81-\u0ece"  # Thai, Lao
    "\u1000-\u103f\u1050-\u108f\u1780-\u17d3"  # Burmese, Khmer
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Korean
    "\u3005-\u3007\u3021-\u3029\u3041-\u30ff\u31f0-\u31ff\uff66-\uffdc"  # Japanese, and what Chinese shares with it
    "\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "]+"
)


def cut(text: str) -> str:
    """Its letters of such scripts apart from each other and from what stands beside them; the rest is as it was."""
    return text if text.isascii() else _RUN.sub(_cut, text)


def joined(text: str) -> str:
    """What was cut, as it was before."""
    return text.replace(APART, "")


def _cut(run: "re.Match[str]") -> str:
    return f"{APART}{APART.join(run[0])}{APART}"
