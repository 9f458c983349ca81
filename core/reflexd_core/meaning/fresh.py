"""Whether something new is asked for each time: a random password, another joke, a throw of dice.

Whoever asks again in other words does not want the one that somebody was given before. To be told the way (*generate
a UUID in Python*) is another thing, and answered alike each time.
"""

import re

_HINTS = (
    *("random", "uuid", "guid", "pass", "one-time", "one time", "another", "new ", "different", " more "),
    *("roll", "throw", "flip", "toss", "cast", "surprise"),
)
"""Without one of these no pattern matches; most questions have none."""

_ASK = (
    r"^(?:(?:please|can you|could you|would you|just|now|and|ok|okay|i want you to|i need you to|i need|i want) )*"
    r"(?:(?:generate|create|make|make up|give|get|pick|choose|draw|tell|show|suggest|think of|come up with)"
    r"(?: me| us)? )?"
)
_SOME = r"(?:(?:an?|one|some|the|any|\d{1,4}|two|three|four|five|six|ten|a few|a couple of) )?"
_WORTHLESS_TWICE = (
    r"(?:uuids?|guids?|passwords?|passphrases?|pass codes?|passcodes?|one[- ]time (?:passwords?|codes?))"
)
_KIND = (
    r"(?:(?:strong|secure|safe|good|new|long|short|complex|memorable|random|v4|version \d"
    r"|\d{1,3}[- ]\w{1,12}) ){0,4}"
)
_DRAWN = (
    r"(?:numbers?|integers?|digits?|letters?|words?|names?|usernames?|nicknames?|facts?|quotes?|jokes?|colou?rs?"
    r"|hex codes?|topics?|ideas?|questions?|prompts?|sentences?|emojis?|cards?|movies?|films?|songs?|books?|recipes?"
    r"|countr(?:y|ies)|cit(?:y|ies)|animals?|pins?|strings?|keys?|tokens?|secrets?|seeds?|dates?|addresses)"
)
_END = r"(?= ?(?:[.,;?!)]|$|please\b|with\b|of\b|between\b|from\b|for\b|about\b|that\b|to\b|using\b|in the range\b))"

_ONE_OFF = re.compile(
    rf"{_ASK}{_SOME}{_KIND}{_WORTHLESS_TWICE}{_END}"
    rf"|{_ASK}{_SOME}(?:\w{{1,20}} )?random (?:\w{{1,20}} )?{_DRAWN}{_END}"
    rf"|{_ASK}(?:another|a new|a different|a few more|some more|new) (?:\w{{1,20}} )?"
    r"(?:jokes?|riddles?|puns?|quotes?|facts?|poems?|haikus?|limericks?|stor(?:y|ies)|one|names?|ideas?)"
    r"(?= ?(?:[.,;?!)]|$|please\b|about\b|for\b))"
    rf"|{_ASK}(?:roll|throw|flip|toss|cast)(?: me)? {_SOME}(?:virtual |pair of )?(?:dice|die|d\d{{1,3}}|coins?)"
    r"(?= ?(?:[.,;?!)]|$|please\b|for me\b|and tell\b|times\b|twice\b))"
    r"|^surprise me\b"
)
_WAY = re.compile(
    r"\bhow\b|\bwhat (?:is|are|does)\b|\bwhy\b|\bmeaning of\b"
    r"|\b(?:function|script|query|regex|code|command|program|method|class|component|endpoint|api|sql|python|javascript"
    r"|typescript|java|bash|shell|excel|sheets|pandas|numpy|postgres(?:ql)?|mysql|node(?:js)?|react|php|ruby|golang|go|rust"
    r"|swift|kotlin|powershell|terminal|linux|openssl|field|column|form|reset|hash|manager|policy|generator)\b"
    r"|\bc(?:#|\+\+|sharp)"
)


def wants_another(text: str) -> bool:
    """For a question's `prose`."""
    return any(hint in text for hint in _HINTS) and _ONE_OFF.search(text) is not None and _WAY.search(text) is None
