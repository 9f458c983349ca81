"""Recorded provider traffic, replayed byte for byte, seen through the official SDK.

For every recorded success the SDK must parse the same from upstream directly, from a miss through Reflex, and from
exact hits in the form that was recorded and in the other.
"""

import json
from typing import Any

import openai
import pytest

from support.shared import shared_rows
from support.upstream import Reply, ScriptedUpstream, Seen

MISSING: dict[str, Any] = {}


def test_every_recorded_exchange_reads_the_same_through_reflex(upstream: ScriptedUpstream, reflex: str) -> None:
    rows = shared_rows("recorded/openai_chat.jsonl.gz")
    by_body: dict[bytes, dict[str, Any]] = {}
    upstream.script = lambda seen: _recorded(by_body[_marker(seen)])
    direct = openai.OpenAI(base_url=upstream.url, api_key="sk-direct-0123456789abcdef", max_retries=0)
    through = openai.OpenAI(base_url=reflex, api_key="sk-direct-0123456789abcdef", max_retries=0)
    hits = 0
    for number, row in enumerate(rows):
        request = {**json.loads(row["request_body"]), "reflex_test_row": number}
        by_body[str(number).encode()] = row
        stream = bool(row["sse"])
        wanted = _ask(direct, request, stream=stream)
        before = upstream.calls
        assert _ask(through, request, stream=stream) == wanted, number
        assert upstream.calls == before + 1
        again = _ask(through, request, stream=stream)
        assert again == wanted, number
        if upstream.calls == before + 1:
            hits += 1
            _compare_other_form(through, upstream, request, wanted, stream=stream, number=number)
        else:
            assert not _is_storable(row), number
    assert hits == sum(_is_storable(row) for row in rows)
    assert hits > 400


def _compare_other_form(
    client: openai.OpenAI,
    upstream: ScriptedUpstream,
    request: dict[str, Any],
    wanted: Any,
    *,
    stream: bool,
    number: int,
) -> None:
    """The entry in the form that was not recorded, wherever it has what that form shows."""
    before = upstream.calls
    if stream:
        if not any(chunk.get("usage") for chunk in wanted):
            return  # a body shows usage, this stream has none: Reflex rightly asks again
        body = _ask(client, request, stream=False)
        assert _essence_of_body(body) == _essence_of_stream(wanted), number
    else:
        chunks = _ask(client, {**request, "stream_options": {"include_usage": True}}, stream=True)
        assert _essence_of_stream(chunks) == _essence_of_body(wanted), number
    assert upstream.calls == before, number


def _ask(client: openai.OpenAI, request: dict[str, Any], *, stream: bool) -> Any:
    """What the SDK makes of the answer, as plain data, errors included."""
    body = {name: value for name, value in request.items() if name != "stream"}
    extra = {name: body.pop(name) for name in list(body) if name not in ("model", "messages")}
    try:
        if stream:
            chunks = client.chat.completions.create(
                model=body["model"], messages=body["messages"], stream=True, extra_body=extra
            )
            return [chunk.model_dump(exclude_unset=True, warnings=False) for chunk in chunks]
        answer = client.chat.completions.create(model=body["model"], messages=body["messages"], extra_body=extra)
        return answer if isinstance(answer, str) else answer.model_dump(exclude_unset=True, warnings=False)
    except openai.APIStatusError as error:
        return ("status", error.status_code, error.body)
    except openai.APIError as error:
        return ("error", str(error), error.body)


def _essence_of_body(completion: dict[str, Any]) -> Any:
    """What an application uses, the same from either form."""
    return {
        "id": completion.get("id"),
        "model": completion.get("model"),
        "usage": completion.get("usage"),
        "choices": [
            {
                "index": choice.get("index"),
                "finish": choice.get("finish_reason"),
                "logprobs": choice.get("logprobs") or None,
                **_message_essence(choice.get("message") or {}),
            }
            for choice in completion["choices"]
        ],
    }


def _message_essence(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "text": message.get("content") or "",
        "refusal": message.get("refusal") or "",
        "thought": (message.get("reasoning") or "") + (message.get("reasoning_content") or ""),
        "calls": [
            (
                call.get("id") or "",
                (call.get("function") or {}).get("name"),
                (call.get("function") or {}).get("arguments") or "",
            )
            for call in message.get("tool_calls") or []
        ],
        "annotations": message.get("annotations") or [],
    }


def _essence_of_stream(chunks: list[dict[str, Any]]) -> Any:
    """An accumulator written for this test alone."""
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for piece in chunk.get("choices") or []:
            choice = choices.setdefault(
                piece["index"], {"finish": None, "logprobs": None, "message": {"tool_calls": {}, "annotations": []}}
            )
            choice["finish"] = (
                piece.get("finish_reason") if piece.get("finish_reason") is not None else choice["finish"]
            )
            choice["logprobs"] = piece.get("logprobs") or choice["logprobs"]
            delta, message = piece.get("delta") or {}, choice["message"]
            for name in ("content", "refusal", "reasoning", "reasoning_content"):
                said = delta.get(name)
                if said:  # Mistral sends lists of parts
                    message[name] = (message.get(name) or type(said)()) + said
            message["annotations"] += delta.get("annotations") or []
            for call in delta.get("tool_calls") or []:
                whole = message["tool_calls"].setdefault(call["index"], {"id": "", "name": "", "arguments": ""})
                whole["id"] = call.get("id") or whole["id"]
                function = call.get("function") or {}
                whole["name"] = function.get("name") or whole["name"]
                whole["arguments"] += function.get("arguments") or ""
    first = chunks[0]
    return {
        "id": first.get("id"),
        "model": first.get("model"),
        "usage": usage,
        "choices": [
            {
                "index": index,
                "finish": choice["finish"],
                "logprobs": choice["logprobs"],
                **_message_essence(
                    {
                        **choice["message"],
                        "tool_calls": [
                            {"id": call["id"], "function": {"name": call["name"], "arguments": call["arguments"]}}
                            for _, call in sorted(choice["message"]["tool_calls"].items())
                        ],
                    }
                ),
            }
            for index, choice in sorted(choices.items())
        ],
    }


def _marker(seen: Seen) -> bytes:
    return str(json.loads(seen.body)["reflex_test_row"]).encode()


def _recorded(row: dict[str, Any]) -> Reply:
    skipped = ("content-length", "transfer-encoding", "content-encoding")
    headers = [(name, value) for name, value in row["response_headers"].items() if name.lower() not in skipped]
    body = row["response_body"].encode()
    if not row["sse"]:
        return Reply(row["status"], headers, body)
    pieces = [body[start : start + 301] for start in range(0, len(body), 301)]
    return Reply(row["status"], headers, pieces)


def _is_storable(row: dict[str, Any]) -> bool:
    """Read off the recording itself, by the design's words, not by Reflex's code."""
    body = row["response_body"]
    if row["status"] != 200:
        return False
    if not row["sse"]:
        try:
            choices = json.loads(body).get("choices")
        except ValueError:
            return False
        reasons = [choice.get("finish_reason") for choice in choices or []]
        return bool(reasons) and all(isinstance(r, str) and r != "content_filter" for r in reasons)
    chunks = [json.loads(line[5:]) for line in body.splitlines() if line.startswith("data:") and "[DONE]" not in line]
    reasons_by_index: dict[int, Any] = {}
    for chunk in chunks:
        for choice in chunk.get("choices") or []:
            reasons_by_index[choice["index"]] = choice.get("finish_reason") or reasons_by_index.get(choice["index"])
    clean = not any(chunk.get("error") for chunk in chunks) and "event: error" not in body
    return clean and "[DONE]" in body and bool(reasons_by_index) and all(reasons_by_index.values())


pytestmark = pytest.mark.slow
