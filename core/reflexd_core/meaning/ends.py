"""The two ends of an axis: each question stands for one end alone, and not for the same; or the one asks for both
ends (*keys and values*) and the other for one of them.
"""

from collections.abc import Iterator

from reflexd_core.meaning.contrast import Contrast
from reflexd_core.meaning.lexicon import word_set
from reflexd_core.meaning.opposites import OPPOSITES, Axes
from reflexd_core.meaning.rivals import CLOSE, RIVALS
from reflexd_core.meaning.wording import Wording

_TURNS = word_set("not never no undo undone revert prevent avoid stop less fewer opposite inverse")
"""With one of these on one side, the opposite may well be meant: *undo git add* is *remove from the index*."""
_AXES = ((0.0, OPPOSITES), (0.33, RIVALS), (0.5, CLOSE))
"""The share of common content words from which on such words are what the two differ in."""
_BOTH = ((0.0, OPPOSITES), (0.33, RIVALS), (0.33, CLOSE))
"""The same, for both ends against one."""
_AND = frozenset({"and", "&", "+"})
_COMPARES = word_set("versus difference differences differ compare comparison compared")
_NAMED_TOGETHER = word_set("file files directory directories find finding")
"""*Find and remove* is *remove*, and whoever says *files* may mean directories too."""
_JOINS = _AND | {"both", "or"}


def opposites(pair: Contrast) -> tuple[str, ...] | None:
    found = _crossing(pair) or _one_of_both(pair.stored, pair.asked, pair.likeness)
    if found is None:
        found = _one_of_both(pair.asked, pair.stored, pair.likeness)
        return found[::-1] if found is not None else None
    return found


def _crossing(pair: Contrast) -> tuple[str, ...] | None:
    if len(_TURNS & pair.stored.bag) % 2 != len(_TURNS & pair.asked.bag) % 2:
        return None
    for least, axes in _AXES:
        found = _crossed(pair, axes) if pair.likeness >= least else None
        if found is not None:
            return found
    return None


def _crossed(pair: Contrast, axes: Axes) -> tuple[str, ...] | None:
    """A side that stands for one end of an axis alone, and the other side for the other end alone."""
    stored = {end: word for word in sorted(pair.stored.bag) for end in axes.get(word, ())}
    if not stored:
        return None
    asked = {end: word for word in sorted(pair.asked.bag) for end in axes.get(word, ())}
    for (axis, side), word in stored.items():
        other = (axis, 1 - side)
        if other not in asked or (axis, side) in asked or other in stored:
            continue
        if (word in pair.stored.compounded) is (asked[other] in pair.asked.compounded):
            return word, asked[other]
    return None


def _one_of_both(whole: Wording, part: Wording, likeness: float) -> tuple[str, str] | None:
    if _AND.isdisjoint(whole.bag) or not _JOINS.isdisjoint(part.bag):
        return None
    if not _COMPARES.isdisjoint(whole.bag | part.bag):
        return None
    for least, axes in _BOTH:
        if likeness < least:
            continue
        for axis, text in _both_ends(whole, axes):
            ends = {end: word for word in sorted(part.bag) for end in axes.get(word, ()) if end[0] == axis}
            if len(ends) == 1:
                return text, next(iter(ends.values()))
    return None


def _both_ends(wording: Wording, axes: Axes) -> Iterator[tuple[int, str]]:
    """The axes of which both ends are named, with *and* between them, and the words."""
    words = wording.words
    for at in range(1, len(words) - 1):
        one, other = words[at - 1], words[at + 1]
        if words[at] in _AND and _NAMED_TOGETHER.isdisjoint((one, other)):
            for axis, side in axes.get(one, ()):
                if (axis, 1 - side) in axes.get(other, ()):
                    yield axis, f"{one} {words[at]} {other}"
