"""Recorded Anthropic traffic, replayed byte for byte, seen through the official SDK.

For every recorded success the SDK must parse the same from upstream directly, from a miss through Reflex, and from
exact hits in the form that was recorded and in the other; a stream's final message is the SDK's own work.
"""

import json
import warnings
from typing import Any

import anthropic
import pytest

from support.recorded import play, without_nulls
from support.upstream import ScriptedUpstream

KEY = "sk-ant-api03-0123456789abcdef"


def test_every_recorded_exchange_reads_the_same_through_reflex(upstream: ScriptedUpstream, reflex: str) -> None:
    rows = play(upstream, "anthropic_messages")
    direct = anthropic.Anthropic(base_url=upstream.url.removesuffix("/v1"), api_key=KEY, max_retries=0)
    through = anthropic.Anthropic(base_url=reflex.removesuffix("/v1"), api_key=KEY, max_retries=0)
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
        final = _final(direct, request) if stream else wanted
        before = upstream.calls
        other = _ask(through, request, stream=False) if stream else _final(through, request)
        assert without_nulls(other) == without_nulls(final), number
        assert upstream.calls == before, number
    assert hits == sum(_is_storable(row) for _, row, _ in rows) > 260
    assert streams > 10


def _ask(client: anthropic.Anthropic, request: dict[str, Any], *, stream: bool) -> Any:
    """What the SDK makes of the answer, as plain data, errors included."""
    try:
        with warnings.catch_warnings(action="ignore"):  # some recorded models are deprecated
            answer = client.beta.messages.create(**_arguments(request), stream=stream)
        if isinstance(answer, anthropic.Stream):
            return [event.model_dump(exclude_unset=True, warnings=False) for event in answer]
        return answer.model_dump(exclude_unset=True, warnings=False)
    except anthropic.APIStatusError as error:
        return ("status", error.status_code, error.body)


def _final(client: anthropic.Anthropic, request: dict[str, Any]) -> Any:
    """The message that the SDK puts together from a stream."""
    with warnings.catch_warnings(action="ignore"), client.beta.messages.stream(**_arguments(request)) as stream:
        return stream.get_final_message().model_dump(exclude_unset=True, warnings=False)


def _arguments(request: dict[str, Any]) -> dict[str, Any]:
    named = {name: request[name] for name in ("model", "messages", "max_tokens")}
    extra = {name: value for name, value in request.items() if name not in named and name != "stream"}
    return {**named, "extra_body": extra, "timeout": 60}


def _is_storable(row: dict[str, Any]) -> bool:
    """Read off the recording itself, by the design's words, not by Reflex's code."""
    request = json.loads(row["request_body"])
    if row["status"] != 200 or request.get("container") or request.get("mcp_servers"):
        return False
    if not row["sse"]:
        message = json.loads(row["response_body"])
        return isinstance(message["stop_reason"], str) and message.get("container") is None
    events = [json.loads(line[5:]) for line in row["response_body"].splitlines() if line.startswith("data:")]
    ends = [event["delta"] for event in events if event["type"] == "message_delta"]
    whole = events[-1]["type"] == "message_stop" and not any(event["type"] == "error" for event in events)
    return whole and isinstance(ends[-1]["stop_reason"], str) and ends[-1].get("container") is None


pytestmark = pytest.mark.slow
