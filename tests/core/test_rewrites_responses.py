"""Rewrites of the responses dialect: each rule alone, what it reaches, and above all what it must not reach."""

from copy import deepcopy
from typing import Any

import pytest

from reflexd_core import rewrites
from reflexd_core import rewrites_responses as rules
from reflexd_core.canonical import JsonObject
from reflexd_core.rewrites import Rule


def asked(*items: object, **fields: object) -> JsonObject:
    return {"model": "m", "input": list(items), **fields}  # type: ignore[dict-item]


def check(rule: Rule, body: JsonObject, expected: JsonObject) -> None:
    """The rule gives what is expected, leaves its argument alone, and a second time changes nothing more."""
    before = deepcopy(body)
    rewritten = rule(body)
    assert rewritten == expected
    assert body == before
    assert (rewritten is body) is (expected == before)
    assert rule(rewritten) is rewritten


def test_drop_envelope_is_that_of_chat_but_for_store() -> None:
    everything: JsonObject = {**dict.fromkeys(sorted(rewrites.DROPPED)), "model": "m", "store": False}
    check(rules.drop_envelope, everything, {"model": "m", "store": False})
    odd: JsonObject = {"model": "m", "stream": 1, "user": "u"}
    check(rules.drop_envelope, odd, {"model": "m", "stream": 1})


def test_drop_item_ids_takes_id_and_status_off_items() -> None:
    def body(**drawn: object) -> JsonObject:
        return asked(
            {"type": "message", "role": "user", "content": "a", **drawn},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", **drawn},
            {"type": "function_call_output", "call_id": "c", "output": "1", **drawn},
            {"type": "reasoning", "summary": [], "encrypted_content": "e", **drawn},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "t"}], **drawn},
            {"type": "image_generation_call", "result": "r", **drawn},
            {"role": "assistant", "content": [], "odd": 1, **drawn},
        )

    check(rules.drop_item_ids, body(id="x_1", status="completed"), body())


@pytest.mark.parametrize(
    "item",
    [
        {"type": "item_reference", "id": "msg_1"},
        {"type": "item_reference", "id": "msg_1", "status": "completed", "more": 1},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": None},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed"},
        {"id": "msg_1"},
        {"id": "msg_1", "content": "", "odd": 0, "even": {}},
        {"type": "local_shell_call_output", "id": "call_1", "output": "a"},
        {"type": "message", "content": [{"id": "x", "status": "y"}], "tool": {"id": "x"}},
        {"type": "function_call_output", "output": [{"id": "x"}]},
        {"type": "function_call", "arguments": '{"id":1,"status":2}'},
    ],
)
def test_drop_item_ids_leaves_what_the_provider_looks_up_by_them(item: dict[str, Any]) -> None:
    body = asked(item, "id", id="x", status="y")
    check(rules.drop_item_ids, body, body)


def test_the_output_of_a_local_shell_loses_its_status_alone() -> None:
    output = {"type": "local_shell_call_output", "id": "call_1", "output": "a"}
    check(rules.drop_item_ids, asked({**output, "status": "completed"}), asked(output))


def test_join_single_text_makes_one_input_text_a_string() -> None:
    text = {"type": "input_text", "text": "a"}
    body = asked({"role": "user", "content": [text]}, {"role": "developer", "content": [text], "type": "message"})
    expected = asked({"role": "user", "content": "a"}, {"role": "developer", "content": "a", "type": "message"})
    check(rules.join_single_text, body, expected)


@pytest.mark.parametrize(
    "content",
    [
        "a",
        [],
        [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}],
        [{"type": "input_text", "text": "a", "more": 1}],
        [{"type": "output_text", "text": "a"}],
        [{"type": "text", "text": "a"}],
        [{"type": "input_image"}],
    ],
)
def test_join_single_text_leaves_any_other_content_as_it_is(content: object) -> None:
    body = asked({"role": "user", "content": content})
    check(rules.join_single_text, body, body)
    outside = asked({"type": "function_call_output", "output": [{"type": "input_text", "text": "a"}]}, text=content)
    check(rules.join_single_text, outside, outside)


def test_rename_calls_counts_the_ids_as_they_appear() -> None:
    def body(*names: str) -> JsonObject:
        a, b, c = names
        return asked(
            {"type": "function_call", "call_id": a, "arguments": '{"call_id":"x"}'},
            {"type": "custom_tool_call", "call_id": b, "input": "x"},
            {"type": "custom_tool_call_output", "call_id": b, "output": [{"call_id": "x"}]},
            {"type": "function_call_output", "call_id": a, "output": "x"},
            {"type": "local_shell_call", "call_id": c, "id": "x"},
            {"type": "local_shell_call_output", "id": c, "output": "x"},
        )

    check(rules.rename_calls, body("x", "y", "z"), body("call#0", "call#1", "call#2"))
    assert rules.rename_calls(body("call#2", "call#0", "call#1")) == body("call#0", "call#1", "call#2")


@pytest.mark.parametrize(
    "item", [{"type": "message", "id": "x"}, {"call_id": None}, {"call_id": 1}, {"call_id": "call#0"}, "call_id"]
)
def test_rename_calls_leaves_what_is_no_call(item: object) -> None:
    body = asked(item, call_id="x")
    check(rules.rename_calls, body, body)


METADATA = "internal_chat_message_metadata_passthrough"


def test_drop_turn_metadata_takes_the_turns_time_and_name_and_nothing_beside_them() -> None:
    said = {"type": "message", "role": "user", "content": "a"}
    turn = {"create_time": 1795615440.389116, "turn_id": "01a21305"}
    check(rules.drop_turn_metadata, asked({**said, METADATA: turn}), asked(said))
    check(rules.drop_turn_metadata, asked({**said, METADATA: {"turn_id": "x"}}), asked(said))
    check(
        rules.drop_turn_metadata,
        asked({**said, METADATA: {**turn, "persona": "b"}}),
        asked({**said, METADATA: {"persona": "b"}}),
    )


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message", METADATA: {}},
        {"type": "message", METADATA: {"persona": "b"}},
        {"type": "message", METADATA: "turn_id"},
        {"type": "message", "create_time": 1, "turn_id": "x"},
        {"type": "message", "content": {METADATA: {"turn_id": "x"}}},
        {"type": "function_call_output", "output": [{METADATA: {"turn_id": "x"}}]},
        METADATA,
    ],
)
def test_drop_turn_metadata_reaches_nothing_else(item: object) -> None:
    body = asked(item)
    check(rules.drop_turn_metadata, body, body)


def test_an_item_that_is_looked_up_by_its_id_is_one_with_turn_metadata_too() -> None:
    one, other = (asked({"type": "reasoning", "id": name, METADATA: {"turn_id": name}}) for name in ("rs_1", "rs_2"))
    keyed = [rewrites.apply(rules.RULES, body)[0] for body in (one, other)]
    assert keyed[0] != keyed[1]
