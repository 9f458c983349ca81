"""Embeddings: what counts in the key, what is stored, and that it is given back as it came."""

import json
from typing import Any

import pytest
from hypothesis import given

from reflexd_core import dialects
from reflexd_core.canonical import JsonObject, canonicalize
from reflexd_core.dialects import EMBEDDINGS
from reflexd_core.request import Form, Reading, Usage, Verdict
from support.places import EXTRA

VECTOR = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}


def asked(**fields: Any) -> JsonObject:
    return {"model": "m", "input": ["a", "b"], **fields}


def answered(*vectors: object, **fields: object) -> bytes:
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    return json.dumps({"object": "list", "model": "m-1", "data": list(vectors), "usage": usage, **fields}).encode()


def test_embeddings_are_read() -> None:
    assert dialects.BY_PATH["/embeddings"] is dialects.BY_NAME["embeddings"] is EMBEDDINGS
    assert EMBEDDINGS.read(asked(user="u", encoding_format="base64")) == Reading(
        model="m",
        form=Form.BODY,
        wants_usage=True,
        keyed=asked(encoding_format="base64"),
        scoped=None,
        question=None,
        exact_only="embedding",
        rules=("drop-envelope",),
    )
    assert EMBEDDINGS.read(asked(stream=True)).form is Form.BODY  # it never comes as one


@given(EXTRA)
def test_any_object_has_a_reading(body: JsonObject) -> None:
    assert EMBEDDINGS.read(body).exact_only == "embedding"
    EMBEDDINGS.question_text(body)


def test_a_batch_is_one_question_and_each_form_another() -> None:
    requests = [
        asked(),
        asked(input=["b", "a"]),
        asked(input=["a"]),
        asked(input="a"),
        asked(input=["a", "b", "c"]),
        asked(encoding_format="base64"),
        asked(encoding_format="float"),
        asked(dimensions=2),
        asked(input=[[1, 2]]),
    ]
    assert len({canonicalize(EMBEDDINGS.read(request).keyed) for request in requests}) == len(requests)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answered(VECTOR), "complete"),
        (answered(VECTOR, {**VECTOR, "embedding": "zczMPQ=="}), "complete"),
        (answered(), "unfinished"),
        (answered(VECTOR, {**VECTOR, "embedding": []}), "unfinished"),
        (answered(VECTOR, {**VECTOR, "embedding": None}), "unfinished"),
        (answered(VECTOR, error={"message": "m"}), "unfinished"),
        (b"{}", "unfinished"),
        (b"<html>", "unreadable"),
    ],
)
def test_only_whole_batches_are_stored(answer: bytes, reason: str) -> None:
    watch = EMBEDDINGS.watch(Form.BODY)
    assert not watch.feed(answer)
    verdict = watch.verdict()
    assert (verdict.storable, verdict.reason) == (reason == "complete", reason)
    if verdict.storable:
        assert verdict == Verdict(
            storable=True, reason="complete", usage=Usage(input=4, output=0), model="m-1", exact_only=True
        )


@pytest.mark.parametrize(
    ("usage", "counted"), [({"prompt_tokens": 4}, True), ({"total_tokens": 4}, False), (None, False)]
)
def test_usage_is_counted(usage: object, counted: bool) -> None:
    assert EMBEDDINGS.has_usage(Form.BODY, answered(VECTOR, usage=usage)) is counted
    assert not EMBEDDINGS.has_usage(Form.BODY, b"<html>")


def test_it_is_given_back_as_it_came() -> None:
    assert EMBEDDINGS.replay(Form.BODY, b" {} ", Form.BODY, wants_usage=False) == b" {} "


@pytest.mark.parametrize(
    ("given_", "text"), [("a", "a"), (["a", "b"], "a\nb"), ([[1, 2]], ""), ([1, 2], "\n"), (None, "")]
)
def test_people_are_shown_what_was_asked(given_: object, text: str) -> None:
    assert EMBEDDINGS.question_text({"input": given_}) == text  # type: ignore[dict-item]
    assert EMBEDDINGS.answer_text(Form.BODY, answered(VECTOR, VECTOR)) == "vectors: 2"
    assert EMBEDDINGS.answer_text(Form.BODY, b"") == "vectors: 0"


def test_errors_of_ours_have_openais_shape() -> None:
    assert json.loads(EMBEDDINGS.error(502, "no", "x"))["error"]["type"] == "server_error"
