"""Rows: what SQLite has of vectors, in the order and the pieces that an index wants them. Only reads."""

import sqlite3
from collections.abc import Collection, Iterator
from itertools import groupby

import numpy as np

from reflexd_io.near.base import Coded, whole
from reflexd_io.near.codes import encode
from reflexd_io.near.delta import Row
from reflexd_io.near.parts import Rows
from reflexd_io.near.vectors import Floats

_BLOCK = 1024


def committed(connection: sqlite3.Connection) -> tuple[bytes, int]:
    """The token of the base that counts, and the last id that it knows. The file's first token names none."""
    token, upto = connection.execute("SELECT token, upto FROM bases").fetchone()
    return token, upto


def number_of(connection: sqlite3.Connection, model: str) -> int | None:
    row = connection.execute("SELECT number FROM models WHERE fingerprint = ?", (model,)).fetchone()
    return int(row[0]) if row is not None else None


def last_id(connection: sqlite3.Connection) -> int:
    """The highest id given so far; all later ones are higher."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'vectors'").fetchone()
    return int(row[0]) if row is not None else 0


def living(connection: sqlite3.Connection, number: int) -> int:
    return int(connection.execute("SELECT count(*) FROM vectors WHERE model = ?", (number,)).fetchone()[0])


def newer(connection: sqlite3.Connection, number: int, than: int, limit: int) -> list[Row]:
    """The next ``limit`` rows above an id, the oldest first."""
    sql = "SELECT id, scope, vector FROM vectors WHERE id > ? AND model = ? ORDER BY id LIMIT ?"
    return connection.execute(sql, (than, number, limit)).fetchall()


def large_scopes(connection: sqlite3.Connection, number: int, upto: int, more_than: int) -> dict[bytes, int]:
    """Scopes of more vectors than that, and how many they have."""
    sql = "SELECT scope, count(*) FROM vectors WHERE model = ? AND id <= ? GROUP BY scope HAVING count(*) > ?"
    return dict(connection.execute(sql, (number, upto, more_than)).fetchall())


def count(connection: sqlite3.Connection, number: int, scope: bytes, above: int, upto: int) -> int:
    sql = "SELECT count(*) FROM vectors WHERE scope = ? AND model = ? AND id > ? AND id <= ?"
    return int(connection.execute(sql, (scope, number, above, upto)).fetchone()[0])


def of_scope(
    connection: sqlite3.Connection, number: int, dimension: int, scope: bytes, above: int, upto: int, limit: int
) -> Iterator[Rows]:
    """Blocks of at most ``limit`` rows of the scope, ids ascending. No read lasts longer than one block."""
    sql = "SELECT id, vector FROM vectors WHERE scope = ? AND model = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?"
    while limit > 0:
        rows = connection.execute(sql, (scope, number, above, upto, min(limit, _BLOCK))).fetchall()
        if not rows:
            return
        limit -= len(rows)
        above = rows[-1][0]
        rows = [row for row in rows if len(row[1]) == 2 * dimension]
        yield np.array([row[0] for row in rows], np.int64), _floats([row[1] for row in rows], dimension)


def by_scope(
    connection: sqlite3.Connection, number: int, dimension: int, upto: int, without: Collection[bytes]
) -> Iterator[Coded]:
    """All scopes but some, in their order, each with its vectors up to an id."""
    cursor = connection.execute(
        f"""
        SELECT scope, id, vector FROM vectors
        WHERE model = ? AND id <= ? AND scope NOT IN ({", ".join("?" * len(without))}) ORDER BY scope, id
        """,  # noqa: S608 - question marks
        (number, upto, *without),
    )
    pieces: list[Coded] = []
    while rows := cursor.fetchmany(_BLOCK):
        for piece in _coded([row for row in rows if len(row[2]) == 2 * dimension], dimension):
            if pieces and pieces[0].scope != piece.scope:
                yield whole(pieces)
                pieces = []
            pieces.append(piece)
    if pieces:
        yield whole(pieces)


def _coded(rows: list[tuple[bytes, int, bytes]], dimension: int) -> Iterator[Coded]:
    """Encoded together, since most scopes are small."""
    codes, scales = encode(_floats([row[2] for row in rows], dimension))
    ids = np.array([row[1] for row in rows], np.int64)
    start = 0
    for scope, same in groupby(row[0] for row in rows):
        end = start + sum(1 for _ in same)
        yield Coded(scope, codes[start:end], ids[start:end], scales[start:end])
        start = end


def _floats(packed: list[bytes], dimension: int) -> Floats:
    return np.frombuffer(b"".join(packed), "<f2").reshape(len(packed), dimension).astype(np.float32)
