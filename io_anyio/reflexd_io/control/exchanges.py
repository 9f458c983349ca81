"""Endpoints about what was asked lately: the list, one exchange, and why it missed."""

import math
from typing import Any

import anyio.lowlevel

from reflexd_io.control.endpoint import Asked, Endpoint, Problem
from reflexd_io.control_client.shapes.common import Nothing
from reflexd_io.control_client.shapes.exchanges import ExchangeDetail, ExchangePage, ExchangeQuery, Explained
from reflexd_io.feedback import Unknown
from reflexd_io.journal import Finished, Journal
from reflexd_io.journal.accounts import Accounts
from reflexd_io.journal.finished import HITS
from reflexd_io.tenants.registry import Registry

MOST = 1000
"""Rows of a page."""
AT_ONCE = 500
"""Records looked at before others have their turn."""


def endpoints(tenants: Registry, journal: Journal, accounts: Accounts) -> list[Endpoint[Any, Any]]:
    async def listed(asked: Asked[ExchangeQuery, Nothing]) -> ExchangePage:
        query = asked.query
        if query.tenant is not None:
            tenants.known(query.tenant)
        return await page(journal, query)

    async def one(asked: Asked[Nothing, Nothing]) -> ExchangeDetail:
        return await accounts.detail(asked.path["exchange"])

    async def diff(asked: Asked[Nothing, Nothing]) -> Explained:
        return await accounts.explain(asked.path["exchange"])

    return [
        Endpoint(
            method="GET",
            path="/admin/exchanges",
            summary="What was asked lately, the newest first.",
            run=listed,
            query=ExchangeQuery,
            answer=ExchangePage,
            tag="exchanges",
            problems=(404,),
        ),
        Endpoint(
            method="GET",
            path="/admin/exchanges/{exchange}",
            summary="All that is known of one exchange: the tiers, the candidates, and what decided.",
            run=one,
            answer=ExchangeDetail,
            tag="exchanges",
            problems=(404,),
        ),
        Endpoint(
            method="GET",
            path="/admin/exchanges/{exchange}/diff",
            summary="Why it missed: how it differs from the nearest earlier request of the same client.",
            run=diff,
            answer=Explained,
            tag="exchanges",
            problems=(404,),
        ),
    ]


async def page(journal: Journal, query: ExchangeQuery) -> ExchangePage:
    """Raises `Problem`, and `Unknown` for a cursor behind which nothing is kept any more."""
    if not 1 <= query.limit <= MOST:
        raise Problem(400, "bad_query", f"limit must be 1 to {MOST}")
    if query.min_ms is not None and not math.isfinite(query.min_ms):
        raise Problem(400, "bad_query", "min_ms must be a number of milliseconds")
    behind = None
    if query.cursor is not None:
        last = journal.find(query.cursor)
        if last is None:
            raise Unknown("The exchange at which the page before ended is not kept any more: begin again.")
        behind = last.number
    found: list[Finished] = []
    for place, record in enumerate(journal.newest(behind)):
        if place % AT_ONCE == AT_ONCE - 1:
            await anyio.lowlevel.checkpoint()
        if (query.tenant is None or journal.name_of(record.tenant) == query.tenant) and _meets(record, query):
            found.append(record)
        if len(found) > query.limit:
            break
    rows = [journal.row(record) for record in found[: query.limit]]
    return ExchangePage(items=rows, next=rows[-1].id if len(found) > query.limit else None)


def _meets(record: Finished, query: ExchangeQuery) -> bool:
    return (
        (query.status is None or _is_status(record, query.status))
        and (query.dialect is None or record.dialect == query.dialect)
        and (query.client is None or record.about.client == query.client)
        and (query.model is None or _is_in(query.model, record.model))
        and (query.text is None or _is_in(query.text, record.about.question))
        and (query.min_ms is None or record.took * 1000 >= query.min_ms)
    )


def _is_status(record: Finished, asked: str) -> bool:
    match asked:
        case "hit":
            return record.status in HITS
        case "coalesced":
            return record.joined
        case _:
            return record.status.value == asked


def _is_in(part: str, text: str) -> bool:
    return part.casefold() in text.casefold()
