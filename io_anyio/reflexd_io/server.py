"""The server: listens, keeps the connections, and ends them in good order.

Draining: no new connections, idle ones close at once, answers under way are finished (with ``Connection: close``)
for as long as the grace lasts.
"""

import logging
import math
import socket
from time import monotonic

import anyio
import anyio.abc

from reflexd_io.events import Events
from reflexd_io.gateway import Gateway
from reflexd_io.http import Connection
from reflexd_io.incoming import BadRequest, ClientGone, Phase
from reflexd_io.peers import Peers

log = logging.getLogger(__name__)

ACCEPT_PAUSE = 0.1
GRACE = 30.0
"""Seconds that answers under way are given when the server stops."""
SWEEP = 1.0
"""Seconds between looks at which connections have run out of time."""


class Server:
    def __init__(
        self,
        gateway: Gateway,
        events: Events,
        peers: Peers,
        connections: set[Connection] | None = None,
        *,
        most: int,
    ) -> None:
        """``events``: streams of them end when the server does, so that it need not wait for them.

        ``connections``: where those that are open are kept, for whoever counts them. ``most``: how many there may be.
        """
        self._gateway = gateway
        self._peers = peers
        self._most = most
        self._events = events
        self._connections: set[Connection] = connections if connections is not None else set()
        self._arriving = 0
        """Of connections that were taken and are not among those yet."""
        self._draining = False
        self._empty = anyio.Event()

    async def serve(self, listener: anyio.abc.SocketListener, stop: anyio.Event) -> None:
        """Serve until ``stop`` is set, then drain. Cancel to end at once."""
        async with anyio.create_task_group() as handlers:
            handlers.start_soon(self._watch_time)
            async with anyio.create_task_group() as acceptors:
                acceptors.start_soon(self._accept, listener, handlers)
                await stop.wait()
                acceptors.cancel_scope.cancel()
            await listener.aclose()
            await self._drain()
            handlers.cancel_scope.cancel()

    async def _accept(self, listener: anyio.abc.SocketListener, handlers: anyio.abc.TaskGroup) -> None:
        """Take connections for ever. One that cannot be had (no descriptors left, say) must not end the others.

        It waits, and takes what is there with nothing to cancel between: `SocketListener.accept`, cancelled at the
        wrong moment, loses a connection that the kernel has handed over already.
        """
        ours: socket.socket = listener.extra(anyio.abc.SocketAttribute.raw_socket)
        failing = False
        while True:
            await anyio.wait_readable(ours)
            try:
                theirs, _ = ours.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):  # it has left again
                continue
            except OSError as error:
                if not failing:  # once a spell: without descriptors it fails ten times a second
                    log.warning("no connection can be taken, trying every %s s: %s", ACCEPT_PAUSE, error)
                failing = True
                await anyio.sleep(ACCEPT_PAUSE)
            else:
                failing = False
                has_room = len(self._connections) + self._arriving < self._most or self._make_room()
                self._arriving += 1
                handlers.start_soon(self._serve_connection, theirs, has_room)

    async def _watch_time(self) -> None:
        while True:
            await anyio.sleep(SWEEP)
            now = monotonic()
            for connection in list(self._connections):
                connection.check_time(now)

    async def _drain(self) -> None:
        self._draining = True
        self._events.close()
        for connection in list(self._connections):
            connection.closing = True
            if connection.phase is Phase.IDLE:
                connection.hang_up()
        if self._connections or self._arriving:
            log.info("finishing %d connections", len(self._connections) + self._arriving)
            self._empty = anyio.Event()
            with anyio.move_on_after(GRACE):
                await self._empty.wait()

    async def _serve_connection(self, theirs: socket.socket, has_room: bool) -> None:
        """See one connection to its end. What goes wrong with it, closing included, must not end the others."""
        connection = None
        try:
            connection = await self._meet(theirs)
            if connection is None:
                return
            async with connection:
                if has_room:
                    await self._answer_all(connection)
                else:
                    await self._gateway.turn_away(connection)
        except Exception:
            log.exception("a connection ended by a fault of ours")
        finally:
            if connection is not None:
                self._connections.discard(connection)
            if not (self._connections or self._arriving):
                self._empty.set()

    async def _meet(self, theirs: socket.socket) -> Connection | None:
        """None where it has been given up meanwhile."""
        try:
            try:
                theirs.setblocking(False)
                stream = await anyio.abc.SocketStream.from_socket(theirs)
            except (OSError, ValueError):  # anyio's word for a socket without another end
                theirs.close()
                return None
            connection = Connection(stream, await self._peers.meet(stream))  # says so in words where it cannot tell
            self._connections.add(connection)
            return connection
        finally:
            self._arriving -= 1

    def _make_room(self) -> bool:
        """Close the connection that has been idle longest, as it may be at any time; False where all are busy."""
        idlest = min(self._connections, key=lambda connection: connection.idle_until, default=None)
        if idlest is None or idlest.idle_until == math.inf:
            return False
        idlest.hang_up()
        return True

    async def _answer_all(self, connection: Connection) -> None:
        with connection.scope:
            try:
                while not (self._draining or connection.closing):
                    request = await connection.next_request()
                    if request is None:
                        return
                    await self._gateway.answer(connection, request)
            except BadRequest as error:
                await self._gateway.reject(connection, error)
            except ClientGone:
                return
        if connection.scope.cancelled_caught and connection.phase is Phase.READING:
            await self._gateway.reject(connection, BadRequest(408, "it did not come in time"))
