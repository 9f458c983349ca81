"""What comes in on a connection: a request's head, its body, and the two ways in which it can fail to."""

import re
from collections import deque
from enum import Enum
from typing import Protocol

import anyio
import h11

from reflexd_core.headers import HeaderList, by_name


class BadRequest(Exception):  # noqa: N818 - it says what the request is
    """What the client sent is not a request that can be answered; the connection ends with ``status``."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def misread(error: h11.RemoteProtocolError) -> BadRequest:
    """What h11 cannot read, without the bytes that it quotes: they may be a key."""
    return BadRequest(error.error_status_hint or 400, _QUOTED.sub("", str(error)))


_QUOTED = re.compile(r":? (?:bytearray\()?b['\"].*", re.DOTALL)


class ClientGone(Exception):  # noqa: N818 - it says where the client is
    """The client closed or broke the connection."""


class Phase(Enum):
    IDLE = "idle"
    """Between requests; the connection may be closed without a word."""
    READING = "reading"
    """A request has begun to come and is not whole."""
    ANSWERING = "answering"


class Request:
    """One request's head."""

    __slots__ = ("_named", "headers", "method", "raw_named", "target")

    def __init__(self, event: h11.Request) -> None:
        self.method = event.method.decode("ascii")
        self.target = event.target
        self.headers: HeaderList = event.headers.raw_items()
        """In order, names in the case in which they came."""
        self._named: dict[str, str] | None = None
        self.raw_named = {name.lower(): value for name, value in self.headers}
        """Lower-case names to values, repeats joined."""
        if len(self.raw_named) != len(self.headers):
            self.raw_named = {name.encode(): value.encode("latin-1") for name, value in self.named.items()}

    @property
    def announces_body(self) -> bool:
        """Whether it says that a body comes, be it an empty one (RFC 9112 section 6.3)."""
        return b"content-length" in self.raw_named or b"transfer-encoding" in self.raw_named

    @property
    def named(self) -> dict[str, str]:
        """The same as text."""
        if self._named is None:
            self._named = by_name(self.headers)
        return self._named


class Source(Protocol):
    """Where a body is read from: the connection."""

    async def next_piece(self) -> bytes | None: ...


class RequestBody:
    """A request's body, or what is left of it, as it comes. Raises `BadRequest` and `ClientGone`.

    An iterator and no generator, so that one who stops early leaves nothing behind to be closed.
    """

    def __init__(self, connection: Source, first: list[bytes]) -> None:
        """``first`` was read before and comes first."""
        self._connection = connection
        self._first = deque(first)
        self.over = anyio.Event()
        """Set once all of it was read; until then nothing else may read from the connection."""

    def __aiter__(self) -> "RequestBody":
        return self

    async def __anext__(self) -> bytes:
        if self._first:
            return bytes(self._first.popleft())
        piece = None if self.over.is_set() else await self._connection.next_piece()
        if piece is None:
            self.over.set()
            raise StopAsyncIteration
        return bytes(piece)
