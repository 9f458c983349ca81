"""The normal form: two questions with the same one are one question, and no model is asked.

So only what never changes an answer is levelled: case and spacing outside literals, contractions, articles, spelling,
aliases that mean one thing, politeness around the question, and the ways of saying *how do I*. Words keep their order
and their endings, the question word and every symbol stay. A word that a capital turns into another (``Polish``,
``US``, ``Rust``) keeps its capital. Whatever is in doubt is left as it was typed: the verifier is there for the rest.
"""

import re

from reflexd_core.meaning.lexicon import ALIASES, BRITISH, CONTRACTIONS
from reflexd_core.meaning.names import NAMES

LIMIT = 4_096
"""Characters; a longer question is never whole in a verifier's window, and nothing is levelled in a text."""

UNTRUSTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff\ud800-\uf8ff]"
)
"""Controls, what is invisible or turns the direction of text, halves of surrogates, private use."""
_CHUNK = re.compile(r"(?:`[^`]{1,400}`|\"[^\"]{1,400}\"|(?<![\w'])'[^']{1,400}'(?!\w)|\S)++")
"""What stands between spaces; a quoted or inline-code part is never split."""
_END = re.compile(r"(?<=[\w)\]}\"'`+#*%>])(?:\?++!*+|\.)\Z")
_TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u00a0": " "})
_CORE = re.compile(r"([A-Za-z]+(?:['-][A-Za-z]+)*)([,.;:!?)]*)\Z")

_CAPITALS = frozenset(
    """us it who is am or and not in on as at so no can go add aids may march august polish turkey china rust apple
    windows amazon word access teams numbers pages notes signal edge opera brave safari swift ruby shell target gap meta
    ant chef salt helm spark hive pig bottle rails fiber gin buffalo rocket phoenix play spring make cask brew snap cursor
    bolt linear notion box drive keep sheets docs forms sites photos calendar mail messages contacts reminders stocks home
    health wallet books""".split()
)
"""Capitalised inside a sentence, or in capitals, they may be names: that capital is kept."""
_IN = frozenset(
    {"rust", "ruby", "swift", "go", "word", "spring", "rails", "spark", "gin", "phoenix", "notion", "access"}
)
"""But after ``in`` they are names in small letters too."""

_ARTICLES = frozenset({"a", "an", "the"})
_LETTERED = frozenset(
    "vitamin plan option hepatitis type grade drive part point class appendix team group section".split()
)
_AFTER_LETTER = frozenset("to from or and in of by with than is as at on for into vs versus".split())

_GREETINGS = frozenset({"hi", "hello", "hey", "greetings"})
_PLEASE = frozenset({"please", "pls", "plz", "kindly"})
_QUESTION = frozenset("how what why when where which who whose whom".split())
_AUXILIARY = frozenset({"can", "could", "would", "will"})
_ASKED = frozenset(
    """tell show explain write give help list describe translate summarize generate create suggest recommend provide
    convert""".split()
)
_KNOW: tuple[tuple[str, ...], ...] = (
    ("tell", "me"),
    ("i", "want", "to", "know"),
    ("i", "would", "like", "to", "know"),
    ("i'd", "like", "to", "know"),
    ("i", "need", "to", "know"),
    ("do", "you", "know"),
    ("does", "anyone", "know"),
    ("does", "anybody", "know"),
    ("can", "anyone", "tell", "me"),
    ("can", "someone", "tell", "me"),
    ("could", "someone", "tell", "me"),
    ("let", "me", "know"),
)
_SHOWN = (("show", "me"), ("explain", "to", "me"), ("explain",), ("teach", "me"))
_WAYS = (
    ("what", "is", "the", "way", "to"),
    ("what", "is", "a", "way", "to"),
    ("what", "is", "way", "to"),
    ("how", "do", "i"),
    ("how", "can", "i"),
    ("how", "could", "i"),
    ("how", "would", "i"),
    ("how", "can", "one"),
    ("how", "does", "one"),
    ("how", "i", "can"),
    ("how", "do", "you"),
    ("how", "do", "we"),
    ("how", "can", "we"),
)
_OWN = frozenset(
    """feel work know think learn train handle process store remember see understand generate respond answer decide
    protect ensure use get like do live sleep look sound differ compare react define""".split()
)
"""After *how do you*, these ask the one who answers about itself."""
_THANKS = (
    ("thanks", "in", "advance"),
    ("thank", "you", "in", "advance"),
    ("thank", "you"),
    ("thanks",),
    ("thx",),
    ("cheers",),
)
_SAID = frozenset("say saying spell write word words mean means between and or vs versus of with type typed".split())
"""Before a polite word, these make it the subject."""
_SYMBOL_BEFORE = frozenset("does symbol character operator sign mark is of metacharacter quantifier wildcard".split())


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
        question = question.translate(_TYPOGRAPHY)
    chunks = _CHUNK.findall(question)
    _drop_end(chunks)
    words: list[str] = []
    for chunk in chunks:
        words.extend(_level(chunk))
    while (shorter := _shortened(words)) != words:  # an article dropped may leave a courtesy first
        words = shorter
    form = " ".join(_lowered(words))
    return form if any(map(str.isalnum, form)) else None


def _shortened(words: list[str]) -> list[str]:
    return _without_articles(_without_thanks(_without_lead_in(_with_one_how(_joined(words)))))


def _drop_end(chunks: list[str]) -> None:
    """The final question mark or full stop, set off by a space or not."""
    while len(chunks) > 1 and set(chunks[-1]) <= {"?", "!"} and chunks[-2].lower() not in _SYMBOL_BEFORE:
        chunks.pop()
    if chunks and (end := _END.search(chunks[-1])) is not None:
        chunks[-1] = chunks[-1][: end.start()]


def _level(chunk: str) -> tuple[str, ...]:
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
    if word != lower and not _is_plain(word, lower):
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
    return after != "A" and after[0].isalnum() and after.lower() not in _AFTER_LETTER


def _starts(words: list[str], phrase: tuple[str, ...], at: int = 0) -> bool:
    return len(words) >= at + len(phrase) and all(words[at + i].lower() == word for i, word in enumerate(phrase))


def _with_one_how(words: list[str]) -> list[str]:
    """``how to`` for every way of asking for one; never where the answerer itself is asked (``how do you feel``)."""
    at = 0
    while at < len(words):
        if words[at].lower() in {"how", "what"}:
            for way in _WAYS:
                end = at + len(way)
                if (
                    _starts(words, way, at)
                    and len(words) > end
                    and (way[-1] not in {"you", "we"} or words[end] not in _OWN)
                ):
                    words = [*words[:at], "how", "to", *words[end:]]
                    break
        at += 1
    return words


def _without_lead_in(words: list[str]) -> list[str]:
    while True:
        dropped = _lead_in(words)
        if not dropped:
            return words
        words = words[dropped:]


def _lead_in(words: list[str]) -> int:
    """How many words of courtesy come first."""
    if len(words) < 2:
        return 0
    first = words[0].lower().rstrip(",.!:")
    cut = words[0][-1] in ",.!:"
    if first in _PLEASE:
        return 1
    if first in _GREETINGS:
        return _greeting(words, cut)
    if first in _AUXILIARY and words[1].lower() == "you" and not cut:
        return _request(words)
    for phrase in _KNOW:
        if _starts(words, phrase) and len(words) > len(phrase) and words[len(phrase)] in _QUESTION:
            return len(phrase)
    for phrase in _SHOWN:
        if _starts(words, (*phrase, "how", "to")):
            return len(phrase)
    return 0


def _greeting(words: list[str], cut: bool) -> int:
    if cut:
        return 1
    if (
        len(words) > 2
        and words[1].rstrip(",.!:") in {"there", "all", "everyone", "guys", "folks"}
        and words[1][-1] in ",.!:"
    ):
        return 2
    return 1 if words[1].lower() in _QUESTION | _AUXILIARY | _PLEASE | {"i", "is", "are", "do", "does"} else 0


def _request(words: list[str]) -> int:
    """``can you`` before what is asked for; ``can you swim`` stays a question."""
    polite = len(words) > 2 and words[2].lower() in _PLEASE
    at = 3 if polite else 2
    return at if len(words) > at and (polite or words[at] in _ASKED) else 0


def _without_thanks(words: list[str]) -> list[str]:
    while (kept := _before_thanks(words)) < len(words):
        words = words[:kept]
        words[-1] = words[-1].rstrip(",;") or words[-1]
        _drop_end(words)
    return words


def _before_thanks(words: list[str]) -> int:
    """How many words come before the courtesy at the end."""
    bare = [word.lower().rstrip(",.!") for word in words[-4:]]
    for phrase in (*_THANKS, *((word,) for word in _PLEASE)):
        kept = len(words) - len(phrase)
        if kept > 0 and tuple(bare[-len(phrase) :]) == phrase:
            before = words[kept - 1]
            apart = before[-1] in ",.!?;"
            if apart or (len(phrase) == 1 and phrase[0] in _PLEASE and before.lower() not in _SAID):
                return kept
    return len(words)
