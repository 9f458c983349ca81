"""OpenAI responses: watching answers, and turning a stream into a response or a response into a stream.

A stream's last event holds the whole response, so that direction only takes it out. The other tells the response
in the events that a provider would send. Item and part types that no schema knows come whole.
"""

from collections.abc import Iterator

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects.shared import (
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

_FAULTS = {
    "error": "error-event",
    "response.failed": "error-event",
    "response.incomplete": "incomplete",
    "response.cancelled": "cancelled",
}
"""Events after which an answer is none; all of them end it."""

_WORDS = ("message", "reasoning")
"""Items of an answer that does nothing but speak."""

_WRITTEN = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
    "code_interpreter_call": ("code", "response.code_interpreter_call_code"),
}
"""Items whose text comes in pieces: its field, and how the events of the pieces begin."""

_SPOKEN = {
    "output_text": ("text", "response.output_text"),
    "reasoning_text": ("text", "response.reasoning_text"),
    "refusal": ("refusal", "response.refusal"),
}
"""Parts whose text comes in pieces, likewise."""


class StreamWatch:
    """Watches a stream: complete once ``response.completed`` came, and no error."""

    def __init__(self) -> None:
        self._reader = SseReader()
        self._response: JsonObject | None = None
        self._fault: str | None = None

    def feed(self, chunk: bytes) -> bool:
        for event in self._reader.feed(chunk):
            self._look(event)
        return self._response is not None or self._fault is not None

    def verdict(self) -> Verdict:
        for event in self._reader.finish():
            self._look(event)
        if self._fault is not None or self._response is None:
            return Verdict(storable=False, reason=self._fault or "cut")
        return verdict_of(self._response)

    def _look(self, event: SseEvent) -> None:
        data = decode(event.data) if not is_nothing(event) else {}
        match data:
            case None:
                self._fault = self._fault or "unreadable"
            case {"type": "response.completed", "response": dict(response)}:
                self._response = response
            case {"type": str(kind)} if kind in _FAULTS:
                self._fault = self._fault or _FAULTS[kind]
            case _ if is_error(event, data):
                self._fault = self._fault or "error-event"
            case _:
                pass


def verdict_of(response: JsonObject) -> Verdict:
    """What a whole response is worth."""
    fault = _fault_in(response)
    return Verdict(
        storable=fault is None,
        reason=fault or "complete",
        usage=_usage_in(response),
        model=text(response.get("model")) or None,
        exact_only=any(item.get("type") not in _WORDS for item in objects(response.get("output"))),
    )


def _fault_in(response: JsonObject) -> str | None:
    if response.get("error") is not None:
        return "error-event"
    if response.get("status") != "completed":
        return text(response.get("status")) or "unfinished"
    if any(map(_ran_in_a_container, objects(response.get("output")))):
        return "container"
    return None


def _ran_in_a_container(item: JsonObject) -> bool:
    place = item.get("environment")  # a hosted shell names it there
    return bool(item.get("container_id") or (isinstance(place, dict) and place.get("container_id")))


def replay(recorded: Form, answer: bytes, asked: Form) -> bytes:
    """See `Dialect.replay`."""
    if recorded is asked:
        return answer
    return encode(assemble(answer)) if asked is Form.BODY else typed_events(list(disassemble(whole(answer))))


def assemble(stream: bytes) -> JsonObject:
    """The response that a stream amounts to. Raises `ValueError` where it did not complete."""
    items: dict[int, Json] = {}
    for event in events_of(stream):
        match decode(event.data):
            case {"type": "response.output_item.done", "output_index": int(index), "item": item}:
                items[index] = item
            case {"type": "response.completed", "response": dict(response)}:
                told = response.get("output")
                # ChatGPT's own endpoint tells the items once, as they are done, and not again at the end.
                return response if told or not items else {**response, "output": [items[n] for n in sorted(items)]}
            case _:
                pass
    raise ValueError("the stored stream holds no completed response")


def disassemble(response: JsonObject) -> Iterator[JsonObject]:
    """Events that amount to the response, numbered."""
    begun: JsonObject = {**response, "status": "in_progress", "output": [], "usage": None}
    if "completed_at" in response:
        begun["completed_at"] = None
    events: list[JsonObject] = [
        {"type": f"response.{stage}", "response": begun} for stage in ("created", "in_progress")
    ]
    for index, item in enumerate(objects(response.get("output"))):
        events += _events_of_item(item, index)
    events.append({"type": "response.completed", "response": response})
    for number, event in enumerate(events):
        yield {**event, "sequence_number": number}


def usage_of(recorded: Form, answer: bytes) -> Usage | None:
    return _usage_in(_response_of(recorded, answer))


def text_of(recorded: Form, answer: bytes) -> str:
    """What the response says, refusals included; tool calls by name and arguments."""
    said: list[str] = []
    for item in objects(_response_of(recorded, answer).get("output")):
        match item:
            case {"type": "message"}:
                parts = objects(item.get("content"))
                said += [words for part in parts if (words := text(part.get("text")) or text(part.get("refusal")))]
            case {"type": "function_call", "name": str(name), "arguments": str(given)}:
                said.append(f"{name}({given})")
            case _:
                pass
    return "\n".join(said)


def _response_of(recorded: Form, answer: bytes) -> JsonObject:
    if recorded is Form.BODY:
        return decode(answer) or {}
    try:
        return assemble(answer)
    except ValueError:
        return {}


def _events_of_item(item: JsonObject, index: int) -> Iterator[JsonObject]:
    where: JsonObject = {"item_id": item.get("id"), "output_index": index}
    kind = text(item.get("type"))
    opened: JsonObject = {**item, **({"status": "in_progress"} if "status" in item else {})}
    inner: list[JsonObject] = []
    if kind in _WORDS:
        for field, at, told in (("summary", "summary_index", _summary), ("content", "content_index", _part)):
            if isinstance(item.get(field), list):
                opened[field] = []
                for place, part in enumerate(objects(item.get(field))):
                    inner += told(part, {**where, at: place})
    elif kind in _WRITTEN:
        field, begins = _WRITTEN[kind]
        if isinstance(item.get(field), str):
            opened[field] = ""
            inner += _written(begins, field, item, where)
    yield {"type": "response.output_item.added", "output_index": index, "item": opened}
    yield from inner
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _written(begins: str, field: str, holder: JsonObject, where: JsonObject) -> list[JsonObject]:
    """A text in one piece, and that it is done."""
    piece: JsonObject = {"type": f"{begins}.delta", **where, "delta": holder[field]}
    done: JsonObject = {"type": f"{begins}.done", **where, field: holder[field]}
    if "logprobs" in holder:
        piece["logprobs"] = done["logprobs"] = holder["logprobs"]
    return [piece, done]


def _part(part: JsonObject, where: JsonObject) -> Iterator[JsonObject]:
    field, begins = _SPOKEN.get(text(part.get("type")), ("", ""))
    is_spoken = isinstance(part.get(field), str)
    opened: JsonObject = {**part, field: ""} if is_spoken else part
    cleared: JsonObject = {name: [] for name in ("annotations", "logprobs") if isinstance(part.get(name), list)}
    yield {"type": "response.content_part.added", **where, "part": {**opened, **cleared} if is_spoken else part}
    if is_spoken:
        piece, done = _written(begins, field, part, where)
        yield piece
        for place, annotation in enumerate(objects(part.get("annotations"))):
            kind = "response.output_text.annotation.added"
            yield {"type": kind, **where, "annotation_index": place, "annotation": annotation}
        yield done
    yield {"type": "response.content_part.done", **where, "part": part}


def _summary(part: JsonObject, where: JsonObject) -> Iterator[JsonObject]:
    yield {"type": "response.reasoning_summary_part.added", **where, "part": {**part, "text": ""}}
    if isinstance(part.get("text"), str):
        yield from _written("response.reasoning_summary_text", "text", part, where)
    yield {"type": "response.reasoning_summary_part.done", **where, "part": part}


def _usage_in(response: JsonObject) -> Usage | None:
    match response.get("usage"):
        case {"input_tokens": int(taken), "output_tokens": int(given), **rest}:
            match rest.get("input_tokens_details"):
                case {"cached_tokens": cached}:
                    return Usage(input=taken, output=given, cached_input=integer(cached) or 0)
                case _:
                    return Usage(input=taken, output=given)
        case _:
            return None
