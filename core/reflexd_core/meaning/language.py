"""Whether a question is in English, the one language that was measured. Cheap and one-sided: a query of bare keywords
(``css centre div``, ``git undo last commit``) names no language and passes; what speaks another one does not.
"""

import re
import unicodedata

from reflexd_core.meaning.lexicon import word_set

_STRONG = word_set(
    """ich nicht und wie eine einen einem einer wird warum kann für auf dass oder aus bei zum zur sind wenn aber
    meine mein kein keine über nach una uno unos unas cómo como qué cuál cuando dónde porque puedo está estoy
    hacer entre sobre quiero une dans avec pourquoi puis quel quelle c'est j'ai sont cette nous vous il elle della
    nel sono perché quale posso gli delle degli questo questa não uma você são isso fazer meu minha een niet voor
    mijn waarom och att är inte hur jag för det jak czy nie się dlaczego mogę bir nasil neden değil"""
)
"""Words that English hardly ever has, names and abbreviations included."""
_WEAK = word_set(
    """de la el le en un du di da das der den dem los las del al y et e o se su si ne pas que van por para het je"""
)
_ENGLISH = word_set(
    """the a an of to in on for is are was be do does did how what why when where which who can could should would
    i my me you your it its this that with without from by and or not no if as at than into between vs using use"""
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_FOREIGN_SHARE = 0.2
_SHOWN = 800
"""Characters looked at; a language shows early."""


def speaks_another_language(text: str) -> bool:
    """For a question's `prose`."""
    text = text[:_SHOWN]
    if not text.isascii():
        if "¿" in text or "¡" in text:
            return True
        letters = [letter for letter in text if letter.isalpha()]
        foreign = sum(
            not (letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")) for letter in letters
        )
        if foreign > 2 and foreign > _FOREIGN_SHARE * len(letters):
            return True
    words = _WORD.findall(text)
    weight = sum(2 if word in _STRONG else word in _WEAK for word in words)
    return weight >= 3 and weight > 2 * sum(word in _ENGLISH for word in words)
