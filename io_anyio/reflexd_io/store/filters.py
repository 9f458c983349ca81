"""Filters: which of a tenant's entries are meant, as conditions that listing, counting and purging share.

A model's name means its dated versions too, since answers name those where people say the name alone: ``gpt-4o`` is
``gpt-4o-2024-08-06``, and never ``gpt-4o-mini``. Which of them are stored is looked up name by name, so that what is
asked of the entries is a list of names, which an index answers.
"""

import re
import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from reflexd_core.finding import Term, Wanted
from reflexd_core.unspaced import cut
from reflexd_io.store.order import Met


class Tier(StrEnum):
    """By which tiers an entry may answer."""

    EXACT = "exact"
    """Its own wording only."""
    SEMANTIC = "semantic"
    """Other wordings too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are meant; None is any."""

    model: str | None = None
    """Called so, or so with a date behind it."""
    dialect: str | None = None
    upstream: str | None = None
    tier: Tier | None = None
    pinned: bool | None = None
    before: float | None = None
    """Created before, Unix seconds."""
    since: float | None = None
    """Created then or later."""
    unused_since: float | None = None
    """Last used before, Unix seconds."""
    wanted: Wanted | None = None
    """What occurs in question or answer."""

    @property
    def is_any(self) -> bool:
        """Whether every entry is meant."""
        return self == ANY


ANY = Filter()
"""Every entry."""


def where(connection: sqlite3.Connection, wanted: Filter) -> Met:
    """The filter as a condition over `entries`, and its values."""
    conditions: list[str] = []
    values: list[object] = []
    for condition, value in (
        ("dialect = ?", wanted.dialect),
        ("upstream = ?", wanted.upstream),
        ("pinned = ?", wanted.pinned),
        ("created < ?", wanted.before),
        ("created >= ?", wanted.since),
        ("used < ?", wanted.unused_since),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if wanted.model is not None:
        names = names_of(connection, wanted.model)
        conditions.append(f"+entries.model IN ({_marks(names)})")
        values += names
    if wanted.tier is not None:
        has_meaning = "EXISTS (SELECT 1 FROM meanings WHERE entry = number)"
        conditions.append(f"NOT {has_meaning}" if wanted.tier is Tier.EXACT else has_meaning)
    if wanted.wanted is not None:
        conditions.append("number IN (SELECT rowid FROM texts WHERE texts MATCH ?)")
        values.append(expression(wanted.wanted))
    return " AND ".join(conditions) or "1", tuple(values)


def narrowing(connection: sqlite3.Connection, wanted: Filter) -> list[Met]:
    """Parts of the filter that an index answers, each by itself."""
    parts = (
        ("pinned = 1 AND ?", wanted.pinned or None),
        ("dialect = ?", wanted.dialect),
        ("upstream = ?", wanted.upstream),
        ("created < ?", wanted.before),
        ("created >= ?", wanted.since),
        ("used < ?", wanted.unused_since),
    )
    met: list[Met] = [(condition, (value,)) for condition, value in parts if value is not None]
    if wanted.model is not None:
        names = names_of(connection, wanted.model)
        met.append((f"model IN ({_marks(names)})", tuple(names)))
    return met


def names_of(connection: sqlite3.Connection, model: str) -> list[str]:
    """By which names entries of the model go here: its own, and those that are stored with a date behind it."""
    found = [model]
    for mark in "-@":
        dated = connection.execute(_BETWEEN, (f"{model}{mark}{_CENTURY}", f"{model}{mark}{_CENTURY + 1}"))
        found += [name for (name,) in dated if _DATE.fullmatch(name, len(model) + 1)]
    return found


_CENTURY = 20
_DATE = re.compile(r"[0-9]{4}(-?)(0[1-9]|1[0-2])\1(0[1-9]|[12][0-9]|3[01])")
_BETWEEN = """
    WITH RECURSIVE found (name) AS (
        SELECT min(model) FROM entries WHERE model >= ?1 AND model < ?2
        UNION ALL
        SELECT (SELECT min(model) FROM entries WHERE model > name AND model < ?2) FROM found WHERE name IS NOT NULL
    )
    SELECT name FROM found WHERE name IS NOT NULL
"""
"""One look at the index for each name, however many entries have it."""


def _marks(values: list[str]) -> str:
    return ", ".join("?" * len(values))


def expression(wanted: Wanted) -> str:
    """What the text index is asked: every term is a quoted string, so none of it is syntax."""
    present = " AND ".join(_quoted(term) for term in wanted.present)
    if not wanted.absent:
        return present
    return f"({present}) NOT ({' OR '.join(_quoted(term) for term in wanted.absent)})"


def _quoted(term: Term) -> str:
    text = "".join(char if char >= " " and not "\ud800" <= char <= "\udfff" else " " for char in term.text)
    return '"' + cut(text).replace('"', '""') + '"' + (" *" if term.is_prefix else "")
