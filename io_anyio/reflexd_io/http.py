"""One client connection: HTTP/1.1 by h11 over an anyio stream.

It reads requests and writes responses, keeps the time limits, and knows nothing of caches. Reading and writing
may go on in two tasks at once: `wait_until_gone` watches the socket while an answer is made.
"""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from http import HTTPStatus
from time import monotonic

import anyio
import anyio.abc
import h11

from reflexd_core.headers import HeaderList
from reflexd_io.incoming import BadRequest, ClientGone, Phase, Request, RequestBody, misread
from reflexd_io.peers import OURSELVES, Peer

MAX_HEAD = 64 * 1024
HEAD_TIMEOUT = 30.0
"""Seconds from a request's first byte to the end of its head; more bytes on the way do not prolong it."""
IDLE_TIMEOUT = 120.0
BODY_TIMEOUT = 60.0
"""Seconds without a byte of a body that was announced."""
WRITE_TIMEOUT = 600.0
_RECEIVE = 256 * 1024
"""Bytes taken from the socket at a time: as many as asyncio reads, since anyio copies what it has to split."""
_PIPELINE_LIMIT = 256 * 1024
_LINGER = 2.0


_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}


class Connection:
    def __init__(self, stream: anyio.abc.ByteStream, peer: Peer = OURSELVES) -> None:
        self._stream = stream
        self.peer = peer
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._scope = anyio.CancelScope()
        self._late_at = math.inf
        self._head_late_at = math.inf
        self._buffered = 0
        self._eof = False
        self._head_only = False
        self._held = b""  # a head that waits for the first bytes of its body
        self._told = b""  # header lines of every response to the current request
        self._request_id = b""  # the same, for those that have no such header
        self.status = 0
        """Of the last response that was begun."""
        self.phase = Phase.IDLE
        self.closing = False
        """Set when this connection is to end after the current answer."""
        self.asks = False
        """Whether a provider's answer was wanted on it: faces and monitors want others."""

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(self, *_: object) -> None:
        with anyio.CancelScope(shield=True):
            if self._h11.their_state is h11.SEND_BODY and self._h11.our_state in (h11.DONE, h11.MUST_CLOSE):
                with anyio.move_on_after(_LINGER):  # answered before all of the request was read
                    await self._linger()
            await self._stream.aclose()

    async def next_request(self) -> Request | None:
        """The next request's head, or None when the client is done.

        Raises `BadRequest` for what is none, and `ClientGone`.
        """
        self.phase = Phase.IDLE
        self._told = self._request_id = b""
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            if self._h11.trailing_data[0]:  # the next request has begun to come behind the last
                self._begin_reading()
        elif self._h11.our_state is not h11.IDLE:
            return None
        event = await self._next_event(IDLE_TIMEOUT, HEAD_TIMEOUT)
        if not isinstance(event, h11.Request) and (event is None or isinstance(event, h11.ConnectionClosed)):
            return None
        if not isinstance(event, h11.Request):
            raise BadRequest(400, "not a request")
        self.phase = Phase.READING
        self._head_late_at = math.inf
        request = Request(event)
        self._head_only = request.method == "HEAD"
        if b"transfer-encoding" in request.raw_named and b"content-length" in request.raw_named:
            raise BadRequest(400, "both Content-Length and Transfer-Encoding")  # RFC 9112 section 6.3: smuggling
        return request

    def body(self, first: list[bytes] | None = None) -> RequestBody:
        """The request's body as it comes, behind what was read of it before."""
        return RequestBody(self, first or [])

    async def read_body(self, limit: int) -> tuple[list[bytes], bool]:
        """The body in pieces, up to ``limit`` bytes or a little more, and whether that is all of it.

        After calling this for a body that is longer, `body` gives the rest. Raises `BadRequest` and `ClientGone`.
        """
        pieces: list[bytes] = []
        size = 0
        while size <= limit:
            piece = await self.next_piece()
            if piece is None:
                return pieces, True
            pieces.append(piece)
            size += len(piece)
        return pieces, False

    async def next_piece(self) -> bytes | None:
        """The next bytes of the body (h11 hands out bytearrays of its own making); None at its end.

        Raises `BadRequest` and `ClientGone`.
        """
        if self._h11.they_are_waiting_for_100_continue:
            await self._write(self._h11.send(h11.InformationalResponse(status_code=100, headers=[])))
        event = await self._next_event(BODY_TIMEOUT, BODY_TIMEOUT)
        if isinstance(event, h11.Data):
            return event.data
        if not isinstance(event, h11.EndOfMessage):
            raise ClientGone
        self.phase = Phase.ANSWERING
        return None

    def tell(self, name: bytes, value: bytes) -> None:
        """Every response to the current request has this header too.

        It is written beside h11, which checks each head it has not seen (10 µs): give nothing that a client sent.
        """
        self._told += b"%s: %s\r\n" % (name, value)

    def tell_request_id(self, value: bytes) -> None:
        """Responses to the current request that have no ``X-Request-ID`` have this one. ``value``: a plain name."""
        self._request_id = b"X-Request-ID: %s\r\n" % value

    async def respond(self, status: int, headers: HeaderList, body: bytes) -> None:
        """A whole response in one write. ``headers`` must have the body's length. Raises `ClientGone`."""
        head = self._head(status, b"", headers)
        sent = b"" if self._head_only else self._h11.send(h11.Data(data=body)) or b""
        end = self._h11.send(h11.EndOfMessage()) or b""
        await self._write(b"".join((head, sent, end)))

    async def start(self, status: int, reason: bytes, headers: HeaderList, *, hold: bool = False) -> None:
        """The head of a response whose body follows by `send`. Raises `ClientGone`.

        With ``hold`` it goes out together with the first bytes of the body, which must be there already.
        """
        head = self._head(status, reason, headers)
        if hold:
            self._held = head
        else:
            await self._write(head)

    async def send(self, chunk: bytes, *, last: bool = False) -> None:
        """The next bytes of the body; with ``last`` the end of the response goes out with them."""
        data = b"" if self._head_only else self._h11.send(h11.Data(data=chunk)) or b""
        end = self._end() if last else b""
        held, self._held = self._held, b""
        await self._write(held + data + end if held or end else data)

    async def finish(self) -> None:
        """After calling this, the response is whole. An answer shorter than it announced counts as cut."""
        if self._h11.our_state is h11.SEND_BODY:
            held, self._held = self._held, b""
            await self._write(held + self._end())

    def _end(self) -> bytes:
        try:
            return self._h11.send(h11.EndOfMessage()) or b""
        except h11.LocalProtocolError as error:
            raise ClientGone from error

    @property
    def can_respond(self) -> bool:
        """Whether no byte of a response to the current request was sent yet."""
        return self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    async def refuse(self, status: int, headers: HeaderList, body: bytes) -> None:
        """Answer what could not be read, then end the connection so that the answer still arrives."""
        if not self.can_respond:
            return
        self.closing = True
        try:
            with anyio.move_on_after(_LINGER):
                await self.respond(status, headers, body)
                await self._linger()
        except (ClientGone, h11.LocalProtocolError):
            return

    async def drain_body(self, limit: int) -> None:
        """Read what is left of a body that nobody wants, so that the connection can be used again; not too much.

        A client that waits to be told to continue is not told: it sees from the answer that it need not.
        """
        if self._h11.they_are_waiting_for_100_continue:
            self.closing = True
            return
        left = limit
        while self._h11.their_state is h11.SEND_BODY:
            event = await self._next_event(BODY_TIMEOUT, BODY_TIMEOUT)
            left -= len(event.data) if isinstance(event, h11.Data) else 0
            if left < 0 or event is None:
                self.closing = True
                return

    async def wait_until_gone(self) -> None:
        """Returns when the client has closed its side; pipelined requests are kept for later."""
        while not self._eof:
            try:
                data = await self._stream.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return
            self._h11.receive_data(data)
            self._buffered += len(data)
            if self._buffered > _PIPELINE_LIMIT:
                await anyio.sleep_forever()  # it will be read once the current answer is out

    @property
    def idle_until(self) -> float:
        """When it ends if nobody asks anything more; infinity while something is asked or answered."""
        return self._late_at if self.phase is Phase.IDLE and not self._scope.cancel_called else math.inf

    def hang_up(self) -> None:
        """Make whoever reads or writes here stop; used for idle connections when the server drains."""
        self._scope.cancel()

    def check_time(self, now: float) -> None:
        """Hang up if what is waited for should have come by ``now`` (monotonic seconds).

        Called from outside once a second: a timer of one's own for each read and write costs 5 % of a hit.
        """
        if now > self._late_at:
            self._scope.cancel()

    @property
    def scope(self) -> anyio.CancelScope:
        return self._scope

    def _head(self, status: int, reason: bytes, headers: HeaderList) -> bytes:
        self.status = status
        if self.closing:
            headers = [*headers, (b"Connection", b"close")]
        response, has_id = _response(status, reason or _PHRASES.get(status, b""), tuple(headers))
        head = self._h11.send(response) or b""
        told = self._told if has_id else self._told + self._request_id
        return b"%s%s\r\n" % (head[:-2], told) if told else head

    async def _next_event(self, first_timeout: float, next_timeout: float) -> h11.Event | None:
        """The client's next event, or None for a pipelined request that must wait. The first byte may take longer."""
        timeout = first_timeout
        while True:
            try:
                event = self._h11.next_event()
            except h11.RemoteProtocolError as error:
                raise misread(error) from error
            if event is h11.PAUSED:
                return None
            if event is not h11.NEED_DATA:
                self._buffered = 0
                return event  # type: ignore[return-value]  # h11 types its sentinels as classes
            if self._eof:
                raise ClientGone
            self._receive(await self._read_within(timeout))
            timeout = next_timeout

    async def _read_within(self, timeout: float) -> bytes:  # noqa: ASYNC109 - see `check_time`
        self._late_at = min(monotonic() + timeout, self._head_late_at)
        try:
            data = await self._stream.receive(_RECEIVE)
        except anyio.EndOfStream:
            data, self._eof = b"", True
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise ClientGone from error
        if self.phase is Phase.IDLE and data:
            self._begin_reading()
        self._late_at = math.inf
        return data

    def _begin_reading(self) -> None:
        self.phase = Phase.READING
        self._head_late_at = monotonic() + HEAD_TIMEOUT

    def _receive(self, data: bytes) -> None:
        try:
            self._h11.receive_data(data)
        except RuntimeError as error:
            raise ClientGone from error

    async def _write(self, data: bytes | None) -> None:
        if not data:
            return
        self._late_at = monotonic() + WRITE_TIMEOUT
        try:
            await self._stream.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise ClientGone from error
        self._late_at = math.inf

    async def _linger(self) -> None:
        """Closing with unread bytes would reset the connection and lose the answer on its way."""
        try:
            if isinstance(self._stream, anyio.abc.SocketStream):
                await self._stream.send_eof()
            while True:
                await self._stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            return  # a socket that the client has reset cannot be shut down, and trio says so


@asynccontextmanager
async def while_here(connection: Connection, after: anyio.Event | None = None) -> AsyncIterator[None]:
    """Runs its body for as long as the client stays; raises `ClientGone` when it left first.

    ``after``: an event from which on nobody else reads from the connection, where that is not so from the start.
    """
    gone = False
    failure: Exception | None = None

    async def watch(scope: anyio.CancelScope) -> None:
        nonlocal gone
        if after is not None:
            await after.wait()
        await connection.wait_until_gone()
        gone = True
        scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, tasks.cancel_scope)
        try:
            yield
        except Exception as error:  # noqa: BLE001 - carried out of the task group, which would wrap it
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if gone:
        raise ClientGone


@lru_cache(maxsize=1024)
def _response(status: int, reason: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> tuple[h11.Response, bool]:
    """A response's head, checked by h11, and whether it has an ``X-Request-ID``.

    Checking costs 10 µs and hits of one second often have the same head.
    """
    has_id = any(name.lower() == b"x-request-id" for name, _ in headers)
    return h11.Response(status_code=status, reason=reason, headers=list(headers)), has_id
