"""The shipped mock provider, asked by the official SDK."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anthropic
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
        client.moderations.create(model="m", input="x")
    with pytest.raises(openai.BadRequestError, match="'messages'"):
        client.chat.completions.create(model="m", messages=None)  # type: ignore[call-overload]
    with pytest.raises(openai.BadRequestError, match="'input'"):
        client.post("/responses", body={"model": "m"}, cast_to=object)
    for body in (b"", b"[]", b"{", b"[" * 100_000):
        with pytest.raises(openai.BadRequestError):
            client.post("/chat/completions", content=body, cast_to=object)


def test_responses_in_either_form(client: openai.OpenAI) -> None:
    body = client.responses.create(model="m", input="What is up?")
    assert body.output_text == "This is the mock provider. You asked: What is up?"
    with client.responses.stream(model="m", input="What is up?") as stream:
        assert stream.get_final_response().output_text == body.output_text
    tool: Any = {"type": "function", "name": "get_weather", "parameters": {}}
    (call,) = client.responses.create(model="m", input="What is up?", tools=[tool]).output
    assert call.type == "function_call"
    result: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}]
    assert client.responses.create(model="m", input=[*TURNS, call.to_dict(), *result], tools=[tool]).output_text
    (item,) = client.responses.create(model="m", input="a", tools=[tool], tool_choice="none").output
    assert item.type == "message"


def test_embeddings_as_floats_and_as_base64(client: openai.OpenAI) -> None:
    floats = client.embeddings.create(model="m", input=["a", "b"], encoding_format="float")
    packed = client.embeddings.create(model="m", input=["a", "b"])
    assert [one.embedding for one in floats.data] == [one.embedding for one in packed.data]
    assert floats.data[0].embedding != floats.data[1].embedding
    assert client.embeddings.create(model="m", input="a", encoding_format="float").data[0] == floats.data[0]
    assert len(client.embeddings.create(model="m", input=[1, 2], encoding_format="float").data) == 1


def test_completions_in_either_form(client: openai.OpenAI) -> None:
    body = client.completions.create(model="m", prompt="Once")
    assert body.choices[0].text == "This is the mock provider. You asked: Once"
    chunks = client.completions.create(model="m", prompt="Once", stream=True)
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == body.choices[0].text


def test_anthropic_messages_in_either_form(provider: MockProvider) -> None:
    asked: Any = {"model": "m", "max_tokens": 9, "messages": TURNS}
    tool: Any = {"name": "get_weather", "input_schema": {"type": "object"}}
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(provider)) as url,
        anthropic.Anthropic(base_url=url.removesuffix("/v1"), api_key="none", max_retries=0) as client,
    ):
        body = client.messages.create(**asked)
        assert body.content[0].to_dict()["text"] == "This is the mock provider. You asked: What is up?"
        with client.messages.stream(**asked) as stream:
            assert stream.get_final_message().content[0].to_dict()["text"] == body.content[0].to_dict()["text"]
        called = client.messages.create(**asked, tools=[tool])
        assert (called.stop_reason, called.content[0].type) == ("tool_use", "tool_use")
        assert client.messages.create(**asked, tools=[tool], tool_choice={"type": "none"}).stop_reason == "end_turn"
        use = called.content[0].to_dict()
        result: Any = {"type": "tool_result", "tool_use_id": use["id"], "content": "sunny"}
        turns: Any = [*TURNS, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
        assert client.messages.create(**{**asked, "messages": turns}, tools=[tool]).stop_reason == "end_turn"
        assert client.messages.count_tokens(model="m", messages=TURNS).input_tokens > 0
        with pytest.raises(anthropic.BadRequestError, match="'messages'"):
            client.post("/v1/messages", body={"model": "m"}, cast_to=object)


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
