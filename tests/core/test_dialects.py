"""What holds for every dialect: nothing that a client or a provider can send makes one fail."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.dialects import BY_HOME, BY_NAME, BY_PATH, DIALECTS, ON_AZURE
from reflexd_core.dialects.base import Dialect
from reflexd_core.profiles import PROFILES
from reflexd_core.request import Form

# The words that dialects look for, where a value of any type may stand behind each of them.
NAMES = st.sampled_from(
    [
        *(
            "type",
            "role",
            "content",
            "text",
            "messages",
            "input",
            "system",
            "tools",
            "delta",
            "choices",
            "index",
            "id",
        ),
        *("message", "content_block", "usage", "stop_reason", "finish_reason", "response", "output", "output_index"),
        *("item", "status", "summary", "logprobs", "error", "candidates", "parts", "done", "data", "embedding"),
        *("prompt", "partial_json", "container", "arguments", "annotations", "citations", "thinking", "tool_calls"),
    ]
)
WORDS = st.sampled_from(
    [
        *("user", "assistant", "tool", "text", "message", "message_start", "message_delta", "message_stop", "STOP"),
        *("content_block_start", "content_block_delta", "tool_use", "tool_result", "thinking", "end_turn", "stop"),
        *(
            "response.completed",
            "response.output_item.done",
            "function_call",
            "reasoning",
            "output_text",
            "completed",
        ),
    ]
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(allow_nan=False), WORDS, st.just("{")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=5)
EVENTS = st.lists(st.builds(lambda event, kind: {**event, "type": kind}, OBJECTS, WORDS), max_size=4)


def test_dialects_are_told_apart() -> None:
    assert len(BY_NAME) == len(DIALECTS)
    assert {dialect.path for dialect in DIALECTS} >= set(BY_PATH)
    assert [dialect.name for dialect in ON_AZURE.values()] == [dialect.name for dialect in BY_PATH.values()]
    assert set(BY_HOME.values()) <= set(DIALECTS)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(OBJECTS, st.sampled_from(PROFILES))
def test_any_object_has_a_reading(dialect: Dialect, body: dict[str, Any], profile: Any) -> None:
    before = json.dumps(body)
    reading = dialect.read(body, profile)
    dialect.question_text(body)
    assert json.dumps(body) == before
    assert (reading.question is None) is (reading.scoped is None)
    assert (reading.question is None) <= (reading.exact_only is not None)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(OBJECTS)
def test_any_body_is_judged_and_turned_or_refused(dialect: Dialect, body: dict[str, Any]) -> None:
    _judge_and_turn(dialect, Form.BODY, json.dumps(body).encode())


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@given(EVENTS, st.binary(max_size=4))
def test_any_stream_is_judged_and_turned_or_refused(dialect: Dialect, events: list[Any], rest: bytes) -> None:
    lines = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    _judge_and_turn(dialect, Form.STREAM, b"".join(lines) + rest)


def _judge_and_turn(dialect: Dialect, form: Form, answer: bytes) -> None:
    watch = dialect.watch(form)
    watch.feed(answer)
    watch.verdict()
    dialect.has_usage(form, answer)
    dialect.answer_text(form, answer)
    for asked in Form:
        try:
            assert isinstance(dialect.replay(form, answer, asked, wants_usage=False), bytes)
        except ValueError:
            assert asked is not form
