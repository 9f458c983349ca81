"""Tokens: texts as the models read them, never cut, and what reading loses.

Two traps of the common tokenizer files are closed here. They cut and pad (that of the default models' origin at 128
tokens), so that two long questions with one beginning look equal: refused at start. And they take `[SEP]` or `[PAD]`
in a question for their own marks: here such a text is text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from reflexd_io.inference.errors import CannotCompare, UnusableModel

Ids = NDArray[np.int64]

MOST_CHARACTERS = 16_384
"""Longer texts are refused unread: turning 100 KB into tokens takes tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the models would see of a text."""

    count: int
    """Special tokens included."""
    unknown: bool
    """Whether something was read as `[UNK]`: unlike texts may then look alike."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text or a pair, ready to be fed; four rows of one length."""

    ids: Ids
    types: Ids
    content: Ids
    """1 for tokens of the first text, 2 for those of the second, 0 for special ones."""
    source: Encoding

    def __len__(self) -> int:
        return len(self.ids)


class Tokens:
    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        """Raises `UnusableModel` where the tokenizer cuts or pads."""
        if tokenizer.truncation is not None or tokenizer.padding is not None:
            raise UnusableModel("its tokenizer cuts or pads what it reads")
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self.max_tokens = max_tokens
        mark = tokenizer.model.unk_token if hasattr(tokenizer.model, "unk_token") else None
        self._unknown = None if mark is None else tokenizer.token_to_id(mark)
        many = "word " * (max_tokens + 1)
        if len(self._tokenizer.encode(many).ids) <= max_tokens:
            raise UnusableModel("its tokenizer cuts what it reads")

    def read(self, text: str) -> Reading:
        """How many tokens a text has. Raises `CannotCompare` for one that is far too long, or no text."""
        ids = self._encode(text).ids
        return Reading(len(ids), self._unknown in ids)

    def single(self, text: str) -> Encoded:
        """Raises `CannotCompare`."""
        return self._whole(self._encode(text))

    def pair(self, first: str, second: str) -> Encoded:
        """Raises `CannotCompare`."""
        encoded = self._whole(self._encode(first, second))
        for side in (1, 2):
            if side not in encoded.content:
                raise CannotCompare("the text has nothing to compare")
        return encoded

    def _encode(self, first: str, second: str | None = None) -> Encoding:
        if len(first) + len(second or "") > MOST_CHARACTERS:
            raise CannotCompare("the text is too long to be compared")
        try:
            return self._tokenizer.encode(first, second)
        except (TypeError, UnicodeError) as error:  # lone surrogates
            raise CannotCompare("the text is not valid Unicode") from error

    def _whole(self, encoding: Encoding) -> Encoded:
        if len(encoding.ids) > self.max_tokens:
            raise CannotCompare(f"{len(encoding.ids)} tokens, and the model reads {self.max_tokens} at once")
        content = np.array([0 if side is None else side + 1 for side in encoding.sequence_ids], np.int64)
        if not content.any():
            raise CannotCompare("the text has nothing to compare")
        return Encoded(np.array(encoding.ids, np.int64), np.array(encoding.type_ids, np.int64), content, encoding)


def load(path: Path, max_tokens: int) -> Tokens:
    """The tokenizer of a model of ours. Raises `UnusableModel`."""
    return Tokens(read_file(path), max_tokens)


def read_file(path: Path) -> Tokenizer:
    """Raises `UnusableModel`."""
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:
        what = "is missing" if not path.exists() else f"cannot be read ({error})"
        raise UnusableModel(f"{path}: the tokenizer {what}") from error


def padded(encoded: Sequence[Encoded]) -> dict[str, Ids]:
    """Four matrices (batch, longest): ``ids``, ``types``, ``content``, and ``mask``, 1 where there is a token."""
    shape = (len(encoded), max(map(len, encoded)))
    rows = {name: np.zeros(shape, np.int64) for name in ("ids", "types", "content", "mask")}
    for row, each in enumerate(encoded):
        length = len(each)
        rows["ids"][row, :length] = each.ids
        rows["types"][row, :length] = each.types
        rows["content"][row, :length] = each.content
        rows["mask"][row, :length] = 1
    return rows
