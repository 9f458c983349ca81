"""Chat completions as a provider gives them: one scripted upstream for SDKs of any language.

What it answers hangs on the request alone, in the form that was asked for, so that what an SDK makes of it can be
compared: directly, through a miss, and from hits in either form.
"""

import json
from typing import Any

from support.upstream import Reply, Seen

STREAM_HEADERS = [
    ("content-type", "text/event-stream; charset=utf-8"),
    ("x-request-id", "req_chat"),
    ("openai-version", "2020-10-01"),
    ("x-ratelimit-remaining-requests", "99"),
    ("set-cookie", "moment=1"),
]
BODY_HEADERS = [("content-type", "application/json"), *STREAM_HEADERS[1:]]

USAGE = {
    "prompt_tokens": 12,
    "completion_tokens": 7,
    "total_tokens": 19,
    "prompt_tokens_details": {"cached_tokens": 4},
}
_ENVELOPE = {"id": "chatcmpl-1", "created": 1700000000, "model": "gpt-4o-2024-08-06", "system_fingerprint": "fp_1"}


def answer(seen: Seen) -> Reply:
    """`Script` of a `ScriptedUpstream`."""
    asked = json.loads(seen.body)
    if not isinstance(asked, dict) or not seen.target.endswith("/chat/completions"):
        return Reply(404, body=b'{"error":{"message":"not here","type":"invalid_request_error"}}')
    messages = [_message(asked, index) for index in range(asked.get("n") or 1)]
    if not asked.get("stream"):
        choices = [_choice(asked, index, message=message) for index, message in enumerate(messages)]
        completion = {**_ENVELOPE, "object": "chat.completion", "choices": choices, "usage": USAGE}
        return Reply(headers=BODY_HEADERS, body=json.dumps(completion).encode())
    with_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
    lines = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in _chunks(asked, messages, with_usage=with_usage)]
    return Reply(headers=STREAM_HEADERS, body=[*lines, b"data: [DONE]\n\n"])


def _message(asked: dict[str, Any], index: int) -> dict[str, Any]:
    if asked.get("tools"):
        calls = [
            {
                "id": f"call_{index}{place}",
                "type": "function",
                "function": {
                    "name": tool["function"]["name"],
                    "arguments": json.dumps({"city": "Zürich", "n": place}),
                },
            }
            for place, tool in enumerate(asked["tools"])
        ]
        return {"role": "assistant", "content": None, "refusal": None, "tool_calls": calls}
    if asked.get("response_format"):
        return {"role": "assistant", "content": json.dumps({"city": "Bern", "people": 134}), "refusal": None}
    return {"role": "assistant", "content": f"Grüezi, says choice {index}.", "refusal": None}


def _choice(asked: dict[str, Any], index: int, **more: Any) -> dict[str, Any]:
    reason = "tool_calls" if asked.get("tools") else "stop"
    logprobs = None
    if asked.get("logprobs"):
        logprobs = {"content": [_logprob(word) for word in _words(more["message"]["content"])], "refusal": None}
    return {"index": index, **more, "logprobs": logprobs, "finish_reason": reason}


def _logprob(word: str) -> dict[str, Any]:
    return {"token": word, "logprob": -0.25, "bytes": list(word.encode()), "top_logprobs": []}


def _words(text: str) -> list[str]:
    return [text[start : start + 6] for start in range(0, len(text), 6)]


def _chunks(asked: dict[str, Any], messages: list[dict[str, Any]], *, with_usage: bool) -> list[dict[str, Any]]:
    """As OpenAI does it: the choices take turns, and with usage every chunk but the last says null."""
    envelope = {**_ENVELOPE, "object": "chat.completion.chunk", **({"usage": None} if with_usage else {})}
    deltas: list[tuple[int, dict[str, Any], Any, str | None]] = []
    for index, message in enumerate(messages):
        calls = message.get("tool_calls")
        begin = {"role": "assistant", "content": None if calls else "", "refusal": None}
        deltas.append((index, begin, None, None))
        for place, call in enumerate(calls or []):
            function = call["function"]
            opened = {**call, "index": place, "function": {"name": function["name"], "arguments": ""}}
            deltas.append((index, {"tool_calls": [opened]}, None, None))
            deltas += [
                (index, {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}, None, None)
                for piece in _words(function["arguments"])
            ]
        for word in _words(message["content"] or ""):
            logprobs = {"content": [_logprob(word)], "refusal": None} if asked.get("logprobs") else None
            deltas.append((index, {"content": word}, logprobs, None))
        deltas.append((index, {}, None, "tool_calls" if calls else "stop"))
    chunks = [
        {**envelope, "choices": [{"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}]}
        for index, delta, logprobs, reason in deltas
    ]
    return [*chunks, {**envelope, "choices": [], "usage": USAGE}] if with_usage else chunks
