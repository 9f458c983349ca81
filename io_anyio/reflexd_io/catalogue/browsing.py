"""Browsing over tenants: pages that go on where the last one ended, however much there is."""

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from sqlite3 import Connection

from reflexd_core.keys import digest
from reflexd_io.catalogue.shelves import Shelves, Unclear, Unknown, Unreadable
from reflexd_io.store import browse
from reflexd_io.store.browse import Listed, Page
from reflexd_io.store.detail import Detail, detail
from reflexd_io.store.filters import ANY, Filter
from reflexd_io.store.order import Place, Sort, Value
from reflexd_io.store.rows import storable

MOST = 500
"""Entries of a page."""
_ABOVE = 2**62
"""Above all numbers."""
_BELOW = -1


@dataclass(frozen=True, slots=True)
class Line:
    tenant: str
    listed: Listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is listed, and in which order; a cursor belongs to one listing."""

    tenant: str | None = None
    filter: Filter = ANY
    sort: Sort = Sort.CREATED
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    lines: list[Line]
    cursor: str | None
    """For the next page; None where there is none."""
    unreadable: Unreadable = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Total:
    entries: int
    exact: bool
    """False where there may be more."""


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where a listing stands: equal values are ordered by tenant, then by number."""

    tenant: str
    place: Place


Called = Callable[[str], str]
"""What people call a tenant."""


class Browsing:
    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    async def page(self, listing: Listing, *, cursor: str | None, limit: int, called: Called = str) -> Sheet:
        """Raises `Unclear` for a cursor of another listing, and `StoreUnavailable`.

        ``called``: by what tenants are sorted, where they are; else by their ids.
        """
        if not 1 <= limit <= MOST:
            raise Unclear(f"a page has 1 to {MOST} entries")
        stand = _read_cursor(cursor, listing) if cursor is not None else None
        unreadable: Unreadable = {}
        rank = _ranked(listing, called)

        def read(tenant: str, connection: Connection) -> Page:
            after = _in_tenant(stand, tenant, rank, descending=listing.descending)
            return browse.page(
                connection, listing.filter, listing.sort, descending=listing.descending, after=after, limit=limit
            )

        pages = [found async for found in self._shelves.look(listing.tenant, read, unreadable)]
        return replace(_merged(pages, listing, limit, rank), unreadable=unreadable)

    async def total(self, listing: Listing) -> Total:
        """How many are listed in all. Raises `StoreUnavailable`."""
        unreadable: Unreadable = {}
        counts = self._shelves.look(listing.tenant, lambda _, db: browse.count(db, listing.filter), unreadable)
        found = [count async for _, count in counts]
        exact = not unreadable and all(count.exact for count in found)
        return Total(sum(count.entries for count in found), exact)

    async def entry(self, name: str, tenant: str | None = None) -> tuple[str, Detail]:
        """One entry and whose it is. Raises `Unknown`, `Unclear` and `StoreUnavailable`."""
        found = await self._shelves.find(name, tenant)
        seen = await self._shelves.store.look(found.tenant, partial(detail, number=found.number))
        if seen is None:
            raise Unknown(f"Entry {name} has just gone.")
        return found.tenant, seen


Rank = Callable[[str], tuple[str, str]]


def _ranked(listing: Listing, called: Called) -> Rank:
    """Where a tenant stands among the others: by its id, which never changes, unless its name is the order."""
    return lambda tenant: (called(tenant) if listing.sort is Sort.TENANT else "", tenant)


def _merged(pages: list[tuple[str, Page]], listing: Listing, limit: int, rank: Rank) -> Sheet:
    """The first of all tenants' lines; none behind the place up to which some tenant was looked at is given yet."""
    ranks = {tenant: rank(tenant) for tenant, _ in pages}

    def order(stand: _Stand) -> tuple[Value, tuple[str, str], int]:
        return stand.place.value, ranks[stand.tenant], stand.place.number

    ends = [_Stand(tenant, page.after) for tenant, page in pages if page.after is not None]
    end = (max if listing.descending else min)(ends, key=order) if ends else None
    lines = [Line(tenant, listed) for tenant, page in pages for listed in page.lines]
    stands = [_Stand(line.tenant, line.listed.place) for line in lines]
    sorted_ = sorted(zip(lines, stands, strict=True), key=lambda one: order(one[1]), reverse=listing.descending)
    if end is not None:
        last, descends = order(end), listing.descending
        sorted_ = [one for one in sorted_ if (order(one[1]) >= last if descends else order(one[1]) <= last)]
    if len(sorted_) > limit:
        sorted_, end = sorted_[:limit], sorted_[limit - 1][1]
    return Sheet([line for line, _ in sorted_], _cursor_of(end, listing) if end is not None else None)


def _in_tenant(stand: _Stand | None, tenant: str, rank: Rank, *, descending: bool) -> Place | None:
    """Where a listing over tenants stands in this tenant's own."""
    if stand is None or stand.tenant == tenant:
        return stand.place if stand is not None else None
    is_behind = (rank(tenant) > rank(stand.tenant)) is not descending
    first, last = (_ABOVE, _BELOW) if descending else (_BELOW, _ABOVE)
    return Place(stand.place.value, first if is_behind else last)


def _cursor_of(stand: _Stand, listing: Listing) -> str:
    value = None if stand.place.value == inf else stand.place.value
    told = [_mark(listing), stand.tenant, value, stand.place.number]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _read_cursor(cursor: str, listing: Listing) -> _Stand:
    """Raises `Unclear`."""
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise Unclear("this is no cursor: leave it out to begin from the start") from error
    match told:
        case [str(mark), str(tenant), None | int() | float() | str() as value, int(number)] if abs(number) <= _ABOVE:
            if mark != _mark(listing):
                raise Unclear("this cursor belongs to another filter or order: leave it out to begin from the start")
            return _Stand(tenant, Place(_value(value), number))
        case _:
            raise Unclear("this is no cursor: leave it out to begin from the start")


def _value(told: float | str | None) -> Value:
    if isinstance(told, str):
        return storable(told)
    with suppress(OverflowError):
        return inf if told is None else float(told)
    raise Unclear("this is no cursor: leave it out to begin from the start")


def _mark(listing: Listing) -> str:
    """What tells listings apart; moments move with the clock from one page to the next and are left out."""
    filter_ = replace(listing.filter, before=None, since=None, unused_since=None)
    return digest(repr((listing.tenant, filter_, listing.sort.value, listing.descending)).encode())[:6].hex()
