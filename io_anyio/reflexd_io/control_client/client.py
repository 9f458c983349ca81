"""The client for programs with an event loop, such as the TUI: questions side by side, and the stream of events."""

from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import TypeVar

import httpcore2
import msgspec

from reflexd_io.control_client.ask import Ask, NotThere, refusal
from reflexd_io.control_client.place import Place
from reflexd_io.control_client.shapes.events import Event

T = TypeVar("T")

TIMEOUT = 10.0
SILENCE = 45.0
"""Seconds without a byte of the event stream after which the daemon counts as gone; it says something every 15."""

_GONE = (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError)


class Client:
    """After use, close it: ``async with Client(place) as client``."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._pool = httpcore2.AsyncConnectionPool(keepalive_expiry=60.0)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._pool.aclose()

    async def do(self, ask: Ask[T], *, limit: float = TIMEOUT) -> T:
        """The daemon's answer within ``limit`` seconds. Raises `Refused`, and `NotThere` where none answers."""
        times = {"connect": limit, "read": limit, "write": limit, "pool": limit}
        try:
            answer = await self._pool.request(
                ask.method,
                self.place.url + ask.target(),
                headers=self._headers(),
                content=ask.content() or b"",
                extensions={"timeout": times},
            )
        except _GONE as error:
            raise NotThere(f"no daemon answers at {self.place.url}: {_said(error)}") from error
        return ask.read(answer.status, answer.content)

    async def download(self, target: str) -> AsyncGenerator[bytes]:
        """A stream's bytes as they come. Raises `Refused` and `NotThere`, which may come in its midst.

        After calling this, close the generator.
        """
        times = {"connect": TIMEOUT, "read": SILENCE, "write": TIMEOUT, "pool": TIMEOUT}
        url = self.place.url + target
        try:
            async with self._pool.stream(
                "GET", url, headers=self._headers(), extensions={"timeout": times}
            ) as answer:
                if answer.status >= 400:
                    raise refusal(answer.status, await answer.aread())
                async for piece in answer.aiter_stream():
                    yield piece
        except _GONE as error:
            raise NotThere(f"the daemon at {self.place.url} has gone: {_said(error)}") from error

    async def events(self, *, after: int | None = None) -> AsyncGenerator[tuple[int, Event]]:
        """Events and their numbers as they happen, from behind number ``after`` on. Raises `Refused`, `NotThere`.

        It ends with `NotThere` when the daemon does. After calling this, close the generator.
        """
        headers = self._headers()
        if after is not None:
            headers.append((b"Last-Event-ID", str(after).encode()))
        times = {"connect": TIMEOUT, "read": SILENCE, "write": TIMEOUT, "pool": TIMEOUT}
        target = self.place.url + "/admin/events"
        try:
            async with self._pool.stream("GET", target, headers=headers, extensions={"timeout": times}) as answer:
                if answer.status >= 400:
                    raise refusal(answer.status, await answer.aread())
                async for told in _told(answer.aiter_stream()):
                    yield told
        except _GONE as error:
            raise NotThere(f"the daemon at {self.place.url} has gone: {_said(error)}") from error
        raise NotThere(f"the daemon at {self.place.url} has ended")

    def _headers(self) -> list[tuple[bytes, bytes]]:
        token = self.place.token.encode("utf-8", "surrogateescape")
        return [(b"Authorization", b"Bearer " + token), (b"Content-Type", b"application/json")]


async def _told(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, Event]]:
    """What a stream says; kinds of events that this version does not know are passed over."""
    decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
    waiting = b""
    async for chunk in chunks:
        *whole, waiting = (waiting + chunk).split(b"\n\n")
        for block in whole:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line and line[:1] != b":")
            try:
                yield int(fields[b"id"]), decoder.decode(fields[b"data"])
            except (KeyError, ValueError, msgspec.ValidationError):
                continue


def _said(error: Exception) -> str:
    """Some errors of a connection say nothing but their name."""
    return str(error) or type(error).__name__
