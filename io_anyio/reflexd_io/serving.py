"""Serving: a request of a cached dialect, from its body to the driver, which answers it.

Whatever fails inside here ends in the request being passed on as if there were no cache.
"""

import logging
from dataclasses import replace
from time import perf_counter, time

import anyio.to_thread

from reflexd_core.canonical import Uncomparable
from reflexd_core.clients import client_of
from reflexd_core.dialects.base import Dialect
from reflexd_core.keys import memo_key
from reflexd_core.machine import ONLY_IF_CACHED
from reflexd_core.policy import MIB, decide, has_directives, pass_through, read_directives
from reflexd_core.routing import Target
from reflexd_io import codings
from reflexd_io.call import About, Call
from reflexd_io.driver import Driver
from reflexd_io.http import Connection
from reflexd_io.incoming import ClientGone, Request
from reflexd_io.journal import Journal, Passed
from reflexd_io.memory import Known, Memory
from reflexd_io.passing import Passing
from reflexd_io.policies import Policies
from reflexd_io.reading import CACHED_LIMIT, read
from reflexd_io.refusals import refuse
from reflexd_io.request_log import RequestLog, request_id
from reflexd_io.router import NoRoute
from reflexd_io.tenants.registry import Registry

log = logging.getLogger(__name__)

THREAD_LIMIT = MIB
"""A body above this is parsed in a worker thread, so that others need not wait (1 MiB takes about 5 ms)."""


class Serving:
    def __init__(
        self,
        *,
        registry: Registry,
        policies: Policies,
        memory: Memory,
        driver: Driver,
        journal: Journal,
        request_log: RequestLog,
        passing: Passing,
        forward_legacy_functions: bool,
    ) -> None:
        self._registry = registry
        self._policies = policies
        self._memory = memory
        self._driver = driver
        self._journal = journal
        self._request_log = request_log
        self._passing = passing
        self._forward_legacy_functions = forward_legacy_functions

    async def serve(self, connection: Connection, request: Request, target: Target, dialect: Dialect) -> None:
        """See to a request of a cached dialect; whatever becomes of it, its client is told its name."""
        mark = self._memory.purged.mark()
        passed = Passed(self._journal.open(), perf_counter())
        name = self._journal.name(passed.number)
        connection.tell(b"X-Reflex-Exchange", name.encode())
        connection.tell_request_id(request_id(request.raw_named, name))
        try:
            await self._serve_named(connection, request, target, dialect, passed, mark)
        except NoRoute as error:
            passed.reason = error.why.code
            await refuse(connection, target, 400, error.why.code, error.why.message)
        finally:
            if passed.reason:  # else the driver had it
                self._journal.note_passed(passed, request, target, dialect, connection.status)
                self._request_log.note(passed.number, request)

    async def _serve_named(
        self,
        connection: Connection,
        request: Request,
        target: Target,
        dialect: Dialect,
        passed: Passed,
        mark: int,
    ) -> None:
        pieces, whole = await connection.read_body(CACHED_LIMIT)
        if not whole:
            if read_directives(request.named).only_if_cached:
                passed.reason = ONLY_IF_CACHED.code
                await refuse(connection, target, ONLY_IF_CACHED.status, ONLY_IF_CACHED.code, ONLY_IF_CACHED.message)
                return
            passed.route, passed.reason = self._passing.route(connection, request, target), "too-large"
            await self._passing.pass_on(
                connection, request, target, passed.route, connection.body(pieces), passed.reason
            )
            return
        self._registry.settle()
        try:
            memo = memo_key(request.target, request.raw_named, pieces)
            known = self._memory.known(memo) or await self._learn(connection, memo, request, target, dialect, pieces)
            call = self._call(known, request, target, dialect, pieces, passed.number, mark)
            await self._driver.serve(connection, call)
        except (ClientGone, NoRoute):
            raise
        except Exception:
            log.exception("a request failed inside Reflex, so it is passed through as if there were no cache")
            if not connection.can_respond:
                raise ClientGone from None
            raw = b"".join(pieces)
            passed.route, passed.reason = self._passing.route(connection, request, target, raw), "internal-error"
            await self._passing.pass_on(connection, request, target, passed.route, raw, passed.reason)

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
        found = self._passing.route(connection, request, target, raw)
        policy = self._policies.of(found.tenant)
        work = (request, target, found, dialect, raw, policy)
        is_slow = len(raw) > THREAD_LIMIT or b"content-encoding" in request.raw_named  # a little may become a lot
        try:
            known = await anyio.to_thread.run_sync(read, *work) if is_slow else read(*work)
        except (Uncomparable, codings.Undecodable) as error:
            log.debug("not comparable: %s", error)
            about = About(client_of("", request.raw_named.get(b"user-agent", b"")))
            return Known(found, policy, None, pass_through("not-comparable"), about)
        if self._forward_legacy_functions:
            known = replace(known, ask=replace(known.ask, refusal=None))
        if rules == self._memory.rules:
            self._memory.learn(memo, known)
        return known

    def _call(
        self,
        known: Known,
        request: Request,
        target: Target,
        dialect: Dialect,
        pieces: list[bytes],
        number: int,
        mark: int,
    ) -> Call:
        ask, reading = known.ask, known.reading
        self._registry.note_use(known.route, time())
        if has_directives(request.raw_named):
            directives = read_directives(request.named)
            if reading is not None and ask.key is not None:
                ask = replace(decide(reading, dialect.name, ask.key, directives, known.policy), refusal=ask.refusal)
            else:
                ask = replace(ask, only_if_cached=directives.only_if_cached)
        route, policy, about = known.route, known.policy, known.about
        return Call(request, target, dialect, route, policy, ask, reading, pieces, about, number, mark)
