"""What surrounds a question and changes no answer: greetings, thanks, *can you tell me*, and the ways of asking *how
to*. A closed list; a polite word that is the subject (*how do I say thank you*) stays.
"""

import re

from reflexd_core.meaning.lexicon import word_set

_END = re.compile(r"(?<=[\w)\]}\"'`+#*%>])(?:\?++!*+|\.)\Z")
_GREETINGS = frozenset({"hi", "hello", "hey", "greetings"})
_PLEASE = frozenset({"please", "pls", "plz", "kindly"})
_QUESTION = word_set("how what why when where which who whose whom")
_AUXILIARY = frozenset({"can", "could", "would", "will"})
_ASKED = word_set(
    """tell show explain write give help list describe translate summarize generate create suggest recommend
    provide convert"""
)
_Phrase = tuple[str, ...]
_KNOW: tuple[_Phrase, ...] = (
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
_SHOWN: tuple[_Phrase, ...] = (("show", "me"), ("explain", "to", "me"), ("explain",), ("teach", "me"))
_WAYS: tuple[_Phrase, ...] = (
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
_OWN = word_set(
    """feel work know think learn train handle process store remember see understand generate respond answer
    decide protect ensure use get like do live sleep look sound differ compare react define breathe hear smell taste
    digest dream grow age die catch contract"""
)
"""After *how do you*, these ask the one who answers about itself; after *how do we*, how it comes about."""
_THANKS: tuple[_Phrase, ...] = (
    ("thanks", "in", "advance"),
    ("thank", "you", "in", "advance"),
    ("thank", "you"),
    ("thanks",),
    ("thx",),
    ("cheers",),
)
_AT_THE_END: tuple[_Phrase, ...] = (*_THANKS, *((word,) for word in sorted(_PLEASE)))
_LAST = frozenset(phrase[-1] for phrase in _AT_THE_END)
_LEADS = _PLEASE | _GREETINGS | _AUXILIARY | {phrase[0] for phrase in (*_KNOW, *_SHOWN)}
_ASKING = frozenset({"how", "what"})
_SAID = word_set(
    """say saying spell write word words mean means between and or vs versus of with type typed for than"""
)
"""Before a polite word, these make it the subject."""
_REPEATED = re.compile(r"(?:[*}\]]|(?<![A-Za-z]\+)\+)\Z")
"""After these a question mark may belong to a pattern (``a+?``); after ``C++`` it ends a question."""
_GIVEN = word_set("me us a an some any examples")
"""After *can you give*; *can you give blood* is a question."""
_ONTO = word_set("to on into over from with without while")
"""After *can you write*: *can you write to a closed socket* is one too."""
_SYMBOL_BEFORE = word_set("""does symbol character operator sign mark is of metacharacter quantifier wildcard""")


def drop_end(chunks: list[str]) -> None:
    """The final question mark or full stop, set off by a space or not."""
    while len(chunks) > 1 and set(chunks[-1]) <= {"?", "!"} and chunks[-2].lower() not in _SYMBOL_BEFORE:
        chunks.pop()
    if chunks and (end := _END.search(chunks[-1])) is not None:
        kept = chunks[-1][: end.start()]
        if end.group() == "." or _REPEATED.search(kept) is None:
            chunks[-1] = kept


DROPPED = (
    _GREETINGS | _PLEASE | _AUXILIARY | {word for phrase in (*_KNOW, *_SHOWN, *_WAYS, *_THANKS) for word in phrase}
)
"""Words of which one may be taken away and another left."""


def _starts(words: list[str], phrase: _Phrase, at: int = 0) -> bool:
    return len(words) >= at + len(phrase) and all(words[at + i].lower() == word for i, word in enumerate(phrase))


def with_one_how(words: list[str]) -> list[str]:
    """``how to`` for every way of asking for one; never where the answerer itself is asked (``how do you feel``)."""
    at = 0
    while at < len(words):
        if words[at].lower() in _ASKING:
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


def without_lead_in(words: list[str]) -> list[str]:
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
    if first not in _LEADS:
        return 0
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
    if len(words) <= at:
        return 0
    after = words[at + 1].lower() if len(words) > at + 1 else ""
    if not polite and ((words[at] == "give" and after not in _GIVEN) or (words[at] == "write" and after in _ONTO)):
        return 0
    return at if polite or words[at] in _ASKED else 0


def without_thanks(words: list[str]) -> list[str]:
    while (kept := _before_thanks(words)) < len(words):
        words = words[:kept]
        words[-1] = words[-1].rstrip(",;") or words[-1]
        drop_end(words)
    return words


def _before_thanks(words: list[str]) -> int:
    """How many words come before the courtesy at the end."""
    if not words or words[-1].lower().rstrip(",.!") not in _LAST:
        return len(words)
    bare = [word.lower().rstrip(",.!") for word in words[-4:]]
    for phrase in _AT_THE_END:
        kept = len(words) - len(phrase)
        if kept > 0 and tuple(bare[-len(phrase) :]) == phrase:
            before = words[kept - 1]
            apart = before[-1] in ",.!?;"
            if apart or (len(phrase) == 1 and phrase[0] in _PLEASE and before.lower() not in _SAID):
                return kept
    return len(words)
