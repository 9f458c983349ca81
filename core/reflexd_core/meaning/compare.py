"""Whether a fresh answer says what a stored one says: same, different, or unsure, which is said whenever it cannot be
seen. Decided from code, literals and claims, never from how alike two texts are: two answers to near-misses are.

Measured by ``packaging/models/measure_compare.py``, which says what the pairs are and why the figures flatter:

    pairs            n   same  different  unsure   wrongly, with a 95 % interval
    reworded       171     28         13     130   13 = 7.6% (4.1% to 12.6%)
    near-miss      507      0        415      92   0 = 0.0% (0.0% to 0.7%)
    re-asked      1500     12         45    1443   23 = 1.5% (1.0% to 2.3%)
    neighbour     2250      0       1661     589   0 = 0.0% (0.0% to 0.2%)
    changed        801      0        768      33   0 = 0.0% (0.0% to 0.5%)
    untouched      500    496          1       3   1 = 0.2% (0.0% to 1.1%)

Whoever counts disagreements must count the unsure ones too: two long answers to one question mostly end there.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from reflexd_core.meaning.answers import Answer, Code, read_answer
from reflexd_core.meaning.copies import read_copy


class Agreement(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Verdict:
    agreement: Agreement
    reason: str
    words: tuple[str, ...] = ()
    """What it was seen by, at most eight."""


_FAR = 0.2
"""Of the content words of the shorter answer, in both: fewer, and they speak of different things."""
_ENOUGH = 20
"""Content words below which that says nothing."""
_SNIPPETS = 12
"""Marks of all the code of an answer that is not a program."""
_CLOSE = 0.002
"""Two numbers this near, by the larger, are one number rounded."""
_STEM = 6
"""Letters of a name that its other forms share."""
_PLAIN = re.compile(r"[\w.:!-]+")
_NAME = re.compile(r"(?<![.:$@\w-] )(?<![.$@-])\b[a-z_]\w*+\b(?! ?[(=])")


def compare(stored: str, fresh: str) -> Verdict:
    copy = read_copy(stored, fresh)
    if copy is not None and not copy.changed:
        return Verdict(Agreement.SAME, "equal")
    if copy is not None and copy.hard:
        return _different("edited", copy.hard)
    one, other = read_answer(stored), read_answer(fresh)
    found = _contradiction(one, other)
    if found is None and not (copy is not None and copy.negated):
        found = _agreement(one, other)
    return found or Verdict(Agreement.UNSURE, "unseen")


def _different(reason: str, *words: Iterable[str]) -> Verdict:
    return Verdict(Agreement.DIFFERENT, reason, tuple(word for some in words for word in sorted(some))[:8])


def _contradiction(one: Answer, other: Answer) -> Verdict | None:
    if one.opening and other.opening and one.opening != other.opening:
        return _different("opening", [one.opening], [other.opening])
    if one.languages and other.languages and not one.languages & other.languages:
        return _different("language", one.languages, other.languages)
    if not (one.whole and other.whole):
        return None
    shorter = min(len(one.content), len(other.content))
    if shorter >= _ENOUGH and len(one.content & other.content) < _FAR * shorter:
        return _different("subject")
    if not (one.program or other.program) and max(len(one.marks), len(other.marks)) <= _SNIPPETS:
        missing, extra = _unproposed(one, other), _unproposed(other, one)
        if missing and extra:
            return _different("code", missing, extra)
    if one.remark and other.remark:
        return _claims_apart(one, other)
    return None


def _unproposed(one: Answer, other: Answer) -> frozenset[str]:
    """What the one proposes and the other never mentions in its code."""
    code = "".join("".join(each.text.split()) for each in other.code)
    return frozenset(mark for mark in one.first - other.marks if _PLAIN.fullmatch(mark) or mark not in code)


def _claims_apart(one: Answer, other: Answer) -> Verdict | None:
    if one.numbers and other.numbers and not _meet(one.numbers, other.numbers):
        return _different("number", one.numbers, other.numbers)
    missing, extra = _unnamed(one, other), _unnamed(other, one)
    if missing and extra:
        return _different("name", missing, extra)
    return None


def _unnamed(one: Answer, other: Answer) -> set[str]:
    """Names of the one that the other has in no form: *Australian* is *Australia* too."""
    stems = {word[:_STEM] for word in other.words}
    return {name for name in one.names if name.lower()[:_STEM] not in stems}


def _meet(some: Iterable[str], others: tuple[str, ...]) -> bool:
    return any(_is_close(number, other) for number in some for other in others)


def _is_close(one: str, other: str) -> bool:
    try:
        x, y = float(one), float(other)
    except ValueError:  # 12:30
        return one == other
    return abs(x - y) <= _CLOSE * max(abs(x), abs(y))


def _agreement(one: Answer, other: Answer) -> Verdict | None:
    if not (one.whole and other.whole):
        return None
    if one.code and other.code:
        return _same_code(one, other)
    if not (one.remark and other.remark and one.opening == other.opening and one.numbers):
        return None
    # The same numbers may rise or fall: of the little that is said of them, half must be the same too.
    alike = 2 * len(one.content & other.content) >= min(len(one.content), len(other.content))
    if alike and len(one.numbers) == len(other.numbers) and all(map(_is_close, one.numbers, other.numbers)):
        return Verdict(Agreement.SAME, "number", one.numbers[:8])
    return None


def _same_code(one: Answer, other: Answer) -> Verdict | None:
    """All that the answer with less code proposes stands in the other, line by line."""
    if one.first - other.marks or other.first - one.marks:
        return None
    kept = one.words & other.words
    lines, others = _lines(one.code, kept), _lines(other.code, kept)
    fewer, more = (lines, others) if len(lines) <= len(others) else (others, lines)
    if len(one.first & other.first) >= 2 and fewer and fewer <= more:
        return Verdict(Agreement.SAME, "code", tuple(sorted(one.first & other.first))[:8])
    return None


def _lines(code: tuple[Code, ...], kept: frozenset[str]) -> set[str]:
    """Lines without layout; names that only one of the answers uses are nobody's but the writer's."""
    found: set[str] = set()
    for each in code:
        for line in each.text.splitlines():
            tokens = " ".join(re.findall(r"\w+|[^\w\s]", line.replace('"', "'"))).rstrip(" ;,\\")
            if tokens:
                found.add(_NAME.sub(lambda name: name.group() if name.group() in kept else "_", tokens))
    return found
