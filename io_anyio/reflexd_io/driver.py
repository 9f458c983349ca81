"""The driver: the only place that performs commands.

The machine decides, and every command ends up in `_dispatch`: what can be done at once is done there, what needs
the client's connection goes to the client's own task, and calling upstream is a task of its own (`flight`), since
it outlives a client that leaves while others still read its answer.
"""

import itertools
import logging
from functools import partial
from time import perf_counter, time
from typing import assert_never

import anyio
import anyio.abc
import anyio.to_thread

from reflexd_core import commands as cmd
from reflexd_core import events as ev
from reflexd_core.commands import Command
from reflexd_core.exchanges import Exchanges
from reflexd_core.headers import HeaderList, accepts_coding, explain_forward, explain_hit, kept, to_client, value_of
from reflexd_core.machine import at_once
from reflexd_core.policy import Ask
from reflexd_io import codings
from reflexd_io.exchange import Call, Exchange
from reflexd_io.flight import Flights
from reflexd_io.http import Connection, while_here
from reflexd_io.incoming import ClientGone
from reflexd_io.ledger import Ledger
from reflexd_io.memory import Answer, Memory
from reflexd_io.recording import Recording
from reflexd_io.store import Store, StoreUnavailable
from reflexd_io.store.records import Record

log = logging.getLogger(__name__)

QUICK = 512 * 1024
"""Bytes of an answer up to which turning it into the other form is done on the spot (10 ms)."""
LOOKUP_TIMEOUT = 0.25
"""Seconds after which a disk that does not answer is left out and the request forwarded."""


class FlightFailed(Exception):  # noqa: N818 - it says what the flight has done
    """A bug of ours ended the upstream call before its first byte: nothing is lost but the cache's part in it."""


class Driver:
    def __init__(
        self, *, memory: Memory, store: Store, flights: Flights, ledger: Ledger, tasks: anyio.abc.TaskGroup
    ) -> None:
        """``tasks`` outlives every connection; upstream calls run in it."""
        self._memory = memory
        self._store = store
        self._flights = flights
        self._ledger = ledger
        self._tasks = tasks
        self._exchanges = Exchanges()
        self._live: dict[int, Exchange] = {}
        self._ids = itertools.count(1)

    def __len__(self) -> int:
        """Exchanges under way."""
        return len(self._live)

    async def serve(self, connection: Connection, call: Call) -> None:
        """Answer one call. Raises `ClientGone` once the connection is of no more use."""
        if await self._serve_at_once(connection, call):
            return
        exchange = Exchange(id=next(self._ids), connection=connection, call=call)
        self._live[exchange.id] = exchange
        self._exchanges.open(exchange.id, call.policy)
        try:
            self._hear(exchange, ev.RequestArrived(time(), call.ask))
            await self._serve_client(exchange)
        except ClientGone:
            self._hear(exchange, ev.ClientLeft(time()))
            raise
        except BaseException:
            if connection.scope.cancel_called:  # hung up on: its client read too slowly, which others need not mind
                self._hear(exchange, ev.ClientLeft(time()))
            else:  # a bug of ours, or the server is being stopped: followers must not wait for ever
                self._abandon(exchange)
            raise
        finally:
            exchange.client_done = True
            if exchange.reader is not None:
                exchange.reader.close()
            self._ledger.note(exchange)
            self._settle(exchange)

    async def _serve_at_once(self, connection: Connection, call: Call) -> bool:
        """A hit from memory, which opens no exchange: a third of its cost would be the book-keeping."""
        key = call.ask.key
        began = perf_counter()
        answer = self._memory.get(key) if key is not None else None
        now = time()
        replay = at_once(call.ask, answer.facts, None, call.policy, now) if answer is not None else None
        if replay is None or answer is None or key is None or not _is_quick(answer, call.ask):
            return False
        try:
            body, headers = answer.ready(call.ask.form, wants_usage=call.ask.wants_usage)
        except ValueError:
            return False  # the machine hears of it and forwards
        if body is not answer.recorded:
            self._memory.weigh(key)
        explained = _explained(replay, now, {b"l1": perf_counter() - began})
        await connection.respond(200, headers + explained, body)
        self._store.touch(call.route.tenant, key)
        self._ledger.note_hit(call, replay, began)
        return True

    async def _serve_client(self, exchange: Exchange) -> None:
        """Perform what concerns the client, quick things first: a hit needs no second task.

        A twin's answer that can be relayed at once is no quick thing: its client may leave long before its end.
        """
        while exchange.inbox and not isinstance(exchange.inbox[0], cmd.Relay):
            if await self._perform(exchange, exchange.inbox.popleft()):
                return
        async with while_here(exchange.connection):
            while not await self._perform(exchange, await exchange.next_command()):
                pass

    def _hear(self, exchange: Exchange, event: ev.Event) -> None:
        for number, command in self._exchanges.handle(exchange.id, event):
            self._dispatch(self._live[number], command)
        if self._exchanges.state(exchange.id) is None:
            self._settle(exchange)

    def _abandon(self, exchange: Exchange) -> None:
        if exchange.flight is not None:
            exchange.flight.cancel()
        for number, command in self._exchanges.abandon(exchange.id, time()):
            self._dispatch(self._live[number], command)

    def _settle(self, exchange: Exchange) -> None:
        if exchange.client_done and self._exchanges.state(exchange.id) is None:
            self._live.pop(exchange.id, None)

    def _dispatch(self, exchange: Exchange, command: Command) -> None:
        match command:
            case cmd.SeekExact() | cmd.Replay() | cmd.Refuse():
                exchange.post(command)
            case cmd.Consider() | cmd.SeekForm() | cmd.Embed() | cmd.SeekNear() | cmd.Judge():
                exchange.post(command)
            case cmd.Promote() | cmd.Audit():
                raise AssertionError("no models are bound into the policy yet")
            case cmd.Forward():
                exchange.forward = command
                exchange.recording = Recording()
                exchange.flight = anyio.CancelScope()
                self._tasks.start_soon(self._fly, exchange)
            case cmd.Relay(leader=leader):
                followed = exchange if leader is None else self._live[leader]
                exchange.source = followed.recording
                exchange.reader = followed.recording.reader() if followed.recording is not None else None
                exchange.post(command)
            case cmd.StopRecording():
                if exchange.recording is not None:
                    exchange.recording.stop_keeping()
            case cmd.Admit():
                try:
                    self._admit(exchange, command)
                except Exception:  # the answer is whole and on its way; only its entry is lost
                    log.exception("an answer could not be stored")
                    self._hear(exchange, ev.StoreFailed(time(), "internal-error"))
            case cmd.CancelUpstream():
                if exchange.flight is not None:
                    exchange.flight.cancel()
            case cmd.Cut():
                exchange.cut = True
                exchange.post(command)
            case _:
                assert_never(command)

    async def _perform(self, exchange: Exchange, command: Command) -> bool:
        """Do what concerns the client. True once its answer is out."""
        match command:
            case cmd.SeekExact():
                await self._seek_exact(exchange)
            case cmd.Replay():
                return await self._replay(exchange, command)
            case cmd.Relay():
                await self._relay(exchange, joined=command.leader is not None)
                return True
            case cmd.Refuse():
                await self._refuse(exchange, command)
                return True
            case cmd.Cut():
                if exchange.source is not None:
                    raise ClientGone
                raise FlightFailed
            case cmd.Consider():
                self._hear(exchange, ev.Considered(time(), None))
            case cmd.SeekForm() | cmd.Embed() | cmd.SeekNear() | cmd.Judge():
                self._hear(exchange, ev.DeadlinePassed(time()))
            case (
                cmd.Forward() | cmd.StopRecording() | cmd.Admit() | cmd.CancelUpstream() | cmd.Promote() | cmd.Audit()
            ):
                raise AssertionError("performed when dispatched")
            case _:
                assert_never(command)
        return False

    async def _seek_exact(self, exchange: Exchange) -> None:
        """Memory first, then the disk."""
        key = exchange.call.ask.key
        assert key is not None  # noqa: S101 - the machine seeks only what has a key
        began = perf_counter()
        answer = self._memory.get(key)
        event: ev.Event = ev.DeadlinePassed(time())
        if answer is None:
            with anyio.move_on_after(LOOKUP_TIMEOUT):
                try:
                    answer = await self._store.get(exchange.call.route.tenant, key)
                    event = ev.ExactMissed(time())
                except StoreUnavailable as error:
                    log.warning("the store cannot be read, so the request is forwarded: %s", error)
                    event = ev.ExactFailed(time(), "store-unavailable")
            if answer is not None:
                self._memory.put(key, answer)
                exchange.sought = answer  # memory may have refused it as too large
        if answer is not None:
            event = ev.ExactFound(time(), answer.facts)
        exchange.timings[b"l1"] = perf_counter() - began
        self._hear(exchange, event)

    async def _replay(self, exchange: Exchange, replay: cmd.Replay) -> bool:
        call, facts = exchange.call, replay.entry
        key = call.ask.key or b""
        try:
            answer = exchange.sought or self._memory.get(key) or await self._from_disk(call.route.tenant, key)
            if answer is None:
                raise ValueError("evicted")
            body, headers = await self._turned(answer, call.ask)
        except (ValueError, StoreUnavailable) as error:
            log.warning("entry %s cannot be replayed, so the request is forwarded: %s", facts.id, error)
            self._hear(exchange, ev.ReplayFailed(time(), "unreplayable"))
            return False
        if body is not answer.recorded:
            self._memory.weigh(key)
        exchange.replay, exchange.http_status = replay, 200
        now = time()
        await exchange.connection.respond(200, headers + _explained(replay, now, exchange.timings), body)
        self._store.touch(call.route.tenant, key)
        self._hear(exchange, ev.ReplayFinished(now))
        return True

    async def _from_disk(self, tenant: str, key: bytes) -> Answer | None:
        """None also where the disk takes too long."""
        with anyio.move_on_after(LOOKUP_TIMEOUT):
            return await self._store.get(tenant, key)
        return None

    async def _turned(self, answer: Answer, ask: Ask) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """The answer in the asked form; a large one is turned beside the event loop. Raises `ValueError`."""
        turn = partial(answer.ready, ask.form, wants_usage=ask.wants_usage)
        if _is_quick(answer, ask):
            return turn()
        return await anyio.to_thread.run_sync(turn)

    async def _relay(self, exchange: Exchange, *, joined: bool) -> None:
        """The provider's answer, chunk by chunk; a twin's is decoded where this client could not."""
        source, connection, forward = exchange.source, exchange.connection, exchange.forward
        assert source is not None  # noqa: S101 - dispatching the command set both
        assert exchange.reader is not None  # noqa: S101
        coding = (value_of(source.headers, b"content-encoding") or b"").decode("latin-1")
        decoder = None
        headers = to_client(source.headers)
        if joined:
            headers = [(name, value) for name, value in headers if name.lower() != b"set-cookie"]
        length = value_of(source.headers, b"content-length")
        if joined and not accepts_coding(exchange.call.request.named.get("accept-encoding", ""), coding):
            decoder = codings.decoder_for(coding)
            headers = [(name, value) for name, value in headers if name.lower() != b"content-encoding"]
        elif length is not None:
            headers.append((b"Content-Length", length))
        status, reason = (forward.status, forward.reason) if forward is not None else (cmd.Status.MISS, "coalesced")
        explained: HeaderList = explain_forward(status, reason, collapsed=joined, timings=exchange.timings)
        exchange.http_status = source.status
        await connection.start(source.status, source.reason, [*headers, *explained], hold=source.has_bytes)
        async for chunk in exchange.reader:
            whole = source.ended and not (source.cut or exchange.cut)
            await connection.send(chunk if decoder is None else decoder.feed(chunk), last=whole)
        if source.cut or exchange.cut:
            raise ClientGone
        await connection.finish()

    async def _refuse(self, exchange: Exchange, refuse: cmd.Refuse) -> None:
        body = exchange.call.dialect.error(refuse.status, refuse.message, refuse.code)
        exchange.http_status = refuse.status
        headers = [
            (b"Content-Type", b"application/json"),
            (b"Content-Length", str(len(body)).encode()),
            (b"X-Reflex-Status", exchange.status.value.encode()),
            (b"X-Reflex-Reason", refuse.code.encode()),
            *([] if refuse.retry else [(b"x-should-retry", b"false")]),
        ]
        await exchange.connection.respond(refuse.status, headers, body)

    def _admit(self, exchange: Exchange, admit: cmd.Admit) -> None:
        """Into memory at once, so that the very next request hits; onto disk in the writer's own time."""
        call, recording = exchange.call, exchange.recording
        key = call.ask.key
        assert key is not None  # noqa: S101 - the machine admits only what has a key
        assert recording is not None  # noqa: S101 - nor without an upstream call
        answer = Answer(admit.entry, kept(recording.headers), recording.plain())
        recording.entry = admit.entry
        self._memory.put(key, answer)

        def told(problem: str | None) -> None:
            if self._exchanges.state(exchange.id) is not None:
                self._hear(exchange, ev.Stored(time()) if problem is None else ev.StoreFailed(time(), problem))

        record = Record(
            key=key,
            answer=answer,
            upstream=call.route.upstream.name,
            exact_only=admit.exact_only or call.ask.exact_only is not None,
            scope=None,
            request=call.raw(),
            request_coding=call.request.named.get("content-encoding"),
        )
        self._store.put(call.route.tenant, record, told)

    async def _fly(self, exchange: Exchange) -> None:
        """The upstream call of one exchange, from beginning to end."""
        recording, scope = exchange.recording, exchange.flight
        assert recording is not None  # noqa: S101 - dispatching the command set both
        assert scope is not None  # noqa: S101

        def hear(event: ev.Event) -> None:
            if not scope.cancel_called:  # a chunk may still slip through between giving up and being stopped
                self._hear(exchange, event)

        with scope:
            try:
                await self._flights.fly(exchange.call, recording, hear)
            except Exception:
                log.exception("exchange %d: the upstream call failed inside Reflex", exchange.id)
                self._abandon(exchange)
                exchange.post(cmd.Cut())
        recording.end(cut=True)  # does nothing after a regular end
        self._settle(exchange)


def _is_quick(answer: Answer, ask: Ask) -> bool:
    """Whether the answer can be had in the asked form without holding up everybody else."""
    return ask.form is answer.facts.form or len(answer.recorded) <= QUICK


def _explained(replay: cmd.Replay, now: float, timings: dict[bytes, float]) -> list[tuple[bytes, bytes]]:
    entry = replay.entry
    ttl = None if entry.expires is None else entry.expires - now
    return explain_hit(replay.status, entry.id, now - entry.created, ttl, timings)
