"""Pairings in rows: which question was answered with whose answer, what was found out about it, and what is barred.

An alias is a pairing that answers: the asker's exact key, for as long as the entry may answer another wording.
"""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reflexd_core.entry import Pairing
from reflexd_io.store.meaning import form_digest
from reflexd_io.store.rows import PAIRING_COLUMNS, read_pairing, storable

KEPT_AUDITS = 5000
"""Audits whose texts are kept as examples; older ones are only counted."""


class AuditVerdict(StrEnum):
    """Whether the fresh answer says what the stored one says."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    key: bytes
    """The asker's exact key."""
    question: str
    """What he asked."""
    form: str
    """Its normal form."""
    pairing: Pairing


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """An alias, with both questions."""

    asked: str
    stored: str
    """The question that the entry answers."""
    pairing: Pairing


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A pair of which somebody knows whether the answer stored for ``a`` satisfies who asks ``b``."""

    a: str
    b: str
    label: bool
    source: str
    at: float
    score: float | None = None
    """What the verifier thought of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A hit, or what would have been one, compared with a fresh answer."""

    entry_key: bytes
    asked_key: bytes
    stored: str
    """The question that the entry answers."""
    asked: str
    score: float | None
    similarity: float | None
    model: str
    verdict: AuditVerdict
    at: float


def promote(connection: sqlite3.Connection, alias: Alias) -> bool:
    """Let the entry answer the asker's exact key too; False where it may not, or has gone."""
    pairing = alias.pairing
    form = form_digest(alias.form)
    connection.execute("DELETE FROM aliases WHERE key = ?", (alias.key,))
    cursor = connection.execute(
        """
        INSERT INTO aliases (key, entry, question, form, score, similarity, model, reason, at)
        SELECT ?1, entry, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM meanings JOIN entries ON number = entry
        WHERE entries.key = ?9
            AND NOT EXISTS (SELECT 1 FROM entries WHERE key = ?1)
            AND NOT EXISTS (SELECT 1 FROM blocks WHERE entry_key = ?9 AND form = ?3)
        """,
        (
            alias.key,
            storable(alias.question),
            form,
            pairing.score,
            pairing.similarity,
            pairing.model,
            pairing.reason,
            pairing.at,
            pairing.entry_key,
        ),
    )
    return cursor.rowcount > 0


def find(connection: sqlite3.Connection, key: bytes) -> Paired | None:
    """What the asker's exact key is answered with; None where it is no alias."""
    row = connection.execute(
        f"""
        SELECT {PAIRING_COLUMNS}, entries.key, aliases.question, meanings.question FROM aliases
        JOIN meanings ON meanings.entry = aliases.entry JOIN entries ON entries.number = aliases.entry
        WHERE aliases.key = ?
        """,  # noqa: S608 - a constant
        (key,),
    ).fetchone()
    if row is None:
        return None
    *pairing, entry_key, asked, stored = row
    return Paired(asked=asked, stored=stored, pairing=read_pairing(entry_key, tuple(pairing)))


def block(connection: sqlite3.Connection, entry_key: bytes, form: str, at: float) -> list[bytes]:
    """Never again answer this normal form with this entry; gives the keys of the aliases that went for it."""
    asked = form_digest(form)
    connection.execute("INSERT OR IGNORE INTO blocks (entry_key, form, at) VALUES (?, ?, ?)", (entry_key, asked, at))
    of_pair = "WHERE form = ? AND entry = (SELECT number FROM entries WHERE key = ?)"
    keys = connection.execute(f"SELECT key FROM aliases {of_pair}", (asked, entry_key)).fetchall()  # noqa: S608
    connection.execute(f"DELETE FROM aliases {of_pair}", (asked, entry_key))  # noqa: S608 - a constant
    return [key for (key,) in keys]


def unblock(connection: sqlite3.Connection, entry_key: bytes, form: str) -> bool:
    """Take `block` back; False where nothing was blocked."""
    asked = form_digest(form)
    done = connection.execute("DELETE FROM blocks WHERE entry_key = ? AND form = ?", (entry_key, asked))
    return done.rowcount > 0


def forget_label(connection: sqlite3.Connection, a: str, b: str, source: str) -> None:
    """What was said of a pair by this source; what others said later stays."""
    connection.execute("DELETE FROM labels WHERE a = ? AND b = ? AND source = ?", (storable(a), storable(b), source))


def add_label(connection: sqlite3.Connection, label: Label) -> None:
    """What is said of a pair later counts."""
    connection.execute(
        """
        INSERT INTO labels (a, b, label, source, score, at) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (a, b) DO UPDATE SET label = excluded.label, source = excluded.source, score = excluded.score,
            at = excluded.at
        """,
        (storable(label.a), storable(label.b), label.label, label.source, label.score, label.at),
    )


def labels(connection: sqlite3.Connection) -> list[Label]:
    """All of them, the oldest first."""
    rows = connection.execute("SELECT a, b, label, source, at, score FROM labels ORDER BY at, a, b")
    return [_label(row) for row in rows]


def labels_of(connection: sqlite3.Connection, stored: str, limit: int) -> list[Label]:
    """Of pairs with this stored question."""
    sql = "SELECT a, b, label, source, at, score FROM labels WHERE a = ? ORDER BY b LIMIT ?"
    return [_label(row) for row in connection.execute(sql, (stored, limit))]


def _label(row: tuple[Any, ...]) -> Label:
    a, b, label, source, at, score = row
    return Label(a=a, b=b, label=bool(label), source=source, at=at, score=score)


def add_audit(connection: sqlite3.Connection, audit: Audit) -> None:
    cursor = connection.execute(
        f"INSERT INTO audits ({_AUDIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        (
            audit.entry_key,
            audit.asked_key,
            storable(audit.stored),
            storable(audit.asked),
            audit.score,
            audit.similarity,
            audit.model,
            audit.verdict.value,
            audit.at,
        ),
    )
    connection.execute("DELETE FROM audits WHERE number <= ?", ((cursor.lastrowid or 0) - KEPT_AUDITS,))
    connection.execute(
        """
        INSERT INTO tallies (model, verdict, count) VALUES (?, ?, 1)
        ON CONFLICT (model, verdict) DO UPDATE SET count = count + 1
        """,
        (audit.model, audit.verdict.value),
    )


def audits(connection: sqlite3.Connection, limit: int, verdict: AuditVerdict | None) -> list[Audit]:
    """Those whose texts are kept, the newest first."""
    rows = connection.execute(
        f"SELECT {_AUDIT_COLUMNS} FROM audits WHERE ?1 IS NULL OR verdict = ?1 ORDER BY number DESC LIMIT ?2",  # noqa: S608
        (verdict.value if verdict is not None else None, limit),
    )
    return [_audit(row) for row in rows]


def audits_of(connection: sqlite3.Connection, entry_key: bytes, limit: int) -> list[Audit]:
    """Of one entry, the newest first."""
    sql = f"SELECT {_AUDIT_COLUMNS} FROM audits WHERE entry_key = ? ORDER BY number DESC LIMIT ?"  # noqa: S608
    return [_audit(row) for row in connection.execute(sql, (entry_key, limit))]


def _audit(row: tuple[Any, ...]) -> Audit:
    entry_key, asked_key, stored, asked, score, similarity, model, said, at = row
    return Audit(
        entry_key=entry_key,
        asked_key=asked_key,
        stored=stored,
        asked=asked,
        score=score,
        similarity=similarity,
        model=model,
        verdict=AuditVerdict(said),
        at=at,
    )


def audit_counts(connection: sqlite3.Connection, model: str | None) -> dict[AuditVerdict, int]:
    """How often each was found since the beginning, of one judging model or of all."""
    rows = connection.execute(
        "SELECT verdict, sum(count) FROM tallies WHERE ?1 IS NULL OR model = ?1 GROUP BY verdict", (model,)
    )
    return dict.fromkeys(AuditVerdict, 0) | {AuditVerdict(verdict): count for verdict, count in rows}


_AUDIT_COLUMNS = "entry_key, asked_key, stored, asked, score, similarity, model, verdict, at"
