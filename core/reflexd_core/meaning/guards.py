"""Guards: differences that no rewording explains, whatever a model's score says.

Each guard refuses on its own evidence, and only where at least 95 % of its refusals are truly different questions, on
families that it was not written on: `packaging/models/measure_guards.py` prints that table and a test holds it. What
did not reach it is no guard: literals that must be equal as multisets (89 %), a name or a number on one side only
(89 to 94 %), a negation in another wording (92 %), one content word put for another (no better than chance).
"""

from collections.abc import Callable
from dataclasses import dataclass

from reflexd_core.meaning.connectors import connectors
from reflexd_core.meaning.contrast import Contrast, contrast, same_word
from reflexd_core.meaning.ends import opposites
from reflexd_core.meaning.intent import intent
from reflexd_core.meaning.literal_guards import flags, identifiers, raw, urls
from reflexd_core.meaning.names import WITHIN
from reflexd_core.meaning.order import roles
from reflexd_core.meaning.polarity import polarity
from reflexd_core.meaning.values import bounds, numbers, units
from reflexd_core.meaning.wording import Wording, read_wording

Guard = Callable[[Contrast], tuple[str, ...] | None]
"""The words that cannot both be meant, the stored question's first; None where the guard has nothing to say."""


@dataclass(frozen=True, slots=True)
class Refusal:
    guard: str
    words: tuple[str, ...]


def names(pair: Contrast) -> tuple[str, ...] | None:
    """Each side names something of one closed kind that the other does not name."""
    stored, asked = pair.stored.names - pair.asked.names, pair.asked.names - pair.stored.names
    if not stored or not asked:
        return None
    for kind, name in sorted(stored):
        others = [other for its, other in sorted(asked) if its == kind]
        if not others or any((name, other) in WITHIN or (other, name) in WITHIN for other in others):
            continue
        if not _spells(pair.asked, name) and not any(_spells(pair.stored, other) for other in others):
            return name, *others
    return None


def _spells(wording: Wording, name: str) -> bool:
    """Whether it has the name after all, misspelled or inside another one (``data.csv``, ``linux/amd64``)."""
    return any(name in word if len(word) > len(name) + 2 else same_word(name, word) for word in wording.content)


GUARDS: tuple[tuple[str, Guard], ...] = (
    ("raw", raw),
    ("url", urls),
    ("flag", flags),
    ("name", names),
    ("number", numbers),
    ("unit", units),
    ("bound", bounds),
    ("identifier", identifiers),
    ("opposite", opposites),
    ("polarity", polarity),
    ("roles", roles),
    ("connector", connectors),
    ("intent", intent),
)
"""In the order in which they are asked; the first that speaks is the reason."""


def refusal(stored: str, asked: str) -> Refusal | None:
    """Why the answer to ``stored`` cannot serve ``asked``, whatever their score; None where the score decides.

    Which of the two was stored does not matter, but for the order of the words.
    """
    if stored == asked:
        return None
    return refusal_between(read_wording(stored), read_wording(asked))


def refusal_between(stored: Wording, asked: Wording) -> Refusal | None:
    """As `refusal`, for wordings read before: one asked question meets several candidates."""
    pair = contrast(stored, asked)
    for guard, finds in GUARDS:
        words = finds(pair)
        if words is not None:
            return Refusal(guard, words)
    return None
