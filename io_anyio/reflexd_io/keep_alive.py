"""Keep-alives: what is said between the events of a stream while its provider thinks, so that nobody gives up on it.

Claude Code gives up after 300 s without a byte. A keep-alive goes out only after the provider's own 200, only between
events, and only in dialects that have a way to say nothing; it is never recorded.
"""

from collections.abc import Callable

import anyio

from reflexd_core.dialects.base import Dialect
from reflexd_core.headers import value_of
from reflexd_io.recording import Reader, Recording

AFTER = 30.0
"""Seconds of silence."""

_BETWEEN = (b"\n\n", b"\r\n\r\n", b"\r\r")


def may_be_kept_alive(dialect: Dialect, source: Recording, *, encoded: bool) -> bool:
    """Whether anything may be put between the bytes that a client of the source gets.

    ``encoded``: it gets them with their content coding.
    """
    content_type = (value_of(source.headers, b"content-type") or b"").lower()
    is_stream = content_type.startswith(b"text/event-stream") and value_of(source.headers, b"content-length") is None
    return bool(dialect.keep_alive) and is_stream and source.status == 200 and not encoded


class KeptAlive:
    """A reader's pieces, each decoded, with the keep-alive among them (always the same object)."""

    def __init__(self, reader: Reader, keep_alive: bytes, decode: Callable[[bytes], bytes]) -> None:
        self._reader = reader
        self._keep_alive = keep_alive
        self._decode = decode
        self._end = _BETWEEN[0]  # before the first event is between events too

    def __aiter__(self) -> "KeptAlive":
        return self

    async def __anext__(self) -> bytes:
        if not self._end.endswith(_BETWEEN):
            return self._seen(await self._reader.__anext__())
        with anyio.move_on_after(AFTER):
            return self._seen(await self._reader.__anext__())
        return self._keep_alive

    def _seen(self, piece: bytes) -> bytes:
        plain = self._decode(piece)
        self._end = (self._end + plain)[-4:]
        return plain
