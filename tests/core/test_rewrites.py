"""Rewrites: each rule alone, what it reaches, and above all what it must not reach."""

from copy import deepcopy

import pytest

from reflexd_core import rewrites
from reflexd_core.canonical import JsonObject

MARK = {"type": "ephemeral"}


def messages(*turns: JsonObject) -> JsonObject:
    return {"model": "m", "messages": list(turns)}


def call(call_id: object, arguments: str = "{}") -> JsonObject:
    return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": arguments}}


def check(rule: rewrites.Rule, body: JsonObject, expected: JsonObject) -> None:
    """The rule gives what is expected, leaves its argument alone, and a second time changes nothing more."""
    before = deepcopy(body)
    rewritten = rule(body)
    assert rewritten == expected
    assert body == before
    assert (rewritten is body) is (expected == before)
    assert rule(rewritten) is rewritten


@pytest.mark.parametrize(
    "name",
    [
        "client_metadata",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "user",
    ],
)
@pytest.mark.parametrize("value", [None, True, "x", {"deep": [1]}])
def test_drop_envelope_takes_each_named_field_off_the_top(name: str, value: object) -> None:
    stays = name == "stream" and not isinstance(value, bool | None)
    check(
        rewrites.drop_envelope, {"model": "m", name: value}, {"model": "m", name: value} if stays else {"model": "m"}
    )


def test_drop_envelope_names_these_fields_and_no_others() -> None:
    assert {
        "client_metadata",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "user",
    } == rewrites.DROPPED


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"model": "m", "seed": 1, "n": 2, "Stream": True, "users": "x", "id": "x", "cache_control": MARK},
        {"messages": [{"role": "user", "content": "x", "user": "u", "metadata": {}, "stream": True}]},
        {"tools": [{"function": {"parameters": {"properties": {"user": {}, "store": {}}}}, "metadata": 1}]},
        {"response_format": {"json_schema": {"service_tier": 1}}},
    ],
)
def test_drop_envelope_reaches_nothing_deeper(body: JsonObject) -> None:
    check(rewrites.drop_envelope, body, body)


def test_drop_cache_control_takes_the_marks_off_messages_their_parts_and_tools() -> None:
    body: JsonObject = {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "a", "cache_control": MARK}, {"type": "text"}]},
            {"role": "user", "content": "b", "cache_control": None},
            {
                "role": "tool",
                "content": [{"type": "text", "text": "c", "cache_control": MARK}],
                "cache_control": MARK,
            },
        ],
        "tools": [{"type": "function", "cache_control": MARK}, {"type": "function"}],
    }
    expected: JsonObject = {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text"}]},
            {"role": "user", "content": "b"},
            {"role": "tool", "content": [{"type": "text", "text": "c"}]},
        ],
        "tools": [{"type": "function"}, {"type": "function"}],
    }
    check(rewrites.drop_cache_control, body, expected)


@pytest.mark.parametrize(
    "body",
    [
        {"cache_control": MARK},
        messages({"role": "user", "content": {"cache_control": MARK}}),
        messages({"role": "user", "content": [{"type": "x", "inner": {"cache_control": MARK}}]}),
        messages({"role": "user", "content": [{"type": "x", "content": [{"cache_control": MARK}]}]}),
        messages({"role": "user", "content": ["cache_control", [{"cache_control": MARK}]]}),
        messages({"role": "assistant", "tool_calls": [{"cache_control": MARK}]}),
        messages({"role": "assistant", "tool_calls": [call("a", '{"cache_control":1}')]}),
        {"tools": [{"function": {"cache_control": MARK, "parameters": {"properties": {"cache_control": {}}}}}]},
        {"tools": {"cache_control": MARK}},
        {"messages": {"cache_control": MARK}},
        {"messages": ["cache_control", None, [{"cache_control": MARK}]]},
        {"response_format": {"json_schema": {"cache_control": MARK}}},
    ],
)
def test_drop_cache_control_reaches_no_input_arguments_output_or_schema(body: JsonObject) -> None:
    check(rewrites.drop_cache_control, body, body)


def test_join_single_text_makes_one_plain_text_part_a_string() -> None:
    body = messages(
        {"role": "system", "content": [{"type": "text", "text": "a"}]},
        {"role": "user", "content": [{"text": "", "type": "text"}], "name": "n"},
    )
    expected = messages({"role": "system", "content": "a"}, {"role": "user", "content": "", "name": "n"})
    check(rewrites.join_single_text, body, expected)


@pytest.mark.parametrize(
    "content",
    [
        "a",
        None,
        [],
        ["a"],
        {"type": "text", "text": "a"},
        [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        [{"type": "text", "text": "a", "annotations": []}],
        [{"type": "text", "text": "a", "cache_control": MARK}],
        [{"type": "text", "text": ["a"]}],
        [{"type": "text"}],
        [{"text": "a"}],
        [{"type": "input_text", "text": "a"}],
        [{"type": "image_url", "image_url": {"url": "u"}}],
        [[{"type": "text", "text": "a"}]],
    ],
)
def test_join_single_text_leaves_any_other_content_as_it_is(content: object) -> None:
    body: JsonObject = {"messages": [{"role": "user", "content": content}]}
    check(rewrites.join_single_text, body, body)


def test_rename_tool_calls_counts_the_ids_as_they_appear() -> None:
    body = messages(
        {"role": "assistant", "tool_calls": [call("x"), call("y")]},
        {"role": "tool", "tool_call_id": "y", "content": "x"},
        {"role": "tool", "tool_call_id": "x", "content": "y"},
        {"role": "assistant", "tool_calls": [call("z")]},
        {"role": "tool", "tool_call_id": "unknown", "content": ""},
    )
    expected = messages(
        {"role": "assistant", "tool_calls": [call("call#0"), call("call#1")]},
        {"role": "tool", "tool_call_id": "call#1", "content": "x"},
        {"role": "tool", "tool_call_id": "call#0", "content": "y"},
        {"role": "assistant", "tool_calls": [call("call#2")]},
        {"role": "tool", "tool_call_id": "call#3", "content": ""},
    )
    check(rewrites.rename_tool_calls, body, expected)


def test_rename_tool_calls_keeps_ids_apart_that_look_like_its_own() -> None:
    body = messages({"role": "assistant", "tool_calls": [call("call#1"), call("call#0"), call("call#1")]})
    expected = messages({"role": "assistant", "tool_calls": [call("call#0"), call("call#1"), call("call#0")]})
    assert rewrites.rename_tool_calls(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        {"id": "x", "tool_call_id": "x", "tool_calls": [call("x")]},
        messages({"role": "user", "id": "x", "content": [{"id": "x", "tool_call_id": "x"}]}),
        messages({"role": "assistant", "tool_calls": [call(None), call(5), {"no": "id"}, "x", ["x"]]}),
        messages({"role": "assistant", "tool_calls": {"id": "x"}}),
        messages({"role": "assistant", "tool_calls": [{"function": {"id": "x", "arguments": '{"id":"x"}'}}]}),
        messages({"role": "tool", "tool_call_id": None, "content": '{"id":"x"}'}),
        messages({"role": "tool", "tool_call_id": ["x"]}),
        {"tools": [{"id": "x", "function": {"parameters": {"properties": {"id": {}}}}}]},
        {"messages": "x"},
    ],
)
def test_rename_tool_calls_reaches_no_other_id(body: JsonObject) -> None:
    check(rewrites.rename_tool_calls, body, body)


def test_apply_tells_which_rules_fired_in_their_order() -> None:
    rules = (
        ("drop-envelope", rewrites.drop_envelope),
        ("drop-cache-control", rewrites.drop_cache_control),
        ("join-single-text", rewrites.join_single_text),
        ("rename-tool-calls", rewrites.rename_tool_calls),
    )
    # The part is a plain text only once its mark is gone, so the order of the rules is part of the recipe.
    body: JsonObject = {
        "user": "me",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": MARK}]}],
    }
    rewritten, fired = rewrites.apply(rules, body)
    assert rewritten == {"messages": [{"role": "user", "content": "hi"}]}
    assert fired == ("drop-envelope", "drop-cache-control", "join-single-text")


def test_apply_gives_an_untouched_body_back_itself() -> None:
    body = messages({"role": "user", "content": "hi"})
    rewritten, fired = rewrites.apply((("join-single-text", rewrites.join_single_text),), body)
    assert rewritten is body
    assert fired == ()


def test_a_stream_flag_that_is_none_stays() -> None:
    for odd in (1, "true", [], {}):
        assert rewrites.drop_envelope({"stream": odd, "user": "u"}) == {"stream": odd}
    for plain in (True, False, None):
        assert rewrites.drop_envelope({"stream": plain, "user": "u"}) == {}
