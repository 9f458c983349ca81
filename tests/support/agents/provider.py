"""A scripted provider for real agents: it has their shell tool called once, then says something never said before.

Where it is asked for an edit it says one in words, in the format that it was asked for, as Aider reads them.

It speaks chat completions, OpenAI responses, Anthropic messages and Gemini's, as streams and as bodies, by hand, so
that it shares no code with what is tested. Every id and every final text is drawn anew: an agent that is told the
same twice was answered from the cache.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from support.upstream import Reply, Seen

COMMAND = "echo reflex-probe"

EDITED = "greet.py"
BEFORE = 'def greet(name):\n    return f"Hello, {name}."\n'
"""The file that is edited, before it is."""

_EDITS = {
    "diff": (
        'greet.py\n```python\n<<<<<<< SEARCH\n    return f"Hello, {name}."\n=======\n'
        '    return f"Answer DRAWN to {name}."\n>>>>>>> REPLACE\n```\n'
    ),
    "whole": 'greet.py\n```\ndef greet(name):\n    return f"Answer DRAWN to {name}."\n```\n',
    "udiff": (
        "```diff\n--- greet.py\n+++ greet.py\n@@ ... @@\n def greet(name):\n"
        '-    return f"Hello, {name}."\n+    return f"Answer DRAWN to {name}."\n```\n'
    ),
}
"""Aider's formats, in each of which the same edit is said."""


def edit_prompt(kind: str) -> str:
    return f"greet otherwise, told as {kind} please"


def after(drawn: str) -> str:
    """The file once it was edited."""
    return BEFORE.replace("Hello,", f"Answer {drawn} to")


_INPUTS: dict[str, dict[str, Any]] = {
    "Bash": {"command": COMMAND, "description": "probe"},
    "bash": {"command": COMMAND, "description": "probe"},
    "exec_command": {"cmd": COMMAND},
    "run_shell_command": {"command": COMMAND, "description": "probe", "is_background": False},
    "run_commands": {"commands": [COMMAND]},
}
"""The agents' shell tools, and how each is called."""

_PROGRAM = f"text(await tools.exec_command({json.dumps({'cmd': COMMAND})}))"

Json = dict[str, Any]


def answer(seen: Seen) -> Reply:
    path = urlsplit(seen.target).path
    if seen.method != "POST":
        return Reply(200, body=json.dumps({"object": "list", "data": []}).encode())
    asked = json.loads(seen.body)
    if path.endswith("/count_tokens"):
        return _body({"input_tokens": 42})
    if path.endswith("/chat/completions"):
        return _chat(asked)
    if path.endswith("/messages"):
        return _messages(asked)
    if path.endswith("/responses"):
        return _responses(asked)
    if path.endswith(":streamGenerateContent"):
        return _gemini(asked, streamed=True)
    if path.endswith(":generateContent"):
        return _gemini(asked, streamed=False)
    return Reply(404, body=b'{"error": {"message": "no such path", "type": "invalid_request_error"}}')


def _drawn(prefix: str = "") -> str:
    return prefix + uuid.uuid4().hex[:24]


def _said(asked: Json) -> str:
    text = f"Answer {_drawn()}."
    for kind, edit in _EDITS.items():
        if edit_prompt(kind) in json.dumps(asked):
            return f"{text}\n\n{edit.replace('DRAWN', _drawn())}"
    wanted = json.dumps(asked.get("output_config") or asked.get("response_format") or asked.get("text") or "")
    return json.dumps({"title": text}) if '"title"' in wanted else text


def _tool(names: list[str], asked: Json, done: str) -> str | None:
    """The shell tool to call; None once a result is there, or where none is offered."""
    if re.search(done, json.dumps(asked)):
        return None
    return next((name for name in names if name in _INPUTS), None)


def _body(value: Json) -> Reply:
    return Reply(
        200, [("content-type", "application/json"), ("x-request-id", _drawn("req_"))], json.dumps(value).encode()
    )


def _stream(events: Iterator[bytes]) -> Reply:
    return Reply(200, [("content-type", "text/event-stream"), ("x-request-id", _drawn("req_"))], events)


def _data(value: Json, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"


def _chat(asked: Json) -> Reply:
    tool = _tool([tool["function"]["name"] for tool in asked.get("tools") or []], asked, r'"role": "tool"')
    head = {"id": _drawn("chatcmpl-"), "object": "chat.completion.chunk", "created": 1, "model": asked["model"]}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    message: Json = {"role": "assistant", "content": None if tool else _said(asked)}
    if tool is not None:
        function = {"name": tool, "arguments": json.dumps(_INPUTS[tool])}
        message["tool_calls"] = [{"id": _drawn("call_"), "type": "function", "function": function}]
    finish = "tool_calls" if tool else "stop"
    if not asked.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        return _body({**head, "object": "chat.completion", "choices": [choice], "usage": usage})

    def events() -> Iterator[bytes]:
        yield _data({**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        for delta in _chat_deltas(message):
            yield _data({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        yield _data({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if (asked.get("stream_options") or {}).get("include_usage"):
            yield _data({**head, "choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"

    return _stream(events())


def _chat_deltas(message: Json) -> Iterator[Json]:
    for call in message.get("tool_calls", []):
        arguments = call["function"]["arguments"]
        yield {"tool_calls": [{"index": 0, **call, "function": {**call["function"], "arguments": ""}}]}
        for piece in _pieces(arguments):
            yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
    for piece in _pieces(message["content"] or ""):
        yield {"content": piece}


def _pieces(text: str, size: int = 7) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def _messages(asked: Json) -> Reply:
    tool = _tool([tool["name"] for tool in asked.get("tools") or []], asked, r'"type": "tool_result"')
    blocks: list[Json] = [{"type": "text", "text": _said(asked)}]
    if (asked.get("thinking") or {}).get("type") in ("adaptive", "enabled"):
        blocks.insert(0, {"type": "thinking", "thinking": "Hm.", "signature": _drawn()})
    if tool is not None:
        blocks.append({"type": "tool_use", "id": _drawn("toolu_01"), "name": tool, "input": _INPUTS[tool]})
    whole = {
        "id": _drawn("msg_01"),
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": blocks,
        "stop_reason": "tool_use" if tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }
    return _stream(_messages_events(whole)) if asked.get("stream") else _body(whole)


def _messages_events(whole: Json) -> Iterator[bytes]:
    def event(kind: str, **fields: Any) -> bytes:
        return _data({"type": kind, **fields}, kind)

    yield event("message_start", message={**whole, "content": [], "stop_reason": None})
    yield event("ping")
    for index, block in enumerate(whole["content"]):
        match block["type"]:
            case "text":
                start, deltas = (
                    {"type": "text", "text": ""},
                    [{"type": "text_delta", "text": x} for x in _pieces(block["text"])],
                )
            case "thinking":
                start = {"type": "thinking", "thinking": "", "signature": ""}
                deltas = [{"type": "thinking_delta", "thinking": block["thinking"]}]
                deltas.append({"type": "signature_delta", "signature": block["signature"]})
            case _:
                start = {**block, "input": {}}
                said = json.dumps(block["input"])
                deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *_pieces(said))]
        yield event("content_block_start", index=index, content_block=start)
        for delta in deltas:
            yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield event("message_delta", delta=delta, usage={"output_tokens": 5})
    yield event("message_stop")


def _responses(asked: Json) -> Reply:
    names = [tool.get("name", "") for tool in asked.get("tools") or []]
    tool = _tool(
        names, asked["input"] if isinstance(asked["input"], dict) else {"input": asked["input"]}, r'_call_output"'
    )
    item: Json
    if '"additional_tools"' in json.dumps(asked["input"]) and '_call_output"' not in json.dumps(asked["input"]):
        # Codex's own models get a tool that runs programs, in which its shell is a function.
        item = {"type": "custom_tool_call", "id": _drawn("ctc_"), "call_id": _drawn("call_"), "name": "exec"}
        item |= {"namespace": "functions", "input": _PROGRAM, "status": "completed"}
    elif tool is not None:
        item = {"type": "function_call", "id": _drawn("fc_"), "call_id": _drawn("call_"), "name": tool}
        item |= {"arguments": json.dumps(_INPUTS[tool]), "status": "completed"}
    else:
        part = {"type": "output_text", "text": _said(asked), "annotations": [], "logprobs": []}
        item = {
            "type": "message",
            "id": _drawn("msg_"),
            "role": "assistant",
            "status": "completed",
            "content": [part],
        }
    reasoning = {"type": "reasoning", "id": _drawn("rs_"), "summary": [], "encrypted_content": _drawn()}
    output = [reasoning, item] if asked.get("include") else [item]
    whole = {
        "id": _drawn("resp_"),
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": asked["model"],
        "output": output,
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "tools": [],
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "total_tokens": 15,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }
    return _stream(_responses_events(whole)) if asked.get("stream") else _body(whole)


def _responses_events(whole: Json) -> Iterator[bytes]:
    number = iter(range(10_000))

    def event(kind: str, **fields: Any) -> bytes:
        return _data({"type": kind, "sequence_number": next(number), **fields}, kind)

    begun = {**whole, "status": "in_progress", "output": []}
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for index, item in enumerate(whole["output"]):
        place = {"output_index": index, "item_id": item["id"]}
        match item["type"]:
            case "message":
                text = item["content"][0]["text"]
                empty = {**item["content"][0], "text": ""}
                yield event("response.output_item.added", output_index=index, item={**item, "content": []})
                yield event("response.content_part.added", **place, content_index=0, part=empty)
                for piece in _pieces(text):
                    yield event("response.output_text.delta", **place, content_index=0, delta=piece, logprobs=[])
                yield event("response.output_text.done", **place, content_index=0, text=text, logprobs=[])
                yield event("response.content_part.done", **place, content_index=0, part=item["content"][0])
            case "function_call":
                yield event("response.output_item.added", output_index=index, item={**item, "arguments": ""})
                for piece in _pieces(item["arguments"]):
                    yield event("response.function_call_arguments.delta", **place, delta=piece)
                yield event("response.function_call_arguments.done", **place, arguments=item["arguments"])
            case "custom_tool_call":
                yield event("response.output_item.added", output_index=index, item={**item, "input": ""})
                for piece in _pieces(item["input"]):
                    yield event("response.custom_tool_call_input.delta", **place, delta=piece)
                yield event("response.custom_tool_call_input.done", **place, input=item["input"])
            case _:
                yield event("response.output_item.added", output_index=index, item={**item, "encrypted_content": ""})
        yield event("response.output_item.done", output_index=index, item=item)
    yield event("response.completed", response=whole)


def _gemini(asked: Json, *, streamed: bool) -> Reply:
    names = [one["name"] for tool in asked.get("tools") or [] for one in tool.get("functionDeclarations", [])]
    tool = _tool(names, asked, r'"functionResponse"')
    part: Json = {"functionCall": {"name": tool, "args": _INPUTS[tool]}} if tool else {"text": _said(asked)}
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}

    def chunk(parts: list[Json], finish: str | None = None) -> Json:
        candidate: Json = {"content": {"role": "model", "parts": parts}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini", "responseId": _drawn()}

    if not streamed:
        return _body(chunk([part], "STOP"))
    return _stream(iter([_data(chunk([part])), _data(chunk([{"text": ""}], "STOP"))]))


Script = Callable[[Seen], Reply]
