"""Ollama's own wire, and what may only be answered exactly elsewhere."""

import json
from typing import Any

import pytest
from hypothesis import given

from reflexd_core.canonical import JsonObject
from reflexd_core.dialects import BY_NAME, CHAT, OLLAMA_CHAT, OLLAMA_GENERATE, ON_AZURE
from reflexd_core.request import Form, Reading, Usage
from support.places import EXTRA

LAST = {"model": "m", "done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 7}


def lines(*objects: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


def test_nothing_is_left_out_of_the_key() -> None:
    assert BY_NAME["ollama-chat"] is OLLAMA_CHAT
    assert BY_NAME["ollama-generate"] is OLLAMA_GENERATE
    body: JsonObject = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    assert OLLAMA_CHAT.read(body) == Reading(
        model="m",
        form=Form.BODY,
        wants_usage=False,
        keyed=body,
        scoped=None,
        question=None,
        exact_only="exact-dialect",
    )


@given(EXTRA)
def test_any_object_has_a_reading(body: JsonObject) -> None:
    assert OLLAMA_CHAT.read(body).keyed == body
    OLLAMA_CHAT.question_text(body)


@pytest.mark.parametrize(
    ("answer", "storable"),
    [
        (lines({"message": {"content": "a"}, "done": False}, LAST), True),
        (lines(LAST).rstrip(), True),
        (lines({**LAST, "done_reason": "length"}), True),
        (lines({"done": True}), True),
        (lines({**LAST, "done_reason": "load"}), False),
        (lines({"message": {"content": "a"}, "done": False}), False),
        (lines(LAST, {"error": "x"}), False),
        (lines({**LAST, "error": "x"}), False),
        (lines({**LAST, "done": "yes"}), False),
        (b"<html>", False),
        (b"", False),
    ],
)
def test_whole_answers_are_stored(answer: bytes, storable: bool) -> None:
    watch = OLLAMA_CHAT.watch(Form.BODY)
    assert not watch.feed(answer)
    verdict = watch.verdict()
    assert (verdict.storable, verdict.exact_only) == (storable, True)
    assert OLLAMA_CHAT.replay(Form.BODY, answer, Form.BODY, wants_usage=False) == answer


def test_usage_is_counted() -> None:
    watch = OLLAMA_CHAT.watch(Form.BODY)
    watch.feed(lines(LAST))
    assert (watch.verdict().usage, watch.verdict().model) == (Usage(input=5, output=7), "m")
    assert OLLAMA_CHAT.has_usage(Form.BODY, lines(LAST))
    assert not OLLAMA_CHAT.has_usage(Form.BODY, lines({"done": True}))


def test_people_are_shown_what_was_said() -> None:
    assert OLLAMA_CHAT.question_text({"messages": [{"role": "user", "content": "hi"}]}) == "hi"
    assert OLLAMA_GENERATE.question_text({"prompt": "hi"}) == "hi"
    assert (
        OLLAMA_CHAT.answer_text(Form.BODY, lines({"message": {"content": "a"}}, {"message": {"content": "b"}}))
        == "ab"
    )
    assert OLLAMA_GENERATE.answer_text(Form.BODY, lines({"response": "a"}, {"response": "b"}) + b"<") == "ab"
    assert json.loads(OLLAMA_CHAT.error(400, "no", "x")) == {"error": "no"}


# ----------------------------------------------------------------------------------------------------------- Azure


def test_on_azure_only_exact_repeats_are_answered() -> None:
    azure = ON_AZURE["/chat/completions"]
    body: JsonObject = {"messages": [{"role": "user", "content": "hi"}], "stream": True}
    reading = azure.read(body)
    assert (reading.exact_only, reading.question, reading.scoped) == ("exact-dialect", None, None)
    assert reading.keyed == CHAT.read(body).keyed
    assert azure.read({}).exact_only == CHAT.read({}).exact_only == "unknown-shape"
    assert ON_AZURE["/embeddings"].read({}).exact_only == "embedding"


def test_in_all_else_azure_is_the_dialect_itself() -> None:
    azure = ON_AZURE["/chat/completions"]
    assert (azure.name, azure.path, azure.keep_alive, azure.home) == (CHAT.name, CHAT.path, CHAT.keep_alive, "azure")
    answer = json.dumps({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}).encode()
    for form in Form:
        assert type(azure.watch(form)) is type(CHAT.watch(form))
        stream = azure.replay(Form.BODY, answer, form, wants_usage=True)
        assert stream == CHAT.replay(Form.BODY, answer, form, wants_usage=True)
        assert azure.answer_text(form, stream) == "a"
        assert not azure.has_usage(form, stream)
    assert azure.question_text({"messages": [{"role": "user", "content": "hi"}]}) == "hi"
    assert azure.error(400, "no", "x") == CHAT.error(400, "no", "x")
