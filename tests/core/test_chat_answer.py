"""Chat completions, the answer: what may be stored, and either form from the other as the official SDK reads them."""

import json
from collections import Counter
from functools import cache
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from reflexd_core.dialects import CHAT
from reflexd_core.dialects.chat_answer import chunks_of
from reflexd_core.request import Form, Usage, Verdict
from reflexd_core.sse import read_block, split_blocks, write_event
from support.shared import shared_rows

Row = dict[str, Any]
DONE = b"data: [DONE]\n\n"


def form_of(row: Row) -> Form:
    return Form.STREAM if row["sse"] else Form.BODY


def judge(form: Form, answer: bytes) -> Verdict:
    watch = CHAT.watch(form)
    watch.feed(answer)
    return watch.verdict()


@cache
def recorded() -> list[tuple[str, Form, bytes]]:
    """Every recorded answer: where it is from, its form and its bytes."""
    rows = shared_rows("recorded/openai_chat.jsonl.gz")
    return [(f"{n} {row['cassette']}", form_of(row), row["response_body"].encode()) for n, row in enumerate(rows)]


@cache
def storable(form: Form) -> list[tuple[str, bytes]]:
    return [(name, answer) for name, had, answer in recorded() if had is form and judge(form, answer).storable]


def chunk(index: int = 0, reason: object = None, **changed: Any) -> dict[str, Any]:
    return {"id": "c", "model": "m-1", "choices": [{"index": index, "delta": {}, "finish_reason": reason}], **changed}


def stream(*events: object) -> bytes:
    """The events as a stream, with its regular end."""
    return b"".join(write_event(json.dumps(event)) for event in events) + DONE


def body(reason: object = "stop", message: object = None, **changed: Any) -> bytes:
    choice = {"index": 0, "message": message or {"role": "assistant", "content": "hi"}, "finish_reason": reason}
    return json.dumps({"id": "c", "model": "m-1", "choices": [choice], **changed}).encode()


USAGE = {"prompt_tokens": 3, "completion_tokens": 5}


# ---------------------------------------------------------------------------------------------- what may be stored


def test_of_the_recorded_answers_those_are_storable_that_are_whole_and_good() -> None:
    rows = shared_rows("recorded/openai_chat.jsonl.gz")
    verdicts = [(row, judge(form_of(row), row["response_body"].encode())) for row in rows]
    # Two endpoints that echo the request, two streams of Snowflake that never give a reason; the rest are errors.
    assert Counter((row["status"], form_of(row).value, verdict.reason) for row, verdict in verdicts) == {
        (200, "body", "complete"): 382,
        (200, "body", "no-choices"): 1,
        (200, "body", "unreadable"): 1,
        (200, "stream", "complete"): 53,
        (200, "stream", "error-event"): 3,
        (200, "stream", "unfinished"): 2,
        (400, "body", "error-event"): 5,
        (404, "body", "error-event"): 4,
        (429, "body", "error-event"): 1,
    }
    assert all(verdict.storable is (verdict.reason == "complete") for _, verdict in verdicts)
    for row, verdict in verdicts:
        if verdict.storable and not row["sse"]:
            answer = json.loads(row["response_body"])
            usage = answer["usage"]
            assert verdict.model == answer["model"]
            assert verdict.usage is not None
            assert (verdict.usage.input, verdict.usage.output) == (usage["prompt_tokens"], usage["completion_tokens"])
            calls = any(choice["message"].get("tool_calls") for choice in answer["choices"])
            assert verdict.exact_only >= calls


@given(st.lists(st.integers(0, 100_000), max_size=6))
def test_a_verdict_does_not_hang_on_where_the_bytes_are_cut(places: list[int]) -> None:
    for _, form, answer in recorded()[::9]:
        edges = [0, *sorted(place % (len(answer) + 1) for place in places), len(answer)]
        watch = CHAT.watch(form)
        ends = [watch.feed(answer[start:end]) for start, end in pairwise(edges)]
        assert watch.verdict() == judge(form, answer)
        assert ends[-1] is (form is Form.STREAM and b"[DONE]" in answer)


def test_a_stream_that_was_cut_is_never_storable() -> None:
    for name, answer in storable(Form.STREAM):
        end = answer.rindex(b"[DONE]") + len(b"[DONE]")
        # Behind every event, and one byte before and behind that.
        edges = {edge + off for edge in accumulate(map(len, split_blocks(answer))) for off in (-1, 0, 1)}
        for edge in sorted(edge for edge in edges if edge < end):
            watch = CHAT.watch(Form.STREAM)
            assert watch.feed(answer[:edge]) is False, name
            assert watch.verdict().storable is False, name
            assert watch.verdict().storable is False, "asked twice"


def test_a_stream_is_whole_at_the_last_byte_of_done() -> None:
    whole = stream(chunk(reason="stop")).removesuffix(b"\n\n")
    assert [judge(Form.STREAM, whole[:end]).storable for end in range(len(whole) + 1)] == [False] * len(whole) + [
        True
    ]


@given(st.integers(0, 100), st.sampled_from(["field", "event", "both", "typed", "object", "unreadable"]))
def test_a_stream_with_an_error_in_it_is_never_storable(place: int, kind: str) -> None:
    faults = {
        "field": b'data: {"error":{"message":"x"}}\n\n',
        "event": b'event: error\ndata: {"message":"x"}\n\n',
        "both": b'event: error\ndata: {"error":{"message":"x"},"choices":[]}\n\n',
        "typed": b'data: {"type":"error","code":"x","message":"y"}\n\n',
        "object": b'data: {"object":"error","message":"x","type":"InternalServerError"}\n\n',
        "unreadable": b"data: upstream timed out\n\n",
    }
    for name, answer in storable(Form.STREAM)[::2]:
        blocks = list(split_blocks(answer))
        at = place % (len(blocks) + 1)
        verdict = judge(Form.STREAM, b"".join([*blocks[:at], faults[kind], *blocks[at:]]))
        assert verdict.storable is False, name
        assert verdict.reason == ("unreadable" if kind == "unreadable" else "error-event"), name


@given(st.integers(0, 100_000))
def test_a_body_that_was_cut_is_never_storable(place: int) -> None:
    for name, answer in storable(Form.BODY)[::10]:
        cut = answer.rstrip()[: place % len(answer.rstrip())]
        assert judge(Form.BODY, cut) == Verdict(storable=False, reason="unreadable"), name


STREAMS: list[tuple[str, bytes, str]] = [
    ("complete", stream(chunk(), chunk(reason="stop")), "complete"),
    ("every choice ended", stream(chunk(0), chunk(1), chunk(1, "stop"), chunk(0, "stop")), "complete"),
    ("one choice goes on", stream(chunk(0), chunk(1), chunk(0, "stop")), "unfinished"),
    (
        "an empty reason until there is one",
        stream(chunk(reason=""), chunk(reason="stop"), chunk(reason="")),
        "complete",
    ),
    ("an empty reason and no other", stream(chunk(reason=""), chunk(reason="")), "unfinished"),
    ("something behind the end's word", stream(chunk(reason="stop")).rstrip() + b" \n\n", "complete"),
    ("broken off by DeepSeek", stream(chunk(reason="insufficient_system_resource")), "error-event"),
    ("broken off by vLLM", stream(chunk(reason="abort")), "error-event"),
    ("broken off by Z.ai", stream(chunk(reason="network_error")), "error-event"),
    ("filtered by Z.ai", stream(chunk(reason="sensitive")), "content-filter"),
    ("a reason that nobody knows", stream(chunk(reason="brand_new")), "complete"),
    ("null after the reason", stream(chunk(reason="stop"), chunk(usage=USAGE)), "complete"),
    ("null error", stream(chunk(reason="stop", error=None)), "complete"),
    ("no choice", stream({"id": "c", "choices": []}), "no-choices"),
    ("a choice without index", stream({"choices": [{"delta": {}, "finish_reason": "stop"}]}), "no-choices"),
    (
        "choices that are none",
        stream({"choices": {"index": 0, "finish_reason": "stop"}}, {"choices": ["x"]}),
        "no-choices",
    ),
    ("nothing", b"", "cut"),
    ("comments only", b": OPENROUTER PROCESSING\n\n", "cut"),
    ("no end", stream(chunk(reason="stop")).removesuffix(DONE), "cut"),
    ("not an object", stream([chunk(reason="stop")]), "unreadable"),
    ("error beside a choice", stream(chunk(reason="stop", error={"code": 400})), "error-event"),
    ("error after the end", stream(chunk(reason="stop")) + b'data: {"error":"x"}\n\n', "error-event"),
    ("failed", stream(chunk(reason="error")), "error-event"),
    ("filtered", stream(chunk(reason="content_filter")), "content-filter"),
    ("filtered in one choice", stream(chunk(0, "stop"), chunk(1, "content_filter")), "content-filter"),
    ("filtered by Gemini", stream(chunk(reason="SAFETY")), "content-filter"),
    ("filtered by Bedrock", stream(chunk(reason="guardrail_intervened")), "content-filter"),
    ("refused by Anthropic", stream(chunk(reason="refusal")), "content-filter"),
    ("no answer of Gemini's", stream(chunk(reason="MALFORMED_FUNCTION_CALL")), "error-event"),
    (
        "filtered behind OpenRouter",
        stream({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "SAFETY"}]}),
        "content-filter",
    ),
    (
        "ended well behind OpenRouter",
        stream({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "STOP"}]}),
        "complete",
    ),
    (
        "error within a choice",
        stream({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "error": {"code": 502}}]}),
        "error-event",
    ),
]


@pytest.mark.parametrize(("answer", "reason"), [pytest.param(*rest, id=name) for name, *rest in STREAMS])
def test_a_stream_is_judged(answer: bytes, reason: str) -> None:
    verdict = judge(Form.STREAM, answer)
    assert (verdict.storable, verdict.reason) == (reason == "complete", reason)


def test_a_tool_call_is_seen_where_a_stream_tells_whole_messages() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = {"index": 0, "message": {"tool_calls": [call]}, "finish_reason": "stop"}
    assert judge(Form.STREAM, stream({"choices": [said]})).exact_only


BODIES: list[tuple[str, bytes, str]] = [
    ("complete", body(), "complete"),
    ("null error", body(error=None), "complete"),
    ("an empty reason, as Snowflake gives", body(reason=""), "complete"),
    ("no reason", body(reason=None), "unfinished"),
    ("a reason that is none", body(reason=1), "unfinished"),
    ("error", body(error={"message": "x"}), "error-event"),
    ("failed", body(reason="error"), "error-event"),
    ("filtered", body(reason="content_filter"), "content-filter"),
    ("filtered by Gemini", body(reason="PROHIBITED_CONTENT"), "content-filter"),
    ("broken off by DeepSeek", body(reason="insufficient_system_resource"), "error-event"),
    ("refused by Anthropic", body(reason="refusal"), "content-filter"),
    (
        "error within a choice",
        body(choices=[{"index": 0, "message": {"content": "x"}, "finish_reason": "stop", "error": {"code": 502}}]),
        "error-event",
    ),
    (
        "failed behind OpenRouter",
        body(choices=[{"finish_reason": "stop", "native_finish_reason": "MALFORMED_FUNCTION_CALL"}]),
        "error-event",
    ),
    ("no choice", body(choices=[]), "no-choices"),
    ("choices that are none", body(choices=["x", None]), "no-choices"),
    ("no choices", b"{}", "no-choices"),
    ("not an object", b"[]", "unreadable"),
    ("not JSON", b"<html>", "unreadable"),
    ("nothing", b"", "unreadable"),
    ("too deep", b"[" * 100_000, "unreadable"),
    ("not UTF-8", b'{"choices":"\xff"}', "unreadable"),
]


@pytest.mark.parametrize(("answer", "reason"), [pytest.param(*rest, id=name) for name, *rest in BODIES])
def test_a_body_is_judged(answer: bytes, reason: str) -> None:
    verdict = judge(Form.BODY, answer)
    assert (verdict.storable, verdict.reason) == (reason == "complete", reason)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (USAGE, Usage(input=3, output=5)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 2, "x": 1}}, Usage(input=3, output=5, cached_input=2)),
        ({**USAGE, "prompt_tokens_details": None}, Usage(input=3, output=5)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": None}}, Usage(input=3, output=5)),
        ({"prompt_tokens": 3}, None),
        ({"prompt_tokens": "3", "completion_tokens": 5}, None),
        (None, None),
    ],
)
def test_usage_is_read_in_either_form(usage: object, expected: Usage | None) -> None:
    streamed, whole = stream(chunk(reason="stop"), chunk(usage=usage, choices=[])), body(usage=usage)
    assert judge(Form.STREAM, streamed).usage == judge(Form.BODY, whole).usage == expected
    assert CHAT.has_usage(Form.STREAM, streamed) is CHAT.has_usage(Form.BODY, whole) is (expected is not None)


def test_the_last_usage_of_a_stream_counts() -> None:
    later = {"prompt_tokens": 3, "completion_tokens": 9}
    answer = stream(chunk(usage=USAGE), chunk(usage=later), chunk(reason="stop", usage=None))
    assert judge(Form.STREAM, answer).usage == Usage(input=3, output=9)


def test_what_cannot_be_read_has_no_usage() -> None:
    assert CHAT.has_usage(Form.BODY, b"<html>") is False
    assert CHAT.has_usage(Form.STREAM, b"data: x\n\n") is False


def test_the_model_is_the_one_that_answered() -> None:
    assert judge(Form.STREAM, stream(chunk(reason="stop"))).model == "m-1"
    assert judge(Form.BODY, body()).model == "m-1"
    assert judge(Form.STREAM, stream(chunk(reason="stop", model=None))).model is None
    assert judge(Form.BODY, body(model=5)).model is None


CALL = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("message", "reason", "exact_only"),
    [
        ({"content": "hi"}, "stop", False),
        ({"content": "hi", "tool_calls": None}, "stop", False),
        ({"content": "hi", "tool_calls": []}, "stop", False),
        ({"content": None, "tool_calls": [CALL]}, "tool_calls", True),
        ({"content": None, "tool_calls": [CALL]}, "stop", True),
        ({"content": None, "function_call": {"name": "f", "arguments": ""}}, "function_call", True),
        ({"content": "hi"}, "length", True),
        ({"content": "hi"}, "model_length", True),
        ({"content": "hi"}, "max_tokens", True),
        ({"content": "hi"}, "model_context_window_exceeded", True),
        ({"content": "hi"}, "brand_new", True),
        ({"content": "hi"}, "STOP", False),
        ({"content": "hi"}, "eos", False),
        ({"content": "hi"}, "end_turn", False),
    ],
)
def test_calls_and_answers_cut_at_a_limit_are_for_the_exact_request_only(
    message: dict[str, Any], reason: str, exact_only: bool
) -> None:
    streamed = stream({"choices": [{"index": 0, "delta": message, "finish_reason": reason}]})
    assert judge(Form.STREAM, streamed).exact_only is exact_only
    assert judge(Form.BODY, body(reason, message)).exact_only is exact_only


def test_messages_and_deltas_that_are_none_are_passed_over() -> None:
    assert judge(Form.STREAM, stream({"choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]})).storable
    assert judge(Form.BODY, body(choices=[{"index": 0, "message": "x", "finish_reason": "stop"}])).storable


# ----------------------------------------------------------------------------------------- the form that was recorded


def test_the_recorded_form_is_replayed_byte_for_byte() -> None:
    for name, form, answer in recorded():
        assert CHAT.replay(form, answer, form, wants_usage=True) == answer, name
    for name, answer in storable(Form.BODY):
        assert CHAT.replay(Form.BODY, answer, Form.BODY, wants_usage=False) == answer, name


def test_only_usage_chunks_are_left_out_for_who_did_not_ask_for_them() -> None:
    dropped = 0
    for name, answer in storable(Form.STREAM):
        kept = []
        for block in split_blocks(answer):
            event = read_block(block)
            seen = json.loads(event.data) if event is not None and event.data != "[DONE]" else {}
            if seen.get("choices") == [] and seen.get("usage"):
                dropped += 1
            else:
                kept.append(block)
        assert CHAT.replay(Form.STREAM, answer, Form.STREAM, wants_usage=False) == b"".join(kept), name
    assert dropped > 20


def test_whatever_else_mentions_usage_stays() -> None:
    answer = (
        b": ping\r\n\r\n"
        b'data: {"choices":[],"usage":null}\n\n'
        b'data: {"choices":[],"prompt_filter_results":[]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{"content":"\\"usage\\""}}],"usage":{"prompt_tokens":1}}\n\n'
        b'data: "usage"\n\n'
        b': "usage"\n\n'
        b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
        b"data: [DONE]"
    )
    expected = answer.replace(b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n', b"")
    assert CHAT.replay(Form.STREAM, answer, Form.STREAM, wants_usage=False) == expected


# --------------------------------------------------------------------------------------------------- the other form


def bare(value: Any) -> Any:
    """The value without nulls: no client can tell a null from what is absent."""
    if isinstance(value, dict):
        return {name: bare(inner) for name, inner in value.items() if inner is not None}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def plain(answer: bytes) -> Any:
    """A completion less nulls and the ``index`` of tool calls, which is of use in streams only."""
    completion = bare(json.loads(answer))
    for choice in completion["choices"]:
        for call in choice["message"].get("tool_calls", []):
            call.pop("index", None)
    return completion


def there_and_back(answer: bytes) -> bytes:
    streamed = CHAT.replay(Form.BODY, answer, Form.STREAM, wants_usage=True)
    has_reasons = all(choice["finish_reason"] for choice in json.loads(answer)["choices"])
    assert judge(Form.STREAM, streamed) == judge(Form.BODY, answer) or not has_reasons  # "" ends a body alone
    return CHAT.replay(Form.STREAM, streamed, Form.BODY, wants_usage=True)


def test_every_recorded_body_survives_as_a_stream() -> None:
    assert {name: plain(there_and_back(answer)) for name, answer in storable(Form.BODY)} == {
        name: plain(answer) for name, answer in storable(Form.BODY)
    }


def seen_by_the_sdk(completion: ChatCompletion) -> Any:
    """What a program that uses the official SDK gets out of a completion."""
    return bare(
        {
            "id": completion.id,
            "model": completion.model,
            "created": completion.created,
            "system_fingerprint": completion.system_fingerprint,
            "usage": completion.usage and completion.usage.to_dict(),
            "choices": [
                {
                    "index": choice.index,
                    "finish_reason": choice.finish_reason or None,
                    "logprobs": bare(choice.logprobs and choice.logprobs.to_dict()) or None,
                    "content": choice.message.content,
                    "refusal": choice.message.refusal,
                    "tool_calls": [
                        (call.id, call.function.name, call.function.arguments)
                        for call in choice.message.tool_calls or []
                        if call.type == "function" or call.type is None
                    ],
                }
                for choice in completion.choices
            ],
        }
    )


def streamed_to_the_sdk(answer: bytes) -> ChatCompletion:
    """The completion that the SDK's own helper makes of a stream. Raises what the helper raises."""
    state = ChatCompletionStreamState()
    usage = None
    for seen in chunks_of(answer):
        parsed = ChatCompletionChunk.construct(**seen)
        state.handle_chunk(parsed)
        usage = parsed.usage or usage
    completion = state.current_completion_snapshot
    completion.usage = usage  # the helper forgets it where a later chunk has none
    return completion


def test_every_recorded_body_is_the_same_to_the_sdk_as_a_stream() -> None:
    for name, answer in storable(Form.BODY):
        completion = ChatCompletion.construct(**json.loads(answer))
        if any(isinstance(choice.message.content, list) for choice in completion.choices):
            continue  # Mistral's parts, which the SDK's types do not know
        streamed = CHAT.replay(Form.BODY, answer, Form.STREAM, wants_usage=True)
        assert seen_by_the_sdk(streamed_to_the_sdk(streamed)) == seen_by_the_sdk(completion), name


def test_every_recorded_stream_is_the_same_to_the_sdk_as_a_body() -> None:
    beyond_the_sdk = []
    for name, answer in storable(Form.STREAM):
        whole = CHAT.replay(Form.STREAM, answer, Form.BODY, wants_usage=True)
        completion = ChatCompletion.model_validate_json(whole, strict=False)
        try:
            expected = streamed_to_the_sdk(answer)
        except RuntimeError:
            beyond_the_sdk.append(name)  # the helper refuses citations without an index
            continue
        assert seen_by_the_sdk(completion) == seen_by_the_sdk(expected), name
    assert [name.split("/")[-1] for name in beyond_the_sdk] == ["test_openrouter_web_search_annotations_stream.yaml"]


def test_every_recorded_stream_keeps_its_reasoning_and_citations_as_a_body() -> None:
    kept: Counter[str] = Counter()
    for name, answer in storable(Form.STREAM):
        completion = json.loads(CHAT.replay(Form.STREAM, answer, Form.BODY, wants_usage=True))
        for choice in completion["choices"]:
            message = choice["message"]
            pieces = [piece for seen in chunks_of(answer) for piece in seen["choices"]]
            deltas = [piece["delta"] for piece in pieces if piece["index"] == choice["index"]]
            for field in ("reasoning", "reasoning_content", "content", "refusal"):
                said = "".join(delta.get(field) or "" for delta in deltas)
                assert (message.get(field) or "") == said, name
                kept[field] += bool(said)
            details = [part for delta in deltas for part in delta.get("reasoning_details") or []]
            for field in ("text", "summary", "data", "signature"):
                merged = [part.get(field) or "" for part in message.get("reasoning_details") or []]
                assert "".join(merged) == "".join(part.get(field) or "" for part in details), name
            cited = [citation for delta in deltas for citation in delta.get("annotations") or []]
            assert (message.get("annotations") or []) == cited, name
            kept["annotations"] += bool(cited)
            kept["details"] += bool(details)
    assert all(kept[field] for field in ("reasoning", "reasoning_content", "content", "annotations", "details"))


def test_a_stream_made_of_a_body_ends_as_streams_end() -> None:
    answer = body(usage=USAGE)
    with_usage = CHAT.replay(Form.BODY, answer, Form.STREAM, wants_usage=True)
    without = CHAT.replay(Form.BODY, answer, Form.STREAM, wants_usage=False)
    assert with_usage.endswith(DONE)
    assert without.endswith(DONE)
    assert CHAT.has_usage(Form.STREAM, with_usage)
    assert not CHAT.has_usage(Form.STREAM, without)
    # What a stream without usage looks like does not hang on the form it was recorded in.
    assert CHAT.replay(Form.STREAM, with_usage, Form.STREAM, wants_usage=False) == without


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b'"x"'])
def test_a_body_that_cannot_be_read_cannot_be_turned(answer: bytes) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        CHAT.replay(Form.BODY, answer, Form.STREAM, wants_usage=True)


NAMES = st.sampled_from(["content", "refusal", "reasoning", "reasoning_content", "provider_field"])
MESSAGES = st.builds(
    lambda texts, calls: {"role": "assistant", "content": None, **texts, **({"tool_calls": calls} if calls else {})},
    st.dictionaries(NAMES, st.one_of(st.none(), st.text(min_size=1))),
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.text(min_size=1),
                "type": st.just("function"),
                "function": st.fixed_dictionaries({"name": st.text(min_size=1), "arguments": st.text()}),
            },
            optional={"extra_content": st.dictionaries(st.text(min_size=1), st.text(), max_size=2)},
        ),
        max_size=3,
    ),
)
COMPLETIONS = st.builds(
    lambda messages, envelope, usage: {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        **envelope,
        "choices": [
            {"index": index, "message": message, "finish_reason": "stop", "logprobs": None}
            for index, message in enumerate(messages)
        ],
        "usage": usage,
    },
    st.lists(MESSAGES, min_size=1, max_size=3),
    st.dictionaries(
        st.sampled_from(["system_fingerprint", "service_tier", "x_groq"]), st.one_of(st.none(), st.text())
    ),
    st.sampled_from([None, USAGE]),
)


@given(COMPLETIONS)
def test_any_body_survives_as_a_stream(completion: dict[str, Any]) -> None:
    answer = json.dumps(completion).encode()
    assert plain(there_and_back(answer)) == plain(answer)


# ------------------------------------------------------------------------------------------------------- for people


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "hi"}, "hi"),
        ({"content": "", "refusal": "no"}, "no"),
        ({"content": None, "tool_calls": [CALL, {"type": "custom"}, "x"]}, "f({})"),
        ({"content": [{"type": "text", "text": "hi"}, {"text": 1}, "x"], "tool_calls": {}}, "hi"),
        ({"content": "let me look", "tool_calls": [CALL, CALL | {"index": 1}]}, "let me look\nf({})\nf({})"),
    ],
)
def test_people_are_shown_what_an_answer_says(message: dict[str, Any], text: str) -> None:
    streamed = stream({"choices": [{"index": 0, "delta": message, "finish_reason": "stop"}]})
    assert CHAT.answer_text(Form.BODY, body(message=message)) == text
    assert CHAT.answer_text(Form.STREAM, streamed) == text


def test_people_are_shown_every_choice() -> None:
    answer = stream(*({"choices": [{"index": n, "delta": {"content": f"answer {n}"}}]} for n in (0, 1)))
    assert CHAT.answer_text(Form.STREAM, answer) == "answer 0\nanswer 1"
    assert CHAT.answer_text(Form.BODY, b"<html>") == ""
    assert CHAT.answer_text(Form.BODY, b'{"choices":[{"message":"x"}]}') == ""
