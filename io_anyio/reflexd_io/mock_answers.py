"""What the mock provider says, by dialect: functions of the request, but for ids and the time.

It never pretends to be a model. Where tools are offered it calls the first, until a result came.
"""

import base64
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from blake3 import blake3

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects.chat import CHAT
from reflexd_core.dialects.completions import COMPLETIONS
from reflexd_core.dialects.count_tokens import COUNT_TOKENS
from reflexd_core.dialects.embeddings import EMBEDDINGS
from reflexd_core.dialects.messages import MESSAGES
from reflexd_core.dialects.responses import RESPONSES

_DIMENSIONS = 8


@dataclass(frozen=True, slots=True)
class Mocked:
    wants: str
    """The field without which there is nothing to answer."""
    make: Callable[[JsonObject, int], JsonObject]
    """The body of an answer, given the request and a number never given before."""


def _chat(asked: JsonObject, number: int) -> JsonObject:
    text = CHAT.question_text(asked)
    choices_wanted = asked.get("n")
    count = choices_wanted if isinstance(choices_wanted, int) and 1 <= choices_wanted <= 16 else 1
    choices: list[Json] = [_choice(asked, text, index) for index in range(count)]
    return {
        "id": f"chatcmpl-mock-{number}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": _model(asked),
        "choices": choices,
        "usage": _openai_usage(asked.get("messages"), choices),
    }


def _choice(asked: JsonObject, text: str, index: int) -> JsonObject:
    match asked:
        case {"tools": [{"function": {"name": str(tool)}}, *_], "messages": [*_, {"role": "user"}]} if _may_call(
            asked
        ):
            call: JsonObject = {"id": _drawn("call_", text), "type": "function"}
            call["function"] = {"name": tool, "arguments": "{}"}
            message: JsonObject = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}
            return {"index": index, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
        case _:
            said = _said(text) + (f" (choice {index})" if index else "")
            message = {"role": "assistant", "content": said, "refusal": None}
            return {"index": index, "message": message, "logprobs": None, "finish_reason": "stop"}


def _messages(asked: JsonObject, number: int) -> JsonObject:
    text = MESSAGES.question_text(asked)
    block: JsonObject = {"type": "text", "text": _said(text)}
    match asked:
        case {"tools": [{"name": str(tool), "input_schema": _}, *_]} if _may_call(asked) and not _has_result(asked):
            block = {"type": "tool_use", "id": _drawn("toolu_", text), "name": tool, "input": {}}
        case _:
            pass
    return {
        "id": f"msg_mock_{number}",
        "type": "message",
        "role": "assistant",
        "model": _model(asked),
        "content": [block],
        "stop_reason": "tool_use" if block["type"] == "tool_use" else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": _tokens(asked.get("messages")), "output_tokens": _tokens(block)},
    }


def _has_result(asked: JsonObject) -> bool:
    match asked.get("messages"):
        case [*_, {"role": "user", "content": [*blocks]}]:
            return any(isinstance(block, dict) and block.get("type") == "tool_result" for block in blocks)
        case _:
            return False


def _responses(asked: JsonObject, number: int) -> JsonObject:
    text, now = RESPONSES.question_text(asked), int(time.time())
    part: JsonObject = {"type": "output_text", "text": _said(text), "annotations": [], "logprobs": []}
    item: JsonObject = {"id": f"msg_mock_{number}", "type": "message", "role": "assistant", "content": [part]}
    match asked:
        case {"input": [*_, {"type": "function_call_output"}]}:
            pass
        case {"tools": [{"type": "function", "name": str(tool)}, *_]} if _may_call(asked):
            item = {"id": f"fc_mock_{number}", "type": "function_call", "name": tool, "arguments": "{}"}
            item["call_id"] = _drawn("call_", text)
        case _:
            pass
    taken, given = _tokens(asked.get("input")), _tokens(item)
    return {
        "id": f"resp_mock_{number}",
        "object": "response",
        "created_at": now,
        "status": "completed",
        "completed_at": now,
        "error": None,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "model": _model(asked),
        "output": [{**item, "status": "completed"}],
        "parallel_tool_calls": True,
        "tool_choice": asked.get("tool_choice") or "auto",
        "tools": asked.get("tools") or [],
        "usage": {
            "input_tokens": taken,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": given,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": taken + given,
        },
    }


def _count_tokens(asked: JsonObject, _: int) -> JsonObject:
    return {"input_tokens": _tokens(asked.get("messages"))}


def _embeddings(asked: JsonObject, _: int) -> JsonObject:
    given = asked.get("input")
    texts = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    as_base64 = asked.get("encoding_format") == "base64"
    data: list[Json] = []
    for index, text in enumerate(texts):
        drawn = blake3(msgspec.json.encode(text)).digest(_DIMENSIONS)
        vector = [(byte - 128) / 128 for byte in drawn]
        packed = base64.b64encode(struct.pack(f"<{_DIMENSIONS}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": packed if as_base64 else [*vector]})
    taken = _tokens(given)
    usage: JsonObject = {"prompt_tokens": taken, "total_tokens": taken}
    return {"object": "list", "model": _model(asked), "data": data, "usage": usage}


def _completions(asked: JsonObject, number: int) -> JsonObject:
    said = _said(COMPLETIONS.question_text(asked))
    choices: list[Json] = [{"index": 0, "text": said, "logprobs": None, "finish_reason": "stop"}]
    return {
        "id": f"cmpl-mock-{number}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": _model(asked),
        "choices": choices,
        "usage": _openai_usage(asked.get("prompt"), choices),
    }


ANSWERS = {
    CHAT.name: Mocked("messages", _chat),
    MESSAGES.name: Mocked("messages", _messages),
    COUNT_TOKENS.name: Mocked("messages", _count_tokens),
    RESPONSES.name: Mocked("input", _responses),
    EMBEDDINGS.name: Mocked("input", _embeddings),
    COMPLETIONS.name: Mocked("prompt", _completions),
}
"""By the dialect's name."""


def _said(text: str) -> str:
    return f"This is the mock provider. You asked: {text[:200]}"


def _model(asked: JsonObject) -> Json:
    return asked.get("model") or "mock"


def _may_call(asked: JsonObject) -> bool:
    return asked.get("tool_choice") not in ("none", {"type": "none"})


def _drawn(prefix: str, text: str) -> str:
    return prefix + blake3(text.encode("utf-8", "replace")).hexdigest(8)


def _tokens(value: Json) -> int:
    return max(1, len(msgspec.json.encode(value)) // 4)


def _openai_usage(asked: Json, answered: Json) -> JsonObject:
    taken, given = _tokens(asked), _tokens(answered)
    return {"prompt_tokens": taken, "completion_tokens": given, "total_tokens": taken + given}
