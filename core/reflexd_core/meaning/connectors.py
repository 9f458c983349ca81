"""Which side of a connector a thing stands on: *before login* is not *after login*, and *copy to the server* not
*copy from the server*. *B after A* for *A before B* does no harm: it is another thing that follows the connector.

*To* and *from* count only beside the same verb of moving: *get a letter from him* and *write a letter to him* may be
one, as may *prices from* and *prices to*.
"""

from collections.abc import Mapping

from reflexd_core.meaning.contrast import Contrast
from reflexd_core.meaning.lexicon import word_set
from reflexd_core.meaning.wording import FUNCTION_WORDS, Wording

_TIMES = {"before": "before", "after": "after"}
_WAYS = {"to": "to", "into": "to", "onto": "to", "from": "from", "off": "from"}
_MOVING = word_set(
    """copy copying scp rsync move moving send transfer sync redirect migrate migrating switch cp forward connect
    connecting pipe write add append restore deploy ship fly travel"""
)
_VERBS = word_set(
    """convert turn change make get use find add create remove delete merge rename move copy write read run set
    build install show hide print call pass start stop open close send check fix avoid keep put take go do have
    be see know"""
)
"""After *to* these are what is to be done, and no place."""
_PRONOUNS = word_set("he she they him her them his their its")
_REACH = 3
"""Words after a connector in which the thing that it leads to is looked for."""


def connectors(pair: Contrast) -> tuple[str, ...] | None:
    found = _one_sided(pair, _TIMES)
    if found is None and _MOVING & pair.stored.bag & pair.asked.bag:
        found = _other_side(pair, _WAYS)
    return found


def _one_sided(pair: Contrast, connectors: Mapping[str, str]) -> tuple[str, ...] | None:
    """As `_other_side`, where each question has one of the connectors only (*before lunch or after it?*)."""
    for wording in (pair.stored, pair.asked):
        if len({connectors[word] for word in wording.bag & connectors.keys()}) != 1:
            return None
    return _other_side(pair, connectors)


def _other_side(pair: Contrast, connectors: Mapping[str, str]) -> tuple[str, ...] | None:
    stored, asked = _led_to(pair.stored, connectors), _led_to(pair.asked, connectors)
    for thing in sorted(stored.keys() & asked.keys()):
        if len(stored[thing]) == len(asked[thing]) == 1 and stored[thing] != asked[thing]:
            return f"{min(stored[thing])} {thing}", f"{min(asked[thing])} {thing}"
    return None


def _led_to(wording: Wording, connectors: Mapping[str, str]) -> dict[str, set[str]]:
    """The first content word after each connector, and all the connectors that lead to it."""
    words = wording.words
    found: dict[str, set[str]] = {}
    for at, word in enumerate(words):
        connector = connectors.get(word)
        if connector is None or (word == "to" and words[at + 1 : at + 2] and words[at + 1] in _VERBS):
            continue
        for after in words[at + 1 : at + 1 + _REACH]:
            if after in connectors:
                break
            if after not in FUNCTION_WORDS and after not in _PRONOUNS:
                found.setdefault(after, set()).add(connector)
                break
    return found
