"""Tauq's tokens, one at a time: the text is never held twice, and a text of any size is read in one pass.

Every pattern is possessive, so a text that is no Tauq fails where it goes wrong instead of being tried again.
"""

import re
from enum import Enum, auto

from reflexd_core.canonical import Scalar
from reflexd_core.tauq.words import BLANK, LITERALS, SPECIAL, Unfit, number_of

DEEPEST = 100
"""Lists and objects that may be open at once, as in the reference."""
LARGEST = 100 * 1024 * 1024
"""Characters of a text above which it is not read; the reference's limit in bytes."""


class TauqError(ValueError):
    """The text is not Tauq. Line and column are counted from 1, the column in characters."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {problem}")
        self.problem = problem
        self.line = line
        self.column = column


class Kind(Enum):
    NAME = auto()
    LITERAL = auto()
    """A number, ``true``, ``false`` or ``null``."""
    STRING = auto()
    DIRECTIVE = auto()
    DASHES = auto()
    COLON = auto()
    OPEN_LIST = auto()
    CLOSE_LIST = auto()
    OPEN_OBJECT = auto()
    CLOSE_OBJECT = auto()
    BREAK = auto()
    """A line's end or a semicolon."""
    END = auto()


_SIGNS = {
    "---": Kind.DASHES,
    ":": Kind.COLON,
    "[": Kind.OPEN_LIST,
    "]": Kind.CLOSE_LIST,
    "{": Kind.OPEN_OBJECT,
    "}": Kind.CLOSE_OBJECT,
    "": Kind.END,
}
_PATTERN = re.compile(
    rf"""
    [{BLANK}]*+ (?:\#[^\n]*+)?+
    (?: (?P<name> [^0-9+.iInNtf!{SPECIAL}-] [^{SPECIAL}]*+ )
      | (?P<integer> -?[0-9]{{1,18}} (?![^{SPECIAL}]) )
      | "(?P<string> [^"\\]*+ (?:\\.[^"\\]*+)*+ )"
      | (?P<sign> --- | [:\[\]{{}}] | \Z )
      | (?P<end> [\n;] (?: [\n;{BLANK}]++ | \#[^\n]*+ )*+ )
      | !(?P<directive> \w*+ )
      | (?P<word> [^{SPECIAL}]++ )
      | (?P<stray> . )
    )
    """,
    re.DOTALL | re.VERBOSE,
)
"""Matches anywhere, so that one match begins where the last has ended. What is surely a name or an integer is known
by its shape, and only the rest is asked about."""
_NAME, _INTEGER, _STRING, _SIGN, _BREAK, _DIRECTIVE, _WORD = range(1, 8)
_COLON = re.compile(rf"[{BLANK}]*+:")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}


class Scanner:
    """Stands on one token of the text, the first to begin with. Raises `TauqError` on what is no token."""

    __slots__ = ("_match", "_matches", "_text", "kind", "value")

    def __init__(self, text: str) -> None:
        self._text = text
        self.kind = Kind.BREAK
        self.value: Scalar = None
        """What a literal means; the text of a name, a string or a directive."""
        if len(text) > LARGEST:
            raise TauqError(f"the text is longer than {LARGEST} characters", 1, 1)
        self._matches = _PATTERN.finditer(text)
        self._match = next(self._matches)
        self._look()

    def advance(self) -> None:
        """Go to the next token. There is none behind `Kind.END`."""
        self._match = next(self._matches)
        self._look()

    @property
    def start(self) -> int:
        """Where the token begins."""
        group = self._match.lastindex or _SIGN
        return self._match.start(group) - (group in (_STRING, _DIRECTIVE))

    def _look(self) -> None:
        match = self._match
        group = match.lastindex
        found = match[group or _SIGN]
        if group == _NAME:
            self.kind, self.value = Kind.NAME, found
        elif group == _INTEGER:
            self.kind, self.value = Kind.LITERAL, int(found)
        elif group == _STRING:
            self.kind, self.value = Kind.STRING, _unescaped(found) if "\\" in found else found
        elif group == _SIGN:
            self.kind = _SIGNS[found]
        elif group == _BREAK:
            self.kind = Kind.BREAK
        elif group == _WORD:
            self._classify(found)
        elif group == _DIRECTIVE:
            self.kind, self.value = Kind.DIRECTIVE, found
        else:
            raise self._stray(found)

    def take(self, kind: Kind) -> bool:
        """Step over the token if it is of this kind."""
        found = self.kind is kind
        if found:
            self.advance()
        return found

    def colon_follows(self) -> bool:
        """Whether the next token is a colon, which makes this one a field's name within a row."""
        return _COLON.match(self._text, self._match.end()) is not None

    def error(self, problem: str, at: int | None = None) -> TauqError:
        """The problem with its place: this token's, or the one that is given."""
        line, column = self.place(self.start if at is None else at)
        return TauqError(problem, line, column)

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a place in the text, found only when somebody is to be told."""
        return self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at)

    def shown(self) -> str:
        """The token as an error names it."""
        match self.kind:
            case Kind.END:
                return "the end of the text"
            case Kind.BREAK:
                return "';'" if self._text[self.start] == ";" else "the end of the line"
            case Kind.DIRECTIVE:
                return f"the directive !{self.value}"
            case _:
                word = self._text[self.start : self._match.end()]
                return repr(word if len(word) <= 40 else f"{word[:40]}…")

    def _classify(self, word: str) -> None:
        if word in LITERALS:
            self.kind, self.value = Kind.LITERAL, LITERALS[word]
            return
        try:
            number = number_of(word)
        except Unfit as error:
            raise self.error(str(error)) from error
        if number is None:
            self.kind, self.value = Kind.NAME, word
        else:
            self.kind, self.value = Kind.LITERAL, number

    def _stray(self, found: str) -> TauqError:
        if found == '"':
            return self.error("the string that begins here has no closing quote")
        return self.error(f"U+{ord(found):04X} is white space that separates nothing; quote it")


def _unescaped(text: str) -> str:
    """Tauq's five escapes; a backslash before anything else is a backslash."""
    return _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[0]), text)
