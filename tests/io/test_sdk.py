"""The official Python SDK, sync and async, with nothing changed but its base_url.

What it parses must be the same directly, through a miss, from a hit in the form that was recorded and from one in
the other; and whatever is asked a second time never reaches upstream.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest

from reflexd_core import __version__
from support import chat
from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

KEY = "sk-proj-0123456789abcdef0123456789abcdef"
MODEL = "gpt-4o"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def _tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def _asks(*content: Any, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": part} for part in content], **more}


REQUESTS: dict[str, dict[str, Any]] = {
    "plain": _asks("hi"),
    "conversation": _asks("hi", "and again", temperature=0.5, max_tokens=50, stop=["x"], seed=3),
    "one tool": _asks("weather?", tools=[_tool("get_weather")]),
    "two tools at once": _asks("weather?", tools=[_tool("get_weather"), _tool("get_time")], tool_choice="auto"),
    "n=2": _asks("hi", n=2),
    "n=2 with tools": _asks("hi", n=2, tools=[_tool("get_weather")]),
    "logprobs": _asks("hi", logprobs=True, top_logprobs=2),
    "n=2 with logprobs": _asks("hi", n=2, logprobs=True),
    "json object": _asks("hi", response_format={"type": "json_object"}),
    "json schema": _asks(
        "hi", response_format={"type": "json_schema", "json_schema": {"name": "c", "schema": {"type": "object"}}}
    ),
    "image": _asks([{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]),
    "unknown field": _asks("hi", extra_body={"vendor_option": {"deep": [1, 2.5, None]}}),
}
WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}


class Both:
    """One question to the SDK, sync or async; answers as plain data, streams as lists of it."""

    def __init__(self, base_url: str, *, use_async: bool) -> None:
        self._options = {"base_url": base_url, "api_key": KEY, "max_retries": 0}
        self._async = use_async

    def ask(self, request: dict[str, Any]) -> tuple[Any, dict[str, str]]:
        """What was parsed, and the response's headers."""
        if self._async:
            return asyncio.run(self._ask_async(request))
        with openai.OpenAI(**self._options) as client:  # type: ignore[arg-type]
            raw = client.chat.completions.with_raw_response.create(**request)
            parsed = raw.parse()
            plain = [c.model_dump(exclude_unset=True) for c in parsed] if request.get("stream") else _dump(parsed)
            return plain, dict(raw.headers)

    async def _ask_async(self, request: dict[str, Any]) -> tuple[Any, dict[str, str]]:
        async with openai.AsyncOpenAI(**self._options) as client:  # type: ignore[arg-type]
            raw = await client.chat.completions.with_raw_response.create(**request)
            parsed: Any = raw.parse()
            if request.get("stream"):
                return [_dump(chunk) async for chunk in parsed], dict(raw.headers)
            return _dump(parsed), dict(raw.headers)


def _dump(parsed: Any) -> Any:
    return parsed.model_dump(exclude_unset=True)


def _whole(answer: Any) -> Any:
    """What an application has once all is there: the SDK's own accumulation of a stream, or the body."""
    if not isinstance(answer, list):
        choices, usage = answer["choices"], answer.get("usage")
        return {"id": answer["id"], "model": answer["model"], "usage": usage, "choices": list(map(_essence, choices))}
    from openai.lib.streaming.chat import ChatCompletionStreamState
    from openai.types.chat import ChatCompletionChunk

    state: Any = ChatCompletionStreamState()
    for chunk in answer:
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    return _whole(state.get_final_completion().model_dump(exclude_unset=True))


def _essence(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice["message"]
    calls = [
        (call["id"], call["type"], call["function"]["name"], call["function"]["arguments"])
        for call in message.get("tool_calls") or []
    ]
    logprobs = choice.get("logprobs") or {}
    return {
        "index": choice["index"],
        "role": message["role"],
        "content": message.get("content") or "",
        "refusal": message.get("refusal"),
        "calls": calls,
        "logprobs": logprobs.get("content"),
        "finish_reason": choice["finish_reason"],
    }


@pytest.fixture
def direct(upstream: ScriptedUpstream) -> str:
    """The scripted upstream's own URL, for what would be without Reflex."""
    upstream.script = chat.answer
    return upstream.url


@pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("recorded", ["body", "stream"])
def test_the_sdk_parses_the_same_directly_and_through_miss_and_hits(
    direct: str, reflex: str, upstream: ScriptedUpstream, use_async: bool, name: str, recorded: str
) -> None:
    body, stream = REQUESTS[name], {**REQUESTS[name], **WITH_USAGE}
    first, other = (body, stream) if recorded == "body" else (stream, body)
    without, through = Both(direct, use_async=use_async), Both(reflex, use_async=use_async)
    wanted, _ = without.ask(first)
    wanted_other, _ = without.ask(other)
    upstream.seen.clear()

    missed, told = through.ask(first)
    assert (missed, told["x-reflex-status"]) == (wanted, "miss")
    assert upstream.calls == 1
    hit, told = through.ask(first)
    assert (hit, told["x-reflex-status"]) == (wanted, "hit-l1-exact")
    turned, told = through.ask(other)
    assert told["x-reflex-status"] == "hit-l1-exact"
    assert _whole(turned) == _whole(wanted_other) == _whole(wanted)
    assert upstream.calls == 1  # nothing but the first ever left the machine


def test_what_was_sent_arrives_byte_for_byte(direct: str, reflex: str, upstream: ScriptedUpstream) -> None:
    for url in (direct, reflex):
        with openai.OpenAI(base_url=url, api_key=KEY, organization="org-1", project="proj-1") as client:
            client.chat.completions.create(**REQUESTS["unknown field"], user="me", metadata={"a": "b"}, store=True)
    alone, forwarded = upstream.seen
    assert forwarded.body == alone.body
    assert (forwarded.method, forwarded.target) == (alone.method, alone.target)
    passing = {"user-agent", "openai-organization", "openai-project", "x-stainless-lang", "authorization", "accept"}
    for name in passing:
        assert forwarded.header(name) == alone.header(name), name


def test_headers_of_a_hit_are_those_that_stay_true(direct: str, reflex: str) -> None:
    through = Both(reflex, use_async=False)
    _, missed = through.ask(REQUESTS["plain"])
    _, hit = through.ask(REQUESTS["plain"])
    assert missed["x-request-id"] == hit["x-request-id"] == "req_chat"
    assert missed["openai-version"] == hit["openai-version"]
    assert missed["x-ratelimit-remaining-requests"] == "99"
    assert "set-cookie" in missed
    assert not {"x-ratelimit-remaining-requests", "set-cookie"} & set(hit)


def test_usage_is_there_for_those_who_asked_and_for_nobody_else(
    direct: str, reflex: str, upstream: ScriptedUpstream
) -> None:
    through = Both(reflex, use_async=False)
    bare = {**REQUESTS["plain"], "stream": True}
    wanted, _ = Both(direct, use_async=False).ask(bare)
    assert not any(chunk.get("usage") for chunk in wanted)
    upstream.seen.clear()
    with_usage, _ = through.ask({**REQUESTS["plain"], **WITH_USAGE})
    assert with_usage[-1]["usage"]["total_tokens"] == 19
    assert with_usage[-1]["choices"] == []
    without, told = through.ask(bare)
    assert told["x-reflex-status"] == "hit-l1-exact"
    assert not any(chunk.get("usage") for chunk in without)
    assert not any(chunk["choices"] == [] for chunk in without)
    assert _whole(without)["choices"] == _whole(wanted)["choices"]
    assert upstream.calls == 1


def test_from_a_body_a_stream_without_usage_has_none(direct: str, reflex: str, upstream: ScriptedUpstream) -> None:
    through = Both(reflex, use_async=False)
    through.ask(REQUESTS["plain"])
    without, told = through.ask({**REQUESTS["plain"], "stream": True})
    assert told["x-reflex-status"] == "hit-l1-exact"
    assert not any(chunk.get("usage") for chunk in without)
    assert upstream.calls == 1


def test_an_entry_without_usage_is_replaced_for_those_who_want_it(
    direct: str, reflex: str, upstream: ScriptedUpstream
) -> None:
    through = Both(reflex, use_async=False)
    bare = {**REQUESTS["plain"], "stream": True}
    through.ask(bare)
    assert through.ask(bare)[1]["x-reflex-status"] == "hit-l1-exact"
    body, told = through.ask(REQUESTS["plain"])
    assert (told["x-reflex-status"], told["x-reflex-reason"]) == ("miss", "usage-missing")
    assert body["usage"]["total_tokens"] == 19
    assert upstream.calls == 2
    for again in (REQUESTS["plain"], bare, {**REQUESTS["plain"], **WITH_USAGE}):
        assert through.ask(again)[1]["x-reflex-status"] == "hit-l1-exact"
    assert upstream.calls == 2


def test_the_sdks_helpers_work_from_a_hit(direct: str, reflex: str, upstream: ScriptedUpstream) -> None:
    class City(pydantic.BaseModel):
        city: str
        people: int

    with openai.OpenAI(base_url=reflex, api_key=KEY, max_retries=0) as client:
        for _ in range(2):
            parsed = client.chat.completions.parse(**REQUESTS["plain"], response_format=City)
            assert parsed.choices[0].message.parsed == City(city="Bern", people=134)
        with client.chat.completions.stream(**REQUESTS["plain"], response_format=City) as stream:
            texts = [event.delta for event in stream if event.type == "content.delta"]
            assert stream.get_final_completion().choices[0].message.parsed == City(city="Bern", people=134)
        assert texts
        assert upstream.calls == 1
        with client.chat.completions.with_streaming_response.create(**REQUESTS["plain"]) as response:
            assert response.headers["x-reflex-status"] == "miss"
            assert b"".join(response.iter_bytes()).startswith(b"{")


@pytest.mark.parametrize("use_async", [False, True], ids=["sync", "async"])
def test_errors_are_the_providers_own(direct: str, reflex: str, upstream: ScriptedUpstream, use_async: bool) -> None:
    error = {"error": {"message": "Slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}
    headers = [("content-type", "application/json"), ("retry-after-ms", "5")]
    upstream.answers(Reply(429, headers, json.dumps(error).encode()))
    said = []
    for url in (direct, reflex, reflex):
        with pytest.raises(openai.RateLimitError) as caught:
            Both(url, use_async=use_async).ask(REQUESTS["plain"])
        said.append((str(caught.value), caught.value.body, caught.value.response.headers["retry-after-ms"]))
    assert said[0] == said[1] == said[2]
    assert upstream.calls == 3  # errors are never stored


@pytest.mark.parametrize("retries", [1])
def test_the_sdks_own_retry_reaches_upstream(
    direct: str, reflex: str, upstream: ScriptedUpstream, retries: int
) -> None:
    replies = [Reply(503, [("retry-after-ms", "1")], b"{}")]
    upstream.script = lambda seen: replies.pop() if replies else chat.answer(seen)
    with openai.OpenAI(base_url=reflex, api_key=KEY, max_retries=retries) as client:
        assert client.chat.completions.create(**REQUESTS["plain"]).choices
    assert [seen.header("x-stainless-retry-count") for seen in upstream.seen] == ["0", "1"]


LEGACY: dict[str, dict[str, Any]] = {
    "functions": _asks("hi", functions=[{"name": "f", "parameters": {}}]),
    "function_call": _asks("hi", function_call="auto"),
    "role": {"model": MODEL, "messages": [{"role": "function", "name": "f", "content": "1"}]},
}


@pytest.mark.parametrize("name", LEGACY)
def test_legacy_functions_are_refused_with_what_to_use_instead(
    direct: str, reflex: str, upstream: ScriptedUpstream, name: str
) -> None:
    with openai.OpenAI(base_url=reflex, api_key=KEY) as client:  # with retries: it must not take any
        for stream in (False, True):
            with pytest.raises(openai.BadRequestError) as caught:
                client.chat.completions.create(**LEGACY[name], stream=stream)
            assert "'tools'" in str(caught.value)
            assert "'tool_choice'" in str(caught.value)
            assert caught.value.type == "invalid_request_error"
            assert caught.value.response.headers["x-should-retry"] == "false"
    assert upstream.calls == 0


@pytest.mark.parametrize("name", LEGACY)
def test_legacy_functions_are_forwarded_where_that_was_asked_for(
    upstream: ScriptedUpstream, tmp_path: Path, name: str
) -> None:
    upstream.script = chat.answer
    settings = settings_for(tmp_path / "storage", upstream.url, forward_legacy_functions=True)
    with daemon(settings) as running:
        through = Both(f"{running.url}/v1", use_async=False)
        assert through.ask(LEGACY[name])[1]["x-reflex-status"] == "miss"
        assert through.ask(LEGACY[name])[1]["x-reflex-status"] == "hit-l1-exact"
        with openai.OpenAI(base_url=f"{running.url}/v1", api_key=KEY) as client:
            raw = client.chat.completions.with_raw_response.create(
                **LEGACY[name], extra_headers={"cache-control": "no-cache"}
            )
            assert raw.headers["x-reflex-reason"] == "no-cache"
    assert upstream.calls == 2


def test_one_client_for_everything_on_kept_alive_connections(
    direct: str, reflex: str, upstream: ScriptedUpstream
) -> None:
    """The very next request after an answer's last byte is a hit, streamed or not."""
    with openai.OpenAI(base_url=reflex, api_key=KEY, max_retries=0) as client:
        for number in range(20):
            request = _asks(f"question {number}")
            list(client.chat.completions.create(**request, **WITH_USAGE))
            again = client.chat.completions.with_raw_response.create(**request)
            assert again.headers["x-reflex-status"] == "hit-l1-exact", number
    assert upstream.calls == 20


def test_own_pages_know_their_version(reflex: str) -> None:
    with openai.OpenAI(base_url=reflex.removesuffix("/v1"), api_key=KEY) as client:
        assert client.get("/health", cast_to=dict[str, Any])["version"] == __version__
