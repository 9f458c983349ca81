"""Records: how an answer, its request and its meaning become rows of a tenant's file."""

import json
import sqlite3
import sys
from dataclasses import dataclass

from reflexd_core.canonical import Uncomparable, read_json
from reflexd_core.dialects import DIALECTS
from reflexd_core.parts import Part, split_request
from reflexd_core.policy import KeepRequest
from reflexd_core.unspaced import cut
from reflexd_io import codings
from reflexd_io.memory import Answer
from reflexd_io.store import meaning
from reflexd_io.store.meaning import Meaning
from reflexd_io.store.rows import storable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_BY_NAME = {dialect.name: dialect for dialect in DIALECTS}

_REQUEST_LIMIT = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One answer on its way to disk."""

    key: bytes
    answer: Answer
    upstream: str
    exact_only: bool
    scope: bytes | None
    request: bytes
    """The request's body as it came."""
    request_coding: str | None
    keep: KeepRequest = KeepRequest.FULL
    """How much of the request is written down."""
    question: str = ""
    """What a person sees of the request, where the request itself is not at hand."""
    meaning: Meaning | None = None
    """What another wording may be compared with; None for an entry that answers its own only."""


def insert(connection: sqlite3.Connection, record: Record) -> None:
    """Write the record in the caller's transaction; an entry or an alias of the same key is replaced.

    What was pinned stays so: it is the question that somebody wants answered for good, and this is its answer now.
    """
    held = connection.execute("SELECT pinned FROM entries WHERE key = ?", (record.key,)).fetchone()
    pinned = held is not None and bool(held[0])
    remove(connection, [record.key])
    connection.execute("DELETE FROM aliases WHERE key = ?", (record.key,))
    facts, usage = record.answer.facts, record.answer.facts.usage
    parts, question = _request_parts(record)
    number = next_number(connection)
    answer = _BY_NAME[facts.dialect].answer_text(facts.form, record.answer.recorded)
    connection.execute(  # before its row, which says by it where it stands among all questions
        "INSERT INTO texts (rowid, question, answer) VALUES (?, ?, ?)",
        (number, cut(storable(question)), cut(storable(answer))),
    )
    connection.execute(
        """
        INSERT INTO entries (number, key, dialect, upstream, model, form, created, expires, used, has_usage,
            asked_usage, input_tokens, output_tokens, cached_tokens, exact_only, scope, headers, answer, size,
            request, pinned, lapses)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            number,
            record.key,
            facts.dialect,
            record.upstream,
            facts.model,
            facts.form.value,
            facts.created,
            None if pinned else facts.expires,
            facts.created,
            facts.has_usage,
            facts.asked_usage,
            usage.input if usage else None,
            usage.output if usage else None,
            usage.cached_input if usage else None,
            record.exact_only,
            record.scope,
            json.dumps([[name.decode("latin-1"), value.decode("latin-1")] for name, value in record.answer.headers]),
            zstd.compress(record.answer.recorded),
            len(record.answer.recorded),
            json.dumps([[part.name, part.hash.hex()] for part in parts]),
            pinned,
            facts.expires if pinned else None,
        ),
    )
    connection.executemany(
        "INSERT INTO parts (hash, body, uses) VALUES (?, ?, 1) ON CONFLICT (hash) DO UPDATE SET uses = uses + 1",
        [(part.hash, zstd.compress(part.body)) for part in parts],
    )
    if record.meaning is not None:
        meaning.insert(connection, number, record.meaning)


def next_number(connection: sqlite3.Connection) -> int:
    """A number that no entry of the file ever had."""
    row = connection.execute(
        "UPDATE numbers SET last = max(last, (SELECT coalesce(max(number), 0) FROM entries)) + 1 RETURNING last"
    ).fetchone()
    return int(row[0])


def remove(connection: sqlite3.Connection, keys: list[bytes]) -> None:
    """Delete entries, their texts, and the request parts that nothing else holds; unknown keys are ignored.

    What an entry means, and the aliases that it answers, go with its row (see `schema`).
    """
    for key in keys:
        row = connection.execute("SELECT number, request FROM entries WHERE key = ?", (key,)).fetchone()
        if row is not None:
            release(connection, row[0], row[1])
            connection.execute("DELETE FROM entries WHERE number = ?", (row[0],))


def release(connection: sqlite3.Connection, number: int, request: str) -> None:
    """Let go of what an entry that goes for good holds beside its row: its texts and its request's parts."""
    release_parts(connection, request)
    connection.execute("DELETE FROM texts WHERE rowid = ?", (number,))


def release_parts(connection: sqlite3.Connection, listed: str) -> None:
    """Let go of parts that a row has listed; what nothing else holds goes."""
    hashes = part_hashes(listed)
    connection.executemany("UPDATE parts SET uses = uses - 1 WHERE hash = ?", hashes)
    connection.executemany("DELETE FROM parts WHERE hash = ? AND uses <= 0", hashes)


def part_hashes(listed: str) -> list[tuple[bytes]]:
    """A damaged row goes like any other; the parts that it held are left."""
    try:
        return [(bytes.fromhex(digest),) for _, digest in json.loads(listed)]
    except (ValueError, TypeError, RecursionError):
        return []


def _request_parts(record: Record) -> tuple[list[Part], str]:
    """The request's parts and the question a person sees, as far as they are to be kept.

    None where the request cannot be read again.
    """
    if record.keep is KeepRequest.NONE:
        return [], ""
    if not record.request:
        return [], record.question
    try:
        body = read_json(codings.decode(record.request, record.request_coding, _REQUEST_LIMIT))
        if not isinstance(body, dict):
            return [], ""
        question = _BY_NAME[record.answer.facts.dialect].question_text(body)
        return split_request(body) if record.keep is KeepRequest.FULL else [], question
    except (Uncomparable, codings.Undecodable):
        return [], ""
