"""Gemini's own wire: exact repeats, stored where every candidate finished of itself, and given back as they came."""

import json
from typing import Any

import pytest
from hypothesis import given

from reflexd_core.canonical import JsonObject
from reflexd_core.dialects import BY_NAME, GEMINI, GEMINI_STREAM
from reflexd_core.profiles import GEMINI_CLI
from reflexd_core.request import Form, Reading, Usage, Verdict
from support.places import EXTRA

USAGE = {
    "promptTokenCount": 5,
    "candidatesTokenCount": 7,
    "thoughtsTokenCount": 2,
    "cachedContentTokenCount": 1,
    "totalTokenCount": 14,
}
COUNTED = Usage(input=5, output=9, cached_input=1)


def chunk(said: str = "hi", reason: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    candidate = {"index": index, "content": {"role": "model", "parts": [{"text": said}]}}
    return {"candidates": [{**candidate, **({"finishReason": reason} if reason else {})}], **fields}


def sse(*chunks: object) -> bytes:
    return b"".join(f"data: {json.dumps(one)}\r\n\r\n".encode() for one in chunks)


def verdict(form: Form, answer: bytes) -> Verdict:
    dialect = GEMINI if form is Form.BODY else GEMINI_STREAM
    watch = dialect.watch(form)
    assert not any([watch.feed(answer[:9]), watch.feed(answer[9:])])
    return watch.verdict()


def test_each_form_is_a_dialect_of_its_own_that_leaves_nothing_out() -> None:
    assert BY_NAME["gemini"] is GEMINI
    assert BY_NAME["gemini-stream"] is GEMINI_STREAM
    body: JsonObject = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "labels": {"a": "b"}}
    for dialect, form in ((GEMINI, Form.BODY), (GEMINI_STREAM, Form.STREAM)):
        assert dialect.read(body, GEMINI_CLI) == Reading(
            model="",
            form=form,
            wants_usage=False,
            keyed=body,
            scoped=None,
            question=None,
            exact_only="exact-dialect",
            agent="gemini-cli",
        )


@given(EXTRA)
def test_any_object_has_a_reading(body: JsonObject) -> None:
    assert GEMINI.read(body).keyed == body
    GEMINI.question_text(body)


@pytest.mark.parametrize(
    ("tools", "lifetime"),
    [
        ([{"googleSearch": {}}], 600.0),
        ([{"functionDeclarations": []}, {"url_context": {}}], 600.0),
        ([{"functionDeclarations": []}], None),
        ("googleSearch", None),
    ],
)
def test_what_was_looked_up_in_the_web_lives_ten_minutes(tools: object, lifetime: float | None) -> None:
    assert GEMINI.read({"tools": tools}).lifetime == lifetime  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([chunk(reason="STOP")], "complete"),
        ([chunk(reason="MAX_TOKENS")], "complete"),
        ([chunk()], "unfinished"),
        ([], "unfinished"),
        ([{"candidates": []}], "unfinished"),
        ([chunk(reason="SAFETY")], "content-filter"),
        ([chunk(reason="MALFORMED_FUNCTION_CALL")], "content-filter"),
        ([{"promptFeedback": {"blockReason": "SAFETY"}}], "content-filter"),
        ([chunk(reason="STOP", promptFeedback={"safetyRatings": []})], "complete"),
        ([chunk(reason="STOP", error={"code": 503})], "error-event"),
    ],
)
def test_whole_answers_are_stored(chunks: list[dict[str, Any]], reason: str) -> None:
    found = verdict(Form.STREAM, sse(chunk(), *chunks))
    assert (found.storable, found.reason) == (reason == "complete", reason)
    if chunks:
        found = verdict(Form.BODY, json.dumps(chunks[0]).encode())
        assert (found.storable, found.reason) == (reason == "complete", reason)


def test_every_candidate_must_have_finished() -> None:
    both = [chunk(index=0), chunk(index=1, reason="STOP")]
    assert verdict(Form.STREAM, sse(*both)).reason == "unfinished"
    assert verdict(Form.STREAM, sse(*both, chunk(reason="STOP"))).reason == "complete"
    assert verdict(Form.STREAM, sse(chunk(reason="STOP"))[:-4]).reason == "complete"


def test_what_cannot_be_read_is_not_stored() -> None:
    assert verdict(Form.STREAM, sse(chunk(reason="STOP")) + b"data: {\r\n\r\n").reason == "unreadable"
    assert verdict(Form.BODY, b"<html>   ").reason == "unreadable"


def test_usage_and_model_are_told() -> None:
    last = chunk(reason="STOP", usageMetadata=USAGE, modelVersion="gemini-2.5-flash")
    expected = Verdict(storable=True, reason="complete", usage=COUNTED, model="gemini-2.5-flash", exact_only=True)
    early = chunk(usageMetadata={"promptTokenCount": 5}, modelVersion="gemini-2.5-flash")
    assert verdict(Form.STREAM, sse(early, last)) == verdict(Form.BODY, json.dumps(last).encode()) == expected
    assert GEMINI_STREAM.has_usage(Form.STREAM, sse(early, last))
    assert GEMINI.has_usage(Form.BODY, json.dumps(last).encode())
    assert not GEMINI.has_usage(Form.BODY, json.dumps(chunk(usageMetadata={})).encode())


def test_an_answer_is_given_back_as_it_came_and_in_no_other_form() -> None:
    assert GEMINI.replay(Form.BODY, b" {} ", Form.BODY, wants_usage=False) == b" {} "
    with pytest.raises(ValueError, match="other form"):
        GEMINI.replay(Form.BODY, b"{}", Form.STREAM, wants_usage=False)


def test_people_are_shown_what_was_said() -> None:
    context = {"text": "<session_context>a</session_context>"}
    body: Any = {"contents": [{"role": "user", "parts": [context, {"text": "hi"}]}, {"role": "model", "parts": []}]}
    assert GEMINI.question_text(body) == "hi"
    assert GEMINI.answer_text(Form.BODY, json.dumps(chunk("a")).encode()) == "a"
    assert (
        GEMINI_STREAM.answer_text(Form.STREAM, sse(chunk("a"), {"candidates": [{"content": None}]}, chunk("b")))
        == "ab"
    )
    assert GEMINI.answer_text(Form.BODY, b"<html>") == ""


@pytest.mark.parametrize(("status", "kind"), [(400, "INVALID_ARGUMENT"), (502, "UNAVAILABLE")])
def test_errors_of_ours_have_the_dialects_shape(status: int, kind: str) -> None:
    said = json.loads(GEMINI.error(status, "no", "x"))
    assert said == {"error": {"code": status, "message": "no", "status": kind}}
