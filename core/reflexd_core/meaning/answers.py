"""An answer as the comparison of answers sees it: its code, the marks in it that decide, what its first words claim.

A *mark* is a token of code that is not of the writer's own choosing: a command, a flag, a number, a function, an
attribute, a keyword. Names of variables and the contents of strings are the writer's, and say little.

Every pattern is linear: repetitions are possessive or bounded, and the text is cut to a window first.
"""

import re
from dataclasses import dataclass

from reflexd_core.meaning.answer_words import (
    COMMON,
    COUNTED,
    LANGUAGES,
    NESTED,
    NO,
    SAME_LANGUAGE,
    SHELLS,
    TYPOGRAPHY,
    YES,
)

WINDOW = 32_768
"""Characters looked at; of a longer answer nothing is concluded from what it lacks."""


@dataclass(frozen=True, slots=True)
class Code:
    language: str
    """Empty where it is not told."""
    text: str
    """Without comments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    whole: bool
    """Whether the window held all of it."""
    code: tuple[Code, ...]
    """Blocks first, then what stands between backticks, each in order."""
    first: frozenset[str]
    """Marks of the first code that does not install something: what the answer proposes."""
    marks: frozenset[str]
    """Marks of all its code."""
    program: bool
    """Whether the first code is more than a snippet: it can be written in a hundred ways."""
    languages: frozenset[str]
    """Programming languages of its blocks."""
    opening: str | None
    """``yes`` or ``no``, where its first word says so."""
    numbers: tuple[str, ...]
    """Of the first paragraph, each once, in order."""
    names: frozenset[str]
    """Capitalised words of the first paragraph that do not begin a sentence."""
    words: frozenset[str]
    """In lower case."""
    remark: bool
    """Whether it is one paragraph of few words and no code."""

    @property
    def content(self) -> frozenset[str]:
        """Words that carry meaning."""
        return frozenset(word for word in self.words - COMMON - COUNTED.keys() if len(word) > 2)


_REMARK = 60
_SNIPPET = 7
"""Lines."""
_SETUP = re.compile(
    r"\s*+(?:\$ |!|%|sudo )?(?:(?:pip3?|npm|pnpm|yarn|apt|apt-get|brew|cargo|gem|composer|conda|go|python3? -m pip)"
    r" (?:install|add|get|require|i)\b|import |from \w+ import|(?:mkdir|cd|npx|git clone) )"
)
_TYPOGRAPHY = str.maketrans(TYPOGRAPHY)
_FENCE = re.compile(
    r"(?P<fence>(?<!`)`{3,}+|(?<!~)~{3,}+)[ \t]*+(?P<language>[\w+#.-]*+)[^\n]*+\n(?P<code>.*?)(?:(?P=fence)|\Z)",
    re.DOTALL,
)
_TICKS = re.compile(r"`([^`\n]{1,400})`")
_COMMENT = re.compile(
    r"/\*.{0,4000}?\*/|(?<![:\w\"'/])//[^\n]*+|(?:^|(?<=\s))(?:#|--)(?=\s)[^\n]*+|<!--.{0,4000}?-->",
    re.DOTALL | re.MULTILINE,
)
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.){0,400}\"|'(?:[^'\\\n]|\\.){0,400}'")
_WORD = re.compile(r"[^\W_][\w'+#-]*+")
_NUMBER = re.compile(r"(?<![\w.,])[+-]?\d++(?:[.,:]\d++)*")
_ITEM = re.compile(r"^\s{0,8}(?:\d{1,3}[.)]|[-*+•])\s", re.MULTILINE)
_SENTENCE_START = re.compile(r"(?:\A|[.!?:]\s|\n)[^\w\n]{0,8}")

_COMMAND = re.compile(r"\s*+(?:--?[a-z]|(?:\$ |sudo )?[a-z][\w.-]*+ ++[\w./:$<\"'~{*-])")
_STATEMENT = re.compile(r"[;{}]\s{0,80}$|\w\(")
_PATTERN = 80
"""Characters of code that may be one pattern."""
_FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*+")
_CODE_NUMBER = re.compile(r"(?<![\w.:])[+-]?\d++(?:[.:]\d++)*[A-Za-z%]{0,3}")
_SAMPLE = re.compile(r"[\[({][\s\d,.'\"-]{3,400}[\])}]")
_MARKS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"([A-Za-z_]\w*+!?+)(?=(?:::<[^>\n]{0,80}>)?\()",  # calls
        r"(?<=[\w)\]}>?!])(?:\.|::|->)([A-Za-z_]\w*+)",  # attributes
        r"(?<=[(,] )([A-Za-z_]\w*+)(?==(?!=))|(?<=[(,])([A-Za-z_]\w*+)(?==(?!=))",  # keyword arguments
        r"^[ \t]{0,40}([a-z][a-z-]*+)(?=:)",  # properties
        r"\b([A-Z][A-Z_0-9]++)\b",  # SQL, constants
        r"\b(not|null|None|nil|true|false|True|False|await|async|readonly|static|private|global|nonlocal)\b",
    )
)


def read_answer(text: str) -> Answer:
    whole = len(text) <= WINDOW
    text = text[:WINDOW].translate(_TYPOGRAPHY)
    blocks = [_code(match["language"].lower(), match["code"]) for match in _FENCE.finditer(text)]
    prose = _FENCE.sub("\n\n", text).strip()
    code = (*blocks, *(_code("", match[1]) for match in _TICKS.finditer(prose)))
    marks = [read_marks(each) for each in code]
    proposed = next((place for place, each in enumerate(blocks) if not _is_setup(each.text)), 0)
    lead = prose.partition("\n\n")[0]
    words = frozenset(word.lower().removesuffix("'s") for word in _WORD.findall(text))
    return Answer(
        whole=whole,
        code=code,
        first=marks[proposed] if marks else frozenset(),
        program=bool(code) and code[proposed].text.strip().count("\n") >= _SNIPPET,
        marks=frozenset[str]().union(*marks),
        languages=frozenset(each.language for each in blocks) & LANGUAGES,
        opening=_opening(lead),
        numbers=_numbers(lead),
        names=_names(lead),
        words=words,
        remark=not code and prose == lead and len(words) <= _REMARK,
    )


def read_marks(code: Code) -> frozenset[str]:
    """What of the code decides; of a pattern or a schedule, which has no words, the whole."""
    bare = _SAMPLE.sub(" ", _STRING.sub('""', code.text))
    found = {plain_number(number) for number in _CODE_NUMBER.findall(bare)}
    if code.language in SHELLS or (not code.language and _is_command(code.text)):
        found |= {*_FLAG.findall(bare), *_commands(bare)}
    else:
        found |= {match[match.lastindex or 0] for pattern in _MARKS for match in pattern.finditer(bare)}
    if not any(mark[-1:].isalpha() for mark in found):
        return frozenset({"".join(code.text.split())} - {""}) if len(code.text) <= _PATTERN else frozenset()
    return frozenset(found)


def plain_number(number: str) -> str:
    """``+1,000.0`` as ``1000``."""
    bare = re.sub(r",(?=\d{3}(?!\d))", "", number).lstrip("+")
    return re.sub(r"(?<=\d)\.0\Z", "", bare)


def _code(language: str, text: str) -> Code:
    return Code(SAME_LANGUAGE.get(language, language), _COMMENT.sub(" ", text))


def _opening(lead: str) -> str | None:
    match = _WORD.search(lead)
    word = match.group().lower() if match is not None else ""
    return "yes" if word in YES else "no" if word in NO else None


def _is_setup(text: str) -> bool:
    return all(_SETUP.match(line) for line in text.splitlines() if line.strip())


def _is_command(text: str) -> bool:
    return _COMMAND.match(text) is not None and _STATEMENT.search(text) is None


def _commands(bare: str) -> set[str]:
    """The words that say which program is to do what, such as ``docker container prune``."""
    found: set[str] = set()
    for command in re.split(r"[|;&\n]+|\$\(", bare):
        words: list[str] = []
        for word in command.split():
            if re.fullmatch(r"[A-Za-z][a-zA-Z0-9_.-]{0,60}", word) and word != "sudo":
                words.append(word)
            elif words and not word.startswith("-"):
                break
        found |= set(words[: 3 if " ".join(words[:2]) in NESTED else 2])
    return found


def _numbers(text: str) -> tuple[str, ...]:
    found = [*_NUMBER.findall(_ITEM.sub("", text)), *(w for w in _WORD.findall(text.lower()) if w in COUNTED)]
    return tuple(dict.fromkeys(COUNTED.get(number) or plain_number(number) for number in found))


def _names(text: str) -> frozenset[str]:
    starts = {match.end() for match in _SENTENCE_START.finditer(text)}
    found = (match for match in _WORD.finditer(text) if match.group()[0].isupper() and match.start() not in starts)
    names = (match.group().removesuffix("'s") for match in found)
    return frozenset(name for name in names if not name.isupper() and name.lower() not in COMMON)
