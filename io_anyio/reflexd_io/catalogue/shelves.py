"""Shelves: where the catalogue finds entries, and how an entry is found by its id."""

import re
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from reflexd_io.backlog import Backlog
from reflexd_io.memory import Memory
from reflexd_io.store import LOOK, Store, StoreUnavailable, browse

T = TypeVar("T")

Unreadable = dict[str, str]
"""Tenants whose file cannot be read, and why."""

_ID = re.compile(r"[0-9a-f]{32}")


class Unknown(Exception):  # noqa: N818 - it says what the thing is
    """What was named is not there; the message says so in words."""


class Unclear(ValueError):  # noqa: N818 - it says what the request is
    """What was asked for cannot be understood."""

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.at = at
        """The place of the fault in what was typed, in characters."""


@dataclass(frozen=True, slots=True)
class Found:
    tenant: str
    number: int


@dataclass(frozen=True, slots=True)
class Shelves:
    store: Store
    memory: Memory
    backlog: Backlog

    def tenants(self, only: str | None = None) -> list[str]:
        """Ids of all that have entries, in order; or of the one that is meant, by id too, if it has any."""
        known = self.store.tenants()
        if only is not None:
            return [only] if only in known else []
        return sorted(known)

    async def look(
        self,
        only: str | None,
        work: Callable[[str, sqlite3.Connection], T],
        unreadable: Unreadable,
        *,
        seconds: float = LOOK,
    ) -> AsyncGenerator[tuple[str, T]]:
        """What ``work`` finds in each tenant's file, or in that of the one that is meant.

        A file that cannot be read costs nothing but its own part, which ``unreadable`` is told. Raises
        `StoreUnavailable` where it is the one that is meant.
        """
        for tenant in self.tenants(only):
            try:
                found = await self.store.look(tenant, lambda db, tenant=tenant: work(tenant, db), seconds=seconds)  # type: ignore[misc]
            except StoreUnavailable as error:
                if only is not None:
                    raise
                unreadable[tenant] = str(error)
                continue
            if found is not None:
                yield tenant, found

    async def find(self, name: str, tenant: str | None = None) -> Found:
        """The entry of this id. Raises `Unknown`, `Unclear` and `StoreUnavailable`."""
        prefix = prefix_of(name)
        unreadable: Unreadable = {}
        seen = self.look(tenant, lambda _, connection: browse.find(connection, prefix), unreadable)
        async with aclosing(seen):
            async for one, number in seen:
                if number is not None:
                    return Found(one, number)
        if unreadable:
            raise StoreUnavailable(f"it may be in what cannot be read: {'; '.join(unreadable.values())}")
        raise Unknown(f"No entry {name} is stored (any more).")


def prefix_of(name: str) -> bytes:
    """The key's beginning that an id names. Raises `Unclear`."""
    if not _ID.fullmatch(name):
        raise Unclear(f"{name!r} is no entry's id: those are 32 hexadecimal digits, as X-Reflex-Entry tells them")
    return bytes.fromhex(name)
