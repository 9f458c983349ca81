"""Relaying: a request and its response passed through untouched, without size limit, never cached.

For every path that is no cached dialect, for bodies too large to be compared, and for the day something in Reflex
itself breaks: then this is all that is left of it, and the client still gets its answer.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from time import perf_counter

from reflexd_core.commands import Status
from reflexd_core.credentials import Route
from reflexd_core.headers import explain_forward, to_client, value_of
from reflexd_core.routing import Target
from reflexd_io.flight import Flights, url_of
from reflexd_io.http import Connection, while_here
from reflexd_io.incoming import Request, RequestBody
from reflexd_io.ledger import Ledger
from reflexd_io.upstream import UpstreamClient, UpstreamUnreachable


class Relay:
    def __init__(self, client: UpstreamClient, flights: Flights, ledger: Ledger) -> None:
        self._client = client
        self._flights = flights
        self._ledger = ledger

    async def pass_on(
        self,
        connection: Connection,
        request: Request,
        target: Target,
        route: Route,
        body: bytes | RequestBody,
        reason: str,
    ) -> None:
        """Send the request with this body upstream and its response back.

        Raises `NoKey` or `UpstreamUnreachable` (the connection can tell whether anything was sent), `ClientGone`.
        """
        began, told = perf_counter(), 0

        def started(status: int) -> None:
            nonlocal told
            told = status

        try:
            await self._pass_on(connection, request, target, route, body, reason, started)
        except UpstreamUnreachable:
            self._ledger.note_upstream_error(route.upstream.name, 0)
            raise
        finally:
            self._ledger.note_relayed(route.tenant, route.upstream.name, told, began)

    async def _pass_on(
        self,
        connection: Connection,
        request: Request,
        target: Target,
        route: Route,
        body: bytes | RequestBody,
        reason: str,
        started: Callable[[int], None],
    ) -> None:
        headers = await self._flights.outgoing_headers(request.headers, target, route)
        if not isinstance(body, bytes):
            announced = request.raw_named.get(b"content-length")
            headers.append((b"Content-Length", announced) if announced else (b"Transfer-Encoding", b"chunked"))
        elif request.announces_body:
            headers.append((b"Content-Length", b"%d" % len(body)))
        async with AsyncExitStack() as stack:
            over = body.over if isinstance(body, RequestBody) else None  # until then, leaving shows in the body
            await stack.enter_async_context(while_here(connection, after=over))
            url = url_of(target, route)
            response = await stack.enter_async_context(self._client.send(request.method, url, headers, body))
            started(response.status)
            passed = to_client(response.headers)
            announced_back = value_of(response.headers, b"content-length")
            if announced_back is not None:
                passed.append((b"Content-Length", announced_back))
            passed += explain_forward(Status.BYPASS, reason, collapsed=False, timings={})
            await connection.start(response.status, response.reason, passed)
            async for chunk in response.chunks:
                await connection.send(chunk)
            await connection.finish()
