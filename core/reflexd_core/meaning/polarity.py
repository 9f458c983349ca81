"""Yes and no: a negation that one side has and the other lacks, where nothing else tells the two apart.

In another wording a negation proves nothing (*does not work* is *fails*, *no duplicates* is *unique*), so only equal
content counts, misspelled or inflected as it may be.
"""

from itertools import pairwise

from reflexd_core.meaning.contrast import Contrast
from reflexd_core.meaning.lexicon import word_set
from reflexd_core.meaning.wording import Wording

_EXCEPTIONS = word_set("except excepted excepting excluding exclude excludes excluded --exclude")
_NEGATIONS = _EXCEPTIONS | word_set("not never no without non nor neither none")
_LIKE_EXCEPTIONS = _NEGATIONS | word_set(
    """skip ignore ignoring omit out but besides apart other only free keep leave drop"""
)
_ARTICLES = frozenset({"the", "a", "an"})
_NEED = word_set("need needs needed require requires required must")
"""*May I without?* is *Must I have?*."""
_NOT = frozenset({"not", "non"})
_STATES = word_set("null none nan empty equal contain contains exist exists match matches between")
_DENYING = _LIKE_EXCEPTIONS | word_set(
    """missing cannot than unless instead avoid remove drop filter fill any absent lack lacking invert
    --invert-match"""
)
_PREFIXES = ("un", "non", "dis", "ir", "il")
_IN = word_set(
    """sensitive valid visible active complete correct direct dependent finite compatible consistent secure
    definite"""
)


def polarity(pair: Contrast) -> tuple[str, ...] | None:
    return _negated(pair) or _denied(pair) or _excepted(pair) or _contrary(pair)


def _negated(pair: Contrast) -> tuple[str, ...] | None:
    stored, asked = _negations(pair.stored), _negations(pair.asked)
    if len(stored) % 2 == len(asked) % 2 or len(pair.stored.content & pair.asked.content) < 2:
        return None
    if not _NEED.isdisjoint(pair.stored.bag ^ pair.asked.bag):
        return None
    if any(word not in _NEGATIONS for side in pair.unmatched for word in side):
        return None
    return *stored, *asked


def _negations(wording: Wording) -> list[str]:
    """Those that deny: not *yes or no*, not the *no* with which an answer begins."""
    words = ("", *(word for word in wording.words if word not in _ARTICLES), "")
    return [
        word
        for at, word in enumerate(words)
        if word in _NEGATIONS
        and words[at - 1] not in {"or", "why"}
        and not (word == "no" and words[at + 1] in {"i", "it", "we", "that"})
    ]


def _denied(pair: Contrast) -> tuple[str, ...] | None:
    """*Not null* against *null*, where the other side denies nothing in any way."""
    if pair.likeness < 0.25:
        return None
    for one, other in ((pair.stored, pair.asked), (pair.asked, pair.stored)):
        if _DENYING.isdisjoint(other.bag):
            for before, word in pairwise(one.words):
                if before in _NOT and word in _STATES and word in other.bag:
                    return (f"{before} {word}", word) if one is pair.stored else (word, f"{before} {word}")
    return None


def _excepted(pair: Contrast) -> tuple[str, ...] | None:
    if pair.likeness < 0.4:
        return None
    stored, asked = _EXCEPTIONS & pair.stored.bag, _EXCEPTIONS & pair.asked.bag
    if bool(stored) == bool(asked):
        return None
    other = pair.asked if stored else pair.stored
    return None if _LIKE_EXCEPTIONS & other.bag else tuple(sorted(stored or asked))


def _contrary(pair: Contrast) -> tuple[str, ...] | None:
    """``sensitive`` against ``insensitive``, among the same words."""
    if pair.likeness < 0.5:
        return None
    stored, asked = pair.stored.content - pair.asked.content, pair.asked.content - pair.stored.content
    for plain, negated in ((stored, asked), (asked, stored)):
        for word in plain:
            contrary = {prefix + word for prefix in _PREFIXES} if len(word) > 3 else set[str]()
            found = (contrary | ({"in" + word} if word in _IN else set[str]())) & negated
            if found:
                return word, *sorted(found)
    return None
