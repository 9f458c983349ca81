"""Whether a question points at something it does not bring along: the file that is open, the text above, *here*.

*My list* and *my table* are anyone's; *this error* is given where the error's words come with it; *this script* is
given where a script was told of before. Only what has to be seen to be answered counts.
"""

import re

_NOUN = (
    r"(?:file|repo|repository|project|codebase|code|folder|directory|page|website|document|doc|pdf|image|picture"
    r"|photo|screenshot|diff|commit|pr|pull request|branch|function|script|snippet|class|article|text|essay|email"
    r"|paragraph|spreadsheet|conversation|chat|thread|video|link|ticket|log|workspace|notebook)"
)
_HINTS = (
    "this ",
    "these ",
    "attached",
    "above",
    "below",
    " here",
    "near me",
    "nearby",
    "where ",
    "my ",
    "our ",
    "the ",
)
_END = r"(?= ?(?:[.,;?!)]|$|and\b|is\b|does\b))"
_POINTED = re.compile(
    rf"\b(?:this|these) (?!one )(?:\w{{1,40}} )?(?P<noun>{_NOUN})s?\b(?! call)"
    rf"|\b(?:the|my|your) (?:attached|enclosed|above|selected|highlighted) (?:\w{{1,40}} )?{_NOUN}s?\b"
    rf"|\battached {_NOUN}s?\b"
    rf"|\b(?:the|my|your|this) (?:\w{{1,40}} )?{_NOUN}s? (?:above|below){_END}"
    rf"|\b(?:the|my|your|this) (?:error|output|message|question|answer|example|table|data)s? (?:above|below){_END}"
    rf"|\b(?:see|shown|described|mentioned|given|pasted|listed) (?:above|below){_END}"
)
_TROUBLE = re.compile(
    r"\b(?:this|these) (?:errors?|exceptions?|warnings?|messages?|outputs?|stack ?traces?|issues?|problems?)\b"
)
_TOLD = 24
"""Characters before *this error* that may well be the error itself."""
_OWN = re.compile(
    r"^(?:please |can you |could you |would you |i want you to |help me )*"
    r"(?:explain|review|fix|refactor|debug|summari[sz]e|analy[sz]e|describe|improve|optimi[sz]e|check|read|open"
    r"|look at|look through|go through|clean up|lint|document|inspect|audit|proofread)"
    rf" (?:all )?(?:of )?(?:the|my|our) (?:\w{{1,40}} )?(?:{_NOUN}s?|tests?|readme|changes){_END}"
)
_HERE = re.compile(
    r"\b(?:around|near|right) here\b|\bnear me\b|^(?!.* in ).*\bnearby\W*$|\bclose to me\b"
    r"|\bwhere (?:am i|i live|i am now)\b|\bin my (?:area|city|town|region|neighbou?rhood|country|county|village)\b"
    r"|\bmy (?:current )?location\b(?! (?:block|service|permission|data|header))"
    r"|\b(?:weather|happening|allowed|legal|time is it|wrong|going on) here\b"
)
_GIVEN = re.compile(r"~|: ?\S.{7}")
"""Something comes with it that may be what is pointed at: code, a quotation, words after a colon."""


def points_at_what_is_not_there(text: str, *, brings: bool) -> bool:
    """For a question's `prose`; ``brings``: further lines or turns."""
    if not any(hint in text for hint in _HINTS):
        return False
    if _HERE.search(text) is not None:
        return True
    if brings or _GIVEN.search(text) is not None:
        return False
    trouble = _TROUBLE.search(text)
    if trouble is not None and trouble.start() < _TOLD:
        return True
    pointed = _POINTED.search(text)
    if pointed is not None:
        noun = pointed.group("noun")
        return noun is None or noun not in text[: pointed.start()]
    return _OWN.search(text) is not None
