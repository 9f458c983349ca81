"""Looking an exact key up: the answer stored under it, or the one of the entry that the key is an alias for."""

import sqlite3
import time
from functools import partial

from reflexd_core.unspaced import joined
from reflexd_io.memory import Answer
from reflexd_io.store.readers import Reader, Readers, StoreUnavailable
from reflexd_io.store.rows import ANSWER_COLUMNS, PAIRING_COLUMNS, read_answer, read_pairing

_PAIRING = 5
_EXACT = f"SELECT NULL, NULL, NULL, NULL, NULL, {ANSWER_COLUMNS} FROM entries WHERE key = ?"  # noqa: S608 - a constant
_ALIAS = f"""
    SELECT {PAIRING_COLUMNS}, {ANSWER_COLUMNS} FROM aliases
    JOIN meanings ON meanings.entry = aliases.entry JOIN entries ON entries.number = aliases.entry
    WHERE aliases.key = ? AND (meanings.expires IS NULL OR meanings.expires > ?)
"""  # noqa: S608 - a constant


def find(readers: Readers, reader: Reader, key: bytes) -> Answer | None:
    """Blocks. Raises `StoreUnavailable`."""
    row = readers.read(reader, partial(_find_row, key=key, now=time.time()))
    if row is None:
        return None
    try:  # here, so that nobody waits for the connection while an answer is unpacked
        entry_key, answer = read_answer(row[_PAIRING:])
        if row[0] is not None:
            answer.pairing = read_pairing(entry_key, row[:_PAIRING])
    except ValueError as error:
        raise StoreUnavailable(str(error)) from error
    return answer


def _find_row(connection: sqlite3.Connection, key: bytes, now: float) -> tuple[object, ...] | None:
    row: tuple[object, ...] | None = connection.execute(_EXACT, (key,)).fetchone()
    return row if row is not None else connection.execute(_ALIAS, (key, now)).fetchone()


def questions(connection: sqlite3.Connection, key: bytes) -> tuple[str | None, str | None]:
    """What was asked under the exact key, for people; and what the entry was asked that it is an alias for."""
    row = connection.execute(
        "SELECT question FROM texts WHERE rowid = (SELECT number FROM entries WHERE key = ?)", (key,)
    ).fetchone()
    if row is not None:
        return joined(str(row[0])) or None, None
    row = connection.execute(
        "SELECT aliases.question, meanings.question FROM aliases JOIN meanings USING (entry) WHERE aliases.key = ?",
        (key,),
    ).fetchone()
    return (str(row[0]), str(row[1])) if row is not None else (None, None)
