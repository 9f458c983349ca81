"""Forms: the canonical forms of a tenant's last requests, to tell in what another one differs from them.

Only of requests that the exact tier did not answer: a repeat has the form of the one it repeats. The parts of a form
are shared with the entries' and with those of the turn before, so that a conversation is not kept once a turn, and
two forms are compared by their parts' hashes before a single part is read.
"""

import heapq
import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from time import monotonic

from reflexd_core.canonical import JsonObject, Uncomparable, read_json
from reflexd_core.differences import Difference, differences
from reflexd_core.parts import Part, join_request
from reflexd_io.store.records import release_parts

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

KEPT = 500
LIFETIME = 7 * 86_400.0
"""Seconds."""
CLOSEST = 8
"""Forms that are compared in full."""
PATIENCE = 0.5
"""Seconds after which the closest that was found must do."""
TOLD = 200
"""Differences that are told."""
COUNTED = 2_000
"""Differences beyond which nobody counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    exchange: str
    """Its public name."""
    key: bytes
    at: float
    dialect: str
    client: str
    outcome: str
    """How the exchange ended, as the machine says."""
    rules: tuple[str, ...]
    covered: JsonObject
    """What the key covers beside the body."""
    parts: tuple[tuple[str, bytes], ...]
    """Names and hashes of the body's parts, the rewrites done."""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """A form and the nearest one of the same client before it."""

    form: Form
    nearest: Form | None
    differences: tuple[tuple[str, Difference], ...] = ()
    """What they are in (``covered`` or ``body``), and what; `TOLD` at most."""
    more: int = 0


def insert(connection: sqlite3.Connection, form: Form, parts: Iterable[Part]) -> None:
    for part in parts:
        if not connection.execute("UPDATE parts SET uses = uses + 1 WHERE hash = ?", (part.hash,)).rowcount:
            row = (part.hash, zstd.compress(part.body))
            connection.execute("INSERT INTO parts (hash, body, uses) VALUES (?, ?, 1)", row)
    cursor = connection.execute(
        f"INSERT INTO forms ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        (
            form.exchange,
            form.key,
            form.at,
            form.dialect,
            form.client,
            form.outcome,
            json.dumps(form.rules),
            json.dumps(form.covered),
            json.dumps([[name, digest.hex()] for name, digest in form.parts]),
        ),
    )
    _remove(connection, "number <= ?", (cursor.lastrowid or 0) - KEPT)


def drop_old(connection: sqlite3.Connection, now: float) -> None:
    _remove(connection, "at <= ?", now - LIFETIME)


def forget(connection: sqlite3.Connection, key: bytes) -> None:
    """Forms of a request whose entry was purged for good."""
    _remove(connection, "key = ?", key)


def forget_all(connection: sqlite3.Connection) -> None:
    _remove(connection, "number > ?", 0)


def compare(connection: sqlite3.Connection, exchange: str) -> Compared | None:
    """None where the exchange's form is not kept. Raises `ValueError` for rows that no Reflex wrote."""
    sql = f"SELECT number, {_COLUMNS} FROM forms WHERE exchange = ? ORDER BY number DESC LIMIT 1"  # noqa: S608
    row = connection.execute(sql, (exchange,)).fetchone()
    if row is None:
        return None
    form = _read(row)
    return _nearest(form, _Bodies(connection), _before(connection, form))


def _before(connection: sqlite3.Connection, form: Form) -> list[Form]:
    """Earlier ones of the same client, the newest first."""
    rows = connection.execute(
        f"""
        SELECT number, {_COLUMNS} FROM forms
        WHERE dialect = ? AND client = ? AND number < ? ORDER BY number DESC LIMIT ?
        """,  # noqa: S608 - constants
        (form.dialect, form.client, form.number, KEPT),
    )
    return [_read(row) for row in rows]


def _nearest(form: Form, bodies: "_Bodies", before: list[Form]) -> Compared:
    """The one with the fewest differences, of several the most recent."""
    same = next((other for other in before if other.key == form.key), None)
    if same is not None:
        return Compared(form, same)
    until = monotonic() + PATIENCE
    best, count, found = None, COUNTED + 1, []
    for other in heapq.nsmallest(CLOSEST, before, key=lambda other: (_distance(form, other), -other.number)):
        if best is not None and monotonic() > until:
            break
        listed = list(islice(bodies.differences(other, form), count))
        if best is None or len(listed) < count:
            best, count, found = other, len(listed), listed
    return Compared(form, best, tuple(found[:TOLD]), max(0, len(found) - TOLD))


def _distance(form: Form, other: Form) -> int:
    """How many parts only one of them has; what the key covers beside them weighs as one part each."""
    ours, theirs = Counter(form.parts), Counter(other.parts)
    apart = sum(1 for _ in differences(form.covered, other.covered))
    return (ours - theirs).total() + (theirs - ours).total() + apart


class _Bodies:
    """Bodies put together from their parts, each part read once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._parts: dict[bytes, bytes] = {}

    def differences(self, earlier: Form, later: Form) -> Iterable[tuple[str, Difference]]:
        yield from (("covered", one) for one in differences(earlier.covered, later.covered))
        yield from (("body", one) for one in differences(self._of(earlier), self._of(later)))

    def _of(self, form: Form) -> JsonObject:
        try:
            return join_request([(name, self._part(digest)) for name, digest in form.parts])
        except Uncomparable as error:
            raise ValueError(f"not a request: {error}") from error

    def _part(self, digest: bytes) -> bytes:
        body = self._parts.get(digest)
        if body is None:
            row = self._connection.execute("SELECT body FROM parts WHERE hash = ?", (digest,)).fetchone()
            if row is None:
                raise ValueError("a part of a request is not there")
            try:
                body = self._parts[digest] = zstd.decompress(row[0])
            except (zstd.ZstdError, TypeError) as error:
                raise ValueError(f"a part of a request cannot be read: {error}") from error
        return body


def _remove(connection: sqlite3.Connection, where: str, value: float | bytes) -> None:
    sql = f"SELECT number, parts FROM forms WHERE {where}"  # noqa: S608 - constants
    for number, listed in connection.execute(sql, (value,)).fetchall():
        release_parts(connection, listed)
        connection.execute("DELETE FROM forms WHERE number = ?", (number,))


def _read(row: tuple[object, ...]) -> Form:
    """Raises `ValueError` for a row that no Reflex wrote."""
    match row:
        case (
            int(number),
            str(exchange),
            bytes(key),
            float(at),
            str(dialect),
            str(client),
            str(outcome),
            str(rules),
            str(covered),
            str(parts),
        ):
            beside = read_json(covered.encode())
            if not isinstance(beside, dict):
                raise ValueError("not a row of the forms table")
            try:
                listed = tuple((name, bytes.fromhex(digest)) for name, digest in json.loads(parts))
                fired = tuple(map(str, json.loads(rules)))
            except TypeError as error:
                raise ValueError(f"not a row of the forms table: {error}") from error
            return Form(
                number=number,
                exchange=exchange,
                key=key,
                at=at,
                dialect=dialect,
                client=client,
                outcome=outcome,
                rules=fired,
                covered=beside,
                parts=listed,
            )
        case _:
            raise ValueError("not a row of the forms table")


_COLUMNS = "exchange, key, at, dialect, client, outcome, rules, covered, parts"
