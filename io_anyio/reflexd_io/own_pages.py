"""Reflex's own pages beside the control API: health in its forms, and metrics."""

import msgspec

from reflexd_core.routing import METRICS, Target
from reflexd_io.control import Control
from reflexd_io.guard import Guard
from reflexd_io.health import Health
from reflexd_io.http import Connection
from reflexd_io.incoming import BadRequest, Request
from reflexd_io.metrics import Metrics
from reflexd_io.own_headers import own_headers
from reflexd_io.refusals import OWN_LIMIT, refuse

_READING = ("GET", "HEAD", "OPTIONS")


class OwnPages:
    def __init__(self, guard: Guard, health: Health, metrics: Metrics, control: Control) -> None:
        self._guard = guard
        self._health = health
        self._metrics = metrics
        self._control = control

    async def answer(self, connection: Connection, request: Request, target: Target) -> None:
        if request.method not in _READING:
            message = f"{target.path} can only be read."
            await refuse(
                connection, target, 405, "method_not_allowed", message, (b"Allow", ", ".join(_READING).encode())
            )
            return
        _, whole = await connection.read_body(OWN_LIMIT)
        if not whole:
            raise BadRequest(413, f"{target.path} takes no body of this size")
        if target.path == METRICS:
            await self._tell_metrics(connection, request, target)
            return
        trusted = self._guard.trusts(connection.peer) or self._control.allows(request.named)
        status, page = self._health.page(target.path, brief=not trusted)
        body = msgspec.json.encode(page)
        await connection.respond(status, own_headers(body), body)

    async def _tell_metrics(self, connection: Connection, request: Request, target: Target) -> None:
        if not self._guard.trusts(connection.peer) and not self._control.allows(request.named):
            message = "Beyond loopback, metrics want 'Authorization: Bearer <admin token>'."
            await refuse(connection, target, 401, "unauthorized", message, (b"WWW-Authenticate", b"Bearer"))
            return
        content_type, body = await self._metrics.page(request.named.get("accept", ""))
        told = own_headers(body, (b"Cache-Control", b"no-store"), (b"Vary", b"Accept"), content_type=content_type)
        await connection.respond(200, told, body)
