"""The gateway: what becomes of one request, by its head alone.

It guards (Host, Origin, users), lets nobody have too many requests under way, and hands over: to `serving` what may
be cached, to `passing` everything else, and what is asked of Reflex itself to the dashboard, the control API and
its own few pages.
"""

from functools import lru_cache
from urllib.parse import urlsplit

from reflexd_core.dialects.chat import CHAT
from reflexd_core.routing import Kind, Target, read_target
from reflexd_io.control import Control
from reflexd_io.dashboard import Dashboard
from reflexd_io.guard import Guard
from reflexd_io.http import Connection
from reflexd_io.incoming import BadRequest, ClientGone, Request
from reflexd_io.limits import TooMany, Turns
from reflexd_io.own_headers import own_headers
from reflexd_io.own_pages import OwnPages
from reflexd_io.passing import Passing
from reflexd_io.refusals import SOON, refuse
from reflexd_io.request_log import request_id
from reflexd_io.router import NoRoute
from reflexd_io.serving import Serving

# Codex takes a 426 as "use HTTP from now on", where a 404 costs it seven tries and as many seconds.
_NO_WEBSOCKET = "Reflex speaks HTTP alone: send the request as a POST."
_PLAIN_HTTP = (b"Upgrade", b"HTTP/1.1")  # RFC 9110 section 15.5.22 asks for it


class Gateway:
    def __init__(
        self,
        *,
        guard: Guard,
        turns: Turns,
        serving: Serving,
        passing: Passing,
        own_pages: OwnPages,
        dashboard: Dashboard,
        control: Control,
    ) -> None:
        self._guard = guard
        self._turns = turns
        self._serving = serving
        self._passing = passing
        self._own_pages = own_pages
        self._dashboard = dashboard
        self._control = control

    async def answer(self, connection: Connection, request: Request) -> None:
        """See one request to its end. Raises `ClientGone` once the connection is of no more use."""
        try:
            target = read_target(request.method, origin_form(request.target))
            forbidden = self._guard.forbids(request, connection.peer, target)
            if target.dialect is None:
                connection.tell_request_id(request_id(request.raw_named))
            if forbidden is not None:
                await refuse(connection, target, 403, "forbidden", forbidden)
            elif b"websocket" in request.raw_named.get(b"upgrade", b"").lower():
                await refuse(connection, target, 426, "upgrade_unsupported", _NO_WEBSOCKET, _PLAIN_HTTP)
            elif target.dialect is not None or target.kind is Kind.RELAYED:
                await self._in_turn(connection, request, target)
            elif target.kind is Kind.OWN:
                await self._own_pages.answer(connection, request, target)
            elif target.kind is Kind.DASHBOARD:
                await self._dashboard.answer(connection, request, target)
            elif target.kind is Kind.ADMIN:
                await self._control.answer(connection, request, target)
            else:
                what = f"{request.method} {target.path}"
                await refuse(connection, target, 404, "not_found", f"Reflex has no {what}; a base_url ends in /v1.")
        except BadRequest as error:
            await self.reject(connection, error)
            raise ClientGone from error
        except NoRoute as error:
            await refuse(connection, target, 400, error.why.code, error.why.message)

    async def reject(self, connection: Connection, error: BadRequest) -> None:
        """Say what was wrong with a request that could not be read, then close."""
        body = CHAT.error(error.status, f"Reflex cannot read this request: {error}", "bad_request")
        await connection.refuse(error.status, own_headers(body), body)

    async def turn_away(self, connection: Connection) -> None:
        """Say that there is no room for one more connection, then close."""
        body = CHAT.error(503, "Reflex has as many connections as it may (max_connections).", "too_many_connections")
        await connection.refuse(503, own_headers(body, SOON), body)

    async def _in_turn(self, connection: Connection, request: Request, target: Target) -> None:
        """See to a request that may cost something, once its client has not too many under way."""
        client = connection.peer.address
        if not self._turns.take(client):
            try:
                await self._turns.wait(client)
            except TooMany as error:
                await refuse(connection, target, 429, "too_many_requests", str(error), SOON)
                return
        try:
            if target.dialect is not None:
                connection.asks = True
                await self._serving.serve(connection, request, target, target.dialect)
            else:
                await self._passing.untouched(connection, request, target)
        finally:
            self._turns.leave(client)


@lru_cache(maxsize=1024)
def origin_form(target: bytes) -> str:
    """The request target as path and query; an absolute one loses its scheme and host (RFC 9112 section 3.2.2)."""
    text = target.decode("latin-1")
    if text.startswith("/"):
        return text
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise BadRequest(400, "the request target is not a URL") from error
    if parts.scheme in ("http", "https") and parts.netloc:
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if text == "*":
        return "/"
    raise BadRequest(400, "the request target is neither a path nor a URL")
