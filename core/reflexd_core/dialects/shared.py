"""What dialects share: reading untyped JSON, OpenAI's way to say an error, and watching a body that comes whole.

Nothing is validated anywhere: a value of another type than expected counts as absent, and is keyed all the same.
"""

from collections.abc import Callable, Iterator

import msgspec

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.request import Verdict
from reflexd_core.sse import SseEvent, SseReader, write_event

DONE = "[DONE]"

SAMPLING = frozenset(
    {"temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty", "repetition_penalty"}
)
"""Left out of the scope: a documented trade for more hits, which a tenant may refuse."""

WEB_SEARCH_LIFETIME = 600.0
"""Seconds that an answer lives for which the provider looked something up that changes: on the web, or in a store."""

_SEARCHES = (
    *("web_search", "web_fetch", "web_extractor", "browser_search", "x_search"),
    *("file_search", "collections_search", "retrieval"),
)
"""What stands in the types of tools with which providers look at the web (``web_search_20250305``,
``openrouter:web_search``), or into a store of documents that they keep (``file_search``)."""

FILTERED = frozenset(
    {"content_filter", "content_filtered", "guardrail_intervened", "refusal", "safety", "sensitive"}
    | {"recitation", "blocklist", "prohibited_content", "spii", "language"}
    | {"image_safety", "image_prohibited_content", "image_recitation", "error_toxic"}
)
"""Reasons to end with which a filter says that it broke the answer off, in lower case: OpenAI's word, Bedrock's,
Anthropic's, Gemini's, which come through its compatible endpoint in capitals, Z.ai's and Cohere's."""

FAILED = frozenset(
    {"error", "network_error", "abort", "aborted", "cancelled", "insufficient_system_resource"}
    | {"malformed_function_call", "malformed_response", "unexpected_tool_call", "too_many_tool_calls"}
)
"""Likewise, where the server broke off: Mistral and OpenRouter, Z.ai, vLLM and SGLang, DeepSeek; or where what the
model wrote was no answer: Gemini."""


def objects(value: Json) -> list[JsonObject]:
    """The objects in a list; none where it is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def least(*limits: Json) -> int | None:
    """The least of the limits that are set; one that is no number is met by no answer."""
    given = [value for value in limits if value is not None]
    numbers = [int(value) if isinstance(value, int | float) and value < 2**53 else 0 for value in given]
    return min(numbers, default=None)


def is_nothing(event: SseEvent) -> bool:
    """Whether it is no part of an answer: an empty keep-alive, or ``[DONE]`` in a dialect that does without it.

    Servers that speak another provider's dialect send both.
    """
    return event.data == "" or event.data.startswith(DONE)


def is_error(event: SseEvent, data: JsonObject) -> bool:
    """Whether an event within a stream says that it failed, in any of the ways that servers have for that."""
    return (
        event.event == "error"
        or data.get("error") is not None
        or data.get("type") == "error"
        or data.get("object") == "error"  # vLLM's older ones
    )


def offers_a_web_search(tools: Json) -> bool:
    """Whether the provider may look something up by one of the tools."""
    return any(mark in kind for tool in objects(tools) for mark in _SEARCHES for kind in _kinds_of(tool))


def _kinds_of(tool: JsonObject) -> tuple[str, str]:
    """Its type, and its name where the provider runs it by that (Moonshot's ``$web_search``)."""
    match tool:
        case {"type": "builtin_function", "function": {"name": str(name)}}:
            return "builtin_function", name
        case _:
            return text(tool.get("type")), ""


def sampling_of(body: JsonObject) -> JsonObject:
    return {name: value for name, value in body.items() if name in SAMPLING}


def decode(raw: bytes | str) -> JsonObject | None:
    """The JSON object that an answer is; None for anything else."""
    try:
        value: Json = _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def encode(value: Json) -> bytes:
    return msgspec.json.encode(value)


def whole(raw: bytes) -> JsonObject:
    """The stored body. Raises `ValueError`."""
    body = decode(raw)
    if body is None:
        raise ValueError("the stored body is not a JSON object")
    return body


def events_of(stream: bytes) -> Iterator[SseEvent]:
    reader = SseReader()
    yield from (*reader.feed(stream), *reader.finish())


def typed_events(events: list[JsonObject]) -> bytes:
    """Events whose name stands in their data too, as Anthropic's and OpenAI's newer streams have it."""
    return b"".join(write_event(encode(event).decode(), event=text(event.get("type"))) for event in events)


class WholeBody:
    """Watches a body; a JSON document has no end of its own, so only the end of the message tells."""

    def __init__(self, judge: Callable[[JsonObject], Verdict]) -> None:
        self._judge = judge
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> bool:
        self._chunks.append(chunk)
        return False

    def verdict(self) -> Verdict:
        body = decode(b"".join(self._chunks))
        return Verdict(storable=False, reason="unreadable") if body is None else self._judge(body)


def openai_error(status: int, message: str, code: str) -> bytes:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return encode({"error": {"message": message, "type": kind, "param": None, "code": code}})


_DECODER = msgspec.json.Decoder()
