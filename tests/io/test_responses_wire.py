"""The OpenAI responses wire through the real daemon: as Codex speaks it, coded, broken, and asked for at once."""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import openai
import pytest

from support.upstream import Cut, Reply, ScriptedUpstream, Seen

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

KEY = "sk-proj-0123456789abcdef"
TEXT = {"type": "output_text", "text": "Grüezi", "annotations": []}
ITEM = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [TEXT]}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "status": "completed",
    "error": None,
    "model": "gpt-5",
    "output": [ITEM],
    "usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12},
}
SSE = [("content-type", "text/event-stream")]
EVENTS: list[dict[str, Any]] = [
    {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": [], "usage": None}},
    {"type": "response.output_item.added", "output_index": 0, "item": {**ITEM, "content": []}},
    {"type": "response.output_item.done", "output_index": 0, "item": ITEM},
    {"type": "response.completed", "response": RESPONSE},
]


def lines(events: list[dict[str, Any]]) -> list[bytes]:
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]


def answer(seen: Seen) -> Reply:
    body = zstd.decompress(seen.body) if seen.header("content-encoding") == "zstd" else seen.body
    if json.loads(body).get("stream"):
        return Reply(headers=SSE, body=lines(EVENTS))
    return Reply(body=json.dumps(RESPONSE).encode())


def codex(run: str, **changed: Any) -> dict[str, Any]:
    """A second turn as Codex sends it: all that it draws anew for each run is made of ``run``."""
    head = f"Chunk ID: {run * 6}\nWall time: 0.{run} seconds\nProcess exited with code 0\nOutput:\n"
    call = {"type": "function_call", "id": f"fc_{run}", "call_id": f"call_{run}", "name": "shell", "arguments": "{}"}
    output = {"type": "function_call_output", "id": f"fco_{run}", "call_id": f"call_{run}", "output": head + "hi\n"}
    typed = {"type": "input_text", "text": "run echo"}
    return {
        "model": "gpt-5",
        "stream": True,
        "store": False,
        "input": [{"type": "message", "id": f"msg_{run}", "role": "user", "content": [typed]}, call, output],
        "prompt_cache_key": run,
        "client_metadata": {"turn_id": run},
        **changed,
    }


def sent(reflex: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
    agent = {"user-agent": "codex_exec/0.169.0", "authorization": f"Bearer {KEY}", "session-id": str(body)[:9]}
    return httpx2.post(f"{reflex}/responses", json=body, headers={**agent, **headers})


def test_codex_hits_after_a_command(reflex: str, upstream: ScriptedUpstream) -> None:
    upstream.script = answer
    statuses = [sent(reflex, codex(run)).headers["x-reflex-status"] for run in ("1", "2", "3")]
    assert statuses == ["miss", "hit-l1-exact", "hit-l1-exact"]
    assert json.loads(upstream.seen[0].body) == codex("1")  # what is forwarded is what came
    other = codex("4")
    other["input"][2]["output"] += "more\n"
    assert sent(reflex, other).headers["x-reflex-status"] == "miss"
    unknown = sent(reflex, codex("5"), **{"user-agent": "curl/8"})
    assert unknown.headers["x-reflex-status"] == "miss"  # nobody's lines are scrubbed but the agent's own


def test_requests_that_come_compressed_are_compared_and_forwarded_as_they_came(
    reflex: str, upstream: ScriptedUpstream
) -> None:
    upstream.script = answer
    coded = zstd.compress(json.dumps(codex("1")).encode())
    headers = {
        "user-agent": "codex_exec/0.169.0",
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
    }
    for expected in ("miss", "hit-l1-exact"):
        told = httpx2.post(f"{reflex}/responses", content=coded, headers={**headers, "content-encoding": "zstd"})
        assert told.headers["x-reflex-status"] == expected
    assert sent(reflex, codex("2")).headers["x-reflex-status"] == "hit-l1-exact"
    assert upstream.seen[0].body == coded


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param([Cut], id="cut"),
        pytest.param(lines([{"type": "error", "code": "server_error", "message": "m"}]), id="error event"),
        pytest.param(lines([{"type": "response.failed", "response": {**RESPONSE, "status": "failed"}}]), id="failed"),
        pytest.param([], id="just ended"),
    ],
)
def test_a_broken_stream_reaches_the_client_and_is_never_stored(
    reflex: str, upstream: ScriptedUpstream, ending: list[Any]
) -> None:
    upstream.script = lambda seen: Reply(headers=SSE, body=[*lines(EVENTS[:2]), *ending])
    told = []
    for url in (upstream.url, reflex, reflex):
        events: list[Any] = []
        error: Any = None
        with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0) as client:
            try:
                for event in client.responses.create(model="m", input="hi", stream=True):
                    events.append(event.to_dict())  # noqa: PERF401 - those before the break count
            except Exception as caught:
                error = (type(caught), getattr(caught, "body", None))
        told.append((events, error))
    assert told[0] == told[1] == told[2]
    assert upstream.calls == 3


def test_what_has_state_at_the_provider_is_never_read_nor_stored(reflex: str, upstream: ScriptedUpstream) -> None:
    upstream.script = answer
    with openai.OpenAI(base_url=reflex, api_key=KEY, max_retries=0) as client:
        for asked in ({"conversation": "conv_1"}, {"background": True}, {"tools": [{"type": "mcp"}]}):
            for _ in range(2):
                raw = client.responses.with_raw_response.create(model="m", input="hi", **asked)  # type: ignore[call-overload]
                assert raw.headers["x-reflex-status"] == "bypass"
        chained = [
            client.responses.with_raw_response.create(model="m", input="hi", previous_response_id=earlier)
            for earlier in ("resp_1", "resp_1", "resp_2")
        ]
    assert [raw.headers["x-reflex-status"] for raw in chained] == ["miss", "hit-l1-exact", "miss"]


def test_both_forms_at_once_are_one_call(reflex: str, upstream: ScriptedUpstream) -> None:
    """Followers of the same form read along; those of the other wait for the end and get it turned."""
    began, go_on = threading.Event(), threading.Event()

    def script(seen: Seen) -> Reply:
        began.set()
        first, *rest = lines(EVENTS)
        return Reply(headers=SSE, body=[first, go_on, *rest])

    upstream.script = script
    with ThreadPoolExecutor(8) as pool, openai.OpenAI(base_url=reflex, api_key=KEY, max_retries=0) as client:

        def streamed() -> str:
            with client.responses.stream(model="m", input="hi") as stream:
                return stream.get_final_response().output_text

        def whole() -> str:
            return client.responses.create(model="m", input="hi").output_text

        leader = pool.submit(streamed)
        assert began.wait(10)
        joined = [pool.submit(ask) for ask in (streamed, whole, streamed, whole)]
        threading.Event().wait(0.5)
        go_on.set()
        assert [future.result(20) for future in (leader, *joined)] == ["Grüezi"] * 5
    assert upstream.calls == 1
