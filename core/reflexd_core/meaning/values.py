"""Numbers: which are one value however they are written, and which bound they set: *more than 9* is *at least 10*."""

from itertools import pairwise

from reflexd_core.meaning.contrast import Contrast
from reflexd_core.meaning.lexicon import word_set
from reflexd_core.meaning.tokens import Kind
from reflexd_core.meaning.wording import Wording

_MORE = word_set("""more greater longer higher older larger bigger later taller heavier deeper faster""")
_LESS = word_set("less fewer smaller lower shorter younger cheaper earlier lighter slower")
_UPWARDS = word_set("up above over newer upwards")
_DOWNWARDS = word_set("below under")
_TAIL = 3
"""Words after a number within which *or more* still belongs to it."""
_BOUNDS = {
    **dict.fromkeys(("over", "above", "exceeding", "exceeds", "exceed", ">"), "more"),
    **dict.fromkeys(("under", "below", "<"), "less"),
    **dict.fromkeys((">=", "≥"), "least"),
    **dict.fromkeys(("<=", "≤"), "most"),
}
_CONTRARY = {"more": "most", "less": "least"}
"""*No more than* and *no less than*."""

_UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("second", "seconds", "s"), ("time", 1.0)),
    **dict.fromkeys(("minute", "minutes", "min"), ("time", 60.0)),
    **dict.fromkeys(("hour", "hours", "h"), ("time", 3_600.0)),
    **dict.fromkeys(("day", "days"), ("time", 86_400.0)),
    **dict.fromkeys(("week", "weeks"), ("time", 604_800.0)),
    **dict.fromkeys(("month", "months"), ("time", 2_630_000.0)),
    **dict.fromkeys(("year", "years"), ("time", 31_557_600.0)),
    **dict.fromkeys(("mm", "millimeters"), ("length", 0.001)),
    **dict.fromkeys(("centimeters", "centimeter"), ("length", 0.01)),
    **dict.fromkeys(("m", "meters", "meter"), ("length", 1.0)),
    **dict.fromkeys(("kilometers", "kilometer"), ("length", 1_000.0)),
    **dict.fromkeys(("g", "grams", "gram"), ("mass", 1.0)),
    **dict.fromkeys(("kilograms", "kilogram"), ("mass", 1_000.0)),
    **dict.fromkeys(("kb", "kilobytes"), ("size", 1.0)),
    **dict.fromkeys(("mb", "megabytes"), ("size", 1_000.0)),
    **dict.fromkeys(("gb", "gigabytes"), ("size", 1_000_000.0)),
}
_THOUSANDS = frozenset({"kb", "kilobytes"})
_DIGITS = 15
_LOOSE = 0.12
"""By so much may two converted values differ and still be one: two months are eight weeks to most people."""
_NONE: frozenset[str] = frozenset()
_WEAK = frozenset({"a", "an", "the", "and", "or", "of"})
"""Neighbours that say nothing of what is counted."""


def numbers(pair: Contrast) -> tuple[str, ...] | None:
    """Each side has a number that the other lacks, in the same place or among much the same words."""
    stored, asked = pair.only(Kind.NUMBER)
    if not stored or not asked:
        return None
    if any(_same_value(one, other, pair) for one in stored for other in asked):
        return None
    if pair.likeness >= 0.4 or neighbours(pair.stored, stored) & neighbours(pair.asked, asked):
        return *sorted(stored), *sorted(asked)
    return None


def bounds(pair: Contrast) -> tuple[str, ...] | None:
    """The same number, but as another bound: *more than 3* and *at least 3*."""
    shared = pair.stored.literals.get(Kind.NUMBER, _NONE) & pair.asked.literals.get(Kind.NUMBER, _NONE)
    for number in sorted(shared):
        stored, asked = _bound(pair.stored, number), _bound(pair.asked, number)
        if stored and asked and stored != asked and ("not" in pair.stored.bag) is ("not" in pair.asked.bag):
            return f"{stored} {number}", f"{asked} {number}"
    return None


def units(pair: Contrast) -> tuple[str, ...] | None:
    """The same number of something else: *5 minutes* and *5 hours*."""
    for number in sorted(pair.stored.literals.get(Kind.NUMBER, _NONE) & pair.asked.literals.get(Kind.NUMBER, _NONE)):
        stored, asked = _measure(pair.stored, number), _measure(pair.asked, number)
        if stored and asked and stored[0] == asked[0] and abs(stored[1] - asked[1]) > _LOOSE * stored[1]:
            return f"{number} {stored[2]}", f"{number} {asked[2]}"
    return None


def _same_value(one: str, other: str, pair: Contrast) -> bool:
    shorter, longer = sorted((one, other), key=len)
    if longer.startswith(shorter) and longer[len(shorter)] in ".:,":
        return True  # ``3`` is said of ``3.11`` too
    if len(longer) == 4 and len(shorter) == 2 and longer[:2] in {"19", "20"} and longer.endswith(shorter):
        return True  # ``'17`` is 2017
    if longer.startswith(shorter + "0000") and "." in shorter:
        return True  # 0.3 is 0.30000000000000004
    if longer == shorter + "000" and (pair.stored.bag | pair.asked.bag) & _THOUSANDS:
        return True  # ``100k`` where the other says 100 KB
    if _same_time(one, other, pair) or _complements(one, other, pair):
        return True
    return _same_bound(one, other, pair) or _same_measure(one, other, pair)


def _same_time(one: str, other: str, pair: Contrast) -> bool:
    """``11:30 pm`` is 23:30."""
    if not {"pm", "am"} & (pair.stored.bag | pair.asked.bag):
        return False
    (hour, _, minute), (its_hour, _, its_minute) = one.partition(":"), other.partition(":")
    first, second = _whole(hour), _whole(its_hour)
    return first is not None and second is not None and minute == its_minute and abs(first - second) == 12


def _complements(one: str, other: str, pair: Contrast) -> bool:
    """*More than 20 % free* is *less than 80 % full*."""
    first, second = _whole(one), _whole(other)
    if first is None or second is None or "percent" not in pair.stored.bag & pair.asked.bag:
        return False
    return first + second == 100


def _whole(number: str) -> int | None:
    """Thousands of digits are nothing to reckon with, and Python refuses to read them."""
    return int(number) if number.isdecimal() and len(number) <= _DIGITS else None


def _same_bound(one: str, other: str, pair: Contrast) -> bool:
    first, second = _whole(one), _whole(other)
    if first is None or second is None or abs(first - second) != 1:
        return False
    low, high = (pair.stored, one), (pair.asked, other)
    if first > second:
        low, high = high, low
    lower, higher = _bound(*low), _bound(*high)
    return (lower, higher) in {("more", "least"), ("most", "less")}


def _same_measure(one: str, other: str, pair: Contrast) -> bool:
    first, second = _measure(pair.stored, one), _measure(pair.asked, other)
    if first is None or second is None or first[0] != second[0] or first[2] == second[2]:
        return False
    return abs(first[1] - second[1]) <= _LOOSE * max(first[1], second[1])


def _measure(wording: Wording, number: str) -> tuple[str, float, str] | None:
    """Dimension, size in its base unit, and the unit itself."""
    at = wording.words.index(number)
    unit = wording.words[at + 1] if at + 1 < len(wording.words) else ""
    if unit not in _UNITS:
        return None
    dimension, factor = _UNITS[unit]
    if not number.replace(".", "", 1).isdecimal():
        return None  # a version or a time of day
    return dimension, float(number) * factor, unit


def _bound(wording: Wording, number: str) -> str | None:
    words = wording.words
    at = words.index(number)
    before = words[max(0, at - 3) : at]
    after = words[at + 1 : at + 2 + _TAIL]
    for joint, word in pairwise(after):
        if joint in {"or", "and"} and word in _MORE | _UPWARDS:
            return "least"
        if joint == "or" and word in _LESS | _DOWNWARDS:
            return "most"
    match before:
        case (*_, "at", "least" | "most" as bound):
            return bound
        case (*_, "up", "to"):
            return "most"
        case (*earlier, word, "than") if word in _MORE or word in _LESS:
            side = "more" if word in _MORE else "less"
            negated = earlier[-1:] in (["no"], ["not"])
            return _CONTRARY[side] if negated else side
        case (*_, word):
            return _BOUNDS.get(word)
        case _:
            return None


def neighbours(wording: Wording, tokens: frozenset[str]) -> set[tuple[int, str]]:
    """What stands right before and right after these tokens, where it says something."""
    words = wording.words
    found: set[tuple[int, str]] = set()
    for at, word in enumerate(words):
        if word in tokens:
            found.update((-1, before) for before in words[max(0, at - 1) : at] if before not in _WEAK)
            found.update((1, after) for after in words[at + 1 : at + 2] if after not in _WEAK)
    return found
