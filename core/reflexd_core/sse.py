"""Server-sent events: an incremental reader, a writer, and a splitter for streams that are already whole.

The reader follows the HTML standard (section 9.2.6, "Interpreting an event stream") byte by byte: chunks may be
cut anywhere, inside a CRLF or a UTF-8 character included. It is only ever used on the side; what a client gets
are the provider's own bytes, padding and comments and all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BLANK_LINE = re.compile(rb"(?:\r\n|\r(?!\n)|\n)(?:\r\n|\r|\n)")
_BOM = b"\xef\xbb\xbf"
_RETRY_DIGITS = 18  # far beyond any sense; Python refuses to read numbers of more than 4,300 digits


@dataclass(frozen=True, slots=True, kw_only=True)
class SseEvent:
    event: str = "message"
    data: str
    id: str | None = None
    """The last event id seen so far in the stream; None when none was ever set."""


class SseReader:
    """Feed it chunks, it gives the events that they completed.

    Memory: the unfinished event only. A caller that must bound it counts what it feeds.
    """

    __slots__ = ("_after_cr", "_buffer", "_data", "_event", "_fresh", "_id", "_scanned", "retry")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0  # bytes of the buffer known to hold no line end
        self._after_cr = False  # a CR ended the last line; a line feed that follows belongs to it
        self._fresh = True  # a byte order mark is dropped only at the very start
        self._event = ""
        self._data: list[str] = []
        self._id: str | None = None
        self.retry: int | None = None
        """The last reconnection time the stream asked for, milliseconds."""

    def feed(self, chunk: bytes) -> list[SseEvent]:
        self._buffer += chunk
        if self._fresh:
            if len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer):
                return []
            if self._buffer.startswith(_BOM):
                del self._buffer[: len(_BOM)]
            self._fresh = False
        events: list[SseEvent] = []
        start = 0
        if self._after_cr and self._buffer:
            start = 1 if self._buffer.startswith(b"\n") else 0
            self._after_cr = False
        while match := _LINE_END.search(self._buffer, max(start, self._scanned)):
            self._read_line(self._buffer[start : match.start()].decode("utf-8", "replace"), events)
            start = match.end()
            self._after_cr = match.group() == b"\r" and start == len(self._buffer)
        del self._buffer[:start]
        self._scanned = len(self._buffer)
        return events

    def finish(self) -> list[SseEvent]:
        """The event whose blank line never came, if any.

        The standard drops it. Providers do end on ``data: [DONE]`` without a blank line, and SDKs accept it.
        """
        events: list[SseEvent] = []
        if self._buffer:
            self._read_line(self._buffer.decode("utf-8", "replace"), events)
            self._buffer.clear()
        self._dispatch(events)
        return events

    def _read_line(self, line: str, events: list[SseEvent]) -> None:
        if not line:
            self._dispatch(events)
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) <= _RETRY_DIGITS:
            self.retry = int(value)

    def _dispatch(self, events: list[SseEvent]) -> None:
        if self._data:
            events.append(SseEvent(event=self._event or "message", data="\n".join(self._data), id=self._id))
            self._data = []
        self._event = ""


def write_event(data: str, *, event: str | None = None) -> bytes:
    """One event as bytes, each line of ``data`` in a field of its own."""
    named = f"event: {event}\n" if event is not None else ""
    fields = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"{named}{fields}\n".encode()


def split_blocks(stream: bytes) -> Iterator[bytes]:
    """The stream cut behind each blank line; joined again, the blocks are the stream, byte for byte."""
    start = 0
    for match in _BLANK_LINE.finditer(stream):
        yield stream[start : match.end()]
        start = match.end()
    if start < len(stream):
        yield stream[start:]


def read_block(block: bytes) -> SseEvent | None:
    """The event that a block of `split_blocks` holds, or None for comments and empty blocks."""
    reader = SseReader()
    events = reader.feed(block) or reader.finish()
    return events[0] if events else None
