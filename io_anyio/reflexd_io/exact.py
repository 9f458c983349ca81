"""The exact tier: what lies under a request's exact key, in memory first, then on disk, and its way to the client.

An entry of another wording may lie there too, with the pairing that says why; the machine holds it to today's rules.
"""

import logging
from time import perf_counter, time

import anyio

from reflexd_core import commands as cmd
from reflexd_core import events as ev
from reflexd_core.machine import at_once
from reflexd_io import replies
from reflexd_io.call import Call
from reflexd_io.exchange import Exchange
from reflexd_io.formats import asks, in_format
from reflexd_io.http import Connection
from reflexd_io.memory import Answer, Memory
from reflexd_io.pairs import Pair, Pairs
from reflexd_io.store import Store, StoreUnavailable

log = logging.getLogger(__name__)

LOOKUP_TIMEOUT = 0.25
"""Seconds after which a disk that does not answer is left out and the request forwarded."""


class ExactTier:
    def __init__(self, memory: Memory, store: Store, pairs: Pairs) -> None:
        self._memory = memory
        self._store = store
        self._pairs = pairs

    async def answer_at_once(self, connection: Connection, call: Call) -> tuple[cmd.Replay, float] | None:
        """A hit from memory, and the seconds it took to find. None where there is none.

        It opens no exchange: a third of its cost would be the book-keeping.
        """
        key = call.ask.key
        began = perf_counter()
        answer = self._memory.get(key) if key is not None else None
        now = time()
        if answer is None or key is None or not replies.is_quick(answer, call.ask):
            return None
        replay = at_once(call.ask, answer.facts, answer.pairing, call.policy, now)
        if replay is None:
            return None
        try:
            body, headers = answer.ready(call.ask.form, wants_usage=call.ask.wants_usage)
        except ValueError:
            return None  # the machine hears of it and forwards
        if body is not answer.recorded:
            self._memory.weigh(key)
        sought = perf_counter() - began
        explained = replies.explained(replay, now, {b"l1": sought})
        if asks(call):
            body, headers = await in_format(call, body, headers)
        await connection.respond(200, headers + explained, body)
        self._store.touch(call.route.tenant, key)
        return replay, sought

    async def seek(self, exchange: Exchange) -> ev.Event:
        """Memory first, then the disk."""
        key = exchange.call.ask.key
        assert key is not None  # noqa: S101 - the machine seeks only what has a key
        began = perf_counter()
        tenant = exchange.call.route.tenant
        answer, barred, mark = self._memory.get(key), self._memory.barred, self._memory.changed.mark()
        if answer is not None and answer.facts.expires is not None and answer.facts.expires <= time():
            answer = None  # on disk it may have been given more time
        event: ev.Event = ev.DeadlinePassed(time())
        if answer is None:
            with anyio.move_on_after(LOOKUP_TIMEOUT):
                try:
                    answer = await self._store.get(tenant, key)
                    if answer is not None and self._is_stale(answer, key, tenant, mark):
                        answer = None  # it was purged or altered while the disk was read
                    event = ev.ExactMissed(time())
                except StoreUnavailable as error:
                    log.warning("the store cannot be read, so the request is forwarded: %s", error)
                    event = ev.ExactFailed(time(), "store-unavailable")
            if answer is not None and answer.pairing is not None and barred != self._memory.barred:
                answer = None  # it may be a pairing that was ended while the disk was read
            if answer is not None:
                self._memory.put(key, answer, tenant)
                exchange.sought = answer  # memory may have refused it as too large
        if answer is not None:
            event = ev.ExactFound(time(), answer.facts, answer.pairing)
        exchange.timings[b"l1"] = perf_counter() - began
        return event

    def _is_stale(self, answer: Answer, key: bytes, tenant: str, mark: int) -> bool:
        entry = answer.pairing.entry_key if answer.pairing is not None else key
        return self._memory.changed.since(mark, key, entry, tenant=tenant)

    async def replay(self, exchange: Exchange, replay: cmd.Replay) -> ev.ReplayFinished | ev.ReplayFailed:
        """Send the entry in the asked form."""
        call, facts = exchange.call, replay.entry
        key = call.ask.key or b""
        try:
            answer = await self._answer_of(exchange, replay)
            body, headers = await replies.turned(answer, call.ask)
        except (ValueError, StoreUnavailable) as error:
            log.warning("entry %s cannot be replayed, so the request is forwarded: %s", facts.id, error)
            return ev.ReplayFailed(time(), "unreplayable")
        if body is not answer.recorded:
            self._memory.weigh(replay.key or key)
        if asks(call):
            body, headers = await in_format(call, body, headers)
        exchange.replay, exchange.http_status = replay, 200
        now = time()
        self._learn(exchange, replay)
        told = replies.explained(replay, now, exchange.timings)
        await exchange.connection.respond(200, headers + told, body)
        exchange.first_byte = perf_counter()
        self._store.touch(call.route.tenant, replay.key or key)
        return ev.ReplayFinished(now)

    def _learn(self, exchange: Exchange, replay: cmd.Replay) -> None:
        """What "wrong" must know of a hit in other words."""
        asked, key = exchange.asked, exchange.call.ask.key
        if replay.key is not None and key is not None and asked is not None and replay.key in asked.stored:
            stored = asked.stored[replay.key]
            self._pairs.learn(key, Pair(replay.key, stored, asked.question, asked.form, replay.score))

    async def _answer_of(self, exchange: Exchange, replay: cmd.Replay) -> Answer:
        """The entry's bytes. Raises `ValueError` where it has gone, and `StoreUnavailable`."""
        own, tenant = exchange.call.ask.key or b"", exchange.call.route.tenant
        key = replay.key or own
        for answer in (exchange.sought, self._memory.get(own), self._memory.get(key)):
            if answer is not None and _is_meant(answer, replay):
                exchange.sought = answer
                return answer
        answer = await self._from_disk(tenant, key)
        if answer is None or not _is_meant(answer, replay):
            raise ValueError("it has gone, or is another by now")
        exchange.sought = answer
        return answer

    async def _from_disk(self, tenant: str, key: bytes) -> Answer | None:
        """None also where the disk takes too long."""
        with anyio.move_on_after(LOOKUP_TIMEOUT):
            return await self._store.get(tenant, key)
        return None


def _is_meant(answer: Answer, replay: cmd.Replay) -> bool:
    """Whether these are the bytes that were decided on: the entry as it was judged, and nobody else's."""
    return answer.facts == replay.entry and (replay.key is not None or answer.pairing is None)
