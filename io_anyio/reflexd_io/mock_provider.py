"""The mock provider: a shipped fake that answers every plain dialect without any upstream and without cost.

``REFLEX_MOCK_PROVIDER=1 reflexd serve`` points every upstream at it, and `reflexd demo` uses it. It speaks enough
of each wire for the official SDKs: bodies, streams, tools, usage, ``/v1/models``. Its answers are a function
of the request; ids differ from call to call, as a real provider's do. It never pretends to be a model: what it
says is that it is the mock provider.
"""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import anyio
import anyio.abc
import msgspec

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects.base import Dialect
from reflexd_core.dialects.chat import CHAT
from reflexd_core.dialects.chat_merge import disassemble
from reflexd_core.request import Form
from reflexd_core.routing import read_target
from reflexd_core.sse import split_blocks, write_event
from reflexd_io.http import Connection
from reflexd_io.incoming import BadRequest, ClientGone, Request
from reflexd_io.mock_answers import ANSWERS
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
        path = request.target.decode("latin-1")
        dialect = read_target(request.method, path).dialect
        if dialect is not None and dialect.name in ANSWERS:
            await self._complete(connection, dialect, body)
        elif path.partition("?")[0].endswith("/models"):
            models: list[Json] = [{"id": "gpt-4o-mini", "object": "model", "created": 0, "owned_by": "reflex-mock"}]
            await _send_json(connection, 200, msgspec.json.encode({"object": "list", "data": models}))
        else:
            refusal = (dialect or CHAT).error(404, f"the mock provider has no {path}", "not_found")
            await _send_json(connection, 404, refusal)

    async def _complete(self, connection: Connection, dialect: Dialect, body: bytes) -> None:
        self.calls += 1
        try:
            asked = msgspec.json.decode(body)
        except (msgspec.MsgspecError, RecursionError):
            asked = None
        answer = ANSWERS[dialect.name]
        if not isinstance(asked, dict) or asked.get(answer.wants) is None:
            message = f"the mock provider wants a JSON object with {answer.wants!r}"
            await _send_json(connection, 400, dialect.error(400, message, "invalid_request"))
            return
        if self.delay:
            await anyio.sleep(self.delay)
        completion, reading = answer.make(asked, self._ids()), dialect.read(asked)
        if reading.form is Form.BODY:
            await _send_json(connection, 200, msgspec.json.encode(completion))
            return
        await connection.start(200, b"OK", [_STREAM])
        if dialect is CHAT:
            for chunk in _in_pieces(disassemble(completion, with_usage=reading.wants_usage)):
                await connection.send(write_event(msgspec.json.encode(chunk).decode()))
            await connection.send(write_event("[DONE]"))
        else:
            whole = msgspec.json.encode(completion)
            turned = dialect.replay(Form.BODY, whole, Form.STREAM, wants_usage=reading.wants_usage)
            for block in split_blocks(turned):
                await connection.send(block)
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
