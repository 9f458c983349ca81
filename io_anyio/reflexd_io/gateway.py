"""The gateway: what becomes of one request, from its head to its answer.

It guards (Host, Origin), finds the route, reads the body, works out the key, and hands over: to the driver what
may be cached, to the relay everything else, and Reflex's own few pages it answers itself.
"""

import logging
from dataclasses import replace
from functools import lru_cache
from time import perf_counter, time
from urllib.parse import urlsplit

import anyio.to_thread
import msgspec

from reflexd_core.canonical import JsonObject, Uncomparable, read_json
from reflexd_core.clients import client_of
from reflexd_core.credentials import Route
from reflexd_core.dialects import BY_HOME
from reflexd_core.dialects.base import Dialect
from reflexd_core.dialects.chat import CHAT
from reflexd_core.keys import exact_key, memo_key
from reflexd_core.machine import ONLY_IF_CACHED
from reflexd_core.policy import (
    MIB,
    NO_DIRECTIVES,
    KeepRequest,
    Policy,
    decide,
    has_directives,
    pass_through,
    read_directives,
)
from reflexd_core.profiles import profile_of
from reflexd_core.request import Reading
from reflexd_core.routing import METRICS, Kind, Target, read_target
from reflexd_io import codings
from reflexd_io.call import About, Call
from reflexd_io.control import Control
from reflexd_io.dashboard import Dashboard
from reflexd_io.driver import Driver
from reflexd_io.flight import NoKey
from reflexd_io.guard import Guard
from reflexd_io.health import Health
from reflexd_io.http import Connection
from reflexd_io.incoming import BadRequest, ClientGone, Request, RequestBody
from reflexd_io.journal import Journal, Passed
from reflexd_io.limits import TooMany, Turns
from reflexd_io.memory import Known, Memory
from reflexd_io.metrics import Metrics
from reflexd_io.own_headers import own_headers
from reflexd_io.policies import Policies
from reflexd_io.relay import Relay
from reflexd_io.request_log import RequestLog, request_id
from reflexd_io.router import NoRoute, Router, model_in
from reflexd_io.settings import Settings
from reflexd_io.tenants.registry import Registry
from reflexd_io.upstream import UpstreamUnreachable

log = logging.getLogger(__name__)

CACHED_LIMIT = 64 * MIB
"""A cached dialect's body above this is relayed as it comes."""
OWN_LIMIT = MIB
"""A body sent to one of Reflex's own pages above this is refused."""
THREAD_LIMIT = MIB
"""A body above this is parsed in a worker thread, so that others need not wait (1 MiB takes about 5 ms)."""

SHOWN = 200
"""Characters of a question that people are shown in lists."""

_SOON = (b"Retry-After", b"1")

_READING = ("GET", "HEAD", "OPTIONS")

# Codex takes a 426 as "use HTTP from now on", where a 404 costs it seven tries and as many seconds.
_NO_WEBSOCKET = "Reflex speaks HTTP alone: send the request as a POST."
_PLAIN_HTTP = (b"Upgrade", b"HTTP/1.1")  # RFC 9110 section 15.5.22 asks for it


class Gateway:
    def __init__(
        self,
        *,
        settings: Settings,
        registry: Registry,
        policies: Policies,
        salt: bytes,
        memory: Memory,
        driver: Driver,
        relay: Relay,
        health: Health,
        metrics: Metrics,
        control: Control,
        dashboard: Dashboard,
        journal: Journal,
        request_log: RequestLog,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._policies = policies
        self._router = Router(settings, registry, salt)
        self._memory = memory
        self._driver = driver
        self._relay = relay
        self._health = health
        self._metrics = metrics
        self._turns = Turns(settings.client_requests)
        self._control = control
        self._dashboard = dashboard
        self._journal = journal
        self._request_log = request_log
        self._guard = Guard(settings)

    async def answer(self, connection: Connection, request: Request) -> None:
        """See one request to its end. Raises `ClientGone` once the connection is of no more use."""
        try:
            target = read_target(request.method, origin_form(request.target))
            forbidden = self._guard.forbids(request, connection.peer, target)
            if target.dialect is None:
                connection.tell_request_id(request_id(request.raw_named))
            if forbidden is not None:
                await self._refuse(connection, target, 403, "forbidden", forbidden)
            elif b"websocket" in request.raw_named.get(b"upgrade", b"").lower():
                await self._refuse(connection, target, 426, "upgrade_unsupported", _NO_WEBSOCKET, _PLAIN_HTTP)
            elif target.dialect is not None or target.kind is Kind.RELAYED:
                await self._in_turn(connection, request, target)
            elif target.kind is Kind.OWN:
                await self._own(connection, request, target)
            elif target.kind is Kind.DASHBOARD:
                await self._dashboard.answer(connection, request, target)
            elif target.kind is Kind.ADMIN:
                await self._control.answer(connection, request, target)
            else:
                what = f"{request.method} {target.path}"
                await self._refuse(
                    connection, target, 404, "not_found", f"Reflex has no {what}; a base_url ends in /v1."
                )
        except BadRequest as error:
            await self.reject(connection, error)
            raise ClientGone from error
        except NoRoute as error:
            await self._refuse(connection, target, 400, error.why.code, error.why.message)

    async def reject(self, connection: Connection, error: BadRequest) -> None:
        """Say what was wrong with a request that could not be read, then close."""
        body = CHAT.error(error.status, f"Reflex cannot read this request: {error}", "bad_request")
        await connection.refuse(error.status, own_headers(body), body)

    async def turn_away(self, connection: Connection) -> None:
        """Say that there is no room for one more connection, then close."""
        body = CHAT.error(503, "Reflex has as many connections as it may (max_connections).", "too_many_connections")
        await connection.refuse(503, own_headers(body, _SOON), body)

    async def _in_turn(self, connection: Connection, request: Request, target: Target) -> None:
        """See to a request that may cost something, once its client has not too many under way."""
        client = connection.peer.address
        if not self._turns.take(client):
            try:
                await self._turns.wait(client)
            except TooMany as error:
                await self._refuse(connection, target, 429, "too_many_requests", str(error), _SOON)
                return
        try:
            if target.dialect is not None:
                connection.asks = True
                await self._serve(connection, request, target, target.dialect)
            else:
                await self._pass_untouched(connection, request, target)
        finally:
            self._turns.leave(client)

    async def _pass_untouched(self, connection: Connection, request: Request, target: Target) -> None:
        began = perf_counter()
        found, body = self._route(connection, request, target), await _body_of(connection, request)
        try:
            await self._pass_on(connection, request, target, found, body, "not-cached")
        finally:
            self._request_log.note_relayed(request, target, found, connection.status, began)

    async def _serve(self, connection: Connection, request: Request, target: Target, dialect: Dialect) -> None:
        """See to a request of a cached dialect; whatever becomes of it, its client is told its name."""
        passed = Passed(self._journal.open(), perf_counter())
        name = self._journal.name(passed.number)
        connection.tell(b"X-Reflex-Exchange", name.encode())
        connection.tell_request_id(request_id(request.raw_named, name))
        try:
            await self._serve_named(connection, request, target, dialect, passed)
        except NoRoute as error:
            passed.reason = error.why.code
            await self._refuse(connection, target, 400, error.why.code, error.why.message)
        finally:
            if passed.reason:  # else the driver had it
                self._journal.note_passed(passed, request, target, dialect, connection.status)
                self._request_log.note(passed.number, request)

    async def _serve_named(
        self, connection: Connection, request: Request, target: Target, dialect: Dialect, passed: Passed
    ) -> None:
        pieces, whole = await connection.read_body(CACHED_LIMIT)
        if not whole:
            if read_directives(request.named).only_if_cached:
                passed.reason = ONLY_IF_CACHED.code
                await self._refuse(
                    connection, target, ONLY_IF_CACHED.status, ONLY_IF_CACHED.code, ONLY_IF_CACHED.message
                )
                return
            passed.route, passed.reason = self._route(connection, request, target), "too-large"
            await self._pass_on(connection, request, target, passed.route, connection.body(pieces), passed.reason)
            return
        self._registry.settle()
        try:
            memo = memo_key(request.target, request.raw_named, pieces)
            known = self._memory.known(memo) or await self._learn(connection, memo, request, target, dialect, pieces)
            await self._driver.serve(connection, self._call(known, request, target, dialect, pieces, passed.number))
        except (ClientGone, NoRoute):
            raise
        except Exception:
            log.exception("a request failed inside Reflex, so it is passed through as if there were no cache")
            if not connection.can_respond:
                raise ClientGone from None
            raw = b"".join(pieces)
            passed.route, passed.reason = self._route(connection, request, target, raw), "internal-error"
            await self._pass_on(connection, request, target, passed.route, raw, passed.reason)

    async def _learn(
        self,
        connection: Connection,
        memo: bytes,
        request: Request,
        target: Target,
        dialect: Dialect,
        pieces: list[bytes],
    ) -> Known:
        """Read a request that memory does not know: a byte-equal repeat is spared this."""
        raw, rules = b"".join(pieces), self._memory.rules
        found = self._route(connection, request, target, raw)
        policy = self._policies.of(found.tenant)
        work = (request, target, found, dialect, raw, policy)
        is_slow = len(raw) > THREAD_LIMIT or b"content-encoding" in request.raw_named  # a little may become a lot
        try:
            known = await anyio.to_thread.run_sync(_read, *work) if is_slow else _read(*work)
        except (Uncomparable, codings.Undecodable) as error:
            log.debug("not comparable: %s", error)
            about = About(client_of("", request.raw_named.get(b"user-agent", b"")))
            return Known(found, policy, None, pass_through("not-comparable"), about)
        if self._settings.forward_legacy_functions:
            known = replace(known, ask=replace(known.ask, refusal=None))
        if rules == self._memory.rules:
            self._memory.learn(memo, known)
        return known

    def _call(
        self, known: Known, request: Request, target: Target, dialect: Dialect, pieces: list[bytes], number: int
    ) -> Call:
        ask, reading = known.ask, known.reading
        self._registry.note_use(known.route, time())
        if has_directives(request.raw_named):
            directives = read_directives(request.named)
            if reading is not None and ask.key is not None:
                ask = replace(decide(reading, dialect.name, ask.key, directives, known.policy), refusal=ask.refusal)
            else:
                ask = replace(ask, only_if_cached=directives.only_if_cached)
        return Call(request, target, dialect, known.route, known.policy, ask, reading, pieces, known.about, number)

    def _route(self, connection: Connection, request: Request, target: Target, raw: bytes = b"") -> Route:
        """``raw``: the body, where it is there. Raises `NoRoute`."""
        self._registry.settle()
        now = time()
        found = self._router.route(connection.peer, request, target, now)
        if raw and self._router.asks_for_model(found, target):
            model = model_in(request, raw, CACHED_LIMIT)
            found = self._router.route(connection.peer, request, target, now, model=model)
        self._registry.note_use(found, now)
        return found

    async def _pass_on(
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
            await self._refuse(connection, target, 400, "upstream_not_configured", str(error))
        except UpstreamUnreachable as error:
            if not connection.can_respond:
                raise ClientGone from error
            why = f"Reflex could not reach {found.upstream.name} at {found.upstream.base_url}: {error}"
            await self._refuse(connection, target, error.status, "upstream_unreachable", why)
        except (ClientGone, BadRequest):
            raise
        except Exception as error:
            log.exception("a request could not even be passed through")
            if not connection.can_respond:
                raise ClientGone from error
            await self._refuse(
                connection, target, 502, "internal_error", "Reflex failed while it passed the request on."
            )

    async def _own(self, connection: Connection, request: Request, target: Target) -> None:
        if request.method not in _READING:
            message = f"{target.path} can only be read."
            await self._refuse(
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
            await self._refuse(connection, target, 401, "unauthorized", message, (b"WWW-Authenticate", b"Bearer"))
            return
        content_type, body = await self._metrics.page(request.named.get("accept", ""))
        told = own_headers(body, (b"Cache-Control", b"no-store"), (b"Vary", b"Accept"), content_type=content_type)
        await connection.respond(200, told, body)

    async def _refuse(
        self,
        connection: Connection,
        target: Target,
        status: int,
        code: str,
        message: str,
        *more: tuple[bytes, bytes],
    ) -> None:
        """An error of Reflex's own: shown at once by agents, which would retry a 401 or 503 for minutes."""
        await connection.drain_body(OWN_LIMIT)
        dialect = target.dialect or BY_HOME.get(target.home or "", CHAT)
        body = dialect.error(status, message, code)
        retry = [] if status >= 500 or status == 429 else [(b"x-should-retry", b"false")]
        await connection.respond(status, own_headers(body, *retry, *more), body)


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


def _read(request: Request, target: Target, found: Route, dialect: Dialect, raw: bytes, policy: Policy) -> Known:
    """What a request asks, and its key. Raises `Uncomparable` and `Undecodable`."""
    profile = profile_of(request.raw_named, scrubs=policy.scrubs, portable=policy.portable)
    body = read_json(codings.decode(raw, request.named.get("content-encoding"), CACHED_LIMIT))
    if not isinstance(body, dict):
        raise Uncomparable("not a JSON object")
    reading = dialect.read(body, profile)
    key = exact_key(
        tenant=found.tenant,
        upstream=found.upstream.identity,
        dialect=dialect.name,
        path=target.path,
        query=target.query,
        headers=request.named,
        body=reading.keyed,
    )
    ask = decide(reading, dialect.name, key, NO_DIRECTIVES, policy)
    return Known(found, policy, reading.without_bodies(), ask, _about(request, dialect, body, reading, policy))


def _about(request: Request, dialect: Dialect, body: JsonObject, reading: Reading, policy: Policy) -> About:
    client = client_of(reading.agent, request.raw_named.get(b"user-agent", b""))
    if policy.keep_request is KeepRequest.NONE:
        return About(client)
    asked = reading.question.text if reading.question is not None else dialect.question_text(body)
    return About(client, asked[:SHOWN])


async def _body_of(connection: Connection, request: Request) -> bytes | RequestBody:
    """The body to relay as it comes. None at all is b"", so that the client can be watched from the start."""
    if request.announces_body:
        return connection.body()
    await connection.read_body(0)
    return b""
