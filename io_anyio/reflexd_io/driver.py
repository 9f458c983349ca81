"""The driver: the only place that performs commands.

The machine decides, and every command ends up in `_dispatch`: what can be done at once is done there, what needs
the client's connection goes to the client's own task, and calling upstream is a task of its own (`flight`), since
it outlives a client that leaves while others still read its answer. The exact tier stands in `exact`, comparing by
meaning in `semantics`, what else goes out to the client in `replies`.
"""

import logging
from time import perf_counter, time
from typing import assert_never

import anyio
import anyio.abc

from reflexd_core import commands as cmd
from reflexd_core import events as ev
from reflexd_core.commands import Command
from reflexd_core.exchanges import Exchanges
from reflexd_core.headers import kept
from reflexd_io import replies
from reflexd_io.call import Call
from reflexd_io.exact import ExactTier
from reflexd_io.exchange import Exchange, TierName
from reflexd_io.flight import Flights
from reflexd_io.http import Connection, while_here
from reflexd_io.incoming import ClientGone
from reflexd_io.journal import Journal
from reflexd_io.journal.forms import keep_form
from reflexd_io.ledger import Ledger
from reflexd_io.memory import Answer, Memory
from reflexd_io.recording import Recording
from reflexd_io.request_log import RequestLog
from reflexd_io.semantics import SearchCommand, Semantics
from reflexd_io.store import Store
from reflexd_io.store.records import Record

log = logging.getLogger(__name__)


SLOW = (cmd.Relay, cmd.Embed, cmd.SeekNear, cmd.Judge)
"""Commands that are performed while the client is watched."""

TIERS: dict[type[SearchCommand], TierName] = {
    cmd.SeekForm: "form",
    cmd.Embed: "embed",
    cmd.SeekNear: "near",
    cmd.Judge: "judge",
}


class FlightFailed(Exception):  # noqa: N818 - it says what the flight has done
    """A bug of ours ended the upstream call before its first byte: nothing is lost but the cache's part in it."""


class Driver:
    def __init__(
        self,
        *,
        memory: Memory,
        store: Store,
        flights: Flights,
        semantics: Semantics,
        ledger: Ledger,
        journal: Journal,
        request_log: RequestLog,
        exact: ExactTier,
        tasks: anyio.abc.TaskGroup,
    ) -> None:
        """``tasks`` outlives every connection; upstream calls run in it."""
        self._memory = memory
        self._store = store
        self._flights = flights
        self._semantics = semantics
        self._ledger = ledger
        self._journal = journal
        self._request_log = request_log
        self._exact = exact
        self._tasks = tasks
        self._exchanges = Exchanges()
        self._live: dict[int, Exchange] = {}

    def __len__(self) -> int:
        """Exchanges under way."""
        return len(self._live)

    async def serve(self, connection: Connection, call: Call) -> None:
        """Answer one call. Raises `ClientGone` once the connection is of no more use."""
        began = perf_counter()
        hit = await self._exact.answer_at_once(connection, call)
        if hit is not None:
            replay, sought = hit
            self._ledger.note_hit(call, replay, began)
            self._journal.note_hit(call, replay, began, sought)
            self._request_log.note(call.number, call.request)
            return
        exchange = Exchange(id=call.number, connection=connection, call=call)
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
            self._journal.note(exchange)
            self._request_log.note(call.number, call.request)
            self._settle(exchange)

    async def _serve_client(self, exchange: Exchange) -> None:
        """Perform what concerns the client, quick things first: a hit needs no second task.

        A twin's answer that can be relayed at once is no quick thing, nor is a search: the client may leave.
        """
        while exchange.inbox and not isinstance(exchange.inbox[0], SLOW):
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

    def _hear_tier(self, exchange: Exchange, tier: TierName, event: ev.Event) -> None:
        exchange.heard.append((tier, event))
        self._hear(exchange, event)

    def _abandon(self, exchange: Exchange) -> None:
        if exchange.flight is not None:
            exchange.flight.cancel()
        for number, command in self._exchanges.abandon(exchange.id, time()):
            self._dispatch(self._live[number], command)

    def _settle(self, exchange: Exchange) -> None:
        is_over = exchange.client_done and self._exchanges.state(exchange.id) is None
        if is_over and self._live.pop(exchange.id, None) is not None:
            outcome = self._exchanges.outcome(exchange.id)
            self._journal.note_end(exchange.id, outcome)
            if not self._memory.purged.since(exchange.call.mark, tenant=exchange.call.route.tenant):
                keep_form(self._store, exchange, self._journal.name(exchange.id), outcome)

    def _dispatch(self, exchange: Exchange, command: Command) -> None:
        match command:
            case cmd.SeekExact() | cmd.Replay() | cmd.Refuse():
                exchange.post(command)
            case cmd.Consider() | cmd.SeekForm() | cmd.Embed() | cmd.SeekNear() | cmd.Judge():
                exchange.post(command)
            case cmd.Promote():
                exchange.promote = command
            case cmd.Audit():
                self._semantics.audit(exchange, command)
            case cmd.Forward():
                exchange.forward = command
                exchange.recording = Recording()
                exchange.flight = anyio.CancelScope()
                exchange.called, exchange.answered = perf_counter(), None
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
                self._hear_tier(exchange, "exact", await self._exact.seek(exchange))
            case cmd.Replay():
                heard = await self._exact.replay(exchange, command)
                if isinstance(heard, ev.ReplayFinished) and exchange.promote is not None:
                    self._semantics.promote(exchange, exchange.promote)
                self._hear(exchange, heard)
                return isinstance(heard, ev.ReplayFinished)
            case cmd.Relay():
                await replies.relay(exchange, joined=command.leader is not None)
                return True
            case cmd.Refuse():
                exchange.refused = command.code
                await replies.refuse(exchange, command)
                return True
            case cmd.Cut():
                if exchange.source is not None:
                    raise ClientGone
                raise FlightFailed
            case cmd.Consider():
                self._hear_tier(exchange, "form", await self._semantics.consider(exchange))
            case cmd.SeekForm() | cmd.Embed() | cmd.SeekNear() | cmd.Judge():
                self._hear_tier(exchange, TIERS[type(command)], await self._semantics.search(exchange, command))
            case (
                cmd.Forward() | cmd.StopRecording() | cmd.Admit() | cmd.CancelUpstream() | cmd.Promote() | cmd.Audit()
            ):
                raise AssertionError("performed when dispatched")
            case _:
                assert_never(command)
        return False

    def _admit(self, exchange: Exchange, admit: cmd.Admit) -> None:
        """Into memory at once, so that the very next request hits; onto disk in the writer's own time."""
        call, recording = exchange.call, exchange.recording
        key = call.ask.key
        assert key is not None  # noqa: S101 - the machine admits only what has a key
        assert recording is not None  # noqa: S101 - nor without an upstream call
        answer = Answer(admit.entry, kept(recording.headers), recording.plain())
        recording.entry, exchange.fresh = admit.entry, answer
        if self._memory.purged.since(call.mark, key, tenant=call.route.tenant):
            # Somebody wanted it gone while it was under way: it is given out, and the next request asks anew.
            self._hear(exchange, ev.StoreFailed(time(), "purged"))
            return
        self._memory.put(key, answer, call.route.tenant)

        def told(problem: str | None) -> None:
            if problem is None:
                self._memory.renewed(key)
                self._journal.note_stored(call.route.tenant, admit.entry.id)
            if self._exchanges.state(exchange.id) is not None:
                self._hear(exchange, ev.Stored(time()) if problem is None else ev.StoreFailed(time(), problem))

        meaning = None if admit.exact_only else self._semantics.meaning_of(exchange)
        record = Record(
            key=key,
            answer=answer,
            upstream=call.route.upstream.name,
            exact_only=admit.exact_only,
            scope=meaning.scope if meaning is not None else None,
            keep=call.policy.keep_request,
            meaning=meaning,
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
            if scope.cancel_called:  # a chunk may still slip through between giving up and being stopped
                return
            if isinstance(event, ev.ResponseStarted):
                exchange.answered = perf_counter()
            elif isinstance(event, ev.AnswerCompleted):
                exchange.usage = event.verdict.usage
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
