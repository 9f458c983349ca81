"""Files of pairs, as `reflexd judge` and `reflexd eval` read them: JSON Lines, gzipped or not, a line at a time.

Decision: a line that cannot be used ends the reading with an error that names it; skipping it would shift every line
of the output that follows. Empty lines are no pairs and are passed over.
"""

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")
Row = Mapping[str, object]

_GZIP = b"\x1f\x8b"
_LONGEST = 4 * 1024 * 1024
"""Bytes of one line; whatever is longer is no pair of questions."""


class BadPairs(Exception):  # noqa: N818 - it says what the file is
    """The file cannot be read, or a line of it; the message names both."""


@dataclass(frozen=True, slots=True)
class Pair:
    a: str
    """The question that an answer is stored for."""
    b: str
    """The question asked."""


@dataclass(frozen=True, slots=True)
class LabelledPair(Pair):
    label: bool
    unit: str
    """What the pair belongs to; the pair itself where the file does not say."""
    named: bool
    """Whether the file says so."""


def read_pairs(name: str) -> Iterator[Pair]:
    """The pairs of a file, or of stdin (``-``). Raises `BadPairs`."""
    return _read(name, lambda _, row: Pair(_text(row, "a"), _text(row, "b")))


def read_labelled(name: str) -> Iterator[LabelledPair]:
    """As `read_pairs`, with ``label`` (1 or 0, true or false) and, where it stands there, ``unit`` or ``group``."""
    return _read(name, _labelled)


def in_batches(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """What came before a bad line is handed on before the error is."""
    batch: list[T] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
    except BadPairs:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _labelled(number: int, row: Row) -> LabelledPair:
    label = row.get("label")
    if label not in (0, 1):
        raise ValueError("label must be 0 or 1")
    unit = row.get("unit", row.get("group"))
    named = unit is not None
    return LabelledPair(_text(row, "a"), _text(row, "b"), label == 1, str(unit) if named else f"#{number}", named)


def _text(row: Row, field: str) -> str:
    value = row.get(field)
    if not isinstance(value, str):
        raise ValueError(f"{field} must be a text" if field in row else f"there is no field {field}")
    return value


def _read(name: str, parse: Callable[[int, Row], T]) -> Iterator[T]:
    place, number = "stdin" if name == "-" else name, 0
    with ExitStack() as stack:
        try:
            file = _opened(name, stack)
            while line := file.readline(_LONGEST + 1):
                number += 1
                if len(line) > _LONGEST:
                    raise ValueError(f"longer than {_LONGEST} bytes")
                if line.strip():
                    yield parse(number, _row(line if number > 1 else line.removeprefix(b"\xef\xbb\xbf")))
        except (OSError, EOFError, zlib.error) as error:  # gzip's errors are of all three
            where = f"{place}, after line {number}" if number else place
            raise BadPairs(f"{where}: {getattr(error, 'strerror', None) or error}") from error
        except ValueError as error:
            raise BadPairs(f"{place}, line {number}: {error}") from error


def _row(line: bytes) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error})") from error
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    return row


def _opened(name: str, stack: ExitStack) -> BufferedReader | gzip.GzipFile:
    """By its first bytes, not by its name: what comes through a pipe has none."""
    raw = sys.stdin.buffer if name == "-" else stack.enter_context(Path(name).open("rb"))  # noqa: SIM115 - it is closed
    reader = cast("BufferedReader", raw)
    return stack.enter_context(gzip.GzipFile(fileobj=reader)) if reader.peek(2)[:2] == _GZIP else reader
