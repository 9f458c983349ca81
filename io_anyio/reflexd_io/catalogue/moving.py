"""Moving: entries out of the store as lines, and lines into it, both as a stream that is never held whole.

A line belongs to the tenant that it names, since its key was made for that one: under another it would never be
found. Lines that are bad are told with their number and cost nothing else. What was taken before an import broke off
stays, and taking the same file again changes nothing.
"""

from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from sqlite3 import Connection
from time import time

import anyio.to_thread

from reflexd_core.policy import KeepRequest
from reflexd_io.catalogue import lines
from reflexd_io.catalogue.shelves import Shelves
from reflexd_io.store import browse
from reflexd_io.store.detail import detail
from reflexd_io.store.filters import Filter
from reflexd_io.store.imports import Outcome, Taken, take

TOLD = 100
"""Bad lines that are told one by one."""
LONGEST = 64 * 1024 * 1024
"""Bytes of a line."""
_AT_ONCE = 32
"""Entries read or written at a time."""
_BYTES_AT_ONCE = 4 * 1024 * 1024
_SECONDS = 60.0
_MOST_WORDINGS = 10_000


@dataclass(slots=True)
class Account:
    """What became of an import's lines."""

    stored: int = 0
    skipped: int = 0
    bad: list[str] = field(default_factory=list)
    bad_count: int = 0

    def blame(self, number: int, why: str) -> None:
        self.bad_count += 1
        if len(self.bad) < TOLD:
            self.bad.append(f"line {number}: {why}")


Numbered = list[tuple[int, bytes]]
"""Lines and their numbers."""


class Moving:
    def __init__(
        self, shelves: Shelves, *, closed: Callable[[str], str | None], keeps: Callable[[str], KeepRequest]
    ) -> None:
        """By a tenant's id: ``closed`` says why nothing may be taken in for it, ``keeps`` how much of a request."""
        self._shelves = shelves
        self._closed = closed
        self._keeps = keeps

    async def export(
        self, tenant: str | None, wanted: Filter, prefixes: Sequence[bytes] | None = None
    ) -> AsyncGenerator[bytes]:
        """Lines, a few at a time, as entries were stored; ``prefixes``: of those alone whose keys begin so.

        Raises `StoreUnavailable`.
        """
        for one in self._shelves.tenants(tenant):
            above, named = 0, None
            if prefixes is not None:
                find = partial(_numbers_of, prefixes=prefixes, wanted=wanted)
                named = await self._shelves.store.look(one, find, seconds=_SECONDS)
            while True:
                read = partial(_written, tenant=one, wanted=wanted, above=above, named=named)
                found = await self._shelves.store.look(one, read, seconds=_SECONDS)
                if not found or not found[0]:
                    break
                above, written = found
                yield written

    async def take_in(self, pieces: AsyncIterable[bytes], *, tenant: str | None, overwrite: bool) -> Account:
        """Take lines as they come. Raises `StoreUnavailable`, and whatever the pieces do."""
        account = Account()
        batch: Numbered = []
        size = 0
        async for number, line in _split(pieces, account):
            batch.append((number, line))
            size += len(line)
            if len(batch) >= _AT_ONCE or size >= _BYTES_AT_ONCE:
                await self._take(batch, account, tenant, overwrite=overwrite)
                batch, size = [], 0
        await self._take(batch, account, tenant, overwrite=overwrite)
        return account

    async def _take(self, batch: Numbered, account: Account, only: str | None, *, overwrite: bool) -> None:
        by_tenant: dict[str, list[tuple[int, Taken]]] = {}
        for number, tenant, taken in await anyio.to_thread.run_sync(_read, batch):
            if isinstance(taken, str):
                account.blame(number, taken)
            elif only is not None and tenant != only:
                account.skipped += 1
            elif not self._shelves.store.is_name(tenant):
                account.blame(number, f"{tenant!r} is not a tenant's name")
            elif (why := self._closed(tenant)) is not None:
                account.blame(number, why)
            else:
                by_tenant.setdefault(tenant, []).append((number, _held(taken, self._keeps(tenant))))
        for tenant, some in by_tenant.items():
            work = partial(_take_all, some=[taken for _, taken in some], overwrite=overwrite)
            outcomes = await self._shelves.store.change(tenant, work, makes=True)
            account.stored += outcomes.count(Outcome.STORED)
            account.skipped += outcomes.count(Outcome.KEPT)
            changed = [taken.record.key for _, taken in some]
            self._shelves.memory.forget([*changed, *(one.key for _, taken in some for one in taken.wordings)])
            self._shelves.backlog.note(tenant)


def _numbers_of(connection: Connection, prefixes: Sequence[bytes], wanted: Filter) -> list[int]:
    """Those of the entries with these keys that fit, ascending."""
    found = [browse.find(connection, prefix) for prefix in prefixes]
    return sorted({number for number in found if number is not None and browse.fits(connection, number, wanted)})


def _written(
    connection: Connection, tenant: str, wanted: Filter, above: int, named: list[int] | None
) -> tuple[int, bytes]:
    """The lines of the next entries, and the last's number; 0 where there are no more.

    ``named``: the numbers of those that are meant, where it is not all that fit.
    """
    pieces: list[bytes] = []
    size = last = 0
    if named is None:
        numbers = browse.numbers(connection, wanted, above, 2**62, _AT_ONCE)
    else:
        start = bisect_right(named, above)
        numbers = named[start : start + _AT_ONCE]
    for number in numbers:
        last = number
        try:
            seen = detail(connection, number, _MOST_WORDINGS)
        except ValueError:  # a damaged row is nothing to be handed on
            continue
        if seen is not None:
            pieces.append(lines.written(tenant, seen))
            size += len(pieces[-1])
        if size >= _BYTES_AT_ONCE:
            break
    return last, b"".join(pieces)


def _read(batch: Numbered) -> list[tuple[int, str, Taken | str]]:
    """Of each line its number, whose it is, and the entry or what is wrong with it."""
    read: list[tuple[int, str, Taken | str]] = []
    now = time()
    for number, line in batch:
        try:
            tenant, taken = lines.read(line, now)
        except ValueError as error:
            read.append((number, "", str(error)))
            continue
        expires = taken.record.answer.facts.expires
        if expires is not None and expires <= now and not taken.pinned:
            read.append((number, "", "its time is over"))
        else:
            read.append((number, tenant, taken))
    return read


def _held(taken: Taken, keep: KeepRequest) -> Taken:
    """As much of it as the tenant keeps of its own requests."""
    if keep is not KeepRequest.NONE:
        return replace(taken, record=replace(taken.record, keep=keep))
    bare = replace(taken.record, keep=keep, exact_only=True, scope=None, meaning=None)
    return replace(taken, record=bare, wordings=[])


def _take_all(connection: Connection, some: list[Taken], *, overwrite: bool) -> list[Outcome]:
    return [take(connection, taken, overwrite=overwrite) for taken in some]


async def _split(pieces: AsyncIterable[bytes], account: Account) -> AsyncGenerator[tuple[int, bytes]]:
    """Lines that hold something, and their numbers; one that is too long is told and passed over."""
    number, waiting, too_long = 1, bytearray(), False
    async for piece in pieces:
        *whole, rest = piece.split(b"\n")
        for end in whole:
            waiting += end
            if not too_long and waiting.strip():
                yield number, bytes(waiting)
            waiting.clear()
            number, too_long = number + 1, False
        if not too_long:
            waiting += rest
        if len(waiting) > LONGEST:
            account.blame(number, f"it is longer than {LONGEST} bytes")
            waiting.clear()
            too_long = True
    if not too_long and waiting.strip():
        yield number, bytes(waiting)
