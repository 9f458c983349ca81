"""Server-sent events: the published vectors at every cut, a slow reading of the standard, and bounded work."""

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core import sse
from reflexd_core.sse import SseEvent, SseReader, read_block, split_blocks, write_event
from support.shared import shared_rows

# Streams made of what the standard treats specially, in any order and cut anywhere.
LINES = [
    *(b"data: a", b"data:  b", b"data:", b"data", b"event: x", b"event:", b"id: 1", b"id:", b"id: \0", b"retry: 10"),
    *(b"retry: x", b"retry:", b": note", b"other: y", b":", b" ", b"", b"\xef\xbb\xbfdata: c", "data: é😀".encode()),
    *(b"data: \xf0\x9f", b"\xff", b"data: d\ndata: e"),
]
ENDS = [b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b"\r\r", b""]
PIECES = st.tuples(st.sampled_from(LINES), st.sampled_from(ENDS)).map(b"".join)
STREAMS = st.lists(PIECES, max_size=20).map(b"".join)


def reference(stream: bytes) -> tuple[list[SseEvent], int | None]:
    """HTML standard, "Interpreting an event stream", over a stream that is whole; the unfinished event is dropped."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = re.split(r"\r\n|\r|\n", text)[:-1]
    events: list[SseEvent] = []
    data, kind, last_id, retry = "", "", None, None
    for line in lines:
        if line == "":
            if data != "":
                events.append(SseEvent(event=kind or "message", data=data.removesuffix("\n"), id=last_id))
            data, kind = "", ""
            continue
        field, colon, value = line.partition(":")
        value = value.removeprefix(" ") if colon else ""
        match field:
            case "data":
                data += value + "\n"
            case "event":
                kind = value
            case "id" if "\0" not in value:
                last_id = value
            case "retry" if re.fullmatch("[0-9]{1,18}", value):
                retry = int(value)
    return events, retry


def read(chunks: list[bytes]) -> tuple[list[SseEvent], int | None]:
    reader = SseReader()
    return [event for chunk in chunks for event in reader.feed(chunk)], reader.retry


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


def vectors() -> list[dict[str, Any]]:
    return shared_rows("protocol/sse_vectors.jsonl.gz")


def expected(row: dict[str, Any]) -> tuple[list[SseEvent], int | None]:
    return [SseEvent(**event) for event in row["events"]], row["retry"]


def test_the_published_vectors_are_read_chunk_by_chunk() -> None:
    rows = vectors()
    heard = {row["name"]: read([chunk.encode() for chunk in row["chunks"]]) for row in rows}
    assert heard == {row["name"]: expected(row) for row in rows}


def test_the_published_vectors_are_read_byte_by_byte() -> None:
    rows = vectors()
    heard = {row["name"]: read([bytes((byte,)) for byte in "".join(row["chunks"]).encode()]) for row in rows}
    assert heard == {row["name"]: expected(row) for row in rows}


@given(st.lists(st.integers(0, 10_000), max_size=8))
def test_the_published_vectors_are_read_at_any_cuts(places: list[int]) -> None:
    rows = vectors()
    heard = {row["name"]: read(cut("".join(row["chunks"]).encode(), places)) for row in rows}
    assert heard == {row["name"]: expected(row) for row in rows}


@given(STREAMS, st.lists(st.integers(0, 300), max_size=10))
def test_any_stream_is_read_as_the_standard_reads_it(stream: bytes, places: list[int]) -> None:
    assert read(cut(stream, places)) == reference(stream)


@given(STREAMS)
def test_empty_chunks_change_nothing(stream: bytes) -> None:
    assert read([piece for byte in stream for piece in (b"", bytes((byte,)), b"")]) == reference(stream)


@given(STREAMS)
def test_finish_gives_what_a_blank_line_would_have_completed(stream: bytes) -> None:
    reader = SseReader()
    events = reader.feed(stream) + reader.finish()
    # One line end closes an open line, another the event; after a bare CR the first LF would be swallowed.
    assert events == reference(stream + b"\r\n\r\n")[0]
    assert reader.finish() == []


def test_done_without_a_blank_line_is_heard_at_the_end() -> None:
    reader = SseReader()
    assert reader.feed(b"data: 1\n\ndata: [DONE]") == [SseEvent(data="1")]
    assert reader.finish() == [SseEvent(data="[DONE]")]


def test_a_stream_that_ends_inside_a_byte_order_mark_says_nothing() -> None:
    reader = SseReader()
    assert reader.feed(b"\xef\xbb") == []
    assert reader.finish() == []


def test_a_reconnection_time_too_long_to_read_is_passed_over() -> None:
    reader = SseReader()
    assert reader.feed(b"retry: 7\nretry: " + b"9" * 5000 + b"\ndata: a\n\n") == [SseEvent(data="a")]
    assert reader.retry == 7


class CountingPattern:
    """Stands for the pattern of line ends and counts the bytes that it looked at."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self.pattern = pattern
        self.looked_at = 0

    def search(self, buffer: bytearray, start: int) -> re.Match[bytes] | None:
        match = self.pattern.search(buffer, start)
        self.looked_at += (match.end() if match else len(buffer)) - start
        return match


def test_a_line_of_10_mb_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = CountingPattern(sse._LINE_END)
    monkeypatch.setattr(sse, "_LINE_END", counting)
    stream = b"data: " + b"x" * 10_000_000 + b"\n\n"
    events, _ = read([stream[start : start + 65_536] for start in range(0, len(stream), 65_536)])
    assert events == [SseEvent(data="x" * 10_000_000)]
    assert counting.looked_at == len(stream)


@given(STREAMS)
def test_blocks_joined_are_the_stream(stream: bytes) -> None:
    blocks = list(split_blocks(stream))
    assert b"".join(blocks) == stream
    assert b"" not in blocks


@given(STREAMS.map(lambda stream: stream.replace(b"\xef\xbb\xbf", b"")))
def test_blocks_hold_the_events_of_the_stream(stream: bytes) -> None:
    # Ids are remembered over a whole stream, so a block alone cannot know them. Byte order marks are left out: only
    # the first one of a stream is a mark, and every block is read as a stream of its own.
    blocks = [(event.event, event.data) for block in split_blocks(stream) if (event := read_block(block)) is not None]
    assert blocks == [(event.event, event.data) for event in reference(stream + b"\r\n\r\n")[0]]


@pytest.mark.parametrize("block", [b"", b"\n\n", b": OPENROUTER PROCESSING\n\n", b"event: ping\n\n", b"id: 1"])
def test_a_block_without_data_holds_no_event(block: bytes) -> None:
    assert read_block(block) is None


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")),
    st.sampled_from([None, "error", "message"]),
)
def test_a_written_event_is_read_back(data: str, name: str | None) -> None:
    written = write_event(data, event=name)
    assert read([written]) == ([SseEvent(event=name or "message", data=data)], None)
    assert list(split_blocks(written)) == [written]


def test_an_event_is_written_as_providers_write_it() -> None:
    assert write_event('{"a":1}') == b'data: {"a":1}\n\n'
    assert write_event("one\ntwo", event="error") == b"event: error\ndata: one\ndata: two\n\n"
