"""What is wanted: to know what a thing is, or to get rid of it. *What does CrashLoopBackOff mean?* is answered by an
explanation, *How do I debug CrashLoopBackOff?* by steps. Other intents are told apart by no closed list of words.
"""

from reflexd_core.meaning.contrast import Contrast
from reflexd_core.meaning.lexicon import word_set
from reflexd_core.meaning.wording import Wording

_MEANING = word_set("mean means meaning definition")
_WHAT_IS = (("what", "is"), ("what", "are"))
_WAYS = word_set(
    """way ways best easiest command syntax function method cause causes difference technique techniques remedy
    remedies solution solutions option options tip tips step steps"""
)
"""*What is the best way* asks for no explanation."""
_REPAIR = word_set("debug fix solve troubleshoot avoid prevent")


def intent(pair: Contrast) -> tuple[str, ...] | None:
    found = _told_apart(pair.stored, pair.asked)
    if found is None:
        found = _told_apart(pair.asked, pair.stored)
        return found[::-1] if found is not None else None
    return found


def _told_apart(one: Wording, other: Wording) -> tuple[str, str] | None:
    asks = _asks_what_it_is(one)
    repair = _REPAIR & other.bag
    if asks and repair and not _REPAIR & one.bag and not _asks_what_it_is(other):
        return asks, min(repair)
    return None


def _asks_what_it_is(wording: Wording) -> str | None:
    """The words that ask for it."""
    meaning = _MEANING & wording.bag
    if meaning:
        return min(meaning)
    begins = wording.words[:2]
    return " ".join(begins) if begins in _WHAT_IS and _WAYS.isdisjoint(wording.bag) else None
