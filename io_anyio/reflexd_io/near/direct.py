"""Searching a scope right in SQLite, where no index knows it: each of its vectors is read, so it must be small."""

import sqlite3

import numpy as np

from reflexd_io.near.vectors import unpack

LARGEST = 4096
"""Vectors of a scope that are read for one question, which takes about 10 ms."""


def search(
    connection: sqlite3.Connection, scope: bytes, vector: bytes, model: str, count: int
) -> list[tuple[int, float]] | None:
    """Numbers of the nearest entries and their cosine, the best first; None where the scope is too large."""
    rows = connection.execute(
        """
        SELECT entry, vector FROM vectors JOIN models ON number = model
        WHERE scope = ? AND fingerprint = ? AND length(vector) = ? LIMIT ?
        """,
        (scope, model, len(vector), LARGEST + 1),
    ).fetchall()
    if len(rows) > LARGEST:
        return None
    if not rows:
        return []
    similarities = np.stack([unpack(row[1]) for row in rows]) @ unpack(vector)
    best = np.argsort(-similarities, kind="stable")[:count]
    return [(rows[place][0], float(similarities[place])) for place in best]
