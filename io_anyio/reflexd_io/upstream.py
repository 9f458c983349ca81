"""The upstream client: one connection pool towards all providers, byte-transparent.

It sits on httpcore2 rather than on a full HTTP client: headers must leave as they came (a client library adds its
own), nothing may be decoded on the way, and a POST that may have been paid must never be sent again. Tried again
only when connecting failed, or when a reused connection closed before any byte of the answer.
"""

import select
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpcore2 as httpcore
import truststore

from reflexd_core.headers import HeaderList
from reflexd_io.proxies import UnusableProxy, proxy_at, proxy_for

CONNECT_TIMEOUT = 20.0
READ_TIMEOUT = 600.0
"""Seconds between two bytes; there is no limit on the whole."""

_IDLE = 55.0
_CONNECT_TRIES = 2


class UpstreamUnreachable(Exception):  # noqa: N818 - it says what the upstream is
    """No answer came, or it broke off. ``status`` is what to tell a client that has nothing yet."""

    def __init__(self, message: str, status: int = 502) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    reason: bytes
    headers: HeaderList
    chunks: AsyncIterator[bytes]
    """As they come. Raises `UpstreamUnreachable` when the answer breaks off."""


Body = bytes | AsyncIterator[bytes]


class UpstreamClient:
    def __init__(self, *, read_timeout: float = READ_TIMEOUT) -> None:
        self._tls: ssl.SSLContext | None = None
        self._pools: dict[tuple[str, str | None], httpcore.AsyncConnectionPool] = {}
        self._timeouts = {"connect": CONNECT_TIMEOUT, "read": read_timeout, "write": read_timeout, "pool": None}

    @asynccontextmanager
    async def send(self, method: str, url: str, headers: HeaderList, body: Body) -> AsyncIterator[Response]:
        """Send one request; ``headers`` without Host. Raises `UpstreamUnreachable`.

        Leaving the context before the chunks are at their end gives the call up.
        """
        pool = self._pool_for(url)
        response = await self._attempt(pool, method, url, headers, body)
        try:
            yield Response(
                response.status,
                response.extensions.get("reason_phrase", b""),
                response.headers,
                _chunks_of(response),
            )
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    async def _attempt(
        self, pool: httpcore.AsyncConnectionPool, method: str, url: str, headers: HeaderList, body: Body
    ) -> httpcore.Response:
        for left in reversed(range(_CONNECT_TRIES)):
            seen = _Seen()
            _seen.set(seen)
            try:
                request = httpcore.Request(
                    method,
                    _as_it_stands(url),
                    headers=[(b"Host", _host(url)), *headers],
                    content=body if isinstance(body, bytes) else _Watched(body, seen),
                    extensions={"timeout": dict(self._timeouts), "trace": seen.trace},
                )
                return await pool.handle_async_request(request)
            except _FAILURES as error:
                failure = _translated(error)
                # Silence is no sign that a reused connection was closed: the call may well be going on there.
                silent = isinstance(error, httpcore.TimeoutException)
                again = seen.connecting_failed or (seen.reused_and_gone and not silent)
                if left == 0 or not again or not isinstance(body, bytes):
                    raise failure from error
            except Exception as error:
                if error is seen.body_failed:
                    raise
                raise _translated(error) from error
        raise AssertionError("unreachable")

    def prepare(self) -> None:
        """Read the system's certificate store, which takes a tenth of a second; blocks. Not needed, only quicker."""
        self._tls = self._tls or truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def _pool_for(self, url: str) -> httpcore.AsyncConnectionPool:
        scheme, proxy = urlsplit(url).scheme, proxy_for(url)
        pool = self._pools.get((scheme, proxy))
        if pool is None:
            try:
                through = proxy_at(proxy) if proxy is not None else None
            except UnusableProxy as error:
                raise UpstreamUnreachable(str(error), 400) from error
            if scheme == "https":
                self.prepare()
            pool = self._pools[scheme, proxy] = httpcore.AsyncConnectionPool(
                ssl_context=self._tls,
                proxy=through,
                max_connections=None,
                max_keepalive_connections=64,
                keepalive_expiry=_IDLE,
                network_backend=_WatchedBackend(),
            )
        return pool


class _Seen:
    """How far an attempt got: whether it opened a connection of its own, and whether any byte of an answer came."""

    def __init__(self) -> None:
        self.connecting_failed = False
        self.connected = False
        self.answered = False
        self.body_failed: Exception | None = None

    async def trace(self, name: str, info: Mapping[str, object]) -> None:
        if name.endswith(("connect_tcp.failed", "start_tls.failed")):
            self.connecting_failed = True
        elif name.endswith("connect_tcp.complete"):
            self.connected = True

    @property
    def reused_and_gone(self) -> bool:
        """The connection came from the pool and closed before any byte: the server had let it time out."""
        return not self.connected and not self.answered


class _Watched:
    """A request's body on its way; what it raises is the caller's own, and no failure of the upstream."""

    def __init__(self, body: AsyncIterator[bytes], seen: _Seen) -> None:
        self._body = body
        self._seen = seen

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._body)
        except Exception as error:
            self._seen.body_failed = error
            raise


_seen: ContextVar[_Seen] = ContextVar("_seen")
"""The attempt that the current task is making; the network layer below marks the first byte of its answer."""


class _WatchedBackend(httpcore.AnyIOBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        return _WatchedStream(await super().connect_tcp(host, port, timeout, local_address, socket_options))


class _WatchedStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._socket: socket.socket | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        data = await self._stream.read(max_bytes, timeout)
        if data and (seen := _seen.get(None)) is not None:
            seen.answered = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        return _WatchedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> object:
        if info != "is_readable":
            return self._stream.get_extra_info(info)
        # Asked of every idle connection before each call; the long way round costs three system calls a time.
        if self._socket is None:
            self._socket = self._stream.get_extra_info("socket")
        return _is_readable(self._socket)


_FAILURES = (
    httpcore.UnsupportedProtocol,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.ProxyError,
    OSError,
)


def _is_readable(sock: socket.socket | None) -> bool:
    """Whether an idle connection has something to read, which can only be its end."""
    if sock is None or sock.fileno() < 0:
        return True
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _translated(error: Exception) -> UpstreamUnreachable:
    """Foreign exceptions end here; the message is for the client to read."""
    status = 504 if isinstance(error, httpcore.TimeoutException) else 502
    if isinstance(error, httpcore.LocalProtocolError):  # its text quotes the header that is at fault
        return UpstreamUnreachable("the request cannot be sent as HTTP", status)
    if not isinstance(error, _FAILURES):  # nobody knows what a text of these quotes
        return UpstreamUnreachable(f"the request could not be made ({type(error).__name__})", status)
    said = str(error) or {
        httpcore.ConnectTimeout: "connecting took too long",
        httpcore.ReadTimeout: "it stayed silent for too long",
        httpcore.ReadError: "the connection broke",
    }.get(type(error), type(error).__name__)
    return UpstreamUnreachable(said, status)


async def _chunks_of(response: httpcore.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_stream():
            yield chunk
    except Exception as error:
        raise _translated(error) from error


def _as_it_stands(url: str) -> httpcore.URL:
    """The URL with its target to the last byte; left to itself, httpcore loses ``;`` and what follows it."""
    parts = urlsplit(url)
    target = url[len(parts.scheme) + 3 + len(parts.netloc) :]
    slash = "" if target.startswith("/") else "/"
    return httpcore.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=slash + target)


def _host(url: str) -> bytes:
    return urlsplit(url).netloc.rpartition("@")[2].encode()
