"""Gemini's own wire: exact repeats, stored where every candidate finished of itself, and given back as they came."""

import json
from dataclasses import replace
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


CLI_OUTPUT = "<untrusted_context>\nOutput: a\nProcess Group PGID: 8448\n</untrusted_context>"


def tool_turn(call: str = "run_1795613239871_0", output: Any = CLI_OUTPUT, answers: str = "") -> JsonObject:
    """As Gemini CLI was seen to send it."""
    return {
        "contents": [
            {"role": "user", "parts": [{"text": "<session_context>\nToday's date is Friday\n</session_context>"}]},
            {"role": "model", "parts": [{"functionCall": {"id": call, "name": "run", "args": {"id": call}}}]},
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": answers or call, "name": "run", "response": {"output": output}}}
                ],
            },
        ],
        "tools": [{"functionDeclarations": [{"name": "run", "description": "Current date: 2026-11-25"}]}],
        "systemInstruction": {"parts": [{"text": "Current date: 2026-11-25"}]},
    }


def test_ids_made_of_the_clock_are_renamed_one_to_one() -> None:
    plain, other = GEMINI.read(tool_turn(output="x")), GEMINI.read(tool_turn("run_2_0", output="x"))
    assert plain.rules == other.rules == ("rename-tool-calls",)
    for reading in (plain, other):
        part = reading.keyed["contents"][1]["parts"][0]["functionCall"]  # type: ignore[index,call-overload]
        assert part["id"] == "call#0"  # type: ignore[index,call-overload]
        assert part["args"]["id"].startswith("run_")  # type: ignore[index,call-overload,union-attr]
    assert GEMINI.read(tool_turn("a", "x")).keyed != GEMINI.read(tool_turn("a", "x", answers="b")).keyed


def test_the_clis_own_last_line_is_scrubbed_for_the_cli_alone() -> None:
    one, other = tool_turn(), tool_turn(output=CLI_OUTPUT.replace("8448", "8755"))
    read = [GEMINI.read(body, GEMINI_CLI) for body in (one, other)]
    assert read[0].keyed == read[1].keyed
    assert read[0].rules == ("rename-tool-calls", "scrub-process-group")
    assert GEMINI.read(one).keyed != GEMINI.read(other).keyed
    changed = tool_turn(output=CLI_OUTPUT.replace("Output: a", "Output: b"))
    assert GEMINI.read(changed, GEMINI_CLI).keyed != read[0].keyed
    for output in (None, 1, {"output": CLI_OUTPUT}, ["x"]):
        assert "scrub-process-group" not in GEMINI.read(tool_turn(output=output), GEMINI_CLI).rules


def test_the_portable_profile_knows_where_gemini_says_things() -> None:
    portable = replace(GEMINI_CLI, portable=True)
    one = tool_turn()
    other = json.loads(json.dumps(one).replace("Friday", "Saturday").replace("2026-11-25", "2026-11-26"))
    assert GEMINI.read(one, GEMINI_CLI).keyed != GEMINI.read(other, GEMINI_CLI).keyed
    assert GEMINI.read(one, portable).keyed == GEMINI.read(other, portable).keyed
    assert "portable" in GEMINI.read(one, portable).rules


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
        ([{"googleMaps": {}}], 600.0),
        ([{"fileSearch": {"fileSearchStoreNames": ["s"]}}], 600.0),
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


@pytest.mark.parametrize(
    ("parts", "reason", "told"),
    [
        ([], "STOP", "empty"),
        ([{"text": ""}], "STOP", "empty"),
        ([{"text": "Hm.", "thought": True}, {"text": "", "thoughtSignature": "s"}], "STOP", "empty"),
        ([], "MAX_TOKENS", "complete"),
        ([{"functionCall": {"name": "f", "args": {}}}], "STOP", "complete"),
        ([{"inlineData": {"mimeType": "image/png", "data": "AA=="}}], "STOP", "complete"),
    ],
)
def test_an_answer_that_says_nothing_is_not_stored(parts: list[object], reason: str, told: str) -> None:
    """Gemini CLI asks the same again then, and would get nothing from the cache each time."""
    candidate = {"index": 0, "content": {"role": "model", "parts": parts}}
    chunks = [{"candidates": [candidate]}, {"candidates": [{"index": 0, "finishReason": reason}]}]
    assert verdict(Form.STREAM, sse(*chunks)).reason == told
    whole = {"candidates": [{**candidate, "finishReason": reason}]}
    found = verdict(Form.BODY, json.dumps(whole).encode())
    assert (found.storable, found.reason) == (told == "complete", told)


def test_what_says_nothing_is_no_fault() -> None:
    assert verdict(Form.STREAM, b"data:\n\n" + sse(chunk(reason="STOP")) + b"data: [DONE]\n\n").storable


@pytest.mark.parametrize("name", ["mcpServers", "mcp_servers"])
def test_what_calls_others_servers_is_never_cached(name: str) -> None:
    assert GEMINI.read({"tools": [{name: []}]}).stateful == "mcp-tool"
    assert GEMINI.read({"tools": [{"functionDeclarations": []}]}).stateful is None


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
