"""The shipped mock provider, asked by the official SDK."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio.from_thread
import openai
import pytest

from reflexd_io.mock_provider import MockProvider, running
from reflexd_io.settings import Settings
from support.daemon import daemon

TOOL: Any = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
TURNS: Any = [{"role": "user", "content": "What is up?"}]


@pytest.fixture
def provider() -> MockProvider:
    return MockProvider()


@pytest.fixture
def client(provider: MockProvider) -> Iterator[openai.OpenAI]:
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(provider)) as url,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
    ):
        yield client


def test_a_body(client: openai.OpenAI, provider: MockProvider) -> None:
    first = client.chat.completions.create(model="gpt-4o", messages=TURNS)
    again = client.chat.completions.create(model="gpt-4o", messages=TURNS)
    assert first.object == "chat.completion"
    assert first.model == "gpt-4o"
    assert first.choices[0].finish_reason == "stop"
    assert first.choices[0].message.content == "This is the mock provider. You asked: What is up?"
    assert first.usage is not None
    assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens > 0
    assert first.choices == again.choices
    assert first.id != again.id
    assert provider.calls == 2


def test_a_stream_comes_in_words_and_says_the_same(client: openai.OpenAI) -> None:
    body = client.chat.completions.create(model="m", messages=TURNS)
    chunks = list(client.chat.completions.create(model="m", messages=TURNS, stream=True))
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert len([text for text in texts if text]) > 5
    assert "".join(texts) == body.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_with_a_stream_that_asked_for_it(client: openai.OpenAI) -> None:
    *_, last = client.chat.completions.create(
        model="m", messages=TURNS, stream=True, stream_options={"include_usage": True}
    )
    assert last.choices == []
    assert last.usage is not None
    assert last.usage == client.chat.completions.create(model="m", messages=TURNS).usage


@pytest.mark.parametrize("streamed", [False, True])
def test_the_first_tool_is_called_until_its_result_came(client: openai.OpenAI, streamed: bool) -> None:
    if streamed:
        with client.chat.completions.stream(model="m", messages=TURNS, tools=[TOOL]) as stream:
            choice = stream.get_final_completion().choices[0]
    else:
        choice = client.chat.completions.create(model="m", messages=TURNS, tools=[TOOL]).choices[0]  # type: ignore[assignment]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert call.function is not None
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {}
    answered: Any = [
        *TURNS,
        {"role": "assistant", "tool_calls": [call.model_dump(exclude={"index"})]},
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    after = client.chat.completions.create(model="m", messages=answered, tools=[TOOL])
    assert after.choices[0].finish_reason == "stop"


def test_tools_that_must_not_be_called_are_not(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="m", messages=TURNS, tools=[TOOL], tool_choice="none")
    assert answer.choices[0].finish_reason == "stop"


def test_several_choices(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="m", messages=TURNS, n=2)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[0].message.content != answer.choices[1].message.content
    texts = {0: "", 1: ""}
    for chunk in client.chat.completions.create(model="m", messages=TURNS, n=2, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == {choice.index: choice.message.content for choice in answer.choices}


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["gpt-4o-mini"]


def test_what_it_does_not_have_is_refused_in_the_providers_shape(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="the mock provider has no"):
        client.embeddings.create(model="m", input="x")
    with pytest.raises(openai.BadRequestError, match="'messages'"):
        client.chat.completions.create(model="m", messages=None)  # type: ignore[call-overload]
    for body in (b"", b"[]", b"{", b"[" * 100_000):
        with pytest.raises(openai.BadRequestError):
            client.post("/chat/completions", content=body, cast_to=object)


def test_a_daemon_with_the_mock_provider_needs_no_upstream_and_no_key(tmp_path: Path) -> None:
    settings = replace(Settings(port=0, storage_path=tmp_path), mock_provider=True)
    with daemon(settings) as running_daemon:
        for base_url in (f"{running_daemon.url}/v1", f"{running_daemon.url}/u/groq/v1"):
            with openai.OpenAI(base_url=base_url, api_key="reflex", max_retries=0) as client:
                first = client.chat.completions.with_raw_response.create(model="m", messages=TURNS)
                again = client.chat.completions.with_raw_response.create(model="m", messages=TURNS)
                assert first.headers["x-reflex-status"] == "miss"
                assert again.headers["x-reflex-status"] == "hit-l1-exact"
                assert first.parse() == again.parse()
