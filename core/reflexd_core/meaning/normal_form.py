"""The normal form: two questions with the same one are one question, and no model is asked.

So only what never changes an answer is levelled: case and spacing outside literals, contractions, articles, spelling,
aliases that mean one thing, politeness around the question, the ways of saying *how do I*, and a topic set before a
question that names it itself. Words keep their order and their endings, the question word and every symbol stay. A
word that a capital turns into another (``Polish``, ``US``, ``Rust``) keeps its capital. Whatever is in doubt is left
as it was typed: the verifier is there for the rest.
"""

import re

from reflexd_core.meaning.courtesy import DROPPED, drop_end, with_one_how, without_lead_in, without_thanks
from reflexd_core.meaning.labels import without_label
from reflexd_core.meaning.lexicon import ALIASES, BRITISH, CONTRACTIONS, QUOTES, word_set
from reflexd_core.meaning.names import NAMES

LIMIT = 4_096
"""Characters; a longer question is never whole in a verifier's window, and nothing is levelled in a text."""

UNTRUSTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff\ud800-\uf8ff]"
)
"""Controls, what is invisible or turns the direction of text, halves of surrogates, private use."""
_CHUNK = re.compile(r"(?:`[^`]{1,400}`|\"[^\"]{1,400}\"|(?<![\w'])'[^']{1,400}'(?!\w)|\S)+")
"""What stands between spaces; a quoted or inline-code part is never split."""
_CORE = re.compile(r"([A-Za-z]+(?:['-][A-Za-z]+)*)([,.;:!?)]*)\Z")

_CAPITALS = word_set(
    """us it who is am or and not in on as at so no can go add aids may march august polish turkey china rust
    apple windows amazon word access teams numbers pages notes signal edge opera brave safari swift ruby shell
    target gap meta ant chef salt helm spark hive pig bottle rails fiber gin buffalo rocket phoenix play spring
    make cask brew snap cursor bolt linear notion box drive keep sheets docs forms sites photos calendar mail
    messages contacts reminders stocks home health wallet books mb gb kb tb rest soap acid solid dry kiss fat base
    cap basic saga mean lamp raid war pop stem sat act cat pet sad mob can mercury jaguar puma mustang beetle"""
)
"""Capitalised inside a sentence, or in capitals, they may be names: that capital is kept."""
_IN = frozenset(
    {"rust", "ruby", "swift", "go", "word", "spring", "rails", "spark", "gin", "phoenix", "notion", "access"}
)
"""But after ``in`` they are names in small letters too."""

_ARTICLES = frozenset({"a", "an", "the"})
_LETTERED = word_set(
    """vitamin plan option hepatitis type grade drive part point class appendix team group section html css dns
    jquery xpath the an"""
)
_AFTER_LETTER = word_set("to from or and in of by with than is as at on for into vs versus")


def normal_form(question: str) -> str | None:
    """The form under which ``question`` is looked up; None where it has none that can be trusted."""
    if len(question) > LIMIT or UNTRUSTED.search(question) is not None:
        return None
    question = question.strip()
    if "\n" in question:
        return (
            question if any(map(str.isalnum, question)) else None
        )  # several lines may be code, where spacing and case mean something
    if not question.isascii():
        question = question.translate(QUOTES)
    chunks = _CHUNK.findall(question)
    drop_end(chunks)
    cased = _told_apart_by_case(chunks)
    words: list[str] = []
    for chunk in chunks:
        words.extend(_level(chunk, cased))
    while (shorter := _shortened(words)) != words:  # an article dropped may leave a courtesy first
        words = shorter
    form = " ".join(_lowered(words))
    return form if any(map(str.isalnum, form)) else None


def _shortened(words: list[str]) -> list[str]:
    return _without_articles(without_thanks(without_label(without_lead_in(with_one_how(_joined(words))))))


def _told_apart_by_case(chunks: list[str]) -> frozenset[str]:
    """Words that one question has in two cases: *rename Foo to foo* is not *rename foo to Foo*."""
    typed: dict[str, str] = {}
    found: set[str] = set()
    for chunk in chunks:
        match = _CORE.match(chunk)
        if match is not None:
            word = match.group(1)
            if typed.setdefault(word.lower(), word) != word:
                found.add(word.lower())
    return frozenset(found - _PARTS - DROPPED - _ARTICLES)


def _level(chunk: str, cased: frozenset[str]) -> tuple[str, ...]:
    """One chunk in its one spelling; in capitals still where these may mean something."""
    match = _CORE.match(chunk)
    if match is None:
        whole, end = chunk.rstrip(",;:"), chunk[len(chunk.rstrip(",;:")) :]
        lower = whole.lower()
        return (ALIASES.get(lower, lower) + end,) if lower in _KNOWN else (chunk,)
    word, end = match.groups()
    lower = word.lower()
    if lower in CONTRACTIONS:
        first, second = CONTRACTIONS[lower]
        return first, second + end
    if word != lower and (lower in cased or not _is_plain(word, lower)):
        return (chunk,)
    lower = ALIASES.get(lower, lower)
    return (BRITISH.get(lower, lower) + end,)


def _is_plain(word: str, lower: str) -> bool:
    """Whether its capitals are only for the eye."""
    if len(word) == 1:
        return lower == "i"
    if word.isupper() or word[1:].islower():
        return lower not in _CAPITALS
    return lower in _KNOWN


_KNOWN = frozenset((*NAMES, *ALIASES, *ALIASES.values()))
_PARTS = frozenset(part for name in _KNOWN for part in name.split())


def _lowered(words: list[str]) -> list[str]:
    """A capital at the beginning of a sentence means nothing, and after ``in`` a name needs none."""
    starts, before = True, ""
    for at, word in enumerate(words):
        match = _CORE.match(word)
        if match is not None and word[0].isupper():
            bare = match.group(1).lower()
            if (starts and match.group(1)[1:].islower()) or (before == "in" and bare in _IN):
                words[at] = word.lower()
        starts, before = word[-1] in ".!?:", words[at]
    return words


_TAILS: dict[str, list[tuple[tuple[str, ...], str]]] = {}
for _name, _first in ALIASES.items():
    _head, *_rest = (ALIASES.get(part, part) for part in _name.split())
    if _rest:
        _TAILS.setdefault(_head, []).append((tuple(_rest), _first))
for _tails in _TAILS.values():
    _tails.sort(key=lambda tail: -len(tail[0]))


def _joined(words: list[str]) -> list[str]:
    """Aliases of several words in their one spelling."""
    if _TAILS.keys().isdisjoint(words):
        return words
    found: list[str] = []
    at = 0
    while at < len(words):
        for rest, first in _TAILS.get(words[at], ()):
            if tuple(words[at + 1 : at + 1 + len(rest)]) == rest:
                found.append(first)
                at += 1 + len(rest)
                break
        else:
            found.append(words[at])
            at += 1
    return found


def _without_articles(words: list[str]) -> list[str]:
    return [word for at, word in enumerate(words) if word.lower() not in _ARTICLES or not _is_article(words, at)]


def _is_article(words: list[str], at: int) -> bool:
    if at + 1 == len(words) or (at and words[at] == "A") or (words[at].isupper() and len(words[at]) > 1):
        return False
    after = words[at + 1]
    if words[at].lower() != "the" and at and words[at - 1].lower() in _LETTERED:
        return False
    if words[at].lower() == "the" and after.lower() in {"a", "an"}:
        return False  # the ``a`` element
    return after != "A" and after[0].isalnum() and after.lower() not in _AFTER_LETTER
