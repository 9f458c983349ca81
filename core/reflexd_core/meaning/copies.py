"""Two texts of which one is the other, edited: what was changed, and whether the change changes what is said.

Only texts that share most of their sentences and lines are looked at; two independent answers are no copies. Courtesy
on either side is left out first.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from reflexd_core.meaning.answer_words import NEGATIONS, SOFT
from reflexd_core.meaning.literals import extract_literals
from reflexd_core.meaning.opposites import OPPOSITES


@dataclass(frozen=True, slots=True)
class Copy:
    changed: bool
    """Whether anything but courtesy, layout and articles is different."""
    hard: tuple[str, ...] = ()
    """Words of the first change in place that changes what is said: a literal, a name, a negation."""
    negated: bool = False
    """Whether one side has a negation more, wherever."""


_SHARE = 0.5
"""Of the longer text, by characters, that stands in the other too."""
_ALIKE = 0.6
"""Of the words of two short texts that are one sentence, edited."""
_SHORT = 120
"""Words of both together."""
_LONGEST = 500
"""Words left over on a side; comparing takes time in the product of both."""
_IN_PLACE = 4
"""Words that a change in place replaces at most; more is a new sentence."""

_UNIT = re.compile(r"[^\n.!?:]*+(?:[.!?:](?!\s|\Z)[^\n.!?:]*+)*[.!?:]?")
_LAYOUT = " \t*_#>|"
_EDGES = " \t*_#>|-.,;:!?\"'()[]"
_VALUE = re.compile(r"\d|\A-|/")
"""A number, a flag, a path or a URL; another name for a variable changes nothing."""
_COURTESY = re.compile(
    r"(?:sure|certainly|of course|absolutely|great question|happy to help|hope (?:this|that) helps|let me know if"
    r"|i hope (?:this|that) helps|feel free to ask|if you have any (?:other |further |more )?questions|you're welcome"
    r"|here(?:'s| is) (?:how|the|a|an)\b|i'd be happy to)[^\n\d]{0,120}",
    re.IGNORECASE,
)


def read_copy(stored: str, fresh: str) -> Copy | None:
    """None where neither is a copy of the other."""
    one, other = list(_units(stored)), list(_units(fresh))
    if one == other:
        return Copy(changed=not one and stored.split() != fresh.split())
    common = Counter(one) & Counter(other)
    removed, added = _left(one, common), _left(other, common)
    if max(len(removed), len(added)) > _LONGEST:
        return None
    matcher = SequenceMatcher(
        None, [_bare(word) for word in removed], [_bare(word) for word in added], autojunk=False
    )
    longer = max(sum(map(len, one)), sum(map(len, other)))
    if sum(len(unit) * times for unit, times in common.items()) < _SHARE * longer and (
        len(removed) + len(added) > _SHORT or matcher.ratio() < _ALIKE
    ):
        return None
    changes = [
        (removed[start:end], added[to:until])
        for what, start, end, to, until in matcher.get_opcodes()
        if what != "equal"
    ]
    return Copy(
        changed=not all(_bare(word).lower() in SOFT for change in changes for words in change for word in words),
        hard=next((hard for before, after in changes if (hard := _hard(before, after))), ()),
        negated=len(_negations(removed)) != len(_negations(added)),
    )


def _units(text: str) -> Iterator[str]:
    """Sentences and lines, without layout and courtesy."""
    for match in _UNIT.finditer(text):
        unit = " ".join(match.group().strip(_LAYOUT).split())
        if unit and (not _COURTESY.fullmatch(unit) or _negations(unit.split())):
            yield unit


def _left(units: list[str], common: Counter[str]) -> list[str]:
    """The words, in order, of the units that are not in common. A capital that only begins a unit is made small."""
    left = Counter(common)
    words: list[str] = []
    for unit in units:
        if left[unit]:
            left[unit] -= 1
        else:
            words += (unit[:1].lower() + unit[1:]).split()
    return words


def _bare(word: str) -> str:
    return word.strip(_EDGES) or word


def _hard(removed: list[str], added: list[str]) -> tuple[str, ...]:
    """What a change in place changes: a negation more or less, a word for its opposite, a value, a name."""
    if max(len(removed), len(added)) > _IN_PLACE:
        return ()
    before, after = _negations(removed), _negations(added)
    if bool(before) != bool(after):
        return (*before, *after)
    opposed = _opposed(removed, added)
    if opposed:
        return opposed
    one, other = _values(removed), _values(added)
    if one != other and ((one and other) or not (removed and added)):
        return (*sorted(one - other), *sorted(other - one))
    one, other = _names(removed), _names(added)
    return (*sorted(one - other), *sorted(other - one)) if one - other and other - one else ()


def _opposed(removed: list[str], added: list[str]) -> tuple[str, ...]:
    """A word and the one that takes its place and says the contrary."""
    sides = {at: word for word in map(_small, removed) for at in OPPOSITES.get(word, ())}
    for word in map(_small, added):
        for axis, side in OPPOSITES.get(word, ()):
            if (axis, 1 - side) in sides:
                return sides[axis, 1 - side], word
    return ()


def _small(word: str) -> str:
    return _bare(word).lower()


def _negations(words: list[str]) -> list[str]:
    return [word for word in words if _bare(word).lower() in NEGATIONS or _bare(word).lower().endswith("n't")]


def _values(words: list[str]) -> set[str]:
    return {literal for literal in extract_literals(" ".join(words)) if _VALUE.search(literal)}


def _names(words: list[str]) -> set[str]:
    return {bare for word in words if (bare := _bare(word))[:1].isupper()}
