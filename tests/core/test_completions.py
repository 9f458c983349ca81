"""Legacy completions: what they ask, what is stored, and that turning an answer loses nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core import dialects
from reflexd_core.canonical import JsonObject
from reflexd_core.dialects import COMPLETIONS
from reflexd_core.request import Form, Reading, Usage, Verdict
from support.places import EXTRA

ENVELOPE = {"id": "cmpl-1", "object": "text_completion", "created": 1700000000, "model": "gpt-3.5-turbo-instruct"}
USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
LOGPROBS = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"index": -0.5}], "text_offset": [0]}


def asked(**fields: Any) -> JsonObject:
    return {"model": "m", "prompt": "Once upon", **fields}


def choice(index: int = 0, said: str = "a time", **fields: Any) -> dict[str, Any]:
    return {"index": index, "text": said, "logprobs": None, "finish_reason": "stop", **fields}


def body(*choices: object, **fields: Any) -> bytes:
    return json.dumps({**ENVELOPE, "choices": list(choices or (choice(),)), "usage": USAGE, **fields}).encode()


def sse(*chunks: object, done: bool = True) -> bytes:
    return b"".join(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks) + b"data: [DONE]\n\n" * done


def chunk(*choices: object, **fields: Any) -> dict[str, Any]:
    return {**ENVELOPE, "choices": list(choices), **fields}


def verdict(form: Form, answer: bytes) -> Verdict:
    watch = COMPLETIONS.watch(form)
    watch.feed(answer)
    return watch.verdict()


def test_an_empty_reason_and_padding_are_no_part_of_a_completion() -> None:
    pieces = [choice(said="a", finish_reason=""), choice(said="b"), choice(said="", finish_reason="")]
    stream = sse(*(chunk(piece, obfuscation="x" * n) for n, piece in enumerate(pieces)))
    assert verdict(Form.STREAM, stream).storable
    whole = json.loads(COMPLETIONS.replay(Form.STREAM, stream, Form.BODY, wants_usage=True))
    assert whole == {**ENVELOPE, "choices": [choice(said="ab")]}
    assert verdict(Form.STREAM, sse(chunk(choice(finish_reason="")))).reason == "unfinished"


def test_completions_are_read() -> None:
    assert dialects.BY_PATH["/completions"] is dialects.BY_NAME["completions"] is COMPLETIONS
    assert COMPLETIONS.read(asked(user="u", stream=True, max_tokens=9)) == Reading(
        model="m",
        form=Form.STREAM,
        wants_usage=False,
        keyed=asked(max_tokens=9),
        scoped=None,
        question=None,
        exact_only="completion",
        rules=("drop-envelope",),
        max_output=9,
    )
    assert COMPLETIONS.read(asked(stream=True, stream_options={"include_usage": True})).wants_usage
    assert COMPLETIONS.read(asked()).wants_usage


@given(EXTRA)
def test_any_object_has_a_reading(request: JsonObject) -> None:
    assert COMPLETIONS.read(request).exact_only == "completion"
    COMPLETIONS.question_text(request)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (body(), "complete"),
        (body(choice(finish_reason="length")), "complete"),
        (body(choice(), choice(1, finish_reason=None)), "unfinished"),
        (body(choice(finish_reason="content_filter")), "content-filter"),
        (b"{}", "no-choices"),
    ],
)
def test_whole_bodies_are_stored(answer: bytes, reason: str) -> None:
    found = verdict(Form.BODY, answer)
    assert (found.storable, found.reason) == (reason == "complete", reason)


def test_whole_streams_are_stored() -> None:
    stream = [chunk(choice(said="a ", finish_reason=None)), chunk(choice(said="time"))]
    assert verdict(Form.STREAM, sse(*stream, chunk(usage=USAGE))) == Verdict(
        storable=True, reason="complete", usage=Usage(input=5, output=7), model="gpt-3.5-turbo-instruct"
    )
    assert verdict(Form.STREAM, sse(*stream, done=False)).reason == "cut"
    assert verdict(Form.STREAM, sse(stream[0])).reason == "unfinished"


# --------------------------------------------------------------------------------------------------------- turning


def turned(answer: bytes) -> Any:
    """Body to stream to body."""
    stream = COMPLETIONS.replay(Form.BODY, answer, Form.STREAM, wants_usage=True)
    assert verdict(Form.STREAM, stream) == verdict(Form.BODY, answer)
    assert COMPLETIONS.has_usage(Form.STREAM, stream) is COMPLETIONS.has_usage(Form.BODY, answer)
    return json.loads(COMPLETIONS.replay(Form.STREAM, stream, Form.BODY, wants_usage=True))


CHOICES = st.builds(
    lambda said, reason, logprobs: {"text": said, "logprobs": logprobs, "finish_reason": reason},
    st.text(max_size=9),
    st.sampled_from(["stop", "length"]),
    st.sampled_from([None, LOGPROBS, {**LOGPROBS, "top_logprobs": None}]),
)


@given(st.lists(CHOICES, min_size=1, max_size=3), st.sampled_from([USAGE, None]))
def test_a_completion_survives_the_way_through_a_stream(choices: list[dict[str, Any]], usage: Any) -> None:
    whole = {**ENVELOPE, "choices": [{"index": n, **one} for n, one in enumerate(choices)], "unknown": [1]}
    whole |= {"usage": usage} if usage else {}
    assert turned(json.dumps(whole).encode()) == whole


def test_pieces_are_put_together() -> None:
    more = {"tokens": ["b"], "token_logprobs": [-1.0], "top_logprobs": None, "text_offset": [1], "new": 1}
    stream = sse(
        chunk(choice(1, "x", finish_reason=None, logprobs=LOGPROBS), usage=None),
        chunk(choice(0, "a", finish_reason=None)),
        chunk(choice(1, "y", finish_reason=None, logprobs=more)),
        chunk(choice(0, "b")),
        chunk({"text": "z", "index": 1, "finish_reason": "length", "odd": 1}),
        chunk(usage=USAGE),
    )
    whole = json.loads(COMPLETIONS.replay(Form.STREAM, stream, Form.BODY, wants_usage=True))
    joined = {
        "tokens": ["a", "b"],
        "token_logprobs": [-0.5, -1.0],
        "top_logprobs": [{"index": -0.5}],
        "text_offset": [0, 1],
        "new": 1,
    }
    last = {"index": 1, "text": "xyz", "logprobs": joined, "finish_reason": "length", "odd": 1}
    assert whole == {**ENVELOPE, "choices": [choice(0, "ab"), last], "usage": USAGE}
    assert COMPLETIONS.answer_text(Form.STREAM, stream) == "ab\nxyz"


def test_usage_is_left_out_where_it_was_not_asked_for() -> None:
    with_usage = COMPLETIONS.replay(Form.BODY, body(), Form.STREAM, wants_usage=True)
    without = COMPLETIONS.replay(Form.BODY, body(), Form.STREAM, wants_usage=False)
    assert b'"usage"' in with_usage
    assert b'"usage"' not in without
    assert COMPLETIONS.replay(Form.STREAM, with_usage, Form.STREAM, wants_usage=False) == without
    assert COMPLETIONS.replay(Form.STREAM, with_usage, Form.STREAM, wants_usage=True) == with_usage
    assert COMPLETIONS.replay(Form.BODY, body(), Form.BODY, wants_usage=False) == body()


def test_what_is_no_completion_cannot_be_turned() -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        COMPLETIONS.replay(Form.BODY, b"[]", Form.STREAM, wants_usage=True)


def test_people_are_shown_what_was_said() -> None:
    assert COMPLETIONS.question_text(asked()) == "Once upon"
    assert COMPLETIONS.question_text(asked(prompt=["a"])) == ""
    assert COMPLETIONS.answer_text(Form.BODY, body(choice(), choice(1, "again"))) == "a time\nagain"
    assert COMPLETIONS.answer_text(Form.BODY, b"<html>") == ""
    assert json.loads(COMPLETIONS.error(400, "no", "x"))["error"]["message"] == "no"
