"""Rows: how an answer and its request become rows of a tenant's file, and an answer again."""

import json
import sqlite3
import sys
from dataclasses import dataclass
from math import isfinite

from reflexd_core.canonical import Uncomparable, read_json
from reflexd_core.dialects import DIALECTS
from reflexd_core.entry import EntryFacts, entry_id
from reflexd_core.parts import Part, split_request
from reflexd_core.request import Form, Usage
from reflexd_io import codings
from reflexd_io.memory import Answer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_BY_NAME = {dialect.name: dialect for dialect in DIALECTS}

_REQUEST_LIMIT = 64 * 1024 * 1024

ANSWER_COLUMNS = (
    "key, dialect, model, form, created, expires, has_usage, asked_usage, "
    "input_tokens, output_tokens, cached_tokens, headers, answer"
)
"""What `read_answer` takes, in this order."""


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


def insert(connection: sqlite3.Connection, record: Record) -> None:
    """Write the record in the caller's transaction; an entry of the same key is replaced."""
    remove(connection, [record.key])
    facts, usage = record.answer.facts, record.answer.facts.usage
    parts, question = _request_parts(record)
    cursor = connection.execute(
        """
        INSERT INTO entries (key, dialect, upstream, model, form, created, expires, used, has_usage, asked_usage,
            input_tokens, output_tokens, cached_tokens, exact_only, scope, headers, answer, size, request)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            record.key,
            facts.dialect,
            record.upstream,
            facts.model,
            facts.form.value,
            facts.created,
            facts.expires,
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
        ),
    )
    answer = _BY_NAME[facts.dialect].answer_text(facts.form, record.answer.recorded)
    connection.execute(
        "INSERT INTO texts (rowid, question, answer) VALUES (?, ?, ?)",
        (cursor.lastrowid, _storable(question), _storable(answer)),
    )
    connection.executemany(
        "INSERT INTO parts (hash, body, uses) VALUES (?, ?, 1) ON CONFLICT (hash) DO UPDATE SET uses = uses + 1",
        [(part.hash, zstd.compress(part.body)) for part in parts],
    )


def remove(connection: sqlite3.Connection, keys: list[bytes]) -> None:
    """Delete entries, their texts, and the request parts that nothing else holds; unknown keys are ignored."""
    for key in keys:
        row = connection.execute("SELECT number, request FROM entries WHERE key = ?", (key,)).fetchone()
        if row is None:
            continue
        hashes = _part_hashes(row[1])
        connection.executemany("UPDATE parts SET uses = uses - 1 WHERE hash = ?", hashes)
        connection.executemany("DELETE FROM parts WHERE hash = ? AND uses <= 0", hashes)
        connection.execute("DELETE FROM texts WHERE rowid = ?", (row[0],))
        connection.execute("DELETE FROM entries WHERE number = ?", (row[0],))


def _part_hashes(listed: str) -> list[tuple[bytes]]:
    """A damaged row goes like any other; the parts that it held are left."""
    try:
        return [(bytes.fromhex(digest),) for _, digest in json.loads(listed)]
    except (ValueError, TypeError, RecursionError):
        return []


def read_answer(row: tuple[object, ...]) -> tuple[bytes, Answer]:
    """Key and answer of a row of `ANSWER_COLUMNS`. Raises `ValueError` for a row that no Reflex wrote."""
    try:
        return _read_answer(row)
    except (TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"a damaged row: {error}") from error  # such as headers that are JSON, but no pairs


def _read_answer(row: tuple[object, ...]) -> tuple[bytes, Answer]:
    match row:
        case (
            bytes(key),
            str(dialect),
            str(model),
            str(form),
            float(created),
            expires,
            int(has_usage),
            int(asked_usage),
            taken,
            given,
            cached,
            str(headers),
            bytes(answer),
        ) if dialect in _BY_NAME and isfinite(created):
            usage = None
            if isinstance(taken, int) and isinstance(given, int):
                usage = Usage(input=taken, output=given, cached_input=cached if isinstance(cached, int) else 0)
            facts = EntryFacts(
                id=entry_id(key),
                dialect=dialect,
                model=model,
                form=Form(form),
                created=created,
                expires=expires if isinstance(expires, float) and isfinite(expires) else None,
                has_usage=bool(has_usage),
                asked_usage=bool(asked_usage),
                usage=usage,
            )
            return key, Answer(facts, _pairs(headers), _plain(answer))
        case _:
            raise ValueError("not a row of the entries table")


def _pairs(headers: str) -> list[tuple[bytes, bytes]]:
    try:
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(headers)]
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not a list of headers: {error}") from error


def _plain(compressed: bytes) -> bytes:
    try:
        return zstd.decompress(compressed)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error


def _request_parts(record: Record) -> tuple[list[Part], str]:
    """The request's parts and the question a person sees; none where the request cannot be read again."""
    try:
        body = read_json(codings.decode(record.request, record.request_coding, _REQUEST_LIMIT))
        if not isinstance(body, dict):
            return [], ""
        return split_request(body), _BY_NAME[record.answer.facts.dialect].question_text(body)
    except (Uncomparable, codings.Undecodable):
        return [], ""


def _storable(text: str) -> str:
    """SQLite takes no lone surrogates."""
    return text.encode("utf-8", "replace").decode()
