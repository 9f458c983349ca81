"""Texts that an older Reflex wrote uncut (see `unspaced`): cut bit by bit, so that a search finds them as it finds
those of today, and nobody who asks for an answer waits for that.
"""

import sqlite3
from time import monotonic

from reflexd_core.unspaced import cut

SLICE = 0.1
"""Seconds that the writer gives to it at a time."""
_STEP = 64
"""Texts read at a time."""


def recut(connection: sqlite3.Connection) -> bool:
    """Cut as many as fit a slice, the newest first; False where none is left."""
    (upto,) = connection.execute("SELECT upto FROM uncut").fetchone()
    until = monotonic() + SLICE
    while upto and monotonic() < until:
        sql = "SELECT rowid, question, answer FROM texts WHERE rowid <= ? ORDER BY rowid DESC LIMIT ?"
        rows = connection.execute(sql, (upto, _STEP)).fetchall()
        for number, question, answer in rows:
            _recut(connection, number, question, answer)
            upto = number - 1
            if monotonic() >= until:  # a long text takes some 50 ms by itself
                break
        upto = upto if rows else 0
        connection.execute("UPDATE uncut SET upto = ?", (upto,))
    return bool(upto)


def _recut(connection: sqlite3.Connection, number: int, question: object, answer: object) -> None:
    if not (isinstance(question, str) and isinstance(answer, str)):
        return  # damaged; it is no more found than before
    done = (cut(question), cut(answer))
    if done != (question, answer):
        connection.execute("UPDATE texts SET question = ?, answer = ? WHERE rowid = ?", (*done, number))
