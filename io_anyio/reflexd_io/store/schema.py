"""The schema of a tenant's file, as named migrations; each runs in one transaction with the row that records it."""

import sqlite3
from contextlib import suppress

from reflexd_core.unspaced import APART

OPENING = 80
"""Characters by which questions are sorted."""


def joined_sql(text: str) -> str:
    """As SQL, a text of `texts` as it was before it was cut (see `unspaced`)."""
    return f"replace({text}, char({ord(APART)}), '')"


def _opening(number: str) -> str:
    """An entry's, as SQL."""
    shown = f"lower(substr(trim({joined_sql('question')}, char(9, 10, 13, 32)), 1, {OPENING}))"
    return f"coalesce((SELECT {shown} FROM texts WHERE rowid = {number}), '')"  # noqa: S608 - constants


MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "0001-entries",
        (
            """
            CREATE TABLE parts (
                hash BLOB PRIMARY KEY,   -- BLAKE3 of the canonical JSON
                body BLOB NOT NULL,      -- zstd
                uses INTEGER NOT NULL    -- entries that hold it
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE entries (
                number INTEGER PRIMARY KEY,
                key BLOB NOT NULL UNIQUE,
                dialect TEXT NOT NULL,
                upstream TEXT NOT NULL,
                model TEXT NOT NULL,
                form TEXT NOT NULL,
                created REAL NOT NULL,
                expires REAL,
                used REAL NOT NULL,
                hits INTEGER NOT NULL DEFAULT 0,
                has_usage INTEGER NOT NULL,
                asked_usage INTEGER NOT NULL,
                input_tokens INTEGER,
                output_tokens INTEGER,
                cached_tokens INTEGER,
                exact_only INTEGER NOT NULL,
                scope BLOB,
                headers TEXT NOT NULL,   -- JSON: [[name, value], ...]
                answer BLOB NOT NULL,    -- zstd
                size INTEGER NOT NULL,   -- bytes of the answer before zstd
                request TEXT NOT NULL    -- JSON: [[part name, hash in hex], ...]
            )
            """,
            "CREATE INDEX entries_by_use ON entries (used)",
            "CREATE INDEX entries_by_expiry ON entries (expires) WHERE expires IS NOT NULL",
            "CREATE VIRTUAL TABLE texts USING fts5 (question, answer)",
        ),
    ),
    (
        "0002-meaning",
        (
            "CREATE TABLE models (number INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL)",
            """
            CREATE TABLE meanings (      -- of entries that may answer another wording
                entry INTEGER PRIMARY KEY,
                scope BLOB NOT NULL,
                question TEXT NOT NULL,
                form BLOB NOT NULL,      -- digest of the question's normal form
                expires REAL,
                model INTEGER            -- whose vector there is
            )
            """,
            "CREATE INDEX meanings_by_form ON meanings (scope, form)",
            "CREATE INDEX meanings_by_model ON meanings (model)",
            "CREATE INDEX meanings_by_expiry ON meanings (expires) WHERE expires IS NOT NULL",
            """
            CREATE TABLE vectors (
                id INTEGER PRIMARY KEY AUTOINCREMENT,  -- given once, so that the derived index may know it by this
                entry INTEGER NOT NULL UNIQUE,
                scope BLOB NOT NULL,
                model INTEGER NOT NULL,
                vector BLOB NOT NULL     -- float16, little-endian, of unit length
            )
            """,
            "CREATE INDEX vectors_by_scope ON vectors (scope, model)",
            # The search index that counts (see `near`), by a name that no other file's ever had.
            "CREATE TABLE bases (token BLOB NOT NULL, upto INTEGER NOT NULL)",
            "INSERT INTO bases (token, upto) VALUES (randomblob(16), 0)",
            """
            CREATE TABLE aliases (       -- exact keys that an entry of another wording answers
                key BLOB PRIMARY KEY,
                entry INTEGER NOT NULL,
                question TEXT NOT NULL,
                form BLOB NOT NULL,
                score REAL,
                similarity REAL,
                model TEXT NOT NULL,
                reason TEXT NOT NULL,
                at REAL NOT NULL
            ) WITHOUT ROWID
            """,
            "CREATE INDEX aliases_by_entry ON aliases (entry)",
            # Triggers, so that nothing which deletes an entry can leave what is said of it behind.
            """
            CREATE TRIGGER entry_gone AFTER DELETE ON entries BEGIN
                DELETE FROM meanings WHERE entry = old.number;
            END
            """,
            """
            CREATE TRIGGER meaning_gone AFTER DELETE ON meanings BEGIN
                DELETE FROM vectors WHERE entry = old.entry;
                DELETE FROM aliases WHERE entry = old.entry;
            END
            """,
            """
            CREATE TABLE blocks (        -- pairings that were wrong; they outlive the entry's replacement
                entry_key BLOB NOT NULL,
                form BLOB NOT NULL,
                at REAL NOT NULL,
                PRIMARY KEY (entry_key, form)
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE labels (
                a TEXT NOT NULL,         -- the stored question
                b TEXT NOT NULL,         -- the asked one
                label INTEGER NOT NULL,
                source TEXT NOT NULL,
                score REAL,
                at REAL NOT NULL,
                PRIMARY KEY (a, b)
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE audits (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                entry_key BLOB NOT NULL,
                asked_key BLOB NOT NULL,
                stored TEXT NOT NULL,
                asked TEXT NOT NULL,
                score REAL,
                similarity REAL,
                model TEXT NOT NULL,
                verdict TEXT NOT NULL,
                at REAL NOT NULL
            )
            """,
            """
            CREATE TABLE tallies (       -- of all audits, those included whose row has gone
                model TEXT NOT NULL,
                verdict TEXT NOT NULL,
                count INTEGER NOT NULL,
                PRIMARY KEY (model, verdict)
            ) WITHOUT ROWID
            """,
        ),
    ),
    (
        "0003-entries-in-hand",
        (
            "ALTER TABLE entries ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0",
            "ALTER TABLE entries ADD COLUMN lapses REAL",  # what `expires` is to be once it is no longer pinned
            # An entry's number is given once, so that what is kept beside the entries may go on knowing it by that.
            "CREATE TABLE numbers (last INTEGER NOT NULL)",
            "INSERT INTO numbers (last) SELECT coalesce(max(number), 0) FROM entries",
            "CREATE INDEX entries_by_creation ON entries (created)",
            "CREATE INDEX entries_by_hits ON entries (hits)",
            "CREATE INDEX entries_by_size ON entries (size)",
            "CREATE INDEX entries_by_end ON entries (coalesce(expires, 9e999))",
            "CREATE INDEX entries_by_model ON entries (model, created)",
            "CREATE INDEX audits_by_entry ON audits (entry_key)",
            """
            CREATE TABLE uses (          -- how often an entry answered, by day
                entry INTEGER NOT NULL,
                day INTEGER NOT NULL,    -- days since 1970, UTC
                count INTEGER NOT NULL,
                PRIMARY KEY (entry, day)
            ) WITHOUT ROWID
            """,
            """
            CREATE TABLE purges (
                id TEXT PRIMARY KEY,
                at REAL NOT NULL,
                until REAL NOT NULL,     -- when it can no longer be undone
                what TEXT NOT NULL,      -- in words
                finished INTEGER NOT NULL DEFAULT 0
            ) WITHOUT ROWID
            """,
            # A purged entry lies here as it was. Its texts, its request's parts and its uses stay where they are.
            """
            CREATE TABLE trash (
                number INTEGER PRIMARY KEY,
                purge TEXT NOT NULL,
                key BLOB NOT NULL,
                dialect TEXT NOT NULL,
                upstream TEXT NOT NULL,
                model TEXT NOT NULL,
                form TEXT NOT NULL,
                created REAL NOT NULL,
                expires REAL,
                used REAL NOT NULL,
                hits INTEGER NOT NULL,
                has_usage INTEGER NOT NULL,
                asked_usage INTEGER NOT NULL,
                input_tokens INTEGER,
                output_tokens INTEGER,
                cached_tokens INTEGER,
                exact_only INTEGER NOT NULL,
                scope BLOB,
                headers TEXT NOT NULL,
                answer BLOB NOT NULL,
                size INTEGER NOT NULL,
                request TEXT NOT NULL,
                pinned INTEGER NOT NULL,
                lapses REAL
            )
            """,
            "CREATE INDEX trash_by_purge ON trash (purge)",
            """
            CREATE TABLE trash_meanings (
                entry INTEGER PRIMARY KEY,
                scope BLOB NOT NULL,
                question TEXT NOT NULL,
                form BLOB NOT NULL,
                expires REAL,
                model INTEGER,
                vector BLOB
            )
            """,
            """
            CREATE TABLE trash_aliases (
                entry INTEGER NOT NULL,
                key BLOB NOT NULL,
                question TEXT NOT NULL,
                form BLOB NOT NULL,
                score REAL,
                similarity REAL,
                model TEXT NOT NULL,
                reason TEXT NOT NULL,
                at REAL NOT NULL,
                PRIMARY KEY (entry, key)
            ) WITHOUT ROWID
            """,
            """
            CREATE TRIGGER uses_gone AFTER DELETE ON entries
            WHEN NOT EXISTS (SELECT 1 FROM trash WHERE number = old.number) BEGIN
                DELETE FROM uses WHERE entry = old.number;
            END
            """,
            """
            CREATE TRIGGER trash_gone AFTER DELETE ON trash BEGIN
                DELETE FROM trash_meanings WHERE entry = old.number;
                DELETE FROM trash_aliases WHERE entry = old.number;
                DELETE FROM uses WHERE entry = old.number
                    AND NOT EXISTS (SELECT 1 FROM entries WHERE number = old.number);
            END
            """,
        ),
    ),
    (
        "0004-forms",
        (
            # Canonical forms of the last requests, to tell in what another one differs. Their parts lie in `parts`.
            # A few hundred rows need no index, and what is sought stands before what is long.
            """
            CREATE TABLE forms (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                exchange TEXT NOT NULL,
                key BLOB NOT NULL,
                at REAL NOT NULL,
                dialect TEXT NOT NULL,
                client TEXT NOT NULL,
                outcome TEXT NOT NULL,
                rules TEXT NOT NULL,     -- JSON: [name, ...]
                covered TEXT NOT NULL,   -- JSON: what the key covers beside the body
                parts TEXT NOT NULL      -- JSON: [[part name, hash in hex], ...]
            )
            """,
        ),
    ),
    (
        "0005-orders",
        (
            "CREATE INDEX entries_by_dialect ON entries (dialect)",
            "CREATE INDEX entries_by_model_alone ON entries (model)",  # equal ones by number, as a walk wants them
            "CREATE INDEX entries_by_upstream ON entries (upstream)",
            "CREATE INDEX entries_pinned ON entries (pinned) WHERE pinned = 1",
            # How questions begin. Beside the entries, so that an older file's answers need not be written anew.
            "CREATE TABLE openings (entry INTEGER PRIMARY KEY, opening TEXT NOT NULL)",
            f"""
            INSERT INTO openings (entry, opening)
            SELECT number, {_opening("number")} FROM entries
            """,  # noqa: S608 - constants
            "CREATE INDEX openings_in_order ON openings (opening)",
            # An entry's texts are there before its row is, whether it is stored or taken back from the trash.
            f"""
            CREATE TRIGGER opening_made AFTER INSERT ON entries BEGIN
                INSERT OR REPLACE INTO openings (entry, opening) VALUES (new.number, {_opening("new.number")});
            END
            """,  # noqa: S608 - constants
            """
            CREATE TRIGGER opening_gone AFTER DELETE ON entries BEGIN
                DELETE FROM openings WHERE entry = old.number;
            END
            """,
        ),
    ),
    (
        "0006-unspaced",
        (
            # Up to which number texts may stand uncut: what takes more than a moment is no migration's (`recutting`).
            "CREATE TABLE uncut (upto INTEGER NOT NULL)",
            "INSERT INTO uncut (upto) SELECT coalesce((SELECT rowid FROM texts ORDER BY rowid DESC LIMIT 1), 0)",
            "DROP TRIGGER opening_made",
            f"""
            CREATE TRIGGER opening_made AFTER INSERT ON entries BEGIN
                INSERT OR REPLACE INTO openings (entry, opening) VALUES (new.number, {_opening("new.number")});
            END
            """,  # noqa: S608 - constants
        ),
    ),
)


class NewerSchema(Exception):  # noqa: N818 - it says what the file is
    """The file was written by a newer Reflex; it is neither read nor changed."""


def check(connection: sqlite3.Connection) -> bool:
    """Whether the file is one of ours and up to date. Raises `NewerSchema`, or `sqlite3.Error`; changes nothing."""
    return _applied(connection) == {name for name, _ in MIGRATIONS}


def prepare(connection: sqlite3.Connection) -> None:
    """Bring a file up to date. Raises `NewerSchema`, or `sqlite3.Error`; the file is then as it was."""
    applied = _applied(connection)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")
    for name, statements in MIGRATIONS:
        if name not in applied:
            _migrate(connection, name, statements)
    if not applied:
        # Else the words of a deleted row stay in the index, and its pages taken. SQLite before 3.42 lacks it.
        with suppress(sqlite3.OperationalError):
            connection.execute("INSERT INTO texts (texts, rank) VALUES ('secure-delete', 1)")


def _applied(connection: sqlite3.Connection) -> set[str]:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone()
    if found is None:
        return set()
    applied = {name for (name,) in connection.execute("SELECT name FROM migrations")}
    unknown = applied - {name for name, _ in MIGRATIONS}
    if unknown:
        raise NewerSchema(f"written by a newer version (it has {', '.join(sorted(unknown))})")
    return applied


def _migrate(connection: sqlite3.Connection, name: str, statements: tuple[str, ...]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations "
            "(name TEXT PRIMARY KEY, at TEXT NOT NULL DEFAULT current_timestamp)"
        )
        for statement in statements:
            connection.execute(statement)
        connection.execute("INSERT INTO migrations (name) VALUES (?)", (name,))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
