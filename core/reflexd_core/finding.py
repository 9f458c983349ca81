"""Finding: what a person types to find stored questions and answers, read into words that must and must not occur.

The syntax is small and our own: ``words``, ``"a phrase"``, ``prefix*`` and ``-without``. Whatever else stands in it
is only text, so nothing that is typed can be an error of the search engine below; what cannot be understood at all
is told with the place where it stands.
"""

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 1000
"""Characters of a query; more than that was hardly typed."""
MOST = 32
"""Words and phrases of a query."""

_TERM = re.compile(r'(?P<not>-?)(?:"(?P<phrase>[^"]*)(?P<end>"?)|(?P<word>[^\s"]+))')


class Misread(ValueError):  # noqa: N818 - it says what became of the query
    """The query cannot be understood."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at
        """The place in the query, in characters from its beginning."""


@dataclass(frozen=True, slots=True)
class Term:
    text: str
    """A word, or a phrase whose words follow each other."""
    is_prefix: bool = False
    """Whether the (last) word only begins so."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must occur, all of it, and what must not."""

    present: tuple[Term, ...]
    absent: tuple[Term, ...] = ()


def read_wanted(text: str) -> Wanted | None:
    """What is looked for; None where nothing was typed. Raises `Misread`."""
    if not text.strip():
        return None
    if len(text) > LONGEST:
        raise Misread(f"a search has {LONGEST} characters at most", LONGEST)
    present: list[Term] = []
    absent: list[Term] = []
    first_absent = 0
    for found in _TERM.finditer(text):
        term = _term_of(found)
        if term is None:
            continue
        if found["not"]:
            first_absent = first_absent if absent else found.start()
            absent.append(term)
        else:
            present.append(term)
        if len(present) + len(absent) > MOST:
            raise Misread(f"a search has {MOST} words at most", found.start())
    if not present and absent:
        raise Misread("there must be a word to be found before others can be left out", first_absent)
    if not present:
        raise Misread("there is no letter or digit to look for", len(text) - len(text.lstrip()))
    return Wanted(tuple(present), tuple(absent))


def _term_of(found: "re.Match[str]") -> Term | None:
    """None where there is nothing in it that a search could find, such as a lone dash."""
    phrase, word = found["phrase"], found["word"]
    if phrase is not None:
        if not found["end"]:
            raise Misread("this quotation mark is never closed", found.start("phrase") - 1)
        return Term(phrase) if is_searchable(phrase) else None
    is_prefix = word.endswith("*")
    word = word.rstrip("*") if is_prefix else word
    # The search engine cuts words at punctuation, so a prefix counts only where a letter or digit stands before it.
    return Term(word, is_prefix and is_searchable(word[-1:])) if is_searchable(word) else None


def is_searchable(text: str) -> bool:
    """Whether a search engine finds a word in it: letters, digits and private characters make words."""
    return any(unicodedata.category(char)[0] in "LN" or unicodedata.category(char) == "Co" for char in text)
