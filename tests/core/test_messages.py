"""Anthropic messages and token counts, the request: what it asks, what it must not be compared by, and why."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core import dialects
from reflexd_core.canonical import JsonObject, read_json
from reflexd_core.dialects import COUNT_TOKENS, MESSAGES
from reflexd_core.dialects.messages import UNSCOPED
from reflexd_core.profiles import CLAUDE_CODE
from reflexd_core.questions import PLACEHOLDER
from reflexd_core.request import Form, Question, Reading
from support.places import EXTRA, JSON
from support.shared import shared_rows

USER = {"role": "user", "content": "Is port 8080 open?"}
TOOL = {"name": "f", "input_schema": {}}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1"}]}
REMINDER = {"type": "text", "text": "<system-reminder>\nBe brief.\n</system-reminder>"}


def messages(*turns: object, **fields: object) -> JsonObject:
    return {"model": "m", "max_tokens": 9, "messages": list(turns or (USER,)), **fields}  # type: ignore[dict-item]


def test_messages_are_found_by_their_path() -> None:
    assert dialects.BY_PATH["/messages"] is dialects.BY_NAME["messages"] is MESSAGES
    assert dialects.BY_PATH["/messages/count_tokens"] is dialects.BY_NAME["count-tokens"] is COUNT_TOKENS
    assert MESSAGES.home == COUNT_TOKENS.home == "anthropic"


def test_a_plain_request_is_read() -> None:
    body = messages(
        system=[{"type": "text", "text": "Be brief."}], temperature=0.5, metadata={}, stop_sequences=["x"]
    )
    keyed = {**body, "system": "Be brief."}
    del keyed["metadata"]
    assert MESSAGES.read(body) == Reading(
        model="m",
        form=Form.BODY,
        wants_usage=True,
        keyed=keyed,
        scoped={
            "model": "m",
            "system": "Be brief.",
            "messages": [{"role": "user", "content": PLACEHOLDER}],
            "stop_sequences": ["x"],
        },
        question=Question(text="Is port 8080 open?"),
        exact_only=None,
        rules=("drop-envelope", "join-single-text"),
        sampling={"temperature": 0.5},
        max_output=9,
    )


BODIES = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(JSON, st.lists(st.fixed_dictionaries({"role": JSON, "content": st.lists(EXTRA, max_size=2)})))
        for name in ("model", "messages", "system", "tools", "max_tokens", "stream", "container", "mcp_servers")
    },
)


@given(BODIES)
def test_any_object_has_a_reading(body: dict[str, Any]) -> None:
    before = deepcopy(body)
    for dialect in (MESSAGES, COUNT_TOKENS):
        reading = dialect.read(body, CLAUDE_CODE)
        dialect.question_text(body)
        assert body == before
        assert (reading.question is None) is (reading.scoped is None) is (reading.exact_only is not None)


def test_every_recorded_request_is_read() -> None:
    rows = shared_rows("recorded/anthropic_messages.jsonl.gz")
    bodies = [read_json(row["request_body"].encode()) for row in rows]
    readings = [MESSAGES.read(body) for body in bodies if isinstance(body, dict)]
    assert [reading.model for reading in readings] == [row["model"] for row in rows]
    assert [reading.form is Form.STREAM for reading in readings] == [row["stream_requested"] for row in rows]
    stateful = sorted(reading.stateful for reading in readings if reading.stateful)
    assert stateful == ["container"] * 6 + ["mcp-tool"] * 4
    assert {reading.exact_only for reading in readings} >= {None, "agent-turn", "not-plain-text"}


def test_claude_codes_first_turn_can_be_compared_and_its_reminders_must_match() -> None:
    asked = {"role": "user", "content": [REMINDER, {"type": "text", "text": "hi", "cache_control": {}}]}
    behind = {"role": "system", "content": "Agents: none."}
    body = messages(asked, behind, tools=[TOOL], system="s")
    reading = MESSAGES.read(body, CLAUDE_CODE)
    assert reading.question == Question(text="hi")
    assert reading.agent == "claude-code"
    assert reading.scoped is not None
    masked = {"role": "user", "content": [REMINDER["text"], PLACEHOLDER]}
    assert reading.scoped["messages"] == [masked, behind]
    assert MESSAGES.read(body).question == Question(text=f"{REMINDER['text']}\nhi")


@pytest.mark.parametrize(
    ("fields", "form"), [({}, Form.BODY), ({"stream": False}, Form.BODY), ({"stream": True}, Form.STREAM)]
)
def test_an_answer_of_either_form_shows_usage(fields: dict[str, object], form: Form) -> None:
    reading = MESSAGES.read(messages(**fields))
    assert (reading.form, reading.wants_usage) == (form, True)


@pytest.mark.parametrize(
    ("fields", "stateful"),
    [
        ({"container": "container_1"}, "container"),
        ({"container": {"skills": []}}, "container"),
        ({"container": None}, None),
        ({"mcp_servers": [{"url": "u"}]}, "mcp-tool"),
        ({"mcp_servers": []}, None),
        ({"tools": [{"type": "mcp_toolset"}]}, "mcp-tool"),
        ({"tools": [TOOL, {"type": "code_execution_20260120"}, "mcp", {"type": 1}]}, None),
    ],
)
def test_what_has_state_at_the_provider_is_left_alone(fields: dict[str, object], stateful: str | None) -> None:
    assert MESSAGES.read(messages(**fields)).stateful == stateful


@pytest.mark.parametrize(
    ("tools", "lifetime"),
    [
        ([{"type": "web_search_20250305", "name": "web_search"}], 600.0),
        ([TOOL, {"type": "web_fetch_20250910"}], 600.0),
        ([{"name": "WebSearch", "input_schema": {}}], None),
        ("web_search", None),
    ],
)
def test_what_was_looked_up_in_the_web_lives_ten_minutes(tools: object, lifetime: float | None) -> None:
    assert MESSAGES.read(messages(tools=tools)).lifetime == lifetime


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "unknown-shape"),
        ({"messages": []}, "unknown-shape"),
        ({"messages": "hi"}, "unknown-shape"),
        (messages("hi", USER), "unknown-shape"),
        (messages(USER, {"role": "assistant", "content": "a"}), "last-turn-not-the-users"),
        (messages(USER, USE, RESULT), "not-plain-text"),
        (messages(USER, USE, RESULT, USER), "tool-results"),
        (messages(USER, USE, RESULT, USER, tools=[TOOL]), "agent-turn"),
        (messages(USER, {"role": "assistant", "content": "a"}, USER, tools=[TOOL]), "agent-turn"),
        (messages({"role": "user", "content": [{"type": "image"}]}), "not-plain-text"),
    ],
)
def test_meaning_is_not_compared_where_it_cannot_be_judged(body: JsonObject, why: str) -> None:
    reading = MESSAGES.read(body)
    assert (reading.exact_only, reading.question, reading.scoped) == (why, None, None)


def test_later_turns_can_be_compared_where_there_are_no_tools() -> None:
    reading = MESSAGES.read(
        messages(USER, {"role": "assistant", "content": "a"}, {"role": "user", "content": "And 443?"})
    )
    assert reading.question == Question(text="And 443?")


def test_the_scope_is_all_but_the_question_sampling_and_the_limit() -> None:
    kept = {"tools": [TOOL], "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}, "odd": 1}
    sampled = dict.fromkeys(sorted(UNSCOPED), 1)
    scoped = {"model": "m", "messages": [{"role": "user", "content": PLACEHOLDER}], **kept}
    assert MESSAGES.read(messages(**sampled, **kept)).scoped == scoped
    assert {"temperature", "top_p", "top_k", "max_tokens"} < UNSCOPED


@pytest.mark.parametrize(("limit", "read"), [(9, 9), (9.5, 9), ("9", 0), (2**60, 0), (None, None)])
def test_the_limit_is_told(limit: object, read: int | None) -> None:
    assert MESSAGES.read(messages(max_tokens=limit)).max_output == read


def test_a_count_of_tokens_is_never_compared_by_meaning() -> None:
    body = messages(stream=True, metadata={})
    reading = COUNT_TOKENS.read(body)
    assert (reading.form, reading.exact_only, reading.question) == (Form.BODY, "token-count", None)
    assert reading.keyed == messages()
    assert COUNT_TOKENS.question_text(body) == MESSAGES.question_text(body) == "Is port 8080 open?"
    assert COUNT_TOKENS.error(400, "no", "x") == MESSAGES.error(400, "no", "x")


@pytest.mark.parametrize(
    ("answer", "storable"),
    [
        (b'{"input_tokens": 12}', True),
        (b'{"input_tokens": true}', False),
        (b"{}", False),
        (b"[1]", False),
        (b"", False),
    ],
)
def test_a_count_is_stored_where_it_is_one(answer: bytes, storable: bool) -> None:
    watch = COUNT_TOKENS.watch(Form.BODY)
    assert watch.feed(answer) is False
    assert watch.verdict().storable is storable
    assert COUNT_TOKENS.replay(Form.BODY, answer, Form.BODY, wants_usage=False) == answer
    assert not COUNT_TOKENS.has_usage(Form.BODY, answer)


def test_people_are_shown_the_count() -> None:
    assert COUNT_TOKENS.answer_text(Form.BODY, b'{"input_tokens": 12}') == "12"
    assert COUNT_TOKENS.answer_text(Form.BODY, b"") == "null"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (404, "not_found_error"), (502, "api_error"), (504, "timeout_error")],
)
def test_errors_of_ours_have_the_dialects_shape(status: int, kind: str) -> None:
    said = json.loads(MESSAGES.error(status, 'no "key"', "no_key"))
    assert said == {"type": "error", "error": {"type": kind, "message": 'no "key"'}}
