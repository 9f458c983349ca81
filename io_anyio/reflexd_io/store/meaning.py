"""Meaning in rows: what of an entry may be compared with another wording, and its vector.

A vector's id is given once and never again, also where the entry's vector is made anew: whatever is derived from
the rows may know them by it, and finds what is new above the last id that it saw.
"""

import sqlite3
import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

from reflexd_core.entry import EntryFacts
from reflexd_core.keys import digest
from reflexd_io.store.readers import IndexNotReady
from reflexd_io.store.rows import FACT_COLUMNS, read_facts, storable

FORMS = 4
"""Entries of one normal form that are told: they differ in what the scope leaves out, such as sampling."""

_MOST = 256
"""Nearest that are looked at for some that may answer: the others are blocked, or their time is over."""

_UNIT = 0.01
"""How far from 1 the length of a vector may be; float16 alone moves it by less than 0.0005."""

_NEAR = f"SELECT {FACT_COLUMNS}, meanings.question FROM meanings JOIN entries ON number = entry"  # noqa: S608
_ABLE = """
    (meanings.expires IS NULL OR meanings.expires > ?) AND (entries.expires IS NULL OR entries.expires > ?)
    AND NOT EXISTS (SELECT 1 FROM blocks WHERE entry_key = entries.key AND blocks.form = ?)
"""
"""Whose time is not over, and that is not blocked for the asked normal form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What of an entry may be compared with another wording. Raises `ValueError` where nothing could be."""

    scope: bytes
    question: str
    form: str
    """The question's normal form."""
    vector: bytes | None = None
    """Of the question, float16 and little-endian, of unit length; None where it is yet to be made."""
    model: str | None = None
    """Fingerprint of the model that made the vector."""
    expires: float | None = None
    """Unix seconds after which it answers its own wording only."""

    def __post_init__(self) -> None:
        if len(self.scope) != 32:
            raise ValueError("a scope has 32 bytes")
        if (self.vector is None) != (self.model is None):
            raise ValueError("a vector goes with the model that made it")
        if self.vector is not None:
            check_vector(self.vector)


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """An entry that may answer, if what it was asked is verified."""

    key: bytes
    facts: EntryFacts
    question: str
    similarity: float | None
    """Cosine, -1 to 1; None where only the normal form was looked at, which is the same."""


@dataclass(frozen=True, slots=True)
class Unembedded:
    """An entry whose question is to be made a vector."""

    key: bytes
    question: str


def check_vector(vector: bytes) -> None:
    """Raises `ValueError` unless the bytes are finite float16 numbers of unit length together."""
    if not vector or len(vector) % 2:
        raise ValueError("a vector is made of float16 numbers")
    length = sum(value * value for value in struct.unpack(f"<{len(vector) // 2}e", vector)) ** 0.5
    if not (isfinite(length) and abs(length - 1) <= _UNIT):
        raise ValueError(f"a vector has unit length, this one {length}")


def form_digest(form: str) -> bytes:
    return digest(form.encode("utf-8", "surrogatepass"))[:16]


def insert(connection: sqlite3.Connection, entry: int, meaning: Meaning) -> None:
    """In the caller's transaction; ``entry`` is the number of a row without meaning yet."""
    connection.execute(
        "INSERT INTO meanings (entry, scope, question, form, expires) VALUES (?, ?, ?, ?, ?)",
        (entry, meaning.scope, storable(meaning.question), form_digest(meaning.form), meaning.expires),
    )
    if meaning.vector is not None and meaning.model is not None:
        _embed(connection, entry, meaning.vector, meaning.model)


def embed(connection: sqlite3.Connection, key: bytes, vector: bytes, model: str) -> None:
    """Give the entry its vector, or another; nothing happens where it has gone meanwhile.

    By key, not by number: another entry may have the number by now, but a key has one question for ever.
    """
    row = connection.execute(
        "SELECT entry FROM meanings JOIN entries ON number = entry WHERE key = ?", (key,)
    ).fetchone()
    if row is not None:
        _embed(connection, row[0], vector, model)


def _embed(connection: sqlite3.Connection, entry: int, vector: bytes, model: str) -> None:
    number = _number_of(connection, model)
    if number is None:
        sql = "INSERT INTO models (fingerprint) VALUES (?)"
        number = connection.execute(sql, (model,)).lastrowid
    connection.execute("DELETE FROM vectors WHERE entry = ?", (entry,))
    connection.execute(
        "INSERT INTO vectors (entry, scope, model, vector) SELECT entry, scope, ?, ? FROM meanings WHERE entry = ?",
        (number, vector, entry),
    )
    connection.execute("UPDATE meanings SET model = ? WHERE entry = ?", (number, entry))


def forget(connection: sqlite3.Connection, keys: list[bytes]) -> None:
    """Entries, by key, that answer their own wording only."""
    for key in keys:
        connection.execute("DELETE FROM meanings WHERE entry = (SELECT number FROM entries WHERE key = ?)", (key,))


def drop_expired(connection: sqlite3.Connection, now: float, limit: int) -> None:
    """Entries that are too old to answer another wording; they go on answering their own."""
    connection.execute(
        "DELETE FROM meanings WHERE entry IN (SELECT entry FROM meanings WHERE expires <= ? LIMIT ?)", (now, limit)
    )


def find_form(connection: sqlite3.Connection, scope: bytes, form: str, now: float) -> list[Near]:
    """Entries of the scope whose question has this normal form, the newest first, blocked ones left out."""
    asked = form_digest(form)
    rows = connection.execute(
        f"{_NEAR} WHERE meanings.scope = ? AND meanings.form = ? AND {_ABLE} ORDER BY created DESC LIMIT ?",
        (scope, asked, now, now, asked, FORMS),
    )
    return [_read_near(row, None) for row in rows]


def nearest(
    connection: sqlite3.Connection,
    search: Callable[[int], list[tuple[int, float]] | None],
    k: int,
    form: str,
    now: float,
) -> list[Near]:
    """The ``k`` nearest that may answer; ``search`` gives the numbers and similarities of that many nearest.

    Raises `IndexNotReady` where it gives None.
    """
    asked = form_digest(form)
    wanted = k
    while True:
        hits = search(wanted)
        if hits is None:
            raise IndexNotReady("index-not-ready")
        near: list[Near] = []
        for entry, similarity in hits:
            sql = f"{_NEAR} WHERE meanings.entry = ? AND {_ABLE}"
            row = connection.execute(sql, (entry, now, now, asked)).fetchone()
            if row is not None and len(near) < k:
                near.append(_read_near(row, similarity))
        if len(near) == k or len(hits) < wanted or wanted >= _MOST:
            return near
        wanted = min(4 * wanted, _MOST)


def _read_near(row: tuple[object, ...], similarity: float | None) -> Near:
    """Raises `ValueError` for a row that no Reflex wrote."""
    *columns, question = row
    key, facts = read_facts(tuple(columns))
    if not isinstance(question, str):
        raise ValueError("not a question")
    return Near(key=key, facts=facts, question=question, similarity=similarity)


def unembedded(connection: sqlite3.Connection, model: str, limit: int) -> list[Unembedded]:
    """Entries that have no vector, or another model's."""
    number = _number_of(connection, model)
    rows = connection.execute(
        """
        SELECT key, question FROM meanings JOIN entries ON number = entry
        WHERE meanings.model IS NULL OR meanings.model < ?1 OR meanings.model > ?1 LIMIT ?2
        """,
        (0 if number is None else number, limit),
    )
    return [Unembedded(key, question) for key, question in rows]


def _number_of(connection: sqlite3.Connection, model: str) -> int | None:
    row = connection.execute("SELECT number FROM models WHERE fingerprint = ?", (model,)).fetchone()
    return int(row[0]) if row is not None else None
