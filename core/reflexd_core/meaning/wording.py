"""A question as the guards see it: its tokens in order, the words it is about, and what it names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reflexd_core.meaning.lexicon import ALIASES, LOOSE, SIGNS, word_set
from reflexd_core.meaning.names import NAMES
from reflexd_core.meaning.things import THINGS
from reflexd_core.meaning.tokens import Kind, Reader, canonical

WINDOW = 8_192
"""Characters looked at; a longer question is not compared by meaning at all (see `eligibility`)."""
FUNCTION_WORDS = word_set(
    """a an the in of to i my do how for is with and it on that be what does why are when which at from by can u
    you we me please so as or this if was will would should could did has have had am into there their its one
    some any get want need use using give tell show explain write make help"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    words: tuple[str, ...]
    """Canonical, in order."""
    kinds: tuple[Kind, ...]
    raw: tuple[str, ...]
    """As typed, one for each word; empty for what a contraction or a unit was split into."""
    bag: frozenset[str]
    content: frozenset[str]
    """The bag without words that carry no subject (see `FUNCTION_WORDS`)."""
    names: frozenset[tuple[str, str]]
    """Kind and name of every closed-kind name."""
    compounded: frozenset[str]
    """Words that are part of a hyphenated one."""
    literals: Mapping[Kind, frozenset[str]]
    """What is not a plain word, by kind; a kind without any is left out."""


_SPAN = re.compile(
    r"(?P<fence>(?<!`)`{3,}+|(?<!~)~{3,}+)[^\n]*+\n(?P<code>.*?)(?:(?P=fence)|\Z)"
    r"|`(?P<tick>[^`\n]{1,400})`|\"(?P<double>[^\"\n]{1,400})\"|(?<![\w'])'(?P<single>[^'\n]{1,400})'(?!\w)",
    re.DOTALL,
)


def read_wording(text: str) -> Wording:
    text = text[:WINDOW]
    if not text.isascii():
        text = text.translate(SIGNS)
    reader = Reader()
    if "`" in text or '"' in text or "'" in text or "~" in text:
        end = 0
        for match in _SPAN.finditer(text):
            reader.read(text[end : match.start()])
            end = match.end()
            code = match.group("code")
            if code is not None:
                code = " ".join(code.split())
                reader.put(code, Kind.CODE, code)
            else:
                reader.read(match.group(match.lastgroup or 0))
        text = text[end:]
    reader.read(text)
    _join_names(reader)
    bag = frozenset(reader.words)
    return Wording(
        words=tuple(reader.words),
        kinds=tuple(reader.kinds),
        raw=tuple(reader.raw),
        bag=bag,
        content=bag - FUNCTION_WORDS,
        names=frozenset(name for word in bag & _NAMED.keys() for name in _NAMED[word]),
        compounded=frozenset(reader.compounded),
        literals=_literals(reader),
    )


def _literals(reader: Reader) -> Mapping[Kind, frozenset[str]]:
    found: dict[Kind, frozenset[str]] = {}
    for kind in set(reader.kinds):
        if kind is not Kind.WORD:
            found[kind] = frozenset(word for word, its in zip(reader.words, reader.kinds, strict=True) if its is kind)
    return found


_NAMED = {**THINGS, **NAMES}


def _heads() -> dict[str, list[tuple[tuple[str, ...], str]]]:
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name in (*NAMES, *ALIASES, *LOOSE):
        head, *rest = map(canonical, name.split())
        if rest:
            found.setdefault(head, []).append((tuple(rest), canonical(name)))
    for tails in found.values():
        tails.sort(key=lambda tail: -len(tail[0]))
    return found


_HEADS = _heads()
"""First word of a name of several to the rest of it, longest first."""


def _join_names(reader: Reader) -> None:
    words = reader.words
    if _HEADS.keys().isdisjoint(words):
        return
    at = 0
    while at < len(words):
        for rest, name in _HEADS.get(words[at], ()):
            end = at + 1 + len(rest)
            if tuple(words[at + 1 : end]) == rest:
                words[at:end] = [name]
                reader.kinds[at:end] = [Kind.WORD]
                reader.raw[at:end] = [" ".join(reader.raw[at:end])]
                break
        at += 1
