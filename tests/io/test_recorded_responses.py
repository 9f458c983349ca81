"""Recorded traffic of the OpenAI responses wire, replayed byte for byte, seen through the official SDK.

For every recorded success the SDK must parse the same from upstream directly, from a miss through Reflex, and from
exact hits in the form that was recorded and in the other; a stream's final response is the SDK's own work.
"""

import json
import warnings
from typing import Any

import openai
import pytest

from support.recorded import play, without_nulls
from support.upstream import ScriptedUpstream

KEY = "sk-direct-0123456789abcdef"


def test_every_recorded_exchange_reads_the_same_through_reflex(upstream: ScriptedUpstream, reflex: str) -> None:
    rows = play(upstream, "openai_responses")
    direct = openai.OpenAI(base_url=upstream.url, api_key=KEY, max_retries=0)
    through = openai.OpenAI(base_url=reflex, api_key=KEY, max_retries=0)
    hits, streams = 0, 0
    for number, row, request in rows:
        stream = bool(row["sse"])
        wanted = _ask(direct, request, stream=stream)
        before = upstream.calls
        assert _ask(through, request, stream=stream) == wanted, number
        assert upstream.calls == before + 1
        assert _ask(through, request, stream=stream) == wanted, number
        assert (upstream.calls == before + 1) is _is_storable(row), number
        if not _is_storable(row):
            continue
        hits, streams = hits + 1, streams + stream
        final = wanted[-1]["response"] if stream else wanted
        before = upstream.calls
        other = _ask(through, request, stream=False) if stream else _final(through, request)
        assert without_nulls(other) == without_nulls(final), number
        assert upstream.calls == before, number
    assert hits == sum(_is_storable(row) for _, row, _ in rows) > 260
    assert streams > 30


def _ask(client: openai.OpenAI, request: dict[str, Any], *, stream: bool) -> Any:
    """What the SDK makes of the answer, as plain data, errors included."""
    try:
        with warnings.catch_warnings(action="ignore"):
            answer = client.responses.create(**_arguments(request), stream=stream)
        if isinstance(answer, openai.Stream):
            return [event.model_dump(exclude_unset=True, warnings=False) for event in answer]
        return answer.model_dump(exclude_unset=True, warnings=False)
    except openai.APIStatusError as error:
        return ("status", error.status_code, error.body)


def _final(client: openai.OpenAI, request: dict[str, Any]) -> Any:
    """The response that the SDK's streaming helper ends with, having followed every event."""
    named = _arguments(request)
    with warnings.catch_warnings(action="ignore"), client.responses.stream(**named) as stream:
        for _ in stream:
            pass
        return stream.get_final_response().model_dump(exclude_unset=True, warnings=False)


def _arguments(request: dict[str, Any]) -> dict[str, Any]:
    named = {name: request[name] for name in ("model", "input")}
    extra = {name: value for name, value in request.items() if name not in named and name != "stream"}
    return {**named, "extra_body": extra}


def _is_storable(row: dict[str, Any]) -> bool:
    """Read off the recording itself, by the design's words, not by Reflex's code."""
    request = json.loads(row["request_body"])
    hosted = any(tool.get("type") == "mcp" for tool in request.get("tools") or [])
    if row["status"] != 200 or request.get("background") or request.get("conversation") or hosted:
        return False
    if row["sse"]:
        lines = [line for line in row["response_body"].splitlines() if line.startswith("data: {")]
        ends = [event for line in lines if (event := json.loads(line[5:]))["type"] == "response.completed"]
        response = ends[-1]["response"] if ends else {}
    else:
        response = json.loads(row["response_body"])
    kept_there = any(item.get("container_id") for item in response.get("output") or [])
    return response.get("status") == "completed" and response.get("error") is None and not kept_there


pytestmark = pytest.mark.slow
