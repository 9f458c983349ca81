"""OpenAI responses, the request: what it asks, what it must not be compared by, and why."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core import dialects
from reflexd_core.canonical import JsonObject, read_json
from reflexd_core.dialects import RESPONSES
from reflexd_core.dialects.responses import UNSCOPED
from reflexd_core.profiles import CODEX
from reflexd_core.questions import PLACEHOLDER
from reflexd_core.request import Form, Question, Reading
from support.places import EXTRA, JSON
from support.shared import shared_rows

USER = {"role": "user", "content": "Is port 8080 open?"}
SAID = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes"}]}
CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "1"}
TOOL = {"type": "function", "name": "f"}


def asked(*items: object, **fields: object) -> JsonObject:
    return {"model": "m", "input": list(items or (USER,)), **fields}  # type: ignore[dict-item]


def test_responses_are_found_by_their_path() -> None:
    assert dialects.BY_PATH["/responses"] is dialects.BY_NAME["responses"] is RESPONSES
    assert RESPONSES.home is None


@pytest.mark.parametrize("given_", ["Is port 8080 open?", [USER]])
def test_a_plain_request_is_read(given_: Any) -> None:
    body: JsonObject = {
        "model": "m",
        "instructions": "Be brief.",
        "input": given_,
        "temperature": 0.5,
        "store": False,
        "user": "u",
        "max_output_tokens": 9,
    }
    reading = RESPONSES.read(body)
    assert reading == Reading(
        model="m",
        form=Form.BODY,
        wants_usage=True,
        keyed={name: value for name, value in body.items() if name != "user"},
        scoped={
            "model": "m",
            "instructions": "Be brief.",
            "input": [{"role": "user", "content": PLACEHOLDER}],
            "store": False,
        },
        question=Question(text="Is port 8080 open?"),
        exact_only=None,
        rules=("drop-envelope",),
        sampling={"temperature": 0.5},
        max_output=9,
    )
    assert RESPONSES.question_text(body) == "Is port 8080 open?"


BODIES = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(JSON, st.lists(st.fixed_dictionaries({"role": JSON, "content": st.lists(EXTRA, max_size=2)})))
        for name in ("model", "input", "instructions", "tools", "stream", "include", "prompt", "conversation")
    },
)


@given(BODIES)
def test_any_object_has_a_reading(body: dict[str, Any]) -> None:
    before = deepcopy(body)
    reading = RESPONSES.read(body, CODEX)
    RESPONSES.question_text(body)
    assert body == before
    assert (reading.question is None) is (reading.scoped is None) is (reading.exact_only is not None)


def test_every_recorded_request_is_read() -> None:
    rows = shared_rows("recorded/openai_responses.jsonl.gz")
    bodies = [read_json(row["request_body"].encode()) for row in rows]
    readings = [RESPONSES.read(body) for body in bodies if isinstance(body, dict)]
    assert [reading.model for reading in readings] == [row["model"] for row in rows]
    assert [reading.form is Form.STREAM for reading in readings] == [row["stream_requested"] for row in rows]
    assert {reading.exact_only for reading in readings} >= {None, "agent-turn", "earlier-response", "tool-results"}
    assert {reading.stateful for reading in readings} == {None, "background", "conversation", "mcp-tool"}


def test_codex_first_turn_can_be_compared_and_its_context_must_match() -> None:
    context = {
        "role": "user",
        "content": [{"type": "input_text", "text": "<environment_context>a</environment_context>"}],
    }
    body = asked({"role": "developer", "content": "Go."}, context, USER, tools=[TOOL])
    reading = RESPONSES.read(body, CODEX)
    assert reading.question == Question(text="Is port 8080 open?")
    assert reading.agent == "codex"
    assert reading.scoped is not None
    items = reading.scoped["input"]
    assert isinstance(items, list)
    assert items[1] == {"role": "user", "content": "<environment_context>a</environment_context>"}
    assert items[2] == {"role": "user", "content": PLACEHOLDER}


@pytest.mark.parametrize(
    ("fields", "form"), [({}, Form.BODY), ({"stream": False}, Form.BODY), ({"stream": True}, Form.STREAM)]
)
def test_an_answer_of_either_form_shows_usage(fields: dict[str, object], form: Form) -> None:
    reading = RESPONSES.read(asked(**fields))
    assert (reading.form, reading.wants_usage) == (form, True)


@pytest.mark.parametrize(
    ("fields", "stateful"),
    [
        ({"background": True}, "background"),
        ({"background": False}, None),
        ({"conversation": "conv_1"}, "conversation"),
        ({"conversation": {"id": "conv_1"}}, "conversation"),
        ({"tools": [TOOL, {"type": "mcp"}]}, "mcp-tool"),
        ({"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}, "container"),
        ({"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}, None),
        (
            {"tools": [{"type": "shell", "environment": {"type": "container_reference", "container_id": "c"}}]},
            "container",
        ),
        ({"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]}, None),
        ({"tools": [{"type": "shell", "environment": "local"}]}, None),
        ({"prompt": {"id": "pmpt_1"}}, "prompt-template"),
        ({"prompt": {"id": "pmpt_1", "version": "2"}}, None),
        ({"prompt": "hi"}, None),
        ({"previous_response_id": "resp_1"}, None),
    ],
)
def test_what_has_state_at_the_provider_is_left_alone(fields: dict[str, object], stateful: str | None) -> None:
    assert RESPONSES.read(asked(**fields)).stateful == stateful


@pytest.mark.parametrize(
    ("tools", "lifetime"),
    [
        ([TOOL, {"type": "web_search_preview"}], 600.0),
        ([{"type": "web_search"}], 600.0),
        ([{"type": "x_search"}], 600.0),
        ([{"type": "file_search", "vector_store_ids": ["vs_1"]}], 600.0),
        ([TOOL], None),
        ("web", None),
    ],
)
def test_what_was_looked_up_in_the_web_lives_ten_minutes(tools: object, lifetime: float | None) -> None:
    assert RESPONSES.read(asked(tools=tools)).lifetime == lifetime


def test_tools_count_wherever_they_are_offered() -> None:
    """Codex' own models are offered theirs in an item, and some within a namespace."""

    def item(*tools: Any) -> list[Any]:
        return [
            {"type": "additional_tools", "role": "developer", "tools": [*tools]},
            {"role": "user", "content": "q"},
        ]

    search, mcp = {"type": "web_search"}, {"type": "mcp", "server_url": "u"}
    assert RESPONSES.read(asked(*item(search))).lifetime == 600.0
    assert RESPONSES.read(asked(*item({"type": "namespace", "name": "n", "tools": [search]}))).lifetime == 600.0
    assert RESPONSES.read(asked(tools=[{"type": "namespace", "name": "n", "tools": [mcp]}])).stateful == "mcp-tool"
    assert RESPONSES.read(asked(*item(mcp, "tool"))).stateful == "mcp-tool"
    plain = RESPONSES.read(asked(*item(TOOL)))
    assert (plain.lifetime, plain.stateful) == (None, None)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "unknown-shape"),
        ({"input": []}, "unknown-shape"),
        ({"input": 1}, "unknown-shape"),
        (asked("hi", USER), "unknown-shape"),
        ({"input": " "}, "empty-question"),
        (asked(USER, SAID), "last-turn-not-the-users"),
        (asked(USER, CALL, OUTPUT), "last-turn-not-the-users"),
        (asked({"role": "user", "content": [{"type": "input_image"}]}), "not-plain-text"),
        (asked(USER, CALL, OUTPUT, USER), "tool-results"),
        (asked({"type": "unheard_of"}, USER), "tool-results"),
        (asked({"type": ["message"]}, USER), "tool-results"),
        (asked(USER, SAID, USER, tools=[TOOL]), "agent-turn"),
        (asked(previous_response_id="resp_1"), "earlier-response"),
        (asked(top_logprobs=2), "logprobs"),
        (asked(include=["message.output_text.logprobs"]), "logprobs"),
    ],
)
def test_meaning_is_not_compared_where_it_cannot_be_judged(body: JsonObject, why: str) -> None:
    reading = RESPONSES.read(body)
    assert (reading.exact_only, reading.question, reading.scoped) == (why, None, None)


def test_later_turns_can_be_compared_where_there_are_no_tools() -> None:
    reasoning = {"type": "reasoning", "summary": [], "encrypted_content": "e"}
    reading = RESPONSES.read(asked(USER, reasoning, SAID, {"role": "user", "content": "And 443?"}, include=[1, "a"]))
    assert reading.question == Question(text="And 443?")


def test_the_scope_is_all_but_the_question_sampling_and_the_limit() -> None:
    kept = {"tools": [TOOL], "reasoning": {"effort": "low"}, "text": {"format": {}}, "odd": 1}
    sampled = dict.fromkeys(sorted(UNSCOPED), 1)
    scoped = {"model": "m", "input": [{"role": "user", "content": PLACEHOLDER}], **kept}
    assert RESPONSES.read(asked(**sampled, **kept)).scoped == scoped


def test_errors_of_ours_have_the_dialects_shape() -> None:
    said = json.loads(RESPONSES.error(400, "no", "no_key"))
    assert said == {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": "no_key"}}


def test_tools_offered_in_an_item_are_tools() -> None:
    offered = {"type": "additional_tools", "id": "at_1", "role": "developer", "tools": [{"type": "namespace"}]}
    said = {"role": "user", "content": "why is the sky blue?"}
    body: Any = {"model": "m", "input": [offered, said]}
    first = RESPONSES.read(body)
    assert first.question is not None
    assert first.question.text == "why is the sky blue?"
    assert first.exact_only is None
    later: Any = {"model": "m", "input": [offered, said, {"role": "assistant", "content": "a"}, said]}
    assert (RESPONSES.read(later).question, RESPONSES.read(later).exact_only) == (None, "agent-turn")
    other: Any = {"model": "m", "input": [{**offered, "tools": []}, said]}
    assert RESPONSES.read(other).scoped != first.scoped
