"""OpenAI chat completions: watching answers, and turning a stream into a body or a body into a stream.

What came is stored as it came; turning happens only when the other form is asked for. Nothing is validated:
fields that no schema knows (``reasoning_content``, ``x_groq``, ``provider`` …) travel along.
"""

from collections.abc import Iterator

from reflexd_core.canonical import JsonObject
from reflexd_core.dialects import chat_merge
from reflexd_core.dialects.shared import DONE, FAILED, FILTERED, decode, encode, events_of, is_error, whole
from reflexd_core.request import Form, Usage, Verdict
from reflexd_core.sse import SseEvent, SseReader, read_block, split_blocks, write_event

_ENDS_WELL = frozenset({"stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete"})
"""Reasons to finish after which the answer may be one to other words too: it was neither cut nor calls anybody. In
lower case, as all reasons here; providers that only resemble OpenAI's have words of their own."""


class StreamWatch:
    """Watches a stream: complete when every choice has its finish_reason, then ``[DONE]`` came, and no error."""

    def __init__(self) -> None:
        self._reader = SseReader()
        self._reasons: dict[int, str | None] = {}
        self._ended = False
        self._fault: str | None = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._calls_tools = False
        self._natives: set[str] = set()

    def feed(self, chunk: bytes) -> bool:
        for event in self._reader.feed(chunk):
            self._look(event)
        return self._ended

    def verdict(self) -> Verdict:
        for event in self._reader.finish():
            self._look(event)
        return _verdict(
            fault=self._fault or (None if self._ended else "cut"),
            reasons=list(self._reasons.values()),
            usage=self._usage,
            model=self._model,
            calls_tools=self._calls_tools,
            natives=self._natives,
        )

    def _look(self, event: SseEvent) -> None:
        if is_done(event):
            self._ended = True
            return
        chunk = _object_in(event)
        if chunk is None or is_error(event, chunk):
            self._fault = self._fault or ("unreadable" if chunk is None else "error-event")
            return
        self._usage = _usage_in(chunk) or self._usage
        if isinstance(model := chunk.get("model"), str):
            self._model = model
        for choice in choices_of(chunk):
            index = choice.get("index")
            reason = choice.get("finish_reason")
            told = reason if isinstance(reason, str) and reason else None  # some say "" until there is one
            if isinstance(index, int) and (told is not None or index not in self._reasons):
                self._reasons[index] = told
            if choice.get("error") is not None:
                self._fault = self._fault or "error-event"
            self._natives |= _native_of(choice)
            self._calls_tools = self._calls_tools or _calls_tools(choice)


def verdict_of(completion: JsonObject) -> Verdict:
    """What a whole completion is worth."""
    choices = choices_of(completion)
    reasons = [reason if isinstance(reason := c.get("finish_reason"), str) else None for c in choices]
    model = completion.get("model")
    return _verdict(
        fault="error-event" if any(one.get("error") is not None for one in (completion, *choices)) else None,
        reasons=reasons,
        usage=_usage_in(completion),
        model=model if isinstance(model, str) else None,
        calls_tools=any(map(_calls_tools, choices)),
        natives={native for choice in choices for native in _native_of(choice)},
    )


def _messages_of(choice: JsonObject) -> Iterator[JsonObject]:
    """What a choice says, or the next piece of it."""
    return (said for name in ("delta", "message") if isinstance(said := choice.get(name), dict))


def _calls_tools(choice: JsonObject) -> bool:
    return any(said.get("tool_calls") or said.get("function_call") for said in _messages_of(choice))


def _native_of(choice: JsonObject) -> set[str]:
    """The reason as the provider behind OpenRouter has it; there may be none beside it that says the same."""
    return {native.lower()} if isinstance(native := choice.get("native_finish_reason"), str) else set()


def replay(recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
    """See `Dialect.replay`."""
    if recorded is asked:
        return answer if asked is Form.BODY or wants_usage else without_usage(answer)
    if asked is Form.BODY:
        return encode(chat_merge.assemble(list(chunks_of(answer))))
    return in_chunks(chat_merge.disassemble(whole(answer), with_usage=wants_usage))


def in_chunks(chunks: list[JsonObject]) -> bytes:
    """A stream of these chunks, to its end."""
    return b"".join(write_event(encode(chunk).decode()) for chunk in chunks) + write_event(DONE)


def chunks_of(stream: bytes) -> Iterator[JsonObject]:
    return (chunk for event in events_of(stream) if (chunk := _object_in(event)) is not None)


def usage_of(recorded: Form, answer: bytes) -> Usage | None:
    chunks = chunks_of(answer) if recorded is Form.STREAM else iter([decode(answer) or {}])
    return next((usage for chunk in chunks if (usage := _usage_in(chunk)) is not None), None)


def text_of(recorded: Form, answer: bytes) -> str:
    """What the choices say, refusals included; tool calls by name and arguments."""
    completion = chat_merge.assemble(list(chunks_of(answer))) if recorded is Form.STREAM else decode(answer) or {}
    return "\n".join(
        said
        for choice in choices_of(completion)
        if isinstance(message := choice.get("message"), dict)
        for said in _said_in(message)
    )


def _said_in(message: JsonObject) -> Iterator[str]:
    for name in ("content", "refusal"):
        match message.get(name):
            case str(text) if text:
                yield text
            case [*parts]:  # Mistral's reasoning models answer in parts
                yield from (
                    said for part in parts if isinstance(part, dict) and isinstance(said := part.get("text"), str)
                )
            case _:
                pass
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        match call:
            case {"function": {"name": str(name), "arguments": str(arguments)}}:
                yield f"{name}({arguments})"
            case _:
                pass


def without_usage(stream: bytes) -> bytes:
    """The stream less the chunk that only ``stream_options.include_usage`` brings; every other byte stays."""
    return b"".join(block for block in split_blocks(stream) if not _is_usage_chunk(block))


def _is_usage_chunk(block: bytes) -> bool:
    if b'"usage"' not in block:
        return False
    event = read_block(block)
    chunk = _object_in(event) if event is not None else None
    return chunk is not None and chunk.get("choices") == [] and chunk.get("usage") is not None


def _verdict(
    *,
    fault: str | None,
    reasons: list[str | None],
    usage: Usage | None,
    model: str | None,
    calls_tools: bool,
    natives: set[str],
) -> Verdict:
    fault = fault or _fault_in(reasons, natives)
    return Verdict(
        storable=fault is None,
        reason=fault or "complete",
        usage=usage,
        model=model,
        exact_only=calls_tools or not all(reason and reason.lower() in _ENDS_WELL for reason in reasons),
    )


def _fault_in(reasons: list[str | None], natives: set[str]) -> str | None:
    if not reasons:
        return "no-choices"
    if None in reasons:
        return "unfinished"
    told = {*natives, *(reason.lower() for reason in reasons if reason)}
    if not told.isdisjoint(FAILED):
        return "error-event"
    return "content-filter" if not told.isdisjoint(FILTERED) else None


def is_done(event: SseEvent) -> bool:
    """Whether the stream ends here. Whatever stands behind the word counts for nothing, as it does for the SDKs."""
    return event.data.startswith(DONE)


def _object_in(event: SseEvent) -> JsonObject | None:
    return decode(event.data) if not is_done(event) else None


def choices_of(holder: JsonObject) -> list[JsonObject]:
    choices = holder.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def _usage_in(holder: JsonObject) -> Usage | None:
    match holder.get("usage"):
        case {"prompt_tokens": int(taken), "completion_tokens": int(given), **rest}:
            match rest.get("prompt_tokens_details"):
                case {"cached_tokens": int(cached)}:
                    return Usage(input=taken, output=given, cached_input=cached)
                case _:
                    return Usage(input=taken, output=given)
        case _:
            return None
