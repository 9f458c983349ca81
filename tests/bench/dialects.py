"""What each dialect costs, and what real agents get: two tables for the benchmarks' page. Run alone:

    uv run python tests/bench/dialects.py           # both, some minutes
    uv run python tests/bench/dialects.py costs     # CPU per hit and per miss, small and 85 KB, and keys at 300 KB
    uv run python tests/bench/dialects.py agents    # the real agents, those that lie in the cache folder of the tests

CPU is the daemon's own, as the kernel counts it: the least of the rounds, and the median ratio to the bare server
that reads and sends the same bytes, measured in turn. The large request is made like Claude Code's: two dozen tools
with schemas, a long system prompt, reminders before a short question.
"""

import itertools
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

import platformdirs
import pytest
from load import bare, connect, exchange, http_request, measure, reflexd
from run import WORDS

from reflexd_core.canonical import read_json
from reflexd_core.dialects import BY_PATH
from reflexd_core.keys import exact_key
from support.agents.programs import PROGRAMS
from support.agents.staging import play
from support.upstream import Reply, ScriptedUpstream

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))

Json = dict[str, Any]


@dataclass(frozen=True)
class Wire:
    path: str
    answer: Json
    make: Callable[[int, str], Json]
    """A request of about so many bytes, with this text in its question."""


def _prose(size: int) -> str:
    return " ".join(itertools.islice(itertools.cycle(WORDS), max(1, size // 5)))


def _tools(size: int, wrap: Callable[[str, str, Json], Json]) -> list[Json]:
    """Two dozen, half of their bytes words and half schema; none in a small request."""
    if size < 10_000:
        return []
    each = size // 24
    fields = {
        f"field_{number}": {"type": "string", "description": _prose(60)} for number in range(max(1, each // 2 // 110))
    }
    schema = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    return [wrap(f"tool_{number}", _prose(each // 2), schema) for number in range(24)]


def _sizes(size: int) -> tuple[int, int]:
    """Bytes of tools and of the system prompt."""
    return size * 6 // 10, size * 3 // 10


def _chat(size: int, question: str) -> Json:
    tools, system = _sizes(size)

    def wrap(name: str, text: str, schema: Json) -> Json:
        return {"type": "function", "function": {"name": name, "description": text, "parameters": schema}}

    return {
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": _prose(system)}, {"role": "user", "content": question}],
        **({"tools": made} if (made := _tools(tools, wrap)) else {}),
    }


def _messages(size: int, question: str) -> Json:
    tools, system = _sizes(size)
    mark = {"cache_control": {"type": "ephemeral"}}

    def wrap(name: str, text: str, schema: Json) -> Json:
        return {"name": name, "description": text, "input_schema": schema}

    reminder = {"type": "text", "text": f"<system-reminder>\n{_prose(300)}\n</system-reminder>"}
    return {
        "model": "claude-opus-4-8",
        "max_tokens": 64_000,
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.abc; cc_entrypoint=cli;"},
            {"type": "text", "text": _prose(system), **mark},
        ],
        "messages": [{"role": "user", "content": [reminder, {"type": "text", "text": question, **mark}]}],
        "tools": _tools(
            tools, lambda name, text, schema: {"name": name, "description": text, "input_schema": schema}
        ),
        "metadata": {"user_id": '{"session_id":"9c18f84c"}'},
        "thinking": {"type": "adaptive"},
    }


def _responses(size: int, question: str) -> Json:
    tools, system = _sizes(size)

    def said(number: int, role: str, text: str) -> Json:
        part = {"type": "input_text", "text": text}
        return {"type": "message", "id": f"msg_{number}", "role": role, "content": [part]}

    def wrap(name: str, text: str, schema: Json) -> Json:
        return {"type": "function", "name": name, "description": text, "strict": False, "parameters": schema}

    return {
        "model": "gpt-5",
        "input": [said(1, "developer", _prose(system)), said(2, "user", question)],
        "tools": _tools(tools, wrap),
        "store": False,
        "prompt_cache_key": "9c18f84c",
    }


_USAGE = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
_TEXT = "y" * 3800
WIRES = {
    "chat": Wire(
        "/v1/chat/completions",
        {
            "id": "c",
            "object": "chat.completion",
            "model": "gpt-4o",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
            "usage": _USAGE,
        },
        _chat,
    ),
    "messages": Wire(
        "/v1/messages",
        {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": [{"type": "text", "text": _TEXT}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 9, "output_tokens": 9},
        },
        _messages,
    ),
    "responses": Wire(
        "/v1/responses",
        {
            "id": "r",
            "object": "response",
            "status": "completed",
            "model": "gpt-5",
            "output": [{"type": "message", "content": [{"type": "output_text", "text": _TEXT}]}],
            "usage": {"input_tokens": 9, "output_tokens": 9, "total_tokens": 18},
        },
        _responses,
    ),
    "embeddings": Wire(
        "/v1/embeddings",
        {
            "object": "list",
            "model": "e",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.125] * 400}],
            "usage": {"prompt_tokens": 9, "total_tokens": 9},
        },
        lambda size, question: {"model": "e", "input": [question, *(_prose(1000) for _ in range(size // 1000))]},
    ),
    "completions": Wire(
        "/v1/completions",
        {
            "id": "c",
            "object": "text_completion",
            "model": "m",
            "choices": [{"index": 0, "text": _TEXT, "logprobs": None, "finish_reason": "stop"}],
            "usage": _USAGE,
        },
        lambda size, question: {"model": "m", "prompt": f"{_prose(size)} {question}"},
    ),
}


def costs() -> Iterator[tuple[str, ...]]:
    yield "dialect", "request", "hit, byte-equal", "hit, only canonically equal", "miss", "key of 300 KB"
    for name, wire in WIRES.items():
        key = f"{_key_of(wire):.2f} ms"
        for size in (500, 85_000):
            yield name, *_costs_of(wire, size), key
            key = ""


def _costs_of(wire: Wire, size: int) -> tuple[str, ...]:
    body = json.dumps(wire.make(size, "why is the sky blue?")).encode()
    number = itertools.count()

    def spelled(_: int) -> bytes:
        spaces = f"{next(number):b}".replace("0", " ").replace("1", "\t").encode()
        return _request(port, wire, body[:-1] + spaces + b"}")

    def fresh(_: int) -> bytes:
        return _request(port, wire, body.replace(b"why is the sky blue?", b"why is %d blue?" % next(number), 1))

    with tempfile.TemporaryDirectory() as folder, ScriptedUpstream().running() as upstream:
        upstream.answers(Reply(body=json.dumps(wire.answer).encode()))
        own = {"REFLEX_UPSTREAM_ANTHROPIC_URL": upstream.url, "REFLEX_INFERENCE_BACKEND": "off"}
        with reflexd(Path(folder) / "storage", upstream.url, **own) as (port, pid), connect(port) as sock:
            same = _request(port, wire, body)
            exchange(sock, same)
            hit = exchange(sock, same)
            assert b"hit-l1-exact" in hit
            with bare(hit, Path(folder)) as (bare_port, bare_pid):
                said = []
                for request in (lambda _: same, spelled, fresh):
                    pairs = [
                        tuple(
                            measure(to, of, asked, seconds=SECONDS, connections=1).cpu_us
                            for to, of, asked in ((port, pid, request), (bare_port, bare_pid, lambda _: same))
                        )
                        for _ in range(ROUNDS)
                    ]
                    ratio = statistics.median(ours / yardstick for ours, yardstick in pairs)
                    said.append(f"{min(ours for ours, _ in pairs):.0f} µs, {ratio:.2f} × bare")
    return f"{len(body) / 1000:.1f} KB", *said


def _request(port: int, wire: Wire, body: bytes) -> bytes:
    return http_request(port, body).replace(b"/v1/chat/completions", wire.path.encode(), 1)


def _key_of(wire: Wire) -> float:
    """Milliseconds from the body's bytes to its key, the least of 200: other programs only ever add to it."""
    dialect = BY_PATH[wire.path.removeprefix("/v1")]
    raw = json.dumps(wire.make(300_000, "why is the sky blue?"), separators=(",", ":")).encode()
    took = []
    for _ in range(200):
        began = time.perf_counter()
        body = read_json(raw)
        assert isinstance(body, dict)
        keyed = dialect.read(body).keyed
        exact_key(tenant="t", upstream="u", dialect=dialect.name, path=dialect.path, query="", headers={}, body=keyed)
        took.append((time.perf_counter() - began) * 1000)
    return min(took)


def agents() -> Iterator[tuple[str, ...]]:
    cache = platformdirs.user_cache_path("reflexd-tests", appauthor=False)
    yield "agent", "version", "requests of a run", "hits of the second run", "hits once it is set up", "seconds a run"
    for name, program in PROGRAMS.items():
        with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as made:
            try:
                first, again, set_up = play(name, Path(made), "project", "project")["runs"]
            except pytest.skip.Exception as absent:
                print(f"{name}: {absent}", file=sys.stderr)
                continue
        seconds = ", ".join(f"{run['seconds']:.1f}" for run in (first, again, set_up))
        hits = (f"{run['hits']} of {run['exchanges']}" for run in (again, set_up))
        yield name, program.version, str(first["exchanges"]), *hits, seconds


TABLES: dict[str, Callable[[], Iterator[tuple[str, ...]]]] = {"costs": costs, "agents": agents}


def main(names: list[str]) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {ROUNDS} rounds")
    for name in names or TABLES:
        print()
        for place, row in enumerate(TABLES[name]()):
            print("| " + " | ".join(row) + " |", flush=True)
            if not place:
                print("|" + "---|" * len(row))


if __name__ == "__main__":
    main(sys.argv[1:])
