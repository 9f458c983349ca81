"""Stores with any number of entries that mean something, written in bulk, and vectors to fill them with."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reflexd_io.store import schema
from reflexd_io.store.meaning import form_digest
from reflexd_io.store.rows import storable

Floats = NDArray[np.float32]

MODEL = "mini-1"
_BLOCK = 1000


def scope_of(number: int) -> bytes:
    return number.to_bytes(8, "big") * 4


def key_of(number: int) -> bytes:
    return number.to_bytes(32, "big")


def unit(vectors: Floats) -> Floats:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def random_vectors(count: int, dimension: int = 384, seed: int = 0) -> Floats:
    """The worst case: all are about as far from each other."""
    return unit(np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32))


class Topics:
    """Vectors as questions have them: wordings of intents of topics, in few directions more than in others."""

    def __init__(self, topics: int, dimension: int = 384, seed: int = 0) -> None:
        self._chance = np.random.default_rng(seed)
        self._spread = (np.arange(1, dimension + 1) ** -0.5).astype(np.float32)
        self._spread /= np.linalg.norm(self._spread)
        self._topics = self._some(topics)

    def vectors(self, count: int) -> Floats:
        intents = -(-count // 4)
        near_topic = self._topics[self._chance.integers(len(self._topics), size=intents)] + 0.8 * self._some(intents)
        return unit(np.repeat(near_topic, 4, axis=0)[:count] + 0.5 * self._some(count))

    def _some(self, count: int) -> Floats:
        return self._chance.standard_normal((count, len(self._spread)), dtype=np.float32) * self._spread


def reworded(vectors: Floats, seed: int = 1, noise: float = 0.5) -> Floats:
    """Near each, a cosine of about 0.89 away."""
    chance = np.random.default_rng(seed)
    return unit(vectors + noise * unit(chance.standard_normal(vectors.shape).astype(np.float32)))


def fill(path: Path, scopes: Iterable[tuple[bytes, Floats]], *, first: int = 1, model: str = MODEL) -> int:
    """Add entries of these scopes with these vectors to a tenant's file; gives the next key's number."""
    numbers = count(first)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema.prepare(connection)
        connection.execute("PRAGMA synchronous = OFF")
        known = connection.execute("SELECT number FROM models WHERE fingerprint = ?", (model,)).fetchone()
        if known is None:
            connection.execute("INSERT INTO models (fingerprint) VALUES (?)", (model,))
            known = connection.execute("SELECT number FROM models WHERE fingerprint = ?", (model,)).fetchone()
        for scope, vectors in scopes:
            for start in range(0, len(vectors), _BLOCK):
                _fill_block(connection, scope, vectors[start : start + _BLOCK], numbers, known[0])
    return next(numbers)


def _fill_block(
    connection: sqlite3.Connection, scope: bytes, vectors: Floats, numbers: Iterator[int], model: int
) -> None:
    connection.execute("BEGIN")
    (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM entries").fetchone()
    keys = [next(numbers) for _ in vectors]
    entries = range(last + 1, last + 1 + len(vectors))
    connection.executemany(
        """
        INSERT INTO entries (number, key, dialect, upstream, model, form, created, used, has_usage, asked_usage,
            exact_only, headers, answer, size, request)
        VALUES (?, ?, 'chat', 'openai', 'm', 'body', ?, 1.0, 0, 0, 0, '[]', x'28b52ffd0000010000', 0, '[]')
        """,
        [(entry, key_of(key), float(key)) for entry, key in zip(entries, keys, strict=True)],
    )
    connection.executemany(
        "INSERT INTO meanings (entry, scope, question, form, model) VALUES (?, ?, ?, ?, ?)",
        [
            (entry, scope, storable(f"question {key}"), form_digest(f"question {key}"), model)
            for entry, key in zip(entries, keys, strict=True)
        ],
    )
    packed = vectors.astype("<f2")
    connection.executemany(
        "INSERT INTO vectors (entry, scope, model, vector) VALUES (?, ?, ?, ?)",
        [(entry, scope, model, row.tobytes()) for entry, row in zip(entries, packed, strict=True)],
    )
    connection.execute("COMMIT")
