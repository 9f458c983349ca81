"""Literals that cannot both be meant. A literal on one side only proves nothing: people show an example, paste an
error, name a class, and ask the same. Two different ones in the same place are two questions.
"""

from reflexd_core.meaning.contrast import Contrast, same_word
from reflexd_core.meaning.tokens import Kind, unaccented
from reflexd_core.meaning.values import neighbours
from reflexd_core.meaning.wording import Wording

_ALIKE = 0.4
"""Share of common content words from which on two literals stand in one place."""
_SAID_BIG = frozenset("aAcCiIrR")
"""Letters that are words or languages, in either case."""
_ACCENTS = frozenset({"acute", "grave", "accent", "accents", "umlaut", "circumflex", "tilde", "cedilla"})
"""One of these says in words what a letter shows."""
_SAID_SMALL = frozenset({"a", "i"})


def raw(pair: Contrast) -> tuple[str, ...] | None:
    """What the verifier's tokenizer folds or does not know is compared as it stands: fenced code, accents, other
    scripts, emoji, the case of a lone letter (``x`` and ``X`` in Vim). A sign on one side alone it sees by itself."""
    stored, asked = pair.only(Kind.CODE)
    if stored or asked:
        return *sorted(stored), *sorted(asked)
    stored, asked = pair.only(Kind.RAW)
    shared = pair.stored.literals.get(Kind.RAW, frozenset()) & pair.asked.bag
    if pair.stored.bag & _ACCENTS or pair.asked.bag & _ACCENTS:
        return None
    if (stored and asked and not shared) or _folded(stored) & pair.asked.bag or _folded(asked) & pair.stored.bag:
        return *sorted(stored), *sorted(asked)
    if pair.stored.bag != pair.asked.bag:
        return None
    one, other = _letters(pair.stored), _letters(pair.asked)
    turned = sorted(letter for letter in one - other if letter.swapcase() in other - one)
    return (turned[0], turned[0].swapcase()) if turned else None


def _folded(words: frozenset[str]) -> frozenset[str]:
    return frozenset(unaccented(word) for word in words) - _SAID_SMALL


def _letters(wording: Wording) -> set[str]:
    return {typed for typed in wording.raw if len(typed) == 1 and typed.isalpha()} - _SAID_BIG


def urls(pair: Contrast) -> tuple[str, ...] | None:
    stored, asked = pair.only(Kind.URL)
    return (*sorted(stored), *sorted(asked)) if stored and asked else None


def flags(pair: Contrast) -> tuple[str, ...] | None:
    """Case counts: ``-d`` is not ``-D``."""
    stored, asked = pair.only(Kind.FLAG)
    if any(_slip(one, other) for one in stored for other in asked):
        return None
    return _in_one_place(pair, stored, asked)


def _slip(one: str, other: str) -> bool:
    """A misspelled long flag, or the short one written longer (``-v`` and ``--verbose``, ``-j`` and ``-j8``)."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) == 2 and len(longer) > 2:
        return longer.lstrip("-").startswith(shorter[1])
    return len(shorter) > 3 and same_word(one, other)


_ANY_ERROR = frozenset(
    {"exception", "domexception", "runtimeexception", "runtimeerror", "oserror", "ioerror", "importerror"}
)
"""Errors of which another one is a sort."""
_NAMING = frozenset({Kind.IDENTIFIER, Kind.PATH, Kind.SYMBOL})


def identifiers(pair: Contrast) -> tuple[str, ...] | None:
    """Names of one sort: an exception is compared with exceptions, a path with paths, an operator with operators."""
    for kind in sorted(_NAMING):
        stored, asked = pair.only(kind)
        if stored and asked:
            stored, asked = _unknown(stored, pair.asked), _unknown(asked, pair.stored)
            for of_errors in (False, True):
                found = _in_one_place(pair, _errors(stored, of_errors), _errors(asked, of_errors), of_errors)
                if found is not None and not any(same_word(one, other) for one in stored for other in asked):
                    return found
    return None


def _errors(tokens: frozenset[str], wanted: bool) -> frozenset[str]:
    return frozenset(token for token in tokens if token.endswith(("error", "exception", "warning")) is wanted)


def _in_one_place(
    pair: Contrast, stored: frozenset[str], asked: frozenset[str], anywhere: bool = False
) -> tuple[str, ...] | None:
    """Both, if they stand beside the same word or the rest is much the same, or ``anywhere``."""
    if not stored or not asked:
        return None
    if anywhere and not (stored | asked) & _ANY_ERROR:
        return *sorted(stored), *sorted(asked)
    if pair.likeness >= _ALIKE or neighbours(pair.stored, stored) & neighbours(pair.asked, asked):
        return *sorted(stored), *sorted(asked)
    return None


def _unknown(tokens: frozenset[str], other: Wording) -> frozenset[str]:
    """Those the other does not spell in any way, apart or together."""
    said = _letters_of("".join(other.words))
    return frozenset(token for token in tokens if not (spelled := _letters_of(token)) or spelled not in said)


def _letters_of(text: str) -> str:
    return "".join(filter(str.isalnum, text))
