"""Rewrites of the messages dialect: each rule alone, what it reaches, and above all what it must not reach."""

from copy import deepcopy
from typing import Any

import pytest

from reflexd_core import rewrites_messages as rules
from reflexd_core.canonical import JsonObject
from reflexd_core.rewrites import Rule

MARK = {"type": "ephemeral"}
BILLING = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.c40; cc_entrypoint=sdk-cli;"}
SAID = {"type": "text", "text": "You are an agent."}


def turn(role: str, *blocks: object) -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def messages(*turns: object, **fields: object) -> JsonObject:
    return {"model": "m", "messages": list(turns), **fields}  # type: ignore[dict-item]


def check(rule: Rule, body: JsonObject, expected: JsonObject) -> None:
    """The rule gives what is expected, leaves its argument alone, and a second time changes nothing more."""
    before = deepcopy(body)
    rewritten = rule(body)
    assert rewritten == expected
    assert body == before
    assert (rewritten is body) is (expected == before)
    assert rule(rewritten) is rewritten


def test_drop_cache_control_takes_the_mark_off_every_protocol_position() -> None:
    def body(**mark: object) -> JsonObject:
        return messages(
            turn("user", {"type": "text", "text": "a", **mark}, {"type": "tool_result", "content": "b", **mark}),
            turn("system", {"type": "odd", **mark}),
            system=[{**SAID, **mark}],
            tools=[{"name": "f", "input_schema": {}, **mark}],
            **mark,
        )

    check(rules.drop_cache_control, body(cache_control=MARK), body())


@pytest.mark.parametrize(
    "body",
    [
        messages(turn("assistant", {"type": "tool_use", "input": {"cache_control": MARK}})),
        messages(turn("user", {"type": "tool_result", "content": [{"type": "text", "cache_control": MARK}]})),
        messages(turn("user", {"type": "document", "source": {"cache_control": MARK}})),
        messages({"role": "user", "content": "a", "cache_control": MARK}),
        messages(tools=[{"input_schema": {"cache_control": MARK, "properties": {"cache_control": {}}}}]),
        messages(system={"cache_control": MARK}, thinking={"cache_control": MARK}),
        messages([{"cache_control": MARK}], system="cache_control"),
    ],
)
def test_drop_cache_control_reaches_nothing_else(body: JsonObject) -> None:
    check(rules.drop_cache_control, body, body)


def test_drop_billing_header_takes_the_first_system_block_where_it_is_one() -> None:
    check(rules.drop_billing_header, messages(system=[BILLING, SAID]), messages(system=[SAID]))
    check(rules.drop_billing_header, messages(system=[BILLING]), messages(system=[]))
    ended = {**BILLING, "text": BILLING["text"] + "\n"}
    check(rules.drop_billing_header, messages(system=[ended, SAID]), messages(system=[SAID]))


@pytest.mark.parametrize(
    "body",
    [
        messages(),
        messages(system=BILLING["text"]),
        messages(system=[SAID, BILLING]),
        messages(system=[]),
        messages(system=[{**BILLING, "text": f" {BILLING['text']}"}]),
        messages(system=[{**BILLING, "text": f"{BILLING['text']}\nObey."}]),
        messages(system=[{**BILLING, "citations": []}]),
        messages(system=[{**BILLING, "type": "odd"}]),
        messages(system=[{**BILLING, "text": "X-Anthropic-Billing-Header: a"}]),
        messages(turn("user", BILLING, SAID)),
        messages(turn("system", BILLING)),
    ],
)
def test_drop_billing_header_leaves_what_only_looks_like_one(body: JsonObject) -> None:
    check(rules.drop_billing_header, body, body)


def test_drop_signatures_takes_them_off_thinking_that_is_told() -> None:
    told = {"type": "thinking", "thinking": "Hm."}
    body = messages(turn("assistant", {**told, "signature": "s"}, SAID))
    check(rules.drop_signatures, body, messages(turn("assistant", told, SAID)))


@pytest.mark.parametrize(
    "block",
    [
        {"type": "thinking", "thinking": "", "signature": "s"},
        {"type": "thinking", "signature": "s"},
        {"type": "thinking", "thinking": ["Hm."], "signature": "s"},
        {"type": "redacted_thinking", "thinking": "Hm.", "data": "s", "signature": "s"},
        {"type": "text", "text": "a", "signature": "s"},
        {"type": "tool_use", "input": {"type": "thinking", "thinking": "Hm.", "signature": "s"}},
        {"type": "tool_result", "content": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]},
    ],
)
def test_drop_signatures_leaves_those_that_are_all_there_is_to_tell(block: dict[str, Any]) -> None:
    body = messages(turn("assistant", block), signature="s")
    check(rules.drop_signatures, body, body)


def test_join_single_text_makes_one_plain_block_a_string() -> None:
    body = messages(turn("user", SAID), turn("system", SAID), system=[SAID])
    text = SAID["text"]
    expected = messages({"role": "user", "content": text}, {"role": "system", "content": text}, system=text)
    check(rules.join_single_text, body, expected)


@pytest.mark.parametrize(
    "body",
    [
        messages(turn("user", SAID, SAID), system=[SAID, SAID]),
        messages(turn("user", {**SAID, "citations": None}), system="a"),
        messages(turn("user", {"type": "tool_result", "content": [SAID]})),
        messages(turn("user"), system=[]),
        messages(turn("user", {"type": "image"}), "a"),
    ],
)
def test_join_single_text_leaves_any_other_content_as_it_is(body: JsonObject) -> None:
    check(rules.join_single_text, body, body)


def use(name: object, kind: str = "tool_use", **more: object) -> dict[str, Any]:
    return {"type": kind, "id": name, "name": "f", "input": {"id": name}, **more}


def result(name: object, kind: str = "tool_result") -> dict[str, Any]:
    return {"type": kind, "tool_use_id": name, "content": [{"tool_use_id": name}]}


def test_rename_tool_uses_counts_the_ids_as_they_appear() -> None:
    def body(*names: str) -> JsonObject:
        a, b, c = names
        return messages(
            turn("assistant", {**use(a), "input": {}}, {**use(b, "server_tool_use"), "input": {}}),
            turn("user", {**result(b, "web_search_tool_result"), "content": ""}, {**result(a), "content": ""}),
            turn("assistant", {**use(c, "mcp_tool_use"), "input": {}, "caller": {"type": "direct", "tool_id": b}}),
        )

    check(rules.rename_tool_uses, body("toolu_x", "srvtoolu_y", "z"), body("call#0", "call#1", "call#2"))
    assert rules.rename_tool_uses(body("call#1", "call#2", "call#0")) == body("call#0", "call#1", "call#2")


def test_rename_tool_uses_reaches_no_input_output_or_other_ids() -> None:
    renamed = rules.rename_tool_uses(messages(turn("assistant", use("x")), turn("user", result("x"))))
    assert renamed == messages(
        turn("assistant", {**use("x"), "id": "call#0"}), turn("user", {**result("x"), "tool_use_id": "call#0"})
    )


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "id": "x", "tool_use_id": "x"},
        {"type": "tool_use", "id": 1, "tool_use_id": "x", "caller": "x"},
        {"type": "tool_use", "id": "call#0", "caller": {"type": "direct"}},
        {"type": "tool_result", "id": "x"},
        {"type": ["tool_use"], "id": "x"},
        {"id": "x", "tool_use_id": "x"},
    ],
)
def test_rename_tool_uses_leaves_what_is_no_call(block: dict[str, Any]) -> None:
    body = messages(turn("assistant", block), id="x")
    check(rules.rename_tool_uses, body, body)
