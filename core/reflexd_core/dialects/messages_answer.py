"""Anthropic messages: watching answers, and turning a stream into a message or a message into a stream.

What came is stored as it came; turning happens only when the other form is asked for. Block and delta types that
no schema knows travel along: a block whose pieces are unknown is whole from its start.
"""

from collections.abc import Iterator

import msgspec

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects.shared import (
    FAILED,
    FILTERED,
    decode,
    encode,
    events_of,
    integer,
    is_error,
    is_nothing,
    objects,
    text,
    typed_events,
    whole,
)
from reflexd_core.request import Form, Usage, Verdict
from reflexd_core.sse import SseEvent, SseReader

_ENDS_WELL = ("end_turn", "stop_sequence")
"""Reasons to stop after which the answer may be one to other words too."""

_AT_THE_END = frozenset({"stop_reason", "stop_sequence", "stop_details", "container"})
"""Fields of a message that a stream tells in the ``delta`` of ``message_delta``."""
_BESIDE_THE_END = frozenset({"context_management", "input_transformations"})
"""Fields that it tells beside that ``delta``."""

_REPLACED = ("signature_delta", "compaction_delta")
"""Deltas that come once and whole, as the official SDK takes them."""


class StreamWatch:
    """Watches a stream: complete once ``message_stop`` came behind a start and a ``stop_reason``, and no error."""

    def __init__(self) -> None:
        self._reader = SseReader()
        self._blocks: list[Json] = []
        self._message: JsonObject = {"content": self._blocks}
        self._begun = self._ended = False
        self._fault: str | None = None

    def feed(self, chunk: bytes) -> bool:
        for event in self._reader.feed(chunk):
            self._look(event)
        return self._ended

    def verdict(self) -> Verdict:
        for event in self._reader.finish():
            self._look(event)
        fault = self._fault or ("cut" if not self._ended else None if self._begun else "unfinished")
        return verdict_of(self._message) if fault is None else Verdict(storable=False, reason=fault)

    def _look(self, event: SseEvent) -> None:
        data = decode(event.data) if not is_nothing(event) else {}
        match data:
            case None:
                self._fault = self._fault or "unreadable"
            case _ if is_error(event, data):
                self._fault = self._fault or "error-event"
            case {"type": "message_stop"}:
                self._ended = True
            case {"type": "content_block_start", "content_block": {"type": str(kind)}}:
                self._blocks.append({"type": kind})
            case {"type": "message_start", "message": dict(message)}:
                self._begun, self._message = True, {**message, "content": self._blocks}
            case {"type": "message_delta"}:
                _end(self._message, data)
            case _:
                pass


def verdict_of(message: JsonObject) -> Verdict:
    """What a whole message is worth."""
    reason = message.get("stop_reason")
    fault = _fault_in(message)
    calls_tools = any(text(block.get("type")).endswith("tool_use") for block in objects(message.get("content")))
    return Verdict(
        storable=fault is None,
        reason=fault or "complete",
        usage=_usage_in(message),
        model=text(message.get("model")) or None,
        exact_only=calls_tools or reason not in _ENDS_WELL,
    )


def _fault_in(message: JsonObject) -> str | None:
    if message.get("type") == "error" or message.get("error") is not None:
        return "error-event"
    if not isinstance(message.get("stop_reason"), str) or not isinstance(message.get("content"), list):
        return "unfinished"
    reason = text(message["stop_reason"]).lower()
    if reason in FILTERED:
        return "content-filter"  # the provider's filter broke the answer off
    if reason in FAILED:
        return "error-event"
    return "container" if message.get("container") else None


def replay(recorded: Form, answer: bytes, asked: Form) -> bytes:
    """See `Dialect.replay`."""
    if recorded is asked:
        return answer
    return encode(assemble(_objects_in(answer))) if asked is Form.BODY else typed_events(disassemble(whole(answer)))


def assemble(events: Iterator[JsonObject]) -> JsonObject:
    """The message that the events of one stream amount to. Raises `ValueError` for tool input that is no JSON."""
    message: JsonObject = {}
    blocks: dict[int, JsonObject] = {}
    inputs: dict[int, str] = {}
    for event in events:
        match event:
            case {"type": "message_start", "message": dict(started)}:
                message = {**started}
            case {"type": "content_block_start", "index": int(index), "content_block": dict(block)}:
                blocks[index] = {**block}
                match block:
                    case {"type": "fallback", "to": {"model": str(model)}}:  # another model took over
                        message["model"] = model
                    case _:
                        pass
            case {"type": "content_block_delta", "index": int(index), "delta": {"partial_json": str(piece)}}:
                inputs[index] = inputs.get(index, "") + piece
            case {"type": "content_block_delta", "index": int(index), "delta": dict(delta)} if index in blocks:
                _add(blocks[index], delta)
            case {"type": "message_delta"}:
                _end(message, event)
            case _:
                pass
    for index, written in inputs.items():
        if written and index in blocks:
            blocks[index]["input"] = _as_written(written)
    message["content"] = [blocks[index] for index in sorted(blocks)]
    return message


def disassemble(message: JsonObject) -> list[JsonObject]:
    """Events that amount to the message."""
    late = _AT_THE_END | _BESIDE_THE_END
    started: JsonObject = {name: value for name, value in message.items() if name not in late}
    started |= {"content": [], "stop_reason": None, "stop_sequence": None}
    events: list[JsonObject] = [{"type": "message_start", "message": started}]
    for index, block in enumerate(objects(message.get("content"))):
        opened, deltas = _pieces_of(block)
        events.append({"type": "content_block_start", "index": index, "content_block": opened})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    ended: JsonObject = {name: message[name] for name in sorted(_AT_THE_END) if name in message}
    beside: JsonObject = {name: message[name] for name in sorted(_BESIDE_THE_END) if name in message}
    events.append({"type": "message_delta", "delta": ended, "usage": message.get("usage"), **beside})
    return [*events, {"type": "message_stop"}]


def usage_of(recorded: Form, answer: bytes) -> Usage | None:
    return _usage_in(_message_of(recorded, answer))


def text_of(recorded: Form, answer: bytes) -> str:
    """What the message says; tool calls by name and input."""
    said: list[str] = []
    for block in objects(_message_of(recorded, answer).get("content")):
        match block:
            case {"type": "text", "text": str(words)}:
                said.append(words)
            case {"type": "tool_use", "name": str(name), "input": given}:
                said.append(f"{name}({encode(given).decode()})")
            case _:
                pass
    return "\n".join(said)


def _message_of(recorded: Form, answer: bytes) -> JsonObject:
    if recorded is Form.BODY:
        return decode(answer) or {}
    try:
        return assemble(_objects_in(answer))
    except ValueError:
        return {}


def _pieces_of(block: JsonObject) -> tuple[JsonObject, list[JsonObject]]:
    """A block as it starts, and the deltas that make it whole."""
    match block:
        case {"type": "text", "text": str(said), **rest}:
            cited = rest.get("citations")
            citations: list[JsonObject] = [
                {"type": "citations_delta", "citation": citation} for citation in objects(cited)
            ]
            start: JsonObject = {**block, "text": "", **({"citations": []} if citations else {})}
            return start, [*citations, {"type": "text_delta", "text": said}]
        case {"type": "thinking", "thinking": str(thought), **rest}:
            thoughts: list[JsonObject] = [{"type": "thinking_delta", "thinking": thought}] if thought else []
            if "signature" not in rest:
                return {**block, "thinking": ""}, thoughts
            signed: JsonObject = {"type": "signature_delta", "signature": rest["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*thoughts, signed]
        case {"type": str(kind), "input": dict(given)} if kind.endswith("tool_use"):
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": encode(given).decode()}]
        case {"type": "compaction", "content": str(summary), **rest}:
            sealed: JsonObject = (
                {"encrypted_content": rest["encrypted_content"]} if "encrypted_content" in rest else {}
            )
            return {**block, "content": None}, [{"type": "compaction_delta", "content": summary, **sealed}]
        case _:
            return block, []


def _add(block: JsonObject, delta: JsonObject) -> None:
    """Add one delta to its block, in place."""
    for name, piece in delta.items():
        known = block.get(name)
        if name == "type":
            continue
        if name == "citation":
            block["citations"] = [*objects(block.get("citations")), piece]
        elif isinstance(known, str) and isinstance(piece, str) and delta.get("type") not in _REPLACED:
            block[name] = known + piece
        else:
            block[name] = piece


def _end(message: JsonObject, event: JsonObject) -> None:
    """Add a ``message_delta``; its usage counts are totals, and replace those of the start."""
    for name, value in event.items():
        match name, value:
            case "type", _:
                continue
            case "delta", dict(delta):
                message |= delta
            case "usage", dict(counts):
                usage = message.get("usage")
                given = {counted: count for counted, count in counts.items() if count is not None}
                message["usage"] = {**usage, **given} if isinstance(usage, dict) else counts
            case _:
                message[name] = value


def _as_written(written: str) -> Json:
    """Tool input as it stands in the stream, so that no number is rounded on its way."""
    if decode(f'{{"input":{written}}}') is None:
        raise ValueError("tool input that is no JSON")
    # A pre-encoded fragment; typed as an object, since only the encoder ever sees it.
    raw: JsonObject = msgspec.Raw(written.encode())  # type: ignore[assignment]
    return raw


def _usage_in(message: JsonObject) -> Usage | None:
    match message.get("usage"):
        case {"input_tokens": int(fresh), "output_tokens": int(given), **rest}:
            cached = integer(rest.get("cache_read_input_tokens")) or 0
            written = integer(rest.get("cache_creation_input_tokens")) or 0
            return Usage(input=fresh + written + cached, output=given, cached_input=cached)
        case _:
            return None


def _objects_in(stream: bytes) -> Iterator[JsonObject]:
    return (data for event in events_of(stream) if (data := decode(event.data)) is not None)
