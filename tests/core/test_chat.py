"""Chat completions, the request: what it asks, what it must not be compared by, and why."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core import dialects
from reflexd_core.canonical import JsonObject, read_json
from reflexd_core.dialects import CHAT
from reflexd_core.dialects.chat import UNSCOPED
from reflexd_core.dialects.chat_answer import StreamWatch
from reflexd_core.dialects.shared import WEB_SEARCH_LIFETIME, WholeBody
from reflexd_core.questions import PLACEHOLDER
from reflexd_core.request import Form, Question, Reading
from support.shared import shared_rows

USER = {"role": "user", "content": "Is port 8080 open?"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}

JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["user", "tool", "text"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "tool_calls", "function", "id", "name"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=10,
)
FIELDS = [
    *(
        "model",
        "messages",
        "tools",
        "functions",
        "function_call",
        "n",
        "logprobs",
        "stream",
        "stream_options",
        "plugins",
    ),
    *("web_search_options", "container", "conversation", "background", "temperature", "user"),
]


def chat(*turns: object, **fields: object) -> JsonObject:
    return {"model": "m", "messages": list(turns or (USER,)), **fields}  # type: ignore[dict-item]


def test_chat_is_found_by_its_path() -> None:
    assert dialects.BY_PATH["/chat/completions"] is dialects.BY_NAME["chat"] is CHAT


def test_a_plain_request_is_read() -> None:
    body = chat({"role": "system", "content": "Be brief."}, USER, temperature=0.5, user="me", stop=["x"])
    keyed = {name: value for name, value in body.items() if name != "user"}
    assert CHAT.read(body) == Reading(
        model="m",
        form=Form.BODY,
        wants_usage=True,
        keyed=keyed,
        scoped={
            "model": "m",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": PLACEHOLDER}],
            "stop": ["x"],
        },
        question=Question(text="Is port 8080 open?"),
        exact_only=None,
        rules=("drop-envelope",),
        sampling={"temperature": 0.5},
    )


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_object_has_a_reading(body: dict[str, Any]) -> None:
    before = deepcopy(body)
    reading = CHAT.read(body)
    CHAT.question_text(body)
    assert body == before
    assert (reading.question is None) is (reading.scoped is None) is (reading.exact_only is not None)


def may_be_compared(request: dict[str, Any]) -> bool:
    """design.md, "What is compared", for requests in the shapes that were recorded."""
    turns = request["messages"]
    roles = [turn["role"] for turn in turns]
    content = turns[-1].get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    plain = all(part["type"] == "text" and part.keys() <= {"type", "text", "cache_control"} for part in parts)
    first = "assistant" not in roles or not request.get("tools")
    one = request.get("n", 1) == 1 and not request.get("logprobs") and not request.get("top_logprobs")
    return roles[-1] == "user" and plain and bool(parts) and "tool" not in roles and first and one


def test_every_recorded_request_is_read() -> None:
    rows = shared_rows("recorded/openai_chat.jsonl.gz")
    bodies = [read_json(row["request_body"].encode()) for row in rows]
    readings = [CHAT.read(body) for body in bodies if isinstance(body, dict)]
    assert [reading.model for reading in readings] == [row["model"] for row in rows]
    assert [reading.form is Form.STREAM for reading in readings] == [row["stream_requested"] for row in rows]
    assert [reading.exact_only is None for reading in readings] == [
        may_be_compared(json.loads(row["request_body"])) for row in rows
    ]
    assert {reading.exact_only for reading in readings} >= {None, "agent-turn", "not-plain-text", "tool-results"}


# --------------------------------------------------------------------------------------------------- form and usage


@pytest.mark.parametrize(
    ("fields", "form", "wants_usage"),
    [
        ({}, Form.BODY, True),
        ({"stream": False}, Form.BODY, True),
        ({"stream": None}, Form.BODY, True),
        ({"stream": True}, Form.STREAM, False),
        ({"stream": True, "stream_options": None}, Form.STREAM, False),
        ({"stream": True, "stream_options": {"include_usage": False}}, Form.STREAM, False),
        ({"stream": True, "usage": {"include": True}}, Form.STREAM, True),
        ({"stream": True, "usage": {"include": False}}, Form.STREAM, False),
        ({"stream": True, "stream_options": {"include_usage": True, "x": 1}}, Form.STREAM, True),
        ({"stream_options": {"include_usage": True}}, Form.BODY, True),
    ],
)
def test_a_body_always_shows_usage_and_a_stream_on_request(
    fields: dict[str, object], form: Form, wants_usage: bool
) -> None:
    reading = CHAT.read(chat(**fields))
    assert (reading.form, reading.wants_usage) == (form, wants_usage)


def test_each_form_has_its_watch() -> None:
    assert isinstance(CHAT.watch(Form.STREAM), StreamWatch)
    assert isinstance(CHAT.watch(Form.BODY), WholeBody)


@pytest.mark.parametrize("model", [None, 5, ["m"]])
def test_a_model_that_is_no_name_is_nameless(model: object) -> None:
    assert CHAT.read(chat(model=model)).model == ""


# ------------------------------------------------------------------------------------------------ refusals and state


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (chat(functions=[]), "'functions'"),
        (chat(function_call="auto"), "'function_call'"),
        (chat(USER, {"role": "function", "name": "f", "content": "1"}, USER), "role 'function'"),
    ],
)
def test_legacy_function_calling_is_refused_with_the_way_out(body: JsonObject, what: str) -> None:
    refusal = CHAT.read(body).refusal
    assert refusal is not None
    assert what in refusal
    assert "'tools'" in refusal
    assert "REFLEX_LEGACY_FUNCTIONS=forward" in refusal


@pytest.mark.parametrize(
    "body",
    [chat(functions=None, function_call=None), chat(tools=[TOOL]), chat({"role": "assistant", "function_call": {}})],
)
def test_nothing_else_is_refused(body: JsonObject) -> None:
    assert CHAT.read(body).refusal is None


@pytest.mark.parametrize(
    ("fields", "stateful"),
    [
        ({"background": True}, "background"),
        ({"conversation": "c"}, "conversation"),
        ({"container": {"id": "c"}}, "container"),
        ({"tools": [TOOL, {"type": "mcp", "server_url": "u"}]}, "mcp-tool"),
        ({"background": False, "conversation": None, "container": {}}, None),
        ({"tools": [TOOL, "mcp", {"type": "function", "function": {"name": "mcp"}}]}, None),
        ({"tools": {"type": "mcp"}}, None),
        ({"store": True}, None),
    ],
)
def test_state_at_the_provider_is_seen(fields: dict[str, object], stateful: str | None) -> None:
    assert CHAT.read(chat(**fields)).stateful == stateful


@pytest.mark.parametrize(
    "fields",
    [
        {"web_search_options": {}},
        {"search_settings": {"country": "de"}},
        {"plugins": [{"id": "file"}, {"id": "web"}]},
        {"search_parameters": {"mode": "auto"}},
        {"enable_search": True},
        {"tools": [{"type": "web_search_preview"}]},
        {"tools": [{"type": "openrouter:web_search"}]},
        {"tools": [{"type": "browser_search"}]},
        {"model": "gpt-5-search-api"},
        {"model": "perplexity/sonar-pro"},
        {"model": "compound-beta-mini"},
        {"model": "gpt-4o-search-preview"},
        {"model": "openai/gpt-4o:online"},
        {"model": "groq/compound-mini"},
        {"tools": [{"type": "builtin_function", "function": {"name": "$web_search"}}]},
        {"tools": [{"type": "retrieval", "retrieval": {"knowledge_id": "1"}}]},
        # What lies at the provider and changes there, or ends: a preset, the audio that the next turn refers to.
        {"preset": "careful"},
        {"model": "@preset/careful"},
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    ],
)
def test_an_answer_from_the_web_lives_ten_minutes(fields: dict[str, object]) -> None:
    assert CHAT.read(chat(**fields)).lifetime == WEB_SEARCH_LIFETIME == 600.0


@pytest.mark.parametrize(
    "fields",
    [
        {"web_search_options": None},
        {"enable_search": False},
        {"plugins": [{"id": "file"}, "web"]},
        {"tools": [{"type": "function", "function": {"name": "web_search"}}, {"type": None}]},
        {"model": "compound"},
        {"modalities": ["text"], "preset": None},
        {"tools": [{"type": "builtin_function", "function": {"name": "$calc"}}, {"type": "builtin_function"}]},
    ],
)
def test_any_other_answer_lives_as_long_as_the_tenant_says(fields: dict[str, object]) -> None:
    assert CHAT.read(chat(**fields)).lifetime is None


# ------------------------------------------------------------------------------------------------ question and scope


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param({"model": "m"}, "unknown-shape", id="no messages"),
        pytest.param({"messages": []}, "unknown-shape", id="empty"),
        pytest.param({"messages": "hi"}, "unknown-shape", id="not a list"),
        pytest.param(chat("hi", USER), "unknown-shape", id="a message that is none"),
        pytest.param(
            chat(USER, {"role": "assistant", "content": "a"}), "last-turn-not-the-users", id="assistant last"
        ),
        pytest.param(
            chat({"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "content": "1"}),
            "last-turn-not-the-users",
            id="tool last",
        ),
        pytest.param(chat({"content": "hi"}), "last-turn-not-the-users", id="no role"),
        pytest.param(chat({"role": "user"}), "not-plain-text", id="no content"),
        pytest.param(
            chat({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}),
            "not-plain-text",
            id="image",
        ),
        pytest.param(
            chat({"role": "user", "content": [{"type": "text", "text": "a", "x": 1}]}),
            "not-plain-text",
            id="unknown field in a part",
        ),
        pytest.param(chat({"role": "user", "content": ["a"]}), "not-plain-text", id="part that is none"),
        pytest.param(chat({"role": "user", "content": {"text": "a"}}), "not-plain-text", id="content that is none"),
        pytest.param(chat({"role": "user", "content": " \n"}), "empty-question", id="blank"),
        pytest.param(chat({"role": "user", "content": []}), "empty-question", id="no parts"),
        pytest.param(chat(n=2), "several-choices", id="two choices"),
        pytest.param(chat(n="1"), "several-choices", id="choices unknown"),
        pytest.param(chat(logprobs=True), "logprobs", id="logprobs"),
        pytest.param(chat(top_logprobs=5), "logprobs", id="top logprobs"),
        pytest.param(
            chat(USER, {"role": "assistant", "content": "a"}, USER, tools=[TOOL]),
            "agent-turn",
            id="agent's later turn",
        ),
        pytest.param(
            chat(USER, {"role": "tool", "content": "1"}, USER, tools=[TOOL]), "agent-turn", id="agent's tool result"
        ),
        pytest.param(chat({"role": "tool", "content": "1"}, USER), "tool-results", id="tool result without tools"),
        pytest.param(chat({"role": "function", "content": "1"}, USER), "tool-results", id="function result"),
    ],
)
def test_meaning_is_not_compared_where_it_cannot_be_judged(body: JsonObject, why: str) -> None:
    reading = CHAT.read(body)
    assert (reading.exact_only, reading.question, reading.scoped) == (why, None, None)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (chat(), "Is port 8080 open?"),
        (chat(n=1, logprobs=False, top_logprobs=0, tools=[]), "Is port 8080 open?"),
        (chat(tools=[TOOL]), "Is port 8080 open?"),
        (chat(USER, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "And 443?"}), "And 443?"),
        (chat({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}), "a\nb"),
        (chat({"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}]}), "a"),
    ],
)
def test_the_question_is_the_text_of_the_last_user_turn(body: JsonObject, text: str) -> None:
    reading = CHAT.read(body)
    assert reading.exact_only is None
    assert reading.question is not None
    assert reading.question.text == text


def test_the_scope_is_all_but_the_question_sampling_and_limits() -> None:
    sampling = dict.fromkeys(sorted(UNSCOPED), 1)
    kept = {
        "tools": [TOOL],
        "stop": ["x"],
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "odd": 1,
    }
    assert CHAT.read(chat(**sampling, **kept)).scoped == {
        "model": "m",
        "messages": [{"role": "user", "content": PLACEHOLDER}],
        **kept,
    }
    assert {
        *("temperature", "top_p", "top_k", "seed", "max_tokens", "max_completion_tokens"),
        *("frequency_penalty", "presence_penalty", "repetition_penalty"),
    } == UNSCOPED


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (chat({"role": "user", "content": "a"}), chat({"role": "user", "content": "b"}), True),
        (chat(temperature=0), chat(temperature=1), True),
        (chat({"role": "user", "content": "a", "name": "n"}), chat({"role": "user", "content": "b"}), False),
        (chat({"role": "system", "content": "a"}, USER), chat({"role": "system", "content": "b"}, USER), False),
        (chat(USER, USER), chat(USER), False),
        (chat(model="m"), chat(model="n"), False),
        (chat(tools=[TOOL]), chat(), False),
        (chat(odd=1), chat(odd=2), False),
    ],
)
def test_two_questions_are_of_one_scope_when_all_else_is_equal(
    one: JsonObject, other: JsonObject, same: bool
) -> None:
    assert (CHAT.read(one).scoped == CHAT.read(other).scoped) is same


# ------------------------------------------------------------------------------------------------------ for people


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (chat(), "Is port 8080 open?"),
        (chat(USER, {"role": "assistant", "content": "x"}, {"role": "tool", "content": "y"}), "Is port 8080 open?"),
        (
            chat(
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "a"}, {"type": "image_url"}, "x", {"text": "b"}],
                }
            ),
            "a\nb",
        ),
        (chat({"role": "user"}), ""),
        (chat({"role": "system", "content": "x"}), ""),
        ({}, ""),
    ],
)
def test_people_are_shown_what_was_last_said(body: JsonObject, text: str) -> None:
    assert CHAT.question_text(body) == text


@pytest.mark.parametrize(("status", "kind"), [(400, "invalid_request_error"), (504, "server_error")])
def test_errors_of_ours_have_the_dialects_shape(status: int, kind: str) -> None:
    assert json.loads(CHAT.error(status, 'no "key"', "no_key")) == {
        "error": {"message": 'no "key"', "type": kind, "param": None, "code": "no_key"}
    }
