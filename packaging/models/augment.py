"""Augmentation: what multiplies the written data without changing what its labels mean.

Three kinds. A *slot swap* replaces a name of a typed lexicon (a language, a system, a number): in both texts the
label stays, in one of two that shared it the label becomes "no". *Noise* adds typos, politeness or a lost question
mark to one text, which changes nothing. A *name swap* exchanges two capitalised names of one sentence.
"""

import random
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

_DATA = tomllib.loads((Path(__file__).parent / "lexicons.toml").read_text("utf-8"))
LEXICONS: dict[str, list[list[str]]] = _DATA["names"]
"""Names by type; the words of one list mean the same."""
_COMMON_WORDS, _KEEP = frozenset(_DATA["words"]["common"]), frozenset(_DATA["words"]["kept"])
_BEFORE, _AFTER, _BESIDE = _DATA["noise"]["before"], _DATA["noise"]["after"], _DATA["noise"]["beside"]

_TYPE: dict[str, tuple[str, int]] = {
    alias.lower(): (kind, number)
    for kind, members in LEXICONS.items()
    for number, aliases in enumerate(members)
    for alias in aliases
    if len(alias) > 1 and alias.lower() not in _COMMON_WORDS
}
_NAMES = re.compile(
    r"(?<![\w.#+-])(?:" + "|".join(re.escape(name) for name in sorted(_TYPE, key=len, reverse=True)) + r")(?![\w#+])",
    re.IGNORECASE,
)
_FORGOTTEN: dict[str, tuple[str, int]] = {}
_NUMBER = re.compile(r"(?<![\w.:/-])(\d{1,4})(?![\w.:/-])")
_PROPER = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z][a-z]+(?: [A-Z][a-z]+){0,2}\b")


def forget(lexicons: frozenset[str]) -> None:
    """Never draw names of these any more."""
    for kind in lexicons:
        LEXICONS[kind] = []
    for alias in [alias for alias, (kind, _) in _TYPE.items() if kind in lexicons]:
        _FORGOTTEN[alias] = _TYPE[alias]


def names_of(lexicons: frozenset[str], texts: Iterable[str]) -> bool:
    """Whether one of the texts has a name of one of these lexicons."""
    if not lexicons:
        return False
    return any(_TYPE[m.group().lower()][0] in lexicons for text in texts for m in _NAMES.finditer(text))


def slot_swap(a: str, b: str, rng: random.Random, *, conflict: bool) -> tuple[str, str] | None:
    """Both texts with a shared name replaced in both, or, for a conflict, in ``b`` alone; None without one."""
    shared = _names_in(a) & _names_in(b)
    if shared:
        kind, number = rng.choice(sorted(shared))
        if kind == "number":
            new = str(_other_number(number, rng))
            swap = lambda text: re.sub(rf"(?<![\w.:/-]){number}(?![\w.:/-])", new, text)  # noqa: E731
        else:
            other = rng.choice([place for place in range(len(LEXICONS[kind])) if place != number])
            swap = lambda text: _NAMES.sub(lambda m: _swapped(m, kind, number, other, rng), text)  # noqa: E731
        return (a, swap(b)) if conflict else (swap(a), swap(b))
    return None


def name_swap(text: str, rng: random.Random) -> str | None:
    """The text with two of its names exchanged; None where it has fewer than two, or they stand in an enumeration."""
    found = [m for m in _PROPER.finditer(text) if m.start() > 0]
    if len(found) < 2:
        return None
    x, y = sorted(rng.sample(found, 2), key=lambda m: m.start())
    between = text[x.end() : y.start()]
    if (
        x.group() == y.group()
        or re.fullmatch(r"(,| and| or| &|/|\s|vs\.?|versus|-)*", between.strip(), re.IGNORECASE)
        or re.search(r"\b(and|or|vs)\b", between)
    ):
        return None
    return text[: x.start()] + y.group() + between + x.group() + text[y.end() :]


def noisy(text: str, rng: random.Random) -> str:
    """The same text as somebody else would type it."""
    draw = rng.random()
    if draw < 0.35:
        return _typo(text, rng)
    if draw < 0.55:
        return text.rstrip("?!. ")
    if draw < 0.75:
        return rng.choice(_BEFORE) + (text[:1].lower() + text[1:])
    if draw < 0.9:
        return text.rstrip("?!. ") + rng.choice(_AFTER)
    return _typo(_typo(text, rng), rng)


def _names_in(text: str) -> set[tuple[str, int]]:
    named = {_TYPE[name] for m in _NAMES.finditer(text) if (name := m.group().lower()) not in _FORGOTTEN}
    return named | {("number", int(m.group())) for m in _NUMBER.finditer(text)}


def _swapped(match: re.Match[str], kind: str, number: int, other: int, rng: random.Random) -> str:
    return rng.choice(LEXICONS[kind][other]) if _TYPE[match.group().lower()] == (kind, number) else match.group()


def _other_number(number: int, rng: random.Random) -> int:
    while (new := max(0, number + rng.choice([-2, -1, 1, 2, 5, 10, number, 100]))) == number:
        pass
    return new


def _typo(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    places = [
        n for n, word in enumerate(words) if len(word) > 3 and word.isalpha() and word.islower() and word not in _KEEP
    ]
    if not places:
        return text
    n = rng.choice(places)
    word = words[n]
    at = rng.randrange(1, len(word) - 1)
    draw = rng.random()
    if draw < 0.3:
        word = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    elif draw < 0.55:
        word = word[:at] + word[at + 1 :]
    elif draw < 0.75:
        word = word[:at] + word[at] + word[at:]
    else:
        word = word[:at] + rng.choice(_BESIDE.get(word[at], word[at])) + word[at + 1 :]
    words[n] = word
    return " ".join(words)
