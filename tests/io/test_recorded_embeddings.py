"""Recorded embeddings, as floats and as base64, seen through the official SDK; and legacy completions beside them."""

import json
import warnings
from typing import Any

import openai
import pytest

from support.recorded import play
from support.upstream import Reply, ScriptedUpstream, Seen

KEY = "sk-direct-0123456789abcdef"


def test_every_recorded_batch_reads_the_same_through_reflex(upstream: ScriptedUpstream, reflex: str) -> None:
    rows = play(upstream, "openai_embeddings")
    direct = openai.OpenAI(base_url=upstream.url, api_key=KEY, max_retries=0)
    through = openai.OpenAI(base_url=reflex, api_key=KEY, max_retries=0)
    hits = 0
    for number, row, request in rows:
        wanted = _embed(direct, request)
        before = upstream.calls
        assert _embed(through, request) == wanted, number
        assert _embed(through, request) == wanted, number
        stored = row["status"] == 200
        assert upstream.calls == before + (1 if stored else 2), number
        hits += stored
    assert hits == sum(row["status"] == 200 for _, row, _ in rows) > 15


def _embed(client: openai.OpenAI, request: dict[str, Any]) -> Any:
    """What the SDK makes of the answer; it asks for base64 itself where nothing else is asked for."""
    named = {name: request[name] for name in ("model", "input")}
    named |= {"encoding_format": request.get("encoding_format", "float")}
    extra = {name: value for name, value in request.items() if name not in named}
    try:
        return client.embeddings.create(**named, extra_body=extra).model_dump(warnings=False)
    except openai.APIStatusError as error:
        return ("status", error.status_code, error.body)


def test_completions_read_the_same_in_either_form(upstream: ScriptedUpstream, reflex: str) -> None:
    envelope = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    whole = {"index": 0, "text": "a time", "logprobs": None, "finish_reason": "stop"}

    def answer(seen: Seen) -> Reply:
        if not json.loads(seen.body).get("stream"):
            body = {**envelope, "choices": [whole], "usage": usage}
            return Reply(body=json.dumps(body).encode())
        pieces = [{**whole, "text": "a ", "finish_reason": None}, {**whole, "text": "time"}]
        chunks = [
            *({**envelope, "choices": [piece]} for piece in pieces),
            {**envelope, "choices": [], "usage": usage},
        ]
        lines = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks]
        return Reply(headers=[("content-type", "text/event-stream")], body=[*lines, b"data: [DONE]\n\n"])

    upstream.script = answer
    asked: dict[str, Any] = {"model": "m", "prompt": "Once upon"}
    streaming: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    with warnings.catch_warnings(action="ignore"), openai.OpenAI(base_url=reflex, api_key=KEY) as client:
        for first, prompt in (({}, "a"), (streaming, "b")):
            for form in (first, first, {}, streaming):
                answered = client.completions.create(**{**asked, "prompt": prompt}, **form)
                chunks = list(answered) if form else [answered]
                assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == "a time"
                assert chunks[-1].usage.to_dict() == usage
    assert upstream.calls == 2


pytestmark = pytest.mark.slow
