"""The mock provider: a shipped fake that answers chat completions without any upstream and without cost.

``REFLEX_MOCK_PROVIDER=1 reflexd serve`` points every upstream at it, and `reflexd demo` uses it. It speaks enough
of the OpenAI wire for the official SDKs: bodies, streams, tools, usage, ``/v1/models``. Its answers are a function
of the request; ids differ from call to call, as a real provider's do. It never pretends to be a model: what it
says is that it is the mock provider.
"""

import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio
import anyio.abc
import msgspec
from blake3 import blake3

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects.chat import CHAT
from reflexd_core.dialects.chat_merge import disassemble
from reflexd_core.sse import write_event
from reflexd_io.http import Connection
from reflexd_io.incoming import BadRequest, ClientGone, Request
from reflexd_io.settings import Settings

_JSON = (b"Content-Type", b"application/json")
_STREAM = (b"Content-Type", b"text/event-stream; charset=utf-8")


@dataclass(slots=True)
class MockProvider:
    """``calls`` counts what reached it; ``delay`` is its thinking time, seconds."""

    delay: float = 0.0
    calls: int = 0
    _ids: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        async with Connection(stream) as connection:
            with connection.scope:
                try:
                    while (request := await connection.next_request()) is not None:
                        await self._answer(connection, request)
                except (ClientGone, BadRequest):
                    return

    async def _answer(self, connection: Connection, request: Request) -> None:
        body = b"".join([piece async for piece in connection.body()])
        path = request.target.decode("latin-1").partition("?")[0]
        if path.endswith("/chat/completions") and request.method == "POST":
            await self._complete(connection, body)
        elif path.endswith("/models"):
            models: list[Json] = [{"id": "gpt-4o-mini", "object": "model", "created": 0, "owned_by": "reflex-mock"}]
            await _send_json(connection, 200, msgspec.json.encode({"object": "list", "data": models}))
        else:
            await _send_json(connection, 404, CHAT.error(404, f"the mock provider has no {path}", "not_found"))

    async def _complete(self, connection: Connection, body: bytes) -> None:
        self.calls += 1
        try:
            asked = msgspec.json.decode(body)
        except (msgspec.MsgspecError, RecursionError):
            asked = None
        if not isinstance(asked, dict) or not isinstance(asked.get("messages"), list):
            refusal = CHAT.error(400, "the mock provider wants a JSON object with 'messages'", "invalid_request")
            await _send_json(connection, 400, refusal)
            return
        if self.delay:
            await anyio.sleep(self.delay)
        completion = _completion(asked, self._ids())
        if asked.get("stream") is not True:
            await _send_json(connection, 200, msgspec.json.encode(completion))
            return
        options = asked.get("stream_options")
        with_usage = isinstance(options, dict) and options.get("include_usage") is True
        await connection.start(200, b"OK", [_STREAM])
        for chunk in _in_pieces(disassemble(completion, with_usage=with_usage)):
            await connection.send(write_event(msgspec.json.encode(chunk).decode()))
        await connection.send(write_event("[DONE]"))
        await connection.finish()


@asynccontextmanager
async def running(provider: MockProvider) -> AsyncIterator[str]:
    """Serve the provider on a free loopback port; gives its base URL."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, provider.serve)
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def mock_upstreams(settings: Settings) -> AsyncIterator[Settings]:
    """The settings with every upstream replaced by a mock provider that runs meanwhile."""
    async with running(MockProvider()) as url:
        mocked = {
            name: replace(upstream, base_url=url, keyless=True, known_as=f"mock provider for {name}")
            for name, upstream in settings.upstreams.items()
        }
        yield replace(settings, upstreams=mocked)


def _completion(asked: JsonObject, number: int) -> JsonObject:
    text = CHAT.question_text(asked)
    choices_wanted = asked.get("n")
    count = choices_wanted if isinstance(choices_wanted, int) and 1 <= choices_wanted <= 16 else 1
    choices: list[Json] = [_choice(asked, text, index) for index in range(count)]
    taken = max(1, len(msgspec.json.encode(asked.get("messages"))) // 4)
    given = max(1, len(msgspec.json.encode(choices)) // 4)
    return {
        "id": f"chatcmpl-mock-{number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.get("model") or "mock",
        "choices": choices,
        "usage": {"prompt_tokens": taken, "completion_tokens": given, "total_tokens": taken + given},
    }


def _choice(asked: JsonObject, text: str, index: int) -> JsonObject:
    tool = _tool_to_call(asked)
    if tool is not None:
        call_id = "call_" + blake3(text.encode()).hexdigest(8)
        call: JsonObject = {"id": call_id, "type": "function", "function": {"name": tool, "arguments": "{}"}}
        message: JsonObject = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}
        return {"index": index, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    said = f"This is the mock provider. You asked: {text[:200]}" + (f" (choice {index})" if index else "")
    message = {"role": "assistant", "content": said, "refusal": None}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": "stop"}


def _tool_to_call(asked: JsonObject) -> str | None:
    """The first tool, when there is one and its result has not come yet."""
    match asked:
        case {"tools": [{"function": {"name": str(name)}}, *_], "messages": [*_, {"role": "user"}]}:
            return name if asked.get("tool_choice") != "none" else None
        case _:
            return None


def _in_pieces(chunks: list[JsonObject]) -> list[JsonObject]:
    """Texts cut into words, as a model's stream has them."""
    pieces: list[JsonObject] = []
    for chunk in chunks:
        match chunk:
            case {"choices": [{"index": index, "delta": {"content": str(text), "role": role}}]} if text:
                for place, word in enumerate(text.split(" ")):
                    delta: JsonObject = {"content": f" {word}"} if place else {"role": role, "content": word}
                    pieces.append({**chunk, "choices": [{"index": index, "delta": delta, "finish_reason": None}]})
            case _:
                pieces.append(chunk)
    return pieces


async def _send_json(connection: Connection, status: int, body: bytes) -> None:
    await connection.respond(status, [_JSON, (b"Content-Length", str(len(body)).encode())], body)
