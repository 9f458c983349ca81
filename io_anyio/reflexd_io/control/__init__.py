"""The control API, ``/admin/*``: what a person may look at and change while the daemon runs.

Every request carries the admin token of the runtime file, which only the daemon's own user can read. Answers are
JSON; errors say in words what is wrong. What there is stands in the files beside this one, a group in each, and in
``/admin/openapi.json``, which is made from the same values.
"""

import hmac
import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from reflexd_core.routing import Target
from reflexd_io.control import openapi, problems
from reflexd_io.control.endpoint import Asked, Endpoint, Problem, Streamed, unquoted
from reflexd_io.control_client.shapes import common
from reflexd_io.dashboard.sessions import Sessions
from reflexd_io.http import Connection, while_here
from reflexd_io.incoming import Request
from reflexd_io.own_headers import guarding, own_headers

log = logging.getLogger(__name__)

LIMIT = 1024 * 1024
"""Bytes of a body that is no stream."""
DOCUMENT = "/admin/openapi.json"
_READS = ("GET", "HEAD")


class Control:
    def __init__(self, token: str, sessions: Sessions, endpoints: Sequence[Endpoint[Any, Any]]) -> None:
        self._token = token.encode()
        self._sessions = sessions
        self._routes: list[tuple[re.Pattern[str], dict[str, Endpoint[Any, Any]]]] = []
        self._document = msgspec.json.encode(openapi.document(endpoints))
        by_path: dict[str, dict[str, Endpoint[Any, Any]]] = {}
        for endpoint in endpoints:
            by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        # A path without parameters goes before one whose parameter would take its last segment.
        for path in sorted(by_path, key=lambda path: (path.count("{"), path)):
            methods = by_path[path]
            self._routes.append((next(iter(methods.values())).pattern(), methods))

    async def answer(self, connection: Connection, request: Request, target: Target) -> None:
        try:
            if not self.allows(request.named):
                raise Problem(401, "unauthorized", "The control API wants 'Authorization: Bearer <admin token>'.")
            if target.path == DOCUMENT:
                if request.method not in _READS:
                    said = f"{request.method} does nothing at {DOCUMENT}; GET does."
                    raise Problem(405, "method_not_allowed", said, allow=_READS)
                await self._end_body(connection)
                await _respond(connection, 200, self._document)
                return
            endpoint, path = self._find(request.method, target.path)
            asked = await self._read(connection, request, target, endpoint, path)
            told = await _run(endpoint, asked)
        except Problem as problem:
            if problem.status == 413:
                connection.closing = True
            else:
                await connection.drain_body(LIMIT)
            more = [(b"WWW-Authenticate", b"Bearer")] if problem.status == 401 else []
            if problem.allow:
                more.append((b"Allow", ", ".join(problem.allow).encode()))
            fault = common.Fault(code=problem.code, message=str(problem), at=problem.at)
            await _respond(connection, problem.status, msgspec.json.encode(common.Problem(error=fault)), more)
            return
        if isinstance(told, Streamed):
            await _stream(connection, endpoint, told, watch=endpoint.takes is None)
        else:
            await _respond(connection, endpoint.status, msgspec.json.encode(told))

    async def _end_body(self, connection: Connection) -> bytes:
        pieces, whole = await connection.read_body(LIMIT)
        if not whole:
            raise Problem(413, "too_large", f"A body here has at most {LIMIT} bytes.")
        return b"".join(pieces)

    async def _read(
        self,
        connection: Connection,
        request: Request,
        target: Target,
        endpoint: Endpoint[Any, Any],
        path: Mapping[str, str],
    ) -> Asked[Any, Any]:
        query = endpoint.read_query(target.query)
        if endpoint.takes is not None:
            return Asked(path, query, endpoint.read_body(b""), request.named, connection.body())
        return Asked(path, query, endpoint.read_body(await self._end_body(connection)), request.named)

    def _find(self, method: str, path: str) -> tuple[Endpoint[Any, Any], dict[str, str]]:
        """Raises `Problem`."""
        allowed: set[str] = set()
        for pattern, methods in self._routes:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            endpoint = methods.get("GET" if method == "HEAD" else method)
            if endpoint is not None:
                return endpoint, unquoted(found)
            allowed |= methods.keys() | ({"HEAD"} if "GET" in methods else set())
        if allowed:
            said = f"{method} does nothing at {path}; {' or '.join(sorted(allowed - {'HEAD'}))} does."
            raise Problem(405, "method_not_allowed", said, allow=allowed)
        raise Problem(404, "not_found", f"Reflex has no {path}.")

    def allows(self, named: Mapping[str, str]) -> bool:
        """Whether the request carries the admin token, or a session's of the dashboard."""
        scheme, _, token = named.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self.is_opened_by(token.strip())

    def is_opened_by(self, secret: str) -> bool:
        is_admin = hmac.compare_digest(secret.encode("utf-8", "surrogatepass"), self._token)
        return is_admin or self._sessions.allows(secret)


async def _run(endpoint: Endpoint[Any, Any], asked: Asked[Any, Any]) -> msgspec.Struct | Streamed:
    """Raises `Problem` and nothing else of ours."""
    try:
        return await endpoint.run(asked)
    except Exception as error:
        problem = problems.told(error)
        if problem is None:
            log.exception("%s %s failed", endpoint.method, endpoint.path)
            problem = Problem(500, "internal_error", "Reflex failed to do that; its log says why.")
        raise problem from error


async def _respond(
    connection: Connection, status: int, body: bytes, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    await connection.respond(status, own_headers(body, (b"Cache-Control", b"no-store"), *more), body)


async def _stream(connection: Connection, endpoint: Endpoint[Any, Any], told: Streamed, *, watch: bool) -> None:
    """Send it piece by piece, and stop making it once the asker has left."""
    headers = [(b"Content-Type", endpoint.content_type.encode()), (b"Cache-Control", b"no-store")]
    await connection.start(endpoint.status, b"", [*headers, *guarding()])
    async with aclosing(told.pieces) as pieces:  # type: ignore[type-var]  # every one here is a generator
        if watch:
            async with while_here(connection):
                async for piece in pieces:
                    await connection.send(piece)
        else:
            async for piece in pieces:
                await connection.send(piece)
    await connection.finish()
