"""Purging: entries out of every tenant's file and of memory, counted first and undone for a while.

A dry run counts and gives a word of confirmation; a purge that brings it takes what was counted and nothing stored
since, and says what had gone meanwhile. What is under way to be stored when it is purged is not stored either (see
`Memory.purged`). A purge that the daemon's end cuts short has purged what its place in the trash says.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from sqlite3 import Connection
from time import time

from reflexd_io.catalogue.browsing import Line
from reflexd_io.catalogue.shelves import Shelves, Unknown, Unreadable, prefix_of
from reflexd_io.store import StoreUnavailable, browse, forms, trash
from reflexd_io.store.browse import Listed
from reflexd_io.store.filters import ANY, Filter
from reflexd_io.store.order import Sort
from reflexd_io.store.trash import Moved, Purge

EXAMPLES = 5
"""Entries that a dry run shows."""
COUNTING = 60.0
"""Seconds that counting may take in a tenant's file."""
_BATCH = 1000
_CONFIRMATIONS = 100
_MOST = 2**62
_FULL = "disk is full"
"""How SQLite says so."""
_NO_ROOM = (
    "What is purged is kept for a while, which takes room: make some, or let everything of a tenant go for good, "
    "which takes none (reflexd cache purge --all --for-good)"
)


class Conflict(Exception):  # noqa: N818 - it says what the request is
    """It does not go with what is there; the message says so in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be purged: by id, by filter, or by both; without either everything, of a tenant or of all."""

    tenant: str | None = None
    ids: tuple[str, ...] | None = None
    filter: Filter = ANY
    named: str | None = None
    """What people call the tenant."""
    asked: str = ""
    """The filter in the asker's words, whose moments ("older than a day") move with the clock."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the tenants in question is to be left."""
        return self.ids is None and self.filter.is_any

    def in_words(self) -> str:
        whose = f"tenant {self.named or self.tenant}" if self.tenant is not None else "all tenants"
        if self.is_whole:
            return f"everything of {whose}"
        named = f"{len(self.ids)} by id" if self.ids is not None else ""
        filter_ = self.filter
        said = {
            "model": filter_.model,
            "dialect": filter_.dialect,
            "upstream": filter_.upstream,
            "tier": filter_.tier,
            "pinned": filter_.pinned,
            "stored before": _moment(filter_.before),
            "stored since": _moment(filter_.since),
            "unused since": _moment(filter_.unused_since),
            "text": " ".join(term.text for term in filter_.wanted.present) if filter_.wanted is not None else None,
        }
        conditions = ", ".join(f"{name} {value}" for name, value in said.items() if value is not None)
        return f"{', '.join(part for part in (named, conditions) if part)} of {whose}"


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What was counted, or purged."""

    entries: int = 0
    size: int = 0
    """Bytes of the answers as recorded."""
    pinned: int = 0
    tenants: dict[str, int] = field(default_factory=dict)
    examples: list[Line] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Ids under which nothing is stored (any more)."""
    confirm: str | None = None
    """After a dry run: the word by which exactly this is purged."""
    gone: int = 0
    """Of those counted by the dry run, how many had gone before the purge."""
    purge: str | None = None
    undo_until: float | None = None
    failed: Unreadable = field(default_factory=dict)
    """Tenants of whom it could not be done, or not wholly, and why."""


@dataclass(slots=True)
class _Sum:
    entries: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class _Counted:
    target: Target
    entries: int
    last: dict[str, int]
    """By tenant, the highest number given when they were counted."""


@dataclass(frozen=True, slots=True)
class Restored:
    entries: int
    outdone: int
    """Those that something newer stands in for by now."""


@dataclass(frozen=True, slots=True)
class Thrown:
    """A purge that can still be undone, over all tenants."""

    id: str
    at: float
    until: float
    what: str
    finished: bool
    entries: int
    size: int
    tenants: dict[str, int]


class Purging:
    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves
        self._store = shelves.store
        self._counted: OrderedDict[str, _Counted] = OrderedDict()

    async def count(self, target: Target) -> Outcome:
        """A dry run. Raises `Unclear` and `StoreUnavailable`."""
        outcome, last = Outcome(), dict[str, int]()
        unknown = dict.fromkeys(target.ids or ())
        seen = self._shelves.look(
            target.tenant, lambda _, connection: _count(connection, target), outcome.failed, seconds=COUNTING
        )
        async for tenant, (counted, examples, known) in seen:
            last[tenant] = counted.last
            outcome.entries += counted.entries
            outcome.size += counted.size
            outcome.pinned += counted.pinned
            if counted.entries:
                outcome.tenants[tenant] = counted.entries
            outcome.examples += [Line(tenant, listed) for listed in examples][: EXAMPLES - len(outcome.examples)]
            for name in known:
                unknown.pop(name, None)
        outcome.unknown = list(unknown)
        outcome.confirm = secrets.token_hex(8)
        self._counted[outcome.confirm] = _Counted(target, outcome.entries, last)
        if len(self._counted) > _CONFIRMATIONS:
            self._counted.popitem(last=False)
        return outcome

    async def purge(self, target: Target, confirm: str | None = None) -> Outcome:
        """Purge now: what was counted under ``confirm``, or all that there is.

        Raises `Unclear`, `Conflict` and `StoreUnavailable`.
        """
        counted = self._confirmed(target, confirm) if confirm is not None else None
        target = counted.target if counted is not None else target
        outcome, purge = Outcome(), secrets.token_hex(8)
        unknown = dict.fromkeys(target.ids or ())
        at = time()
        if target.is_whole and target.tenant is not None:
            self._shelves.memory.forget_tenant(target.tenant)  # it may have no file yet
        elif target.is_whole:
            self._shelves.memory.forget_all()  # of those without a file too
        await self._store.flush()
        for tenant in self._shelves.tenants(target.tenant):
            upto = counted.last.get(tenant, 0) if counted is not None else _MOST
            moved = _Sum()
            try:
                await self._purge_tenant(tenant, target, purge, at, upto, unknown, moved)
            except StoreUnavailable as error:
                outcome.failed[tenant] = str(error)
            outcome.entries, outcome.size = outcome.entries + moved.entries, outcome.size + moved.size
            if moved.entries:
                outcome.tenants[tenant] = moved.entries
        if outcome.failed and not outcome.entries:
            reasons = "; ".join(outcome.failed.values())
            raise StoreUnavailable(f"{reasons}. {_NO_ROOM}" if _FULL in reasons else reasons)
        for name in target.ids or ():  # what is in memory alone, since the disk failed
            self._shelves.memory.forget_named(prefix_of(name))
        outcome.unknown = list(unknown)
        if counted is not None:
            outcome.gone = max(0, counted.entries - outcome.entries)
            self._counted.pop(confirm or "", None)
        if outcome.entries:
            outcome.purge, outcome.undo_until = purge, at + trash.UNDO
        return outcome

    def _confirmed(self, target: Target, confirm: str) -> _Counted:
        counted = self._counted.get(confirm)
        if counted is None:
            raise Conflict("This count is not known (any more): make a dry run again.")
        if _as_asked(counted.target) != _as_asked(target):
            raise Conflict("This count was of something else: make a dry run of what is to be purged.")
        return counted

    async def _purge_tenant(
        self, tenant: str, target: Target, purge: str, at: float, upto: int, unknown: dict[str, None], done: _Sum
    ) -> None:
        """``done`` is told what was purged, as it goes. Raises `StoreUnavailable`."""
        if target.ids is not None and not await self._store.look(tenant, partial(_named, target=target)):
            return
        begin = partial(trash.begin, purge=purge, what=target.in_words(), at=at)
        upto = min(upto, await self._store.change(tenant, begin))
        if target.is_whole:
            self._shelves.memory.forget_tenant(tenant)
            await self._store.change(tenant, forms.forget_all)  # for good: they only explain
        above = 0
        while True:
            read = partial(_numbers, target=target, above=above, upto=upto)
            found = await self._store.look(tenant, read, seconds=COUNTING)
            if not found:
                break
            for name in found.values():
                unknown.pop(name, None)
            numbers = list(found)
            above = numbers[-1]
            while numbers:
                moved = await self._store.change(tenant, partial(trash.move, purge=purge, numbers=numbers))
                self._shelves.memory.forget(moved.keys, purged=True)
                done.entries, done.size = done.entries + moved.entries, done.size + moved.size
                numbers = numbers[len(numbers) - moved.left :]
        await self._store.change(tenant, partial(trash.finish, purge=purge))

    async def thrown(self) -> list[Thrown]:
        """What can still be undone, the newest first. Raises `StoreUnavailable`."""
        by_id: dict[str, list[tuple[str, Purge]]] = {}
        now = time()
        async for tenant, found_here in self._shelves.look(None, lambda _, db: trash.purges(db, now), {}):
            for purge in found_here:
                by_id.setdefault(purge.id, []).append((tenant, purge))
        found = [_together(parts) for parts in by_id.values()]
        return sorted(found, key=lambda one: (-one.at, one.id))

    async def restore(self, purge: str) -> Restored:
        """Undo a purge. Raises `Unknown` where nothing is left to be undone, and `StoreUnavailable`."""
        slices = await self._in_slices(purge, partial(trash.restore, purge=purge, now=time()))
        return Restored(sum(moved.entries for moved in slices), sum(moved.outdone for moved in slices))

    async def drop(self, purge: str) -> int:
        """Drop a purge for good; gives how many entries went. Raises as `restore`."""
        return sum(moved.entries for moved in await self._in_slices(purge, partial(trash.drop, purge=purge)))

    async def _in_slices(self, purge: str, work: Callable[[Connection], Moved | None]) -> list[Moved]:
        """Do it in every tenant's file that knows the purge, slice by slice, until nothing of it is left there."""
        slices: list[Moved] = []
        known = self._shelves.look(None, lambda _, db: trash.knows(db, purge), {})
        for tenant in [tenant async for tenant, knows in known if knows]:
            while (moved := await self._store.change(tenant, work)) is not None:
                self._shelves.memory.forget(moved.keys)
                slices.append(moved)
                if not moved.left:
                    self._shelves.backlog.note(tenant)
                    break
        if not slices:
            raise Unknown(f"There is no purge {purge} to undo: its time is over, or it was undone or dropped before.")
        return slices


def _count(connection: Connection, target: Target) -> tuple[browse.Count, list[Listed], list[str]]:
    """What there is, some of it, and which ids are known."""
    if target.ids is None:
        newest = browse.page(connection, target.filter, Sort.CREATED, descending=True, after=None, limit=EXAMPLES)
        return browse.measure(connection, target.filter), newest.lines, []
    named = _named(connection, target)
    last = trash.last_number(connection)
    lines = browse.lines_of(connection, list(named))
    size, pinned = sum(line.size for line in lines), sum(line.pinned for line in lines)
    count = browse.Count(len(named), exact=True, size=size, pinned=pinned, last=last)
    return count, lines[:EXAMPLES], list(named.values())


def _numbers(connection: Connection, target: Target, above: int, upto: int) -> dict[int, str]:
    """Numbers of the next entries that are meant, ascending, and by which id each was named."""
    if target.ids is None:
        return dict.fromkeys(browse.numbers(connection, target.filter, above, upto, _BATCH), "")
    named = _named(connection, target)
    return {number: named[number] for number in sorted(named) if above < number <= upto}


def _named(connection: Connection, target: Target) -> dict[int, str]:
    """Entries that are named and fit the filter."""
    found: dict[int, str] = {}
    for name in target.ids or ():
        number = browse.find(connection, prefix_of(name))
        if number is not None and browse.fits(connection, number, target.filter):
            found[number] = name
    return found


def _as_asked(target: Target) -> Target:
    return replace(target, filter=replace(target.filter, before=None, since=None, unused_since=None))


def _together(parts: list[tuple[str, Purge]]) -> Thrown:
    """One purge over the tenants in whose files it is."""
    first = parts[0][1]
    return Thrown(
        id=first.id,
        at=first.at,
        until=min(purge.until for _, purge in parts),
        what=first.what,
        finished=all(purge.finished for _, purge in parts),
        entries=sum(purge.entries for _, purge in parts),
        size=sum(purge.size for _, purge in parts),
        tenants={tenant: purge.entries for tenant, purge in parts},
    )


_LAST = 253_402_300_799.0
"""The end of the year 9999, behind which there is no date to name."""


def _moment(at: float | None) -> str | None:
    """Whatever number of days somebody asks for: before the first and behind the last date nothing was stored."""
    if at is None:
        return None
    return f"{datetime.fromtimestamp(min(max(at, 0.0), _LAST), UTC):%Y-%m-%d %H:%M:%S} UTC"
