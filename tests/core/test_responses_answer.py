"""OpenAI responses, the answer: what may be stored, and that turning it loses nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.canonical import JsonObject
from reflexd_core.dialects import RESPONSES
from reflexd_core.request import Form, Usage, Verdict
from support.shared import shared_rows

USAGE = {"input_tokens": 5, "input_tokens_details": {"cached_tokens": 2}, "output_tokens": 7, "total_tokens": 12}
COUNTED = Usage(input=5, output=7, cached_input=2)
TEXT = {"type": "output_text", "text": "Grüezi", "annotations": [], "logprobs": []}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [TEXT]}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "c",
    "name": "f",
    "arguments": '{"a":1}',
}
ITEMS: list[dict[str, Any]] = [
    MESSAGE,
    {**MESSAGE, "content": []},
    {**MESSAGE, "content": [TEXT, {"type": "refusal", "refusal": "No."}, {"type": "unheard_of", "text": "t"}]},
    {
        **MESSAGE,
        "content": [{**TEXT, "annotations": [{"type": "url_citation", "url": "u"}], "logprobs": [{"token": "G"}]}],
    },
    {"type": "message", "content": "as a string"},
    CALL,
    {**CALL, "arguments": None},
    {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "free text"},
    {"type": "code_interpreter_call", "id": "ci_1", "code": "1 + 1", "outputs": None},
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": "e",
    },
    {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "unheard_of"}], "content": None},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"type": "unheard_of", "id": "x", "content": [{"a": 1}]},
    {"id": "x"},
]


def response(*items: object, **fields: object) -> JsonObject:
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "completed_at": 1700000001,
        "error": None,
        "model": "gpt-5",
        "output": list(items or (MESSAGE,)),
        "usage": USAGE,
        **fields,
    }  # type: ignore[return-value]


def body(*items: object, **fields: object) -> bytes:
    return json.dumps(response(*items, **fields)).encode()


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def in_words(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: {")]


CREATED = {"type": "response.created", "response": response(status="in_progress", output=[])}
DONE = {"type": "response.completed", "response": response()}


def watched(form: Form, *chunks: bytes) -> tuple[bool, Verdict]:
    watch = RESPONSES.watch(form)
    ended = [watch.feed(chunk) for chunk in chunks]
    return any(ended), watch.verdict()


def test_a_whole_stream_is_stored_however_it_was_cut() -> None:
    stream = b": OPENROUTER PROCESSING\n\n" + sse(CREATED, DONE) + b"data: [DONE]\n\n"
    expected = Verdict(storable=True, reason="complete", usage=COUNTED, model="gpt-5")
    assert watched(Form.STREAM, stream) == (True, expected)
    assert watched(Form.STREAM, *(stream[n : n + 1] for n in range(len(stream)))) == (True, expected)
    assert watched(Form.STREAM, sse(CREATED, DONE).rstrip(b"\n")) == (False, expected)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        pytest.param([CREATED], "cut", id="no end"),
        pytest.param([], "cut", id="nothing"),
        pytest.param([CREATED, {"type": "response.failed", "response": {}}], "error-event", id="failed"),
        pytest.param([CREATED, {"type": "response.incomplete", "response": {}}], "incomplete", id="incomplete"),
        pytest.param([CREATED, {"type": "response.cancelled", "response": {}}], "cancelled", id="cancelled"),
        pytest.param([CREATED, {"type": "error", "message": "m"}, DONE], "error-event", id="error, then an end"),
        pytest.param([CREATED, {"type": "x", "error": {"message": "m"}}, DONE], "error-event", id="another's error"),
        pytest.param([{**DONE, "response": response(status="failed")}], "failed", id="not completed after all"),
    ],
)
def test_what_is_not_whole_is_never_stored(events: list[dict[str, Any]], reason: str) -> None:
    _, verdict = watched(Form.STREAM, sse(*events))
    assert (verdict.storable, verdict.reason) == (False, reason)


def test_what_says_nothing_is_no_fault() -> None:
    assert watched(Form.STREAM, b"event: keepalive\ndata:\n\n" + sse(DONE) + b"data: [DONE]\n\n")[1].storable


def test_what_cannot_be_read_is_never_stored() -> None:
    assert watched(Form.STREAM, b"data: {\n\n" + sse(DONE))[1].reason == "unreadable"
    for failed in (b'event: error\ndata: {"message": "x"}\n\n', b'data: {"object": "error", "message": "x"}\n\n'):
        assert watched(Form.STREAM, sse(CREATED) + failed + sse(DONE))[1].reason == "error-event"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (body(), "complete"),
        (body(status="queued"), "queued"),
        (body(status="incomplete"), "incomplete"),
        (body(status=None), "unfinished"),
        (body(error={"code": "server_error"}), "error-event"),
        (body({"type": "code_interpreter_call", "container_id": "cntr_1"}), "container"),
        (body({"type": "shell_call", "environment": {"container_id": "cntr_1"}}), "container"),
        (body({"type": "shell_call", "environment": {"type": "local"}}), "complete"),
        (b"{}", "unfinished"),
        (b"<html>", "unreadable"),
        (b"", "unreadable"),
    ],
)
def test_a_body_is_stored_where_it_is_whole(answer: bytes, reason: str) -> None:
    ended, verdict = watched(Form.BODY, answer[:3], answer[3:])
    assert not ended
    assert (verdict.storable, verdict.reason) == (reason == "complete", reason)


@pytest.mark.parametrize(
    ("items", "exact_only"),
    [
        ([MESSAGE], False),
        ([{"type": "reasoning", "summary": []}, MESSAGE], False),
        ([MESSAGE, CALL], True),
        ([{"type": "web_search_call"}, MESSAGE], True),
        ([{"type": "unheard_of"}], True),
        ([{"type": ["message"]}], True),
    ],
)
def test_only_plain_answers_may_answer_other_words(items: list[dict[str, Any]], exact_only: bool) -> None:
    assert watched(Form.BODY, body(*items))[1].exact_only is exact_only
    assert watched(Form.STREAM, sse({**DONE, "response": response(*items)}))[1].exact_only is exact_only


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (USAGE, COUNTED),
        ({"input_tokens": 5, "output_tokens": 7}, Usage(input=5, output=7)),
        ({**USAGE, "input_tokens_details": {"cached_tokens": None}}, Usage(input=5, output=7)),
        ({"input_tokens": 5}, None),
        (None, None),
    ],
)
def test_usage_is_counted(usage: object, counted: Usage | None) -> None:
    answer = body(usage=usage)
    assert watched(Form.BODY, answer)[1].usage == counted
    assert RESPONSES.has_usage(Form.BODY, answer) is (counted is not None)
    assert RESPONSES.has_usage(Form.STREAM, sse({**DONE, "response": response(usage=usage)})) is (counted is not None)
    assert not RESPONSES.has_usage(Form.BODY, b"<html>")
    assert not RESPONSES.has_usage(Form.STREAM, b"")


# --------------------------------------------------------------------------------------------------------- turning


def turned(answer: bytes) -> Any:
    """Body to stream to body."""
    stream = RESPONSES.replay(Form.BODY, answer, Form.STREAM, wants_usage=True)
    assert watched(Form.STREAM, stream)[1] == watched(Form.BODY, answer)[1]
    return json.loads(RESPONSES.replay(Form.STREAM, stream, Form.BODY, wants_usage=True))


@given(st.lists(st.sampled_from(ITEMS), max_size=5))
def test_a_response_survives_the_way_through_a_stream(items: list[dict[str, Any]]) -> None:
    whole = {**response(unknown={"b": [2]}), "output": items}
    answer = json.dumps(whole).encode()
    assert turned(answer) == whole
    events = in_words(RESPONSES.replay(Form.BODY, answer, Form.STREAM, wants_usage=True))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    for index, item in enumerate(items):
        own = [event for event in events if event.get("output_index") == index]
        assert own[0]["type"] == "response.output_item.added"
        assert own[-1]["type"] == "response.output_item.done"
        assert own[-1]["item"] == item
        assert _followed(own) == {name: value for name, value in item.items() if name != "status"}


def _followed(events: list[dict[str, Any]]) -> Any:
    """An item put together from its events alone, before the last one tells it whole: written for this test."""
    item: dict[str, Any] = {**events[0]["item"]}
    item.pop("status", None)
    for event in events[1:-1]:
        match event["type"].removeprefix("response.").split("."):
            case ["reasoning_summary_part", "added"]:
                item["summary"] = [*item["summary"], {**event["part"]}]
            case ["content_part", "added"]:
                item["content"] = [*item["content"], {**event["part"]}]
            case ["content_part", "done"]:  # log-probabilities are told by the delta, and whole here
                assert (
                    item["content"][-1] == {**event["part"], "logprobs": item["content"][-1].get("logprobs")}
                    or item["content"][-1] == event["part"]
                )
                item["content"][-1] = event["part"]
            case ["reasoning_summary_part", "done"]:
                item["summary"][-1] = event["part"]
            case ["reasoning_summary_text", "delta"]:
                item["summary"][-1]["text"] += event["delta"]
            case ["output_text" | "reasoning_text", "delta"]:
                item["content"][-1]["text"] += event["delta"]
            case ["refusal", "delta"]:
                item["content"][-1]["refusal"] += event["delta"]
            case ["output_text", "annotation", "added"]:
                item["content"][-1]["annotations"].append(event["annotation"])
            case ["function_call_arguments", "delta"]:
                item["arguments"] += event["delta"]
            case ["custom_tool_call_input", "delta"]:
                item["input"] += event["delta"]
            case ["code_interpreter_call_code", "delta"]:
                item["code"] += event["delta"]
            case [*_, "done"]:
                pass
            case other:
                raise AssertionError(other)
    return item


def test_a_stream_looks_as_the_providers_do() -> None:
    stream = RESPONSES.replay(Form.BODY, body(MESSAGE, CALL), Form.STREAM, wants_usage=True)
    events = in_words(stream)
    names = [line.removeprefix("event: ") for line in stream.decode().splitlines() if line.startswith("event: ")]
    assert names == [event["type"] for event in events]
    assert [name.removeprefix("response.") for name in names] == [
        *("created", "in_progress", "output_item.added", "content_part.added", "output_text.delta"),
        *("output_text.done", "content_part.done", "output_item.done", "output_item.added"),
        *("function_call_arguments.delta", "function_call_arguments.done", "output_item.done", "completed"),
    ]
    begun = events[0]["response"]
    assert (begun["status"], begun["output"], begun["usage"], begun["completed_at"]) == (
        "in_progress",
        [],
        None,
        None,
    )
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    assert where.items() <= events[4].items()
    assert events[8]["item"] == {**CALL, "arguments": "", "status": "in_progress"}


def test_the_same_form_is_given_back_byte_for_byte() -> None:
    for form, answer in ((Form.BODY, b' {"a": 1.0} '), (Form.STREAM, sse(CREATED, DONE))):
        assert RESPONSES.replay(form, answer, form, wants_usage=False) == answer


def test_items_that_are_told_once_are_not_lost() -> None:
    done = [
        {"type": "response.output_item.done", "output_index": n, "item": item}
        for n, item in ((1, CALL), (0, MESSAGE))
    ]
    empty = {**DONE, "response": {**response(), "output": []}}
    whole = json.loads(RESPONSES.replay(Form.STREAM, sse(*done, empty), Form.BODY, wants_usage=True))
    assert whole == response(MESSAGE, CALL)
    assert json.loads(RESPONSES.replay(Form.STREAM, sse(empty), Form.BODY, wants_usage=True))["output"] == []


def test_what_is_no_response_cannot_be_turned() -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        RESPONSES.replay(Form.BODY, b"[]", Form.STREAM, wants_usage=True)
    with pytest.raises(ValueError, match="no completed response"):
        RESPONSES.replay(Form.STREAM, sse(CREATED) + b"data: x\n\ndata: [DONE]\n\n", Form.BODY, wants_usage=True)


def _recorded() -> Iterator[tuple[Form, bytes]]:
    for row in shared_rows("recorded/openai_responses.jsonl.gz"):
        form = Form.STREAM if row["sse"] else Form.BODY
        if watched(form, row["response_body"].encode())[1].storable:
            yield form, row["response_body"].encode()


def test_every_recorded_answer_survives_being_turned_and_turned_back() -> None:
    count = 0
    for form, answer in _recorded():
        whole = RESPONSES.replay(form, answer, Form.BODY, wants_usage=True)
        assert turned(whole) == json.loads(whole)
        if form is Form.STREAM:
            assert (
                json.loads(whole)
                == next(e for e in in_words(answer) if e["type"] == "response.completed")["response"]
            )
        count += 1
    assert count > 260


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([MESSAGE, MESSAGE], "Grüezi\nGrüezi"),
        ([MESSAGE, CALL], 'Grüezi\nf({"a":1})'),
        ([{**MESSAGE, "content": [{"type": "refusal", "refusal": "No."}]}], "No."),
        ([{"type": "reasoning", "content": [{"text": "Hm."}]}], ""),
    ],
)
def test_people_are_shown_what_was_said(items: list[dict[str, Any]], text: str) -> None:
    answer = body(*items)
    assert RESPONSES.answer_text(Form.BODY, answer) == text
    streamed = RESPONSES.replay(Form.BODY, answer, Form.STREAM, wants_usage=True)
    assert RESPONSES.answer_text(Form.STREAM, streamed) == text
    assert RESPONSES.answer_text(Form.BODY, b"<html>") == RESPONSES.answer_text(Form.STREAM, b"") == ""
