"""Streams in every framing that a provider or a proxy before it may give them, seen through the official SDKs.

For each framing and dialect the SDK must parse the same from upstream directly, from a miss, and from hits in the
form that was recorded and in the other; nothing that was not finished is ever a hit.
"""

import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import brotli
import openai
import pytest

from support.daemon import daemon, settings_for
from support.upstream import Reply, ScriptedUpstream

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SAID = "naïve — 日本語 🎉"
KEY = "sk-direct-0123456789abcdef"
ANTHROPIC_KEY = "sk-ant-api03-0123456789abcdef"

Event = tuple[str | None, str]
"""Its name, where it has one, and its data."""


def _chunk(*choices: dict[str, Any], **more: Any) -> Event:
    envelope = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return None, json.dumps({**envelope, "choices": list(choices), **more}, ensure_ascii=False)


def _named(data: dict[str, Any]) -> Event:
    return data["type"], json.dumps(data, ensure_ascii=False)


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
CHAT: list[Event] = [
    _chunk({"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}),
    _chunk({"index": 0, "delta": {"content": SAID}, "finish_reason": None}),
    _chunk({"index": 0, "delta": {}, "finish_reason": "stop"}),
    _chunk(usage=USAGE),
    (None, "[DONE]"),
]
COMPLETIONS: list[Event] = [
    _chunk({"index": 0, "text": SAID, "logprobs": None, "finish_reason": None}),
    _chunk({"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}),
    _chunk(usage=USAGE),
    (None, "[DONE]"),
]
MESSAGE: dict[str, Any] = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "c",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
ENDED = {"stop_reason": "end_turn", "stop_sequence": None}
MESSAGES: list[Event] = [
    _named({"type": "message_start", "message": MESSAGE}),
    _named({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    _named({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": SAID}}),
    _named({"type": "content_block_stop", "index": 0}),
    _named({"type": "message_delta", "delta": ENDED, "usage": {"output_tokens": 2}}),
    _named({"type": "message_stop"}),
]
ANSWERED: dict[str, Any] = {
    "id": "r",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "error": None,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "output": [],
    "usage": None,
}
SPOKEN = {"type": "output_text", "text": SAID, "annotations": []}
ITEM = {"id": "i", "type": "message", "role": "assistant", "status": "completed", "content": [SPOKEN]}
COUNTED = {
    "input_tokens": 1,
    "output_tokens": 2,
    "total_tokens": 3,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}
RESPONSES: list[Event] = [
    _named({"type": "response.created", "sequence_number": 0, "response": {**ANSWERED, "status": "in_progress"}}),
    _named({"type": "response.completed", "response": {**ANSWERED, "output": [ITEM], "usage": COUNTED}}),
]
DIALECTS = {"chat": CHAT, "completions": COMPLETIONS, "messages": MESSAGES, "responses": RESPONSES}


def _written(events: list[Event], *, line: str = "\n", space: str = " ", extra: str = "") -> bytes:
    named = [f"event:{space}{name}{line}" if name else "" for name, _ in events]
    datas = [f"data:{space}{data}{line}" for _, data in events]
    return "".join(f"{extra}{name}{data}{line}" for name, data in zip(named, datas, strict=True)).encode()


def _on_two_lines(events: list[Event]) -> bytes:
    """A line break may stand wherever JSON has a space."""
    return _written([(name, data.replace(", ", ",\ndata: ", 1)) for name, data in events])


FRAMINGS: dict[str, Callable[[list[Event]], bytes]] = {
    "plain": _written,
    "CRLF": lambda events: _written(events, line="\r\n"),
    "CR": lambda events: _written(events, line="\r"),
    "no space behind the colon": lambda events: _written(events, space=""),
    "comments": lambda events: _written(events, extra=": OPENROUTER PROCESSING\n\n: and\n"),
    "a time to reconnect": lambda events: b"retry: 3000\n" + _written(events),
    "fields that nobody knows": lambda events: _written(events, extra="x-field: y\nlonely\n"),
    "data on two lines": _on_two_lines,
    "padding behind the data": lambda events: _written([(name, f"{data}   ") for name, data in events]),
    "blank lines between": lambda events: b"\n\n" + _written(events).replace(b"\n\n", b"\n\n\n\n"),
    "no blank line at the end": lambda events: _written(events).removesuffix(b"\n"),
    "something behind the end": lambda events: _written(events) + b": bye\n\n",
}
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


class Asker:
    """The official SDKs, each asked in its own dialect, in either form; what they parse as plain data."""

    def __init__(self, base_url: str) -> None:
        self._openai = openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0)
        root = base_url.removesuffix("/v1")
        self._anthropic = anthropic.Anthropic(base_url=root, api_key=ANTHROPIC_KEY, max_retries=0)

    def close(self) -> None:
        self._openai.close()
        self._anthropic.close()

    def ask(self, dialect: str, *, stream: bool, **more: Any) -> tuple[Any, str | None]:
        """What was parsed, and what Reflex said of it."""
        raw = self._raw(dialect, {"stream": stream, **more})
        parsed = raw.parse()
        return ([_plain(event) for event in parsed] if stream else _plain(parsed)), raw.headers.get("x-reflex-status")

    def _raw(self, dialect: str, more: dict[str, Any]) -> Any:
        turns: Any = [{"role": "user", "content": "hi"}]
        usage = {"stream_options": {"include_usage": True}} if more["stream"] else {}
        match dialect:
            case "chat":
                return self._openai.chat.completions.with_raw_response.create(
                    model="m", messages=turns, **usage, **more
                )
            case "completions":
                return self._openai.completions.with_raw_response.create(model="m", prompt="hi", **usage, **more)
            case "responses":
                return self._openai.responses.with_raw_response.create(model="m", input="hi", **more)
            case _:
                return self._anthropic.messages.with_raw_response.create(
                    model="c", max_tokens=9, messages=turns, **more
                )


def _plain(parsed: Any) -> Any:
    return parsed.model_dump(exclude_unset=True, warnings=False)


def _text(dialect: str, body: dict[str, Any]) -> str:
    match dialect:
        case "chat":
            return str(body["choices"][0]["message"]["content"])
        case "completions":
            return str(body["choices"][0]["text"])
        case "responses":
            return str(body["output"][0]["content"][0]["text"])
        case _:
            return str(body["content"][0]["text"])


@pytest.fixture(scope="module")
def served() -> Iterator[ScriptedUpstream]:
    with ScriptedUpstream().running() as running:
        yield running


@pytest.fixture(scope="module")
def both(served: ScriptedUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asker, Asker]]:
    """Directly, and through one daemon for the whole file: each test asks something of its own."""
    folder: Path = tmp_path_factory.mktemp("storage")
    with daemon(settings_for(folder, served.url)) as running:
        direct, through = Asker(served.url), Asker(f"{running.url}/v1")
        yield direct, through
        direct.close()
        through.close()


def _in_pieces(stream: bytes, size: int) -> list[bytes]:
    return [stream[start : start + size] for start in range(0, len(stream), size)]


def _compare(both: tuple[Asker, Asker], served: ScriptedUpstream, dialect: str, reply: Reply, name: str) -> None:
    served.answers(reply)
    direct, through = both
    mark = {"extra_body": {"reflex_test_mark": name}}
    wanted, _ = direct.ask(dialect, stream=True, **mark)
    assert through.ask(dialect, stream=True, **mark) == (wanted, "miss")
    calls = served.calls
    assert through.ask(dialect, stream=True, **mark) == (wanted, "hit-l1-exact")
    body, told = through.ask(dialect, stream=False, **mark)
    assert (_text(dialect, body), told, served.calls) == (SAID, "hit-l1-exact", calls)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_stream_may_be_framed_and_cut_anyhow(
    both: tuple[Asker, Asker], served: ScriptedUpstream, dialect: str, framing: str, size: int
) -> None:
    stream = FRAMINGS[framing](DIALECTS[dialect])
    reply = Reply(headers=[("content-type", "text/event-stream; charset=utf-8")], body=_in_pieces(stream, size))
    _compare(both, served, dialect, reply, f"{framing} {size}")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [3, 100_000])
def test_a_stream_may_be_coded(
    both: tuple[Asker, Asker], served: ScriptedUpstream, dialect: str, coding: str, size: int
) -> None:
    """The HTTP library of the SDKs reads brotli and zstd where what Reflex itself needs is installed."""
    coded = CODINGS[coding](_written(DIALECTS[dialect]))
    headers = [("content-type", "text/event-stream"), ("content-encoding", coding)]
    _compare(both, served, dialect, Reply(headers=headers, body=_in_pieces(coded, size)), f"{coding} {size}")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("left", range(1, 4))
def test_what_lacks_its_last_events_is_never_a_hit(
    both: tuple[Asker, Asker], served: ScriptedUpstream, dialect: str, left: int
) -> None:
    """The transport ended in good order, and yet the answer did not."""
    events = DIALECTS[dialect][:-left]
    served.answers(Reply(headers=[("content-type", "text/event-stream")], body=[_written(events) or b": \n\n"]))
    direct, through = both
    mark = {"extra_body": {"reflex_test_mark": f"cut {left}"}}
    wanted, _ = direct.ask(dialect, stream=True, **mark)
    for _ in range(2):
        assert through.ask(dialect, stream=True, **mark) == (wanted, "miss")
