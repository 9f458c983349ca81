"""Merging chunks: whatever a completion is cut into, the same completion comes together again."""

from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.dialects.chat_merge import TEXTS, assemble, disassemble

Object = dict[str, Any]


def piece(delta: object, index: int = 0, **changed: Any) -> Object:
    return {"choices": [{"index": index, "delta": delta, **changed}]}


def merged(*deltas: object) -> Object:
    """The message that the deltas of one choice amount to."""
    chunks = [piece(delta) for delta in deltas]
    before = deepcopy(chunks)
    completion = assemble(chunks)
    assert chunks == before, "what came is never altered"
    return completion["choices"][0]["message"]  # type: ignore[index, call-overload, return-value]


def said(**fields: Any) -> Object:
    return {"role": "assistant", "content": None, **fields}


def test_nothing_amounts_to_a_completion_without_choices() -> None:
    assert assemble([]) == {"object": "chat.completion", "choices": []}


def test_an_empty_reason_is_none_beside_another() -> None:
    reasons = ["", None, "stop", "", None]
    completion: Any = assemble([piece({}, finish_reason=reason) for reason in reasons])
    assert completion["choices"][0]["finish_reason"] == "stop"
    only: Any = assemble([piece({}, finish_reason="")])
    assert only["choices"][0]["finish_reason"] == ""


def test_what_groq_tells_in_parts_is_put_together() -> None:
    told: list[Object] = [{**piece({}), "x_groq": {"id": "r", "seed": 1}}, {**piece({}), "x_groq": {"usage": {}}}]
    assert assemble(told)["x_groq"] == {"id": "r", "seed": 1, "usage": {}}


def test_a_stream_amounts_to_its_body() -> None:
    envelope = {"id": "c", "created": 1, "model": "m", "object": "chat.completion.chunk"}
    chunks: list[Object] = [
        {**envelope, **piece({"role": "assistant", "content": ""}, finish_reason=None), "obfuscation": "x1"},
        {**envelope, **piece({"content": "he"}, finish_reason=None), "usage": None, "obfuscation": "x2"},
        {**envelope, **piece({"content": "llo"}, finish_reason=None), "system_fingerprint": "f"},
        {**envelope, **piece({}, finish_reason="stop")},
        {**envelope, "choices": [], "usage": {"prompt_tokens": 1}},
    ]
    assert assemble(chunks) == {
        "id": "c",
        "created": 1,
        "model": "m",
        "object": "chat.completion",
        "usage": {"prompt_tokens": 1},
        "system_fingerprint": "f",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hello"},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
    }


def test_who_answered_is_told_by_the_first_chunk_and_all_else_by_the_last() -> None:
    first = {"id": "1", "created": 1, "model": "a", "provider": "p", "x": None, "y": 1}
    last = {"id": "2", "created": 2, "model": "b", "provider": "q", "x": 5, "y": None}
    assert assemble([{"id": None}, first, last]) == {
        "id": "1",
        "created": 1,
        "model": "a",
        "provider": "q",
        "x": 5,
        "y": 1,
        "object": "chat.completion",
        "choices": [],
    }


def test_who_answered_is_told_by_the_first_chunk_that_says_so() -> None:
    chunks: list[Object] = [{"id": "", "model": ""}, {"id": "a", "model": "m"}, {"id": "b", "model": None}]
    assert assemble(chunks) == {"object": "chat.completion", "choices": [], "id": "a", "model": "m"}


def test_choices_are_told_apart_by_their_index_and_stand_in_its_order() -> None:
    completion = assemble(
        [
            {"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]},
            {"choices": [{"index": 0, "delta": {"content": "A"}, "finish_reason": "stop"}]},
            {"choices": [{"delta": {"content": "!"}}]},  # no index is the first one
            {"choices": [{"index": 1, "delta": None, "finish_reason": "length", "native": "max"}]},
        ]
    )
    assert completion["choices"] == [
        {"index": 0, "message": said(content="aA!"), "finish_reason": "stop", "logprobs": None},
        {"index": 1, "message": said(content="b"), "finish_reason": "length", "native": "max", "logprobs": None},
    ]


def test_a_choice_keeps_its_last_value_and_forgets_none() -> None:
    completion = assemble([piece({}, finish_reason="stop", odd=None), piece({}, finish_reason=None, odd=None)])
    assert completion["choices"] == [
        {"index": 0, "message": said(), "finish_reason": "stop", "odd": None, "logprobs": None}
    ]


def test_deltas_count_before_a_message_that_repeats_them() -> None:
    # Perplexity: the whole message so far beside each delta.
    completion = assemble([piece({"content": "a"}, message=said(content="a")), piece({}, message=said(content=""))])
    assert completion["choices"] == [
        {"index": 0, "message": said(content="a"), "finish_reason": None, "logprobs": None}
    ]


def test_a_message_without_deltas_is_taken_as_it_is() -> None:
    whole: Object = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    assert assemble([whole])["choices"] == [
        {"index": 0, "message": said(content="a"), "finish_reason": "stop", "logprobs": None}
    ]
    odd = assemble([{"choices": [{"index": 0, "message": "a"}]}, piece({"content": "lost"})])
    assert odd["choices"] == [{"index": 0, "message": "a", "finish_reason": None, "logprobs": None}]


@pytest.mark.parametrize("choices", [None, "x", ["x", None], [{"index": "0", "delta": {"content": "a"}}]])
def test_choices_that_are_none_are_passed_over(choices: object) -> None:
    assert assemble([{"choices": choices}])["choices"] == []  # type: ignore[dict-item]


@pytest.mark.parametrize("name", sorted(TEXTS - {"arguments"}))
def test_texts_are_joined(name: str) -> None:
    assert merged({name: "a"}, {name: None}, {name: ""}, {name: "b"})[name] == "ab"


@pytest.mark.parametrize("name", ["role", "channel", "type", "name", "odd"])
def test_any_other_string_keeps_its_last_value(name: str) -> None:
    assert merged({name: "x"}, {name: "assistant"}, {name: ""}, {name: "assistant"})[name] == "assistant"


def test_null_and_absent_are_kept_apart() -> None:
    assert merged({"refusal": None}, {"odd": None}) == said(refusal=None, odd=None)
    assert merged({"odd": None}, {"odd": 1}) == said(odd=1)


def test_objects_are_merged_and_numbers_replaced() -> None:
    assert merged(
        {"audio": {"id": "a", "data": "AB", "expires_at": 1, "transcript": "he"}},
        {"audio": {"data": "CD", "expires_at": 2, "transcript": "llo", "more": {"x": 1}}},
        {"audio": {"more": {"y": [1]}}},
    )["audio"] == {
        "id": "a",
        "data": "ABCD",
        "expires_at": 2,
        "transcript": "hello",
        "more": {"x": 1, "y": [1]},
    }


def test_a_value_of_another_kind_takes_the_place_of_the_first() -> None:
    assert merged({"odd": {"a": 1}}, {"odd": "x"})["odd"] == "x"
    assert merged({"odd": 1}, {"odd": [1]})["odd"] == [1]
    assert merged({"reasoning": "a"}, {"reasoning": ["b"]})["reasoning"] == ["b"]


# ------------------------------------------------------------------------------------------------------- tool calls


def call(arguments: str, **fields: Any) -> Object:
    return {"function": {"arguments": arguments}, **fields}


def full(call_id: str, name: str, arguments: str, **fields: Any) -> Object:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **fields}


def test_the_pieces_of_a_call_are_joined_by_its_index() -> None:
    message = merged(
        {"tool_calls": [full("a", "f", "", index=0)]},
        {"tool_calls": [full("b", "g", "{", index=1), call('{"x"', index=0)]},
        {"tool_calls": [call("}", index=1), call(":1}", index=0)]},
    )
    assert message == said(tool_calls=[full("a", "f", '{"x":1}'), full("b", "g", "{}")])


def test_pieces_of_one_call_in_one_chunk_are_joined_too() -> None:
    message = merged({"tool_calls": [full("a", "f", "{", index=0), call("}", index=0)]})
    assert message == said(tool_calls=[full("a", "f", "{}")])


def test_calls_stand_in_the_order_of_their_index_and_lose_it() -> None:
    message = merged({"tool_calls": [full("b", "g", "{}", index=1)]}, {"tool_calls": [full("a", "f", "{}", index=0)]})
    assert message == said(tool_calls=[full("a", "f", "{}"), full("b", "g", "{}")])


def test_calls_without_an_index_are_whole_and_stand_last() -> None:
    message = merged(
        {"tool_calls": [full("x", "f", "{}"), "odd", full("y", "f", "{}", index=None)]},
        {"tool_calls": [full("a", "f", "{}", index=0)]},
    )
    assert message == said(tool_calls=[full("a", "f", "{}"), full("x", "f", "{}"), "odd", full("y", "f", "{}")])


def test_parallel_calls_that_share_an_index_stay_apart() -> None:
    # Gemini's compatible endpoint: whole calls, every one of them with index 0.
    message = merged(
        {"tool_calls": [full("a", "f", '{"city":"Oslo"}', index=0)]},
        {"tool_calls": [full("b", "f", '{"city":"Rome"', index=0)]},
        {"tool_calls": [call("}", index=0)]},
    )
    assert message == said(tool_calls=[full("a", "f", '{"city":"Oslo"}'), full("b", "f", '{"city":"Rome"}')])


@pytest.mark.parametrize(
    "later",
    [
        call("}", index=0, id="another"),
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}},
        {"index": 0, "id": "", "function": {"name": "f", "arguments": "}"}},
        {"index": 0, "id": None, "function": {"name": "f", "arguments": "}"}},
        {"index": 0, "id": "another", "function": {"name": "", "arguments": "}"}},
        {"index": 0, "id": "another", "function": {"name": None, "arguments": "}"}},
    ],
)
def test_a_piece_belongs_to_the_call_unless_it_brings_both_an_id_and_a_name(later: Object) -> None:
    calls = merged({"tool_calls": [full("a", "f", "{", index=0)]}, {"tool_calls": [later]})["tool_calls"]
    assert [made["function"]["arguments"] for made in calls] == ["{}"]


def test_a_call_that_had_no_id_yet_takes_the_one_that_comes() -> None:
    message = merged({"tool_calls": [call("", index=0)]}, {"tool_calls": [full("a", "f", "{}", index=0)]})
    assert message["tool_calls"] == [full("a", "f", "{}")]


def test_a_legacy_call_is_joined() -> None:
    message = merged({"function_call": {"name": "f", "arguments": "{"}}, {"function_call": {"arguments": "}"}})
    assert message == said(function_call={"name": "f", "arguments": "{}"})


# ---------------------------------------------------------------------------------------------- lists and reasoning


def test_reasoning_details_are_joined_by_index_and_type() -> None:
    message = merged(
        {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "We "}]},
        {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "need"}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "index": 0, "data": "AB"}]},
        {"reasoning_details": [{"index": 0, "data": "CD"}, {"type": "reasoning.text", "index": 1, "text": "so"}]},
    )
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "We need"},
        {"type": "reasoning.encrypted", "index": 0, "data": "ABCD"},
        {"type": "reasoning.text", "index": 1, "text": "so"},
    ]


def test_executed_tools_are_replaced_by_what_comes_later() -> None:
    message = merged(
        {"executed_tools": [{"index": 0, "type": "search", "arguments": "{}"}]},
        {"executed_tools": [{"index": 0, "type": "search", "arguments": "{}", "output": "found"}]},
    )
    assert message["executed_tools"] == [{"index": 0, "type": "search", "arguments": "{}", "output": "found"}]


def test_citations_add_up() -> None:
    one, other = {"type": "url_citation", "index": 0, "url": "a"}, {"type": "url_citation", "index": 0, "url": "b"}
    assert merged({"annotations": [one]}, {"annotations": [other, other]})["annotations"] == [one, other, other]


def test_log_probabilities_add_up() -> None:
    token = {"token": "a", "logprob": -0.5, "top_logprobs": []}
    completion = assemble(
        [
            piece({"content": "a"}, logprobs={"content": [token], "refusal": None}),
            piece({"content": "a"}, logprobs={"content": [token], "refusal": None}),
            piece({}, logprobs=None),
        ]
    )
    assert completion["choices"] == [
        {
            "index": 0,
            "message": said(content="aa"),
            "finish_reason": None,
            "logprobs": {"content": [token, token], "refusal": None},
        }
    ]
    late = assemble([piece({}, logprobs=None), piece({}, logprobs={"content": [token]})])
    assert late["choices"][0]["logprobs"] == {"content": [token]}  # type: ignore[index, call-overload]


def test_parts_then_plain_strings_are_all_kept() -> None:
    # Mistral's reasoning models: an empty string, parts while they think, then the answer as plain strings.
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "2+2"}]}
    assert merged(
        {"content": ""}, {"content": [thought]}, {"content": [thought]}, {"content": "fo"}, {"content": "ur"}
    ) == said(content=[thought, thought, {"type": "text", "text": "four"}])
    assert merged({"content": "a"}, {"content": [thought]}, {"content": ""})["content"] == [
        {"type": "text", "text": "a"},
        thought,
    ]
    marked = {"type": "text", "text": "a", "annotations": []}
    assert merged({"content": [marked]}, {"content": "b"})["content"] == [marked, {"type": "text", "text": "b"}]


# -------------------------------------------------------------------------------------------- cutting and rejoining


def test_a_body_is_cut_into_messages_ends_and_usage() -> None:
    completion: Object = {
        "id": "c",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": said(tool_calls=[full("a", "f", "{}"), "odd"]), "finish_reason": "tool_calls"},
            {"index": 1, "message": "odd", "finish_reason": "stop", "logprobs": None},
            "odd",
        ],
        "usage": {"prompt_tokens": 1},
    }
    before = deepcopy(completion)
    envelope = {"id": "c", "object": "chat.completion.chunk"}
    expected = [
        {
            **envelope,
            "choices": [
                {"index": 0, "delta": said(tool_calls=[full("a", "f", "{}", index=0), "odd"]), "finish_reason": None}
            ],
        },
        {**envelope, "choices": [{"index": 1, "delta": {}, "logprobs": None, "finish_reason": None}]},
        {**envelope, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        {**envelope, "choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}]},
    ]
    assert disassemble(completion, with_usage=False) == expected
    assert disassemble(completion, with_usage=True) == [
        *expected,
        {**envelope, "choices": [], "usage": {"prompt_tokens": 1}},
    ]
    assert completion == before


@pytest.mark.parametrize("completion", [{}, {"choices": None, "usage": None}, {"choices": "x"}])
def test_a_body_without_choices_has_no_chunks(completion: Object) -> None:
    assert disassemble(completion, with_usage=True) == []


TEXT = st.text(min_size=1, max_size=12)
CALLS = st.lists(st.builds(full, TEXT, TEXT, st.text(max_size=12)), max_size=3)
MESSAGES = st.builds(
    lambda fields, calls: said(**fields, **({"tool_calls": calls} if calls else {})),
    st.dictionaries(st.sampled_from(["content", "refusal", "reasoning", "reasoning_content"]), TEXT),
    CALLS,
).map(lambda message: {**said(), **message})


def shredded(data: st.DataObject, text: str) -> list[str]:
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    edges = [0, *places, len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def deltas_of(data: st.DataObject, message: Object) -> list[Object]:
    """The message as a provider might stream it: texts in pieces, each call opened once and then continued."""
    deltas: list[Object] = [{"role": "assistant", "content": None}]
    for name, value in message.items():
        if name == "tool_calls":
            for index, made in enumerate(value):
                opened, *rest = shredded(data, made["function"]["arguments"])
                deltas.append({"tool_calls": [full(made["id"], made["function"]["name"], opened, index=index)]})
                deltas += [{"tool_calls": [call(part, index=index)]} for part in rest]
        elif name != "role" and value is not None:
            deltas += [{name: part} for part in shredded(data, value)]
    return deltas


@given(st.lists(MESSAGES, min_size=1, max_size=3), st.data())
def test_however_a_completion_is_streamed_it_comes_together_again(
    messages: list[Object], data: st.DataObject
) -> None:
    waiting = [deltas_of(data, message) for message in messages]
    chunks: list[Object] = []
    while any(waiting):
        index = data.draw(st.sampled_from([place for place, deltas in enumerate(waiting) if deltas]))
        chunks.append({"id": "c", **piece(waiting[index].pop(0), index, finish_reason=None)})
    chunks += [{"id": "c", **piece({}, index, finish_reason="stop")} for index in range(len(messages))]
    assert assemble(chunks) == {
        "id": "c",
        "object": "chat.completion",
        "choices": [
            {"index": index, "message": message, "finish_reason": "stop", "logprobs": None}
            for index, message in enumerate(messages)
        ],
    }


def test_log_probabilities_come_after_the_role_as_a_providers_do() -> None:
    """OpenAI's own helper counts those twice that come with the first chunk of a second choice."""
    logprobs = {"content": [{"token": "x", "logprob": -1.0}], "refusal": None}
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": "x"},
            "logprobs": logprobs,
            "finish_reason": "stop",
        }
        for index in range(2)
    ]
    completion: Object = {"id": "c", "object": "chat.completion", "choices": choices}
    chunks = disassemble(completion, with_usage=False)
    first: dict[int, Object] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:  # type: ignore[union-attr]
            first.setdefault(choice["index"], choice)  # type: ignore[call-overload, index, arg-type]
    assert [choice["delta"] for choice in first.values()] == [{"role": "assistant"}] * 2
    assert [choice["logprobs"] for choice in first.values()] == [None] * 2
    assert assemble(chunks) == completion
