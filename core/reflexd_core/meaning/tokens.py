"""One text taken apart: words in one spelling each, numbers, flags, paths, identifiers, signs.

This reading is generous, since the guards ask what was meant: text-speak, common slips and aliases become the plain
word. Every pattern is linear: repetitions are possessive or bounded, and what was split off is never looked at again.
"""

import re
import unicodedata
from enum import StrEnum

from reflexd_core.meaning.lexicon import ALIASES, BRITISH, CONTRACTIONS, LOOSE, NUMBERS, SLIPS, word_set
from reflexd_core.meaning.names import NAMES


class Kind(StrEnum):
    WORD = "word"
    NUMBER = "number"
    FLAG = "flag"
    PATH = "path"
    URL = "url"
    IDENTIFIER = "identifier"
    SYMBOL = "symbol"
    CODE = "code"
    """A fenced block, as one token."""
    RAW = "raw"
    """Not ASCII: the verifier's tokenizer folds accents and knows few other scripts."""


_PIECE = re.compile(
    r"(?P<url>[a-zA-Z][a-zA-Z0-9+.-]{0,30}+://[^\s<>\"'`]+)"
    r"|(?P<email>[\w.+-]{1,64}+@[\w-]++(?:\.[\w-]+)+)"
    r"|(?P<flag>(?<![\w-])--?[A-Za-z][\w-]*+)"
    r"|(?P<escape>[\\%][A-Za-z])(?!\w)"
    r"|(?P<number>(?<![\w.])[+-]?(?:0[xX][0-9a-fA-F]++|v?\d++(?:[.,:]\d++)*(?![.,:]\d)(?:[eE][+-]?\d++)?))(?P<unit>[A-Za-z]{0,6})(?!\w)"
    r"|(?P<path>(?:~|\.{1,2}|(?<!\w))/[\w.@+-]++(?:/[\w.@+-]++)*/?|[A-Za-z]:\\[^\s\"'`]+|[\w.-]{1,255}+(?:/[\w.-]++){2,}"
    r"|[\w-]{1,255}+/[\w-]{1,255}+\.\w{1,6}\b)"
    r"|(?P<ident>[A-Za-z_$@]\w*+(?:(?:\.|::|->|\?\.)[A-Za-z_]\w*+)+(?:\(\))?|\w++\(\))"
    r"|(?P<sharp>[A-Za-z](?:\+\+|#)(?![A-Za-z_]))"
    r"|(?P<word>\w++(?:'\w+)*)"
    r"|(?P<symbol>[^\w\s]++)"
)
_EDGES = ".,;:!?'\"()[]{}`"
_OPERATOR = frozenset("-+*/=<>!&|^~%$#@?:.\\")
_LONE = frozenset("%$@^~\\")
"""Signs that mean something alone; the others separate words as often."""
_WHOLE = frozenset(name for name in (*NAMES, *ALIASES, *LOOSE) if not name.isalpha() and " " not in name) | {"wi-fi"}
"""Spellings with a dot, a plus or a hyphen in them that are one word."""
_BARE_SIGNS = frozenset({"??", "?.", "::", "!!"})
"""Operators only where they stand alone; else they end a sentence."""
_ARROWS = frozenset({"->", "-->", "=>"})
_TO = word_set("how when where want need way ways trying try like which what able used")
_VERSIONED = re.compile(r"([a-z]+?)(\d+(?:\.\d+)*)\Z")
_THOUSANDS = re.compile(r",(?=\d{3}(?!\d))")
_DIGITS = 9
"""Of a number before *thousand*."""
_ORDINALS = {"1st": "first", "2nd": "second", "3rd": "third", "4th": "fourth", "5th": "fifth", "6th": "sixth"}
_LETTER_BEFORE = word_set(
    """vitamin plan option hepatitis type grade drive part point class appendix axis step row column"""
)


_FOLDED = word_set(
    """cafe cafes naive fiance fiancee cliche decor facade creme brulee jalapeno apres soiree resume resumes"""
)
_GENERIC = word_set("dataframe dataframes github gitlab javascript typescript jsonpath oauth graphql devops webhook")
"""Words that are often written with a capital inside, and name nothing in particular."""
_SINGLE = {"go": "golang", "c": "c-language", "r": "r-language"}


def _canonical(word: str) -> str:
    word = ALIASES.get(word, word)
    word = BRITISH.get(word, word)
    return LOOSE.get(word, word)


_CANONICAL = {word: _canonical(word) for word in (*ALIASES, *BRITISH, *LOOSE)}


def canonical(word: str) -> str:
    """The one spelling of a word in small letters."""
    return _CANONICAL.get(word, word)


def unaccented(word: str) -> str:
    """As the verifier's tokenizer reads it."""
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if unicodedata.category(letter) != "Mn")


class Reader:
    """Collects tokens, text by text."""

    __slots__ = ("compounded", "kinds", "raw", "words")

    def __init__(self) -> None:
        self.words: list[str] = []
        self.kinds: list[Kind] = []
        self.raw: list[str] = []
        self.compounded: set[str] = set()
        """Words after a hyphen (``margin-left``, ``ssh-add``): a part of a name more often than a word."""

    def put(self, word: str, kind: Kind, raw: str) -> None:
        self.words.append(word)
        self.kinds.append(kind)
        self.raw.append(raw)

    def read(self, text: str) -> None:
        for chunk in text.split():
            bare = chunk.strip(".,;:!?()")
            if bare.isalpha() and bare.isascii():
                self.put_word(bare)
            else:
                self.read_pieces(chunk)

    def put_word(self, typed: str) -> None:
        lower = typed.lower()
        if lower in _SINGLE:
            lower = self.single(lower, typed)
        elif lower in SLIPS:
            for word in SLIPS[lower]:
                self.put(word, Kind.WORD, "")
            return
        elif lower in NUMBERS:
            self.put_number_word(lower, typed)
            return
        mixed = not (typed == lower or typed.isupper() or typed[1:].islower() or lower in NAMES or lower in _GENERIC)
        self.put(canonical(lower), Kind.IDENTIFIER if mixed else Kind.WORD, typed)

    def put_number_word(self, lower: str, typed: str) -> None:
        """``two thousand`` is one number."""
        value = NUMBERS[lower]
        before = self.words[-1] if self.kinds and self.kinds[-1] is Kind.NUMBER else ""
        if len(value) > 2 and before.isdecimal() and len(before) <= _DIGITS:
            self.words[-1] = str(int(before) * int(value))
        else:
            self.put(value, Kind.NUMBER, typed)

    def single(self, lower: str, typed: str) -> str:
        """``Go``, ``C``, ``R``: languages by their capitals, or right after ``in``."""
        before = self.words[-1] if self.words else ""
        if (typed[0].isupper() and before not in _LETTER_BEFORE and (self.words or lower != "go")) or before in (
            "in",
            "using",
        ):
            return _SINGLE[lower]
        return lower

    def read_pieces(self, chunk: str) -> None:
        whole = chunk.strip(",;:!?()'\"").rstrip(".").lower()
        if whole in _WHOLE:
            self.put(canonical(whole), Kind.WORD, chunk)
            return
        if chunk in _BARE_SIGNS:
            self.put(chunk, Kind.SYMBOL, chunk)
            return
        if "-" in whole:
            self.compounded.update(map(canonical, whole.split("-")))
        for match in _PIECE.finditer(chunk):
            piece = match.group()
            match match.lastgroup:
                case "word":
                    self.read_word(piece)
                case "unit":
                    self.read_number(match.group("number"), match.group("unit"), piece)
                case "flag" | "escape":
                    self.put(piece, Kind.FLAG, piece)
                case "url" | "email":
                    self.put(piece.rstrip(".,;:!?)]}").lower(), Kind.URL, piece)
                case "path":
                    self.put(piece.rstrip("./").lower(), Kind.PATH, piece)
                case "ident":
                    self.read_identifier(piece)
                case "sharp":
                    self.put(canonical(piece.lower()), Kind.WORD, piece)
                case _:
                    self.read_symbol(piece)

    def read_word(self, piece: str) -> None:
        lower = piece.lower()
        if "'" in lower:
            if lower in CONTRACTIONS:
                for word in CONTRACTIONS[lower]:
                    self.put(word, Kind.WORD, "")
                return
            piece, lower = piece.removesuffix("'s"), lower.removesuffix("'s")
            if "'" in lower:
                self.put(lower, Kind.WORD, piece)
                return
        if not lower.isascii():
            self.put_accented(lower, piece)
        elif lower.isalpha():
            self.put_word(piece)
            if len(piece) == 1:
                self.raw[-1] = ""  # a part of something, such as an X-ray: no letter for itself
        elif lower in _ORDINALS:
            self.put(_ORDINALS[lower], Kind.WORD, piece)
        else:
            found = _VERSIONED.match(lower)
            if found is not None and canonical(found.group(1)) in NAMES:
                self.put_word(found.group(1))
                self.put(found.group(2), Kind.NUMBER, found.group(2))
            else:
                self.put(canonical(lower), Kind.IDENTIFIER, piece)

    def put_accented(self, lower: str, piece: str) -> None:
        """A name is written without its accents as often (``Sigur Ros``); in any other word they tell it apart."""
        folded = unaccented(lower)
        if folded.isascii() and len(folded) > 2 and folded.isalpha() and (piece[0].isupper() or folded in _FOLDED):
            self.put_word(folded)
        else:
            self.put(lower, Kind.RAW, piece)

    def read_identifier(self, piece: str) -> None:
        lower = piece.lower()
        if lower in _WHOLE:
            self.put(canonical(lower), Kind.WORD, piece)
        else:
            self.put(lower.removesuffix("()").lstrip("$@"), Kind.IDENTIFIER, piece)

    def read_number(self, digits: str, unit: str, piece: str) -> None:
        unit = unit.lower()
        if digits + unit in _ORDINALS:
            self.put(_ORDINALS[digits + unit], Kind.WORD, piece)
            return
        if digits == "2" and not unit and self.words and self.words[-1] in _TO:
            self.put("to", Kind.WORD, piece)
            return
        value = _THOUSANDS.sub("", digits.lstrip("v+")).removesuffix(":00")
        if ":" in value or value.isdigit():
            value = value.lstrip("0") or "0"
        if unit == "k":
            value, unit = value + "000", ""
        self.put(value, Kind.NUMBER, piece)
        if unit:
            self.put(canonical(unit), Kind.WORD, "")

    def read_symbol(self, piece: str) -> None:
        piece = piece.strip(_EDGES)
        if not piece.isascii():
            self.put(piece, Kind.RAW, piece)
        elif piece in _ARROWS:
            self.put("to", Kind.WORD, piece)
        elif canonical(piece) != piece:
            self.put(canonical(piece), Kind.WORD, piece)
        elif _OPERATOR.issuperset(piece) and (len(piece) > 1 or piece in _LONE):
            self.put(piece, Kind.SYMBOL, piece)
