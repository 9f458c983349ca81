"""Anthropic messages, the answer: what may be stored, and that turning it loses nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.canonical import JsonObject
from reflexd_core.dialects import MESSAGES
from reflexd_core.request import Form, Usage, Verdict
from support.recorded import without_nulls
from support.shared import shared_rows

USAGE = {"input_tokens": 5, "cache_creation_input_tokens": 2, "cache_read_input_tokens": 3, "output_tokens": 7}
COUNTED = Usage(input=10, output=7, cached_input=3)
TEXT = {"type": "text", "text": "Grüezi"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"n": 9007199254740993, "x": 1.0}}
BLOCKS: list[dict[str, Any]] = [
    TEXT,
    USE,
    {"type": "text", "text": "", "citations": None},
    {"type": "text", "text": "cited", "citations": [{"type": "char_location", "cited_text": "c"}, {"type": "odd"}]},
    {"type": "thinking", "thinking": "Hm.", "signature": "s"},
    {"type": "thinking", "thinking": "", "signature": "s"},
    {"type": "thinking", "thinking": "Hm."},
    {"type": "redacted_thinking", "data": "d"},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result"}]},
    {"type": "mcp_tool_use", "id": "m", "name": "f", "server_name": "s", "input": {}},
    {"type": "compaction", "content": "summary", "encrypted_content": "e"},
    {"type": "compaction", "content": "summary"},
    {"type": "compaction", "content": None},
    {"type": "unheard_of", "input": {"a": 1}, "text": "t"},
]


def message(*blocks: object, **fields: object) -> JsonObject:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": list(blocks or (TEXT,)),
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **fields,
    }  # type: ignore[return-value]


def body(*blocks: object, **fields: object) -> bytes:
    return json.dumps(message(*blocks, **fields)).encode()


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}   \n\n".encode() for event in events)


START = {"type": "message_start", "message": {**message(), "content": [], "stop_reason": None}}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}
STOP = {"type": "message_stop"}


def block(index: int, opened: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": opened},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def watched(form: Form, *chunks: bytes) -> tuple[bool, Verdict]:
    watch = MESSAGES.watch(form)
    ended = [watch.feed(chunk) for chunk in chunks]
    return any(ended), watch.verdict()


def test_a_whole_stream_is_stored_however_it_was_cut() -> None:
    stream = b": hello\n\n" + sse(START, {"type": "ping"}, *block(0, {"type": "text", "text": ""}), END, STOP)
    expected = Verdict(storable=True, reason="complete", usage=COUNTED, model="claude")
    assert watched(Form.STREAM, stream) == (True, expected)
    assert watched(Form.STREAM, *(stream[n : n + 1] for n in range(len(stream)))) == (True, expected)
    assert watched(Form.STREAM, stream.rstrip(b"\n")) == (False, expected)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        pytest.param([START, END], "cut", id="no stop"),
        pytest.param([], "cut", id="nothing"),
        pytest.param([*block(0, TEXT), END, STOP], "unfinished", id="no start"),
        pytest.param([START, STOP], "unfinished", id="no reason to stop"),
        pytest.param([STOP], "unfinished", id="nothing but the end"),
        pytest.param([START, {"type": "error", "error": {"type": "overloaded_error"}}], "error-event", id="error"),
        pytest.param([START, END, {"type": "error"}, STOP], "error-event", id="error, then an end"),
        pytest.param([START, {**END, "delta": {"stop_reason": "refusal"}}, STOP], "content-filter", id="refusal"),
        pytest.param(
            [START, {**END, "delta": {"stop_reason": "end_turn", "container": {"id": "c"}}}, STOP],
            "container",
            id="container",
        ),
    ],
)
def test_what_is_not_whole_is_never_stored(events: list[dict[str, Any]], reason: str) -> None:
    _, verdict = watched(Form.STREAM, sse(*events))
    assert (verdict.storable, verdict.reason) == (False, reason)


def test_what_says_nothing_is_no_fault() -> None:
    """OpenRouter ends this dialect with OpenAI's word too."""
    said = b"event: ping\ndata:\n\n" + sse(START, END, STOP) + b"event: data\ndata: [DONE]\n\n"
    assert watched(Form.STREAM, said)[1].storable


def test_what_cannot_be_read_is_never_stored() -> None:
    assert watched(Form.STREAM, b"data: {\n\n" + sse(START, END, STOP))[1].reason == "unreadable"
    named = b'event: error\ndata: {"message": "x"}\n\n'
    assert watched(Form.STREAM, sse(START) + named + sse(END, STOP))[1].reason == "error-event"
    for untyped in (b'{"error": {"code": 502, "message": "x"}}', b'{"object": "error", "message": "x"}'):
        said = sse(START) + b"data: " + untyped + b"\n\n" + sse(END, STOP)
        assert watched(Form.STREAM, said)[1].reason == "error-event"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (body(), "complete"),
        (body(container=None), "complete"),
        (body(stop_reason=None), "unfinished"),
        (body(stop_reason=["end_turn"]), "unfinished"),
        (body(content=None), "unfinished"),
        (body(stop_reason="refusal"), "content-filter"),
        (body(stop_reason="guardrail_intervened"), "content-filter"),
        (body(stop_reason="sensitive"), "content-filter"),
        (body(stop_reason="error"), "error-event"),
        (body(stop_reason="brand_new"), "complete"),
        (body(container={"id": "c"}), "container"),
        (b'{"type": "error", "error": {"type": "overloaded_error"}}', "error-event"),
        (b"{}", "unfinished"),
        (b"<html>", "unreadable"),
        (b"[]", "unreadable"),
        (b"", "unreadable"),
    ],
)
def test_a_body_is_stored_where_it_is_whole(answer: bytes, reason: str) -> None:
    ended, verdict = watched(Form.BODY, answer[:3], answer[3:])
    assert not ended
    assert (verdict.storable, verdict.reason) == (reason == "complete", reason)


@pytest.mark.parametrize(
    ("fields", "exact_only"),
    [
        ({}, False),
        ({"stop_reason": "stop_sequence"}, False),
        ({"stop_reason": "max_tokens"}, True),
        ({"stop_reason": "pause_turn"}, True),
        ({"stop_reason": "unheard_of"}, True),
        ({"content": [TEXT, USE]}, True),
        ({"content": [{"type": "server_tool_use"}]}, True),
    ],
)
def test_only_plain_answers_may_answer_other_words(fields: dict[str, Any], exact_only: bool) -> None:
    answer = body(**fields)
    assert watched(Form.BODY, answer)[1].exact_only is exact_only
    assert (
        watched(Form.STREAM, MESSAGES.replay(Form.BODY, answer, Form.STREAM, wants_usage=True))[1].exact_only
        is exact_only
    )


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (USAGE, COUNTED),
        ({"input_tokens": 5, "output_tokens": 7}, Usage(input=5, output=7)),
        ({**USAGE, "cache_read_input_tokens": None}, Usage(input=7, output=7)),
        ({"input_tokens": 5}, None),
        (None, None),
    ],
)
def test_cached_tokens_count_as_input(usage: object, counted: Usage | None) -> None:
    answer = body(usage=usage)
    assert watched(Form.BODY, answer)[1].usage == counted
    assert MESSAGES.has_usage(Form.BODY, answer) is (counted is not None)
    assert not MESSAGES.has_usage(Form.BODY, b"<html>")


# --------------------------------------------------------------------------------------------------------- turning


def turned(answer: bytes) -> Any:
    """Body to stream to body."""
    stream = MESSAGES.replay(Form.BODY, answer, Form.STREAM, wants_usage=True)
    assert MESSAGES.has_usage(Form.STREAM, stream) is MESSAGES.has_usage(Form.BODY, answer)
    assert watched(Form.STREAM, stream)[1] == watched(Form.BODY, answer)[1]
    return json.loads(MESSAGES.replay(Form.STREAM, stream, Form.BODY, wants_usage=True))


@given(st.lists(st.sampled_from(BLOCKS), max_size=6), st.sampled_from(["end_turn", "tool_use", "pause_turn"]))
def test_a_message_survives_the_way_through_a_stream(blocks: list[dict[str, Any]], reason: str) -> None:
    whole = message(
        stop_reason=reason,
        stop_sequence="x",
        stop_details={"a": 1},
        context_management={"applied_edits": []},
        unknown={"b": [2]},
    ) | {"content": blocks}  # type: ignore[dict-item]
    assert without_nulls(turned(json.dumps(whole).encode())) == without_nulls(whole)


def test_the_same_form_is_given_back_byte_for_byte() -> None:
    for form, answer in ((Form.BODY, b' {"a": 1.0} '), (Form.STREAM, sse(START, END, STOP))):
        assert MESSAGES.replay(form, answer, form, wants_usage=False) == answer


def test_a_stream_looks_as_the_providers_do() -> None:
    stream = MESSAGES.replay(Form.BODY, body(TEXT, USE), Form.STREAM, wants_usage=True).decode()
    names = [line.removeprefix("event: ") for line in stream.splitlines() if line.startswith("event: ")]
    data = [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")]
    assert names == [event["type"] for event in data]
    one = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert names == ["message_start", *one, *one, "message_delta", "message_stop"]
    assert data[0]["message"] == {**message(), "content": [], "stop_reason": None}
    assert data[4]["content_block"] == {**USE, "input": {}}
    assert data[-2]["usage"] == USAGE


def test_pieces_are_put_together_as_the_sdk_does() -> None:
    stream = sse(
        START,
        *block(
            1,
            {**USE, "input": {}},
            {"type": "input_json_delta", "partial_json": '{"n": 9007'},
            {"partial_json": '199254740993, "x":1.0}'},
        ),
        *block(
            0,
            {"type": "text", "text": ""},
            {"type": "text_delta", "text": "Grü"},
            {"type": "text_delta", "text": "ezi"},
        ),
        *block(
            2, {"type": "thinking", "thinking": "", "signature": "a"}, {"type": "signature_delta", "signature": "s"}
        ),
        *block(3, {"type": "tool_use", "input": {}}, {"type": "input_json_delta", "partial_json": ""}),
        *block(4, {"type": "odd", "said": "a", "n": 1}, {"type": "odd_delta", "said": "b", "n": 2, "new": "c"}),
        *block(5, {"type": "text", "text": ""}, {"type": "citations_delta", "citation": {"a": 1}}),
        {"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta", "text": "to nobody"}},
        {"type": "content_block_delta", "index": 9, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_start", "index": None, "content_block": {}},
        {"type": "unheard_of"},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 9, "input_tokens": None},
        },
        STOP,
    )
    raw = MESSAGES.replay(Form.STREAM, stream, Form.BODY, wants_usage=True)
    assert b'{"n": 9007199254740993, "x":1.0}' in raw  # as it was written, digit for digit
    whole = json.loads(raw)
    assert whole["content"] == [
        TEXT,
        USE,
        {"type": "thinking", "thinking": "", "signature": "s"},
        {"type": "tool_use", "input": {}},
        {"type": "odd", "said": "ab", "n": 2, "new": "c"},
        {"type": "text", "text": "", "citations": [{"a": 1}]},
    ]
    assert whole["stop_reason"] == "tool_use"
    assert whole["usage"] == {**USAGE, "output_tokens": 9}


def test_another_model_may_take_over() -> None:
    stream = sse(START, *block(0, {"type": "fallback", "to": {"model": "other"}}), END, STOP)
    assert json.loads(MESSAGES.replay(Form.STREAM, stream, Form.BODY, wants_usage=True))["model"] == "other"


def test_usage_may_come_at_the_end_alone() -> None:
    start = {"type": "message_start", "message": {"content": []}}
    stream = sse(start, {**END, "usage": USAGE}, {"type": "message_delta", "delta": None}, STOP)
    whole = json.loads(MESSAGES.replay(Form.STREAM, stream, Form.BODY, wants_usage=True))
    assert whole["usage"] == USAGE


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b""])
def test_what_is_no_message_cannot_be_turned(answer: bytes) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        MESSAGES.replay(Form.BODY, answer, Form.STREAM, wants_usage=True)


def test_a_tool_input_that_is_no_json_cannot_be_turned() -> None:
    broken = sse(
        START, *block(0, {**USE, "input": {}}, {"type": "input_json_delta", "partial_json": '{"a'}), END, STOP
    )
    with pytest.raises(ValueError, match="no JSON"):
        MESSAGES.replay(Form.STREAM, broken, Form.BODY, wants_usage=True)
    assert not MESSAGES.has_usage(Form.STREAM, broken)
    assert MESSAGES.answer_text(Form.STREAM, broken) == ""


def _recorded() -> Iterator[tuple[Form, bytes]]:
    for row in shared_rows("recorded/anthropic_messages.jsonl.gz"):
        form = Form.STREAM if row["sse"] else Form.BODY
        if watched(form, row["response_body"].encode())[1].storable:
            yield form, row["response_body"].encode()


def test_every_recorded_answer_survives_being_turned_and_turned_back() -> None:
    count = 0
    for form, answer in _recorded():
        if form is Form.STREAM:
            answer = MESSAGES.replay(Form.STREAM, answer, Form.BODY, wants_usage=True)  # noqa: PLW2901
        assert without_nulls(turned(answer)) == without_nulls(json.loads(answer))
        count += 1
    assert count > 260


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        ([TEXT, TEXT], "Grüezi\nGrüezi"),
        ([TEXT, USE], 'Grüezi\nf({"n":9007199254740993,"x":1.0})'),
        ([{"type": "thinking", "thinking": "Hm."}], ""),
    ],
)
def test_people_are_shown_what_was_said(blocks: list[dict[str, Any]], text: str) -> None:
    answer = body(*blocks)
    assert MESSAGES.answer_text(Form.BODY, answer) == text
    streamed = MESSAGES.replay(Form.BODY, answer, Form.STREAM, wants_usage=True)
    assert MESSAGES.answer_text(Form.STREAM, streamed) == text
    assert MESSAGES.answer_text(Form.BODY, b"<html>") == ""
