"""One entry as a whole, for people who look at it: its request put together again, its answer, its uses."""

import json
import sqlite3
import sys
from dataclasses import dataclass

from reflexd_core.canonical import JsonObject, Uncomparable
from reflexd_core.parts import join_request
from reflexd_core.unspaced import joined
from reflexd_io.memory import Answer
from reflexd_io.store import browse
from reflexd_io.store.browse import Listed
from reflexd_io.store.pairings import Audit, Label, audits_of, labels_of
from reflexd_io.store.rows import ANSWER_COLUMNS, PAIRING_COLUMNS, read_answer, read_pairing

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MOST = 200
"""Other wordings, labels and audits that are told of one entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Another question that the entry answers."""

    key: bytes
    question: str
    score: float | None
    similarity: float | None
    model: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What of an entry may be compared with another wording."""

    scope: bytes
    question: str
    expires: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    line: Listed
    answer: Answer
    request: JsonObject | None
    """None where it was not kept, or cannot be read again."""
    question: str
    """What the person said, as a whole."""
    means: Means | None
    wordings: list[Wording]
    """The newest first."""
    uses: dict[int, int]
    """How often it answered, by day since 1970."""
    labels: list[Label]
    audits: list[Audit]


def detail(connection: sqlite3.Connection, number: int, most: int = MOST) -> Detail | None:
    """None where it has gone. Raises `ValueError` for a row that no Reflex wrote."""
    lines = browse.lines_of(connection, [number])
    sql = f"SELECT {ANSWER_COLUMNS} FROM entries WHERE number = ?"  # noqa: S608 - a constant
    row = connection.execute(sql, (number,)).fetchone()
    if not lines or row is None:
        return None
    key, answer = read_answer(row)
    means = _means(connection, number)
    text = connection.execute("SELECT question FROM texts WHERE rowid = ?", (number,)).fetchone()
    uses = connection.execute("SELECT day, count FROM uses WHERE entry = ? ORDER BY day", (number,))
    return Detail(
        line=lines[0],
        answer=answer,
        request=request(connection, number),
        question=joined(text[0]) if text is not None and isinstance(text[0], str) else "",
        means=means,
        wordings=_wordings(connection, number, key, most),
        uses=dict(uses.fetchall()),
        labels=labels_of(connection, means.question, most) if means is not None else [],
        audits=audits_of(connection, key, most),
    )


def request(connection: sqlite3.Connection, number: int) -> JsonObject | None:
    """The entry's request, equal to what came; None where it cannot be put together again."""
    row = connection.execute("SELECT request FROM entries WHERE number = ?", (number,)).fetchone()
    try:
        listed = [(str(name), bytes.fromhex(digest)) for name, digest in json.loads(row[0])]
        parts: list[tuple[str, bytes]] = []
        for name, digest in listed:
            (body,) = connection.execute("SELECT body FROM parts WHERE hash = ?", (digest,)).fetchone()
            parts.append((name, zstd.decompress(body)))
        return join_request(parts) if parts else None
    except (TypeError, ValueError, RecursionError, Uncomparable, zstd.ZstdError):
        return None  # a damaged request costs a look at it, and nothing else


def _means(connection: sqlite3.Connection, number: int) -> Means | None:
    row = connection.execute("SELECT scope, question, expires FROM meanings WHERE entry = ?", (number,)).fetchone()
    return Means(scope=row[0], question=row[1], expires=row[2]) if row is not None else None


def _wordings(connection: sqlite3.Connection, number: int, key: bytes, most: int) -> list[Wording]:
    rows = connection.execute(
        f"SELECT {PAIRING_COLUMNS}, key, question FROM aliases WHERE entry = ? ORDER BY at DESC, key LIMIT ?",  # noqa: S608
        (number, most),
    )
    found: list[Wording] = []
    for *pairing, asked_key, question in rows:
        read = read_pairing(key, tuple(pairing))
        found.append(
            Wording(
                key=asked_key,
                question=question,
                score=read.score,
                similarity=read.similarity,
                model=read.model,
                reason=read.reason,
                at=read.at,
            )
        )
    return found
