"""Passing on: where a request goes, and the way there around the cache.

What may be cached asks here for its route too, and comes back here whenever the cache is left out.
"""

import logging
from time import perf_counter, time

from reflexd_core.credentials import Route
from reflexd_core.routing import Target
from reflexd_io.flight import NoKey
from reflexd_io.http import Connection
from reflexd_io.incoming import BadRequest, ClientGone, Request, RequestBody
from reflexd_io.reading import CACHED_LIMIT
from reflexd_io.refusals import refuse
from reflexd_io.relay import Relay
from reflexd_io.request_log import RequestLog
from reflexd_io.router import Router, model_in
from reflexd_io.tenants.registry import Registry
from reflexd_io.upstream import UpstreamUnreachable

log = logging.getLogger(__name__)


class Passing:
    def __init__(self, *, registry: Registry, router: Router, relay: Relay, request_log: RequestLog) -> None:
        self._registry = registry
        self._router = router
        self._relay = relay
        self._request_log = request_log

    async def untouched(self, connection: Connection, request: Request, target: Target) -> None:
        began = perf_counter()
        found, body = self.route(connection, request, target), await _body_of(connection, request)
        try:
            await self.pass_on(connection, request, target, found, body, "not-cached")
        finally:
            self._request_log.note_relayed(request, target, found, connection.status, began)

    def route(self, connection: Connection, request: Request, target: Target, raw: bytes = b"") -> Route:
        """``raw``: the body, where it is there. Raises `NoRoute`."""
        self._registry.settle()
        now = time()
        found = self._router.route(connection.peer, request, target, now)
        if raw and self._router.asks_for_model(found, target):
            model = model_in(request, raw, CACHED_LIMIT)
            found = self._router.route(connection.peer, request, target, now, model=model)
        self._registry.note_use(found, now)
        return found

    async def pass_on(
        self,
        connection: Connection,
        request: Request,
        target: Target,
        found: Route,
        body: bytes | RequestBody,
        reason: str,
    ) -> None:
        try:
            await self._relay.pass_on(connection, request, target, found, body, reason)
        except NoKey as error:
            await refuse(connection, target, 400, "upstream_not_configured", str(error))
        except UpstreamUnreachable as error:
            if not connection.can_respond:
                raise ClientGone from error
            why = f"Reflex could not reach {found.upstream.name} at {found.upstream.base_url}: {error}"
            await refuse(connection, target, error.status, "upstream_unreachable", why)
        except (ClientGone, BadRequest):
            raise
        except Exception as error:
            log.exception("a request could not even be passed through")
            if not connection.can_respond:
                raise ClientGone from error
            await refuse(connection, target, 502, "internal_error", "Reflex failed while it passed the request on.")


async def _body_of(connection: Connection, request: Request) -> bytes | RequestBody:
    """The body to relay as it comes. None at all is b"", so that the client can be watched from the start."""
    if request.announces_body:
        return connection.body()
    await connection.read_body(0)
    return b""
