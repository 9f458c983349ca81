"""Answers in Tauq: what is written anew, what never is, and what the client is told."""

import json
from typing import Any

import pytest
from hypothesis import given

from reflexd_core.canonical import Json
from reflexd_core.tauq import decode
from reflexd_core.tauq.served import Format, asked_format, serve
from support.shared import shared_rows
from support.tauq import VALUES, told

DATA: Json = {"users": [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}], "total": 2}
TEXT = json.dumps(DATA)
USAGE = {"prompt_tokens": 3, "completion_tokens": 5}

Body = dict[str, Any]


def chat(text: str | None = TEXT, **more: Any) -> Body:
    message = {"role": "assistant", "content": text, "refusal": None, **more}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": USAGE}


def message(*blocks: Body) -> Body:
    return {"id": "msg_1", "type": "message", "role": "assistant", "content": list(blocks), "stop_reason": "end_turn"}


def response(*items: Body) -> Body:
    return {"id": "resp_1", "object": "response", "status": "completed", "output": list(items)}


def said(*parts: Body) -> Body:
    return {"type": "message", "id": "m", "role": "assistant", "content": list(parts)}


def output_text(text: str = TEXT, **more: Any) -> Body:
    return {"type": "output_text", "text": text, "annotations": [], **more}


def served(body: Body, asked: Format | None = Format.CONTENT, question: str = "who?") -> tuple[Body, str]:
    found = serve(json.dumps(body).encode(), asked, question)
    return json.loads(found.body), found.told


@pytest.mark.parametrize(
    ("header", "asked"),
    [
        *[("", Format.JSON), ("json", Format.JSON), (" Tauq ", Format.CONTENT), ("tauq-content", Format.CONTENT)],
        *[("TAUQ-ENVELOPE", Format.ENVELOPE), ("toon", None), ("tauq, json", None)],
    ],
)
def test_what_the_header_asks_for(header: str, asked: Format | None) -> None:
    assert asked_format(header) is asked


def test_content_of_a_chat_completion() -> None:
    body, said = served(chat())
    assert said == "tauq-content"
    text = body["choices"][0]["message"]["content"]
    assert text == "!def User id name\n---\nusers [\n  !use User\n  1 Ann\n  2 Bob\n]\ntotal 2"
    assert decode(text) == DATA
    assert body == chat(text)  # and nothing else has changed


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        pytest.param(message({"type": "text", "text": TEXT}), ["content", 0, "text"], id="messages"),
        pytest.param(
            message({"type": "thinking", "thinking": "hm"}, {"type": "text", "text": TEXT}),
            ["content", 1, "text"],
            id="messages, with thinking",
        ),
        pytest.param(
            response({"type": "reasoning", "summary": []}, said(output_text())),
            ["output", 1, "content", 0, "text"],
            id="responses",
        ),
        pytest.param({"choices": [{"text": TEXT, "logprobs": None}]}, ["choices", 0, "text"], id="completions"),
        pytest.param(chat(reasoning_content="hm"), ["choices", 0, "message", "content"], id="reasoning beside it"),
    ],
)
def test_content_of_each_api(body: Body, texts: list[Any]) -> None:
    found, said = served(body)
    assert said == "tauq-content"
    *holders, last = texts
    for step in holders:
        found, body = found[step], body[step]
    assert decode(found[last]) == DATA
    assert {**found, last: TEXT} == body


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(chat("It is 12."), "not-shorter", id="prose"),
        pytest.param(chat("12"), "not-shorter", id="a bare number"),
        pytest.param(chat("{}"), "not-shorter", id="nothing to gain"),
        pytest.param(chat("[1,2"), "not-shorter", id="JSON that was cut"),
        pytest.param(chat('{"a":1,"a":2}'), "not-shorter", id="a key twice"),
        pytest.param(chat("[18446744073709551616]"), "not-shorter", id="an integer that would be rounded"),
        pytest.param(chat(f"```json\n{TEXT}\n```"), "not-shorter", id="JSON in a fence"),
        pytest.param(chat(None), "no-text", id="nothing said"),
        pytest.param(chat(None, refusal="No."), "no-text", id="a refusal"),
        pytest.param(chat(tool_calls=[{"id": "c"}]), "not-plain-text", id="tool calls"),
        pytest.param(chat(None, tool_calls=[{"id": "c"}]), "not-plain-text", id="nothing but tool calls"),
        pytest.param(chat(function_call={"name": "f"}), "not-plain-text", id="a function call"),
        pytest.param(chat(annotations=[{"type": "url_citation"}]), "not-plain-text", id="citations"),
        pytest.param({"choices": [{**chat()["choices"][0], "logprobs": {}}]}, "not-plain-text", id="logprobs"),
        pytest.param({"choices": [{"message": {"content": [{"type": "text"}]}}]}, "not-plain-text", id="parts"),
        pytest.param({"choices": [1]}, "not-plain-text", id="no choice"),
        pytest.param({"choices": []}, "no-text", id="no choices"),
        pytest.param(message({"type": "tool_use", "input": {}}), "not-plain-text", id="tool use"),
        pytest.param(
            message({"type": "text", "text": TEXT}, {"type": "tool_use"}), "not-plain-text", id="tool use beside text"
        ),
        pytest.param(message({"type": "text", "text": TEXT, "citations": [1]}), "not-plain-text", id="cited"),
        pytest.param(message({"type": "redacted_thinking"}), "no-text", id="only thinking"),
        pytest.param(response({"type": "function_call"}), "not-plain-text", id="a function call as an item"),
        pytest.param(response(said({"type": "refusal", "refusal": "No."})), "no-text", id="a refusal as a part"),
        pytest.param(response(said(output_text(logprobs=[1]))), "not-plain-text", id="logprobs of a part"),
        pytest.param(
            message({"type": "text", "text": TEXT}, {"type": "text", "text": "prose"}), "not-shorter", id="both kinds"
        ),
        pytest.param({"object": "list", "data": []}, "not-plain-text", id="embeddings"),
        pytest.param({"error": {"message": "no"}}, "not-plain-text", id="an error"),
        pytest.param({**chat(), "x": 1e999}, "inexpressible", id="not JSON that can be kept"),
        pytest.param({**chat(), "x": "\ud800"}, "inexpressible", id="a lone surrogate beside it"),
    ],
)
def test_what_is_served_as_it_is(body: Body, why: str) -> None:
    raw = json.dumps(body).encode()
    found = serve(raw, Format.CONTENT, "who?")
    assert found.told == f"json; {why}"
    assert found.body is raw


@pytest.mark.parametrize("raw", [b"", b"not JSON", b"\xff", b"[" * 100_000, b'{"a":1,"a":2}'])
@pytest.mark.parametrize("asked", [Format.CONTENT, Format.ENVELOPE])
def test_what_cannot_be_read_is_served_as_it_is(raw: bytes, asked: Format) -> None:
    assert serve(raw, asked, "") == serve(raw, asked, "who?")
    assert serve(raw, asked, "").body is raw
    assert serve(raw, asked, "").told == "json; inexpressible"


def test_json_is_the_answer_as_it_is() -> None:
    raw = b'{ "choices" : [] }'
    assert serve(raw, Format.JSON, "") == serve(raw, asked_format(""), "")
    assert (serve(raw, Format.JSON, "").body, serve(raw, Format.JSON, "").told) == (raw, "json")
    assert (serve(raw, None, "").body, serve(raw, None, "").told) == (raw, "json; unreadable-format")


def test_several_choices_all_become_tauq_or_none_does() -> None:
    both = {**chat(), "choices": [*chat()["choices"], *chat()["choices"]]}
    assert served(both)[1] == "tauq-content"
    mixed = {**chat(), "choices": [*chat()["choices"], *chat("prose")["choices"]]}
    assert served(mixed) == (mixed, "json; not-shorter")


def test_the_envelope_is_the_question_and_the_whole_answer() -> None:
    body, told_ = served(chat("It is 12."), Format.ENVELOPE, "what time is it?")
    assert told_ == "tauq-envelope"
    (choice,) = body.pop("choices")
    text = choice["message"].pop("content")
    assert choice == {"index": 0, "message": {"role": "assistant"}, "logprobs": None, "finish_reason": "stop"}
    assert body == {"id": "chatcmpl-1", "object": "chat.completion", "usage": USAGE}
    assert decode(text) == {"semantic_request": "what time is it?", "response": chat("It is 12.")}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (message({"type": "text", "text": "a"}, {"type": "text", "text": "b"}), ["content", 0, "text"]),
        (response(said(output_text("a"))), ["output", 0, "content", 0, "text"]),
        ({"choices": [{"index": 0, "text": "a", "finish_reason": "length"}]}, ["choices", 0, "text"]),
    ],
)
def test_the_envelope_of_each_api(body: Body, path: list[Any]) -> None:
    found, told_ = served(body, Format.ENVELOPE)
    assert told_ == "tauq-envelope"
    assert found.keys() == body.keys()
    assert len(found[path[0]]) == 1
    for step in path:
        found = found[step]
    assert decode(found) == {"semantic_request": "who?", "response": body}  # type: ignore[arg-type]


def test_an_envelope_never_holds_tool_calls() -> None:
    body = chat(tool_calls=[{"id": "c"}])
    assert served(body, Format.ENVELOPE) == (body, "json; not-plain-text")


def test_an_envelope_that_cannot_be_written() -> None:
    body = {**chat(), "x": 2**64}
    assert served(body, Format.ENVELOPE) == (body, "json; inexpressible")
    assert served(chat("a"), Format.ENVELOPE, "\ud800") == (chat("a"), "json; inexpressible")


@given(VALUES)
def test_whatever_a_text_holds_can_be_had_back(value: Json) -> None:
    body, told_ = served(chat(json.dumps(value)))
    text = body["choices"][0]["message"]["content"]
    found = decode(text) if told_ == "tauq-content" else json.loads(text)
    assert told(found) == told(value)
    assert len(text.encode()) <= len(json.dumps(value))


@pytest.mark.parametrize("wire", ["openai_chat", "openai_responses", "anthropic_messages"])
def test_recorded_answers_can_be_had_back(wire: str) -> None:
    outcomes: dict[str, int] = {}
    for row in shared_rows(f"recorded/{wire}.jsonl.gz"):
        if row["status"] != 200 or row["sse"]:
            continue
        for asked in (Format.CONTENT, Format.ENVELOPE):
            found = serve(row["response_body"].encode(), asked, "q")
            outcomes[found.told] = outcomes.get(found.told, 0) + 1
            if found.told == "tauq-envelope":
                (text,) = _strings_of(json.loads(found.body), json.loads(row["response_body"]))
                assert decode(text) == {"semantic_request": "q", "response": json.loads(row["response_body"])}
            elif found.told != "tauq-content":
                assert found.body == row["response_body"].encode()
    assert outcomes["tauq-envelope"] > 50


def _strings_of(found: Body, recorded: Body) -> list[str]:
    """The texts in which an enveloped answer differs from the recorded one."""
    (place,) = [name for name in found if found[name] != recorded[name]]
    match found[place]:
        case [{"message": {"content": str(text)}}] | [{"text": str(text)}] | [{"content": [{"text": str(text)}]}]:
            return [text]
        case _:
            return []
