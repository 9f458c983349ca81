"""Endpoints about stored entries: browsing them, looking at one, pinning, purging and taking it back."""

import math
from dataclasses import replace
from time import time
from typing import Any, Protocol

import anyio.to_thread
import msgspec

from reflexd_core.finding import Misread, read_wanted
from reflexd_io.catalogue.browsing import MOST, Browsing, Listing
from reflexd_io.catalogue.changing import Change, Changing
from reflexd_io.catalogue.emptying import empty
from reflexd_io.catalogue.moving import Moving
from reflexd_io.catalogue.purging import Purging, Target
from reflexd_io.catalogue.shelves import Shelves, Unclear, prefix_of
from reflexd_io.control.endpoint import Asked, Endpoint, Problem, Streamed
from reflexd_io.control.entry_shapes import detail_of, named, purged_of, row_of, trash_row
from reflexd_io.control_client.shapes import entries as shapes
from reflexd_io.control_client.shapes.common import Done, Nothing
from reflexd_io.control_client.shapes.events import ChangedEvent, PurgedEvent
from reflexd_io.events import Events
from reflexd_io.store.filters import Filter, Tier
from reflexd_io.store.order import Sort

LINES = "application/jsonl"
MOST_IDS = 10_000
"""Entries that one purge names by id."""
LONGEST = 100 * 365 * 86_400.0
"""Seconds; a lifetime beyond that is a slip of the keyboard."""


class Tenants(Protocol):
    """What people call tenants; files and keys know them by their ids."""

    def name_of(self, tenant: str) -> str: ...

    def known(self, name: str) -> str:
        """The id of who is called so. Raises `Unfit` where nobody is."""
        ...


def endpoints(
    tenants: Tenants, browsing: Browsing, changing: Changing, purging: Purging, moving: Moving, events: Events
) -> list[Endpoint[Any, Any]]:
    shown = tenants.name_of

    def id_of(name: str | None) -> str | None:
        return tenants.known(name) if name is not None else None

    def tell_changed() -> None:
        events.publish(ChangedEvent(what="entries", at=time()))

    async def browse(asked: Asked[shapes.EntryQuery, Nothing]) -> shapes.EntryPage:
        query = asked.query
        if not 1 <= query.limit <= MOST:
            raise Problem(400, "bad_query", f"limit must be 1 to {MOST}")
        listing = Listing(
            tenant=id_of(query.tenant), filter=filter_of(query), sort=Sort(query.sort), descending=query.descending
        )
        sheet = await browsing.page(listing, cursor=query.cursor or None, limit=query.limit, called=shown)
        total = await browsing.total(listing)
        return shapes.EntryPage(
            items=[row_of(shown(line.tenant), line.listed) for line in sheet.lines],
            next=sheet.cursor,
            total=total.entries if total.exact else None,
            at_least=None if total.exact else total.entries,
            unreadable=named(sheet.unreadable, shown),
        )

    async def look(asked: Asked[Nothing, Nothing]) -> shapes.EntryDetail:
        tenant, found = await browsing.entry(asked.path["entry"])
        return await anyio.to_thread.run_sync(detail_of, shown(tenant), found)  # an answer may have megabytes

    async def change(asked: Asked[Nothing, shapes.EntryChange]) -> shapes.EntryRow:
        tenant, changed = await changing.change(asked.path["entry"], change_of(asked.body))
        tell_changed()
        return row_of(shown(tenant), changed)

    async def purge(asked: Asked[Nothing, shapes.Purge]) -> shapes.Purged:
        target = target_of(asked.body)
        target = replace(target, tenant=id_of(target.tenant), named=target.tenant)
        if asked.body.dry_run:
            return purged_of(await purging.count(target), shown)
        purged = await purging.purge(target, asked.body.confirm)
        if purged.purge is not None:
            what = target.in_words()
            events.publish(PurgedEvent(purge=purged.purge, count=purged.entries, what=what, at=time()))
            tell_changed()
        return purged_of(purged, shown)

    async def trash(_: Asked[Nothing, Nothing]) -> shapes.Trash:
        return shapes.Trash(items=[trash_row(one, shown) for one in await purging.thrown()])

    async def restore(asked: Asked[Nothing, Nothing]) -> shapes.Restored:
        restored = await purging.restore(asked.path["purge"])
        tell_changed()
        return shapes.Restored(count=restored.entries, skipped=restored.outdone)

    async def drop(asked: Asked[Nothing, Nothing]) -> Done:
        dropped = await purging.drop(asked.path["purge"])
        return Done(message=f"{dropped} {'entry was' if dropped == 1 else 'entries were'} dropped for good.")

    async def export(asked: Asked[shapes.ExportQuery, Nothing]) -> Streamed:
        query = asked.query
        prefixes = None if query.ids is None else [prefix_of(name) for name in query.ids.split(",")]
        return Streamed(moving.export(id_of(query.tenant), filter_of(query), prefixes))

    async def take_in(asked: Asked[shapes.ImportQuery, Nothing]) -> shapes.Imported:
        assert asked.stream is not None  # noqa: S101 - the endpoint says that it takes one
        query = asked.query
        account = await moving.take_in(asked.stream, tenant=id_of(query.tenant), overwrite=query.overwrite)
        if account.stored:
            tell_changed()
        return shapes.Imported(
            stored=account.stored, skipped=account.skipped, bad=account.bad, bad_count=account.bad_count
        )

    return [
        Endpoint(
            method="GET",
            path="/admin/export",
            summary="Entries as JSON Lines, one a line.",
            run=export,
            query=shapes.ExportQuery,
            answer=None,
            content_type=LINES,
            tag="entries",
            problems=(404, 503),
        ),
        Endpoint(
            method="POST",
            path="/admin/import",
            summary="Take entries as they were exported; what is there already and as new stays.",
            run=take_in,
            query=shapes.ImportQuery,
            answer=shapes.Imported,
            takes=LINES,
            tag="entries",
            problems=(404, 503),
        ),
        Endpoint(
            method="GET",
            path="/admin/entries",
            summary="Browse what is stored: a page, sorted, filtered and searched.",
            run=browse,
            query=shapes.EntryQuery,
            answer=shapes.EntryPage,
            tag="entries",
            problems=(404, 503),
        ),
        Endpoint(
            method="GET",
            path="/admin/entries/{entry}",
            summary="One entry with its request, its answer, and how it was used.",
            run=look,
            answer=shapes.EntryDetail,
            tag="entries",
            problems=(404, 503),
        ),
        Endpoint(
            method="PATCH",
            path="/admin/entries/{entry}",
            summary="Pin or unpin an entry, or change how long it still lives.",
            run=change,
            body=shapes.EntryChange,
            answer=shapes.EntryRow,
            tag="entries",
            problems=(404, 503),
        ),
        Endpoint(
            method="POST",
            path="/admin/purge",
            summary="Purge entries, or count what would be purged; it can be undone for ten minutes.",
            run=purge,
            body=shapes.Purge,
            answer=shapes.Purged,
            tag="entries",
            problems=(404, 409, 503),
        ),
        Endpoint(
            method="GET",
            path="/admin/trash",
            summary="Purges that can still be undone.",
            run=trash,
            answer=shapes.Trash,
            tag="entries",
            problems=(404, 503),
        ),
        Endpoint(
            method="POST",
            path="/admin/trash/{purge}/restore",
            summary="Undo a purge.",
            run=restore,
            answer=shapes.Restored,
            tag="entries",
            problems=(404, 503),
        ),
        Endpoint(
            method="DELETE",
            path="/admin/trash/{purge}",
            summary="Drop a purge for good.",
            run=drop,
            answer=Done,
            tag="entries",
            problems=(404, 503),
        ),
    ]


def emptying(tenants: Tenants, shelves: Shelves, events: Events) -> list[Endpoint[Any, Any]]:
    async def remove(asked: Asked[Nothing, Nothing]) -> Done:
        gone = await empty(shelves, tenants.known(asked.path["tenant"]))
        events.publish(ChangedEvent(what="entries", at=time()))
        return Done(message=f"{gone} {'entry was' if gone == 1 else 'entries were'} removed for good.")

    return [
        Endpoint(
            method="DELETE",
            path="/admin/tenants/{tenant}/entries",
            summary="Remove all that is stored for a tenant for good, the trash too; it takes no room on the disk.",
            run=remove,
            answer=Done,
            tag="entries",
            problems=(404, 503),
        )
    ]


def filter_of(asked: shapes.EntryFilter) -> Filter:
    """Raises `Unclear`."""
    now = time()
    try:
        wanted = read_wanted(asked.text or "")
    except Misread as error:
        raise Unclear(f"The search cannot be understood: {error}.", error.at) from error
    return Filter(
        model=asked.model,
        dialect=asked.dialect,
        upstream=asked.upstream,
        tier=Tier(asked.tier) if asked.tier is not None else None,
        pinned=asked.pinned,
        before=now - _seconds("older_than", asked.older_than) if asked.older_than is not None else None,
        since=now - _seconds("newer_than", asked.newer_than) if asked.newer_than is not None else None,
        unused_since=now - _seconds("unused_for", asked.unused_for) if asked.unused_for is not None else None,
        wanted=wanted,
    )


def target_of(asked: shapes.Purge) -> Target:
    """Raises `Unclear`, most of all where everything would be meant and was not said."""
    given = asked.filter or shapes.EntryFilter()
    if asked.ids is not None and len(asked.ids) > MOST_IDS:
        raise Unclear(f"{len(asked.ids)} ids at once are too many: {MOST_IDS} at most")
    for name in asked.ids or ():
        prefix_of(name)
    target = Target(
        tenant=given.tenant,
        ids=tuple(dict.fromkeys(asked.ids)) if asked.ids is not None else None,
        filter=filter_of(given),
        asked=msgspec.json.encode(given).decode(),
    )
    if target.is_whole and target.tenant is None and not asked.everything:
        raise Unclear('neither ids nor a filter: to purge everything, say so: "everything": true')
    return target


def change_of(asked: shapes.EntryChange) -> Change:
    """Raises `Unclear`."""
    pinned = asked.pinned if isinstance(asked.pinned, bool) else None
    match asked.expires_in:
        case None:
            return Change(pinned=pinned, sets_expiry=True)
        case int() | float() as seconds:
            if not 0 < seconds <= LONGEST:  # NaN is neither
                raise Unclear("expires_in must be above 0 and at most 100 years; null: it never expires")
            return Change(pinned=pinned, sets_expiry=True, expires=time() + seconds)
        case _:
            return Change(pinned=pinned)


def _seconds(name: str, value: float) -> float:
    if not math.isfinite(value) or value < 0:
        raise Unclear(f"{name} must be a number of seconds, 0 or more")
    return value
