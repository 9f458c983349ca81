"""``reflexd demo``: the main job, for real, against the shipped mock provider: over sockets, at no cost.

A throw-away storage folder, a mock provider that takes 0.4 s to think, the daemon itself, and a client that speaks
the OpenAI wire. What the table shows was measured while it ran; the money is what the same tokens cost at the
provider of the model that was asked for.
"""

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter

import anyio
import httpcore2 as httpcore
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects.chat_answer import usage_of
from reflexd_core.request import Form
from reflexd_io import app
from reflexd_io.cli import fail, setting_flags
from reflexd_io.cli.serve import innermost
from reflexd_io.listener import CannotListen
from reflexd_io.mock_provider import MockProvider, running
from reflexd_io.price_settings import read_prices
from reflexd_io.runtime import Runtime
from reflexd_io.settings import Settings, unconfigured

THINKING = 0.4
BURST = 20
MODEL = "gpt-4o-mini"
_PRICES = read_prices({})
KEY = "demo-key-that-opens-nothing"
"""Too long for a placeholder, so that nobody's keyring is asked for a better one."""

_TOOL: JsonObject = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
_COLOURS = {"hit-l1-exact": "green", "hit-l3-verified": "green", "miss": "yellow"}
_NUMBERS = (("similarity", "x-reflex-similarity"), ("score", "x-reflex-score"))
AGAIN = "the same again"
QUESTION = "How do I center a div horizontally in CSS?"
OTHER_WORDS = "css: what's the way to centre a div horizontally"
NEAR_MISS = "How do I center a div vertically in CSS?"
STREAMED = "Explain Python's GIL"
WITH_TOOLS = "What is the weather in Bern?"
AT_ONCE = "Write a haiku about caches"
LOADING = 20.0
"""Seconds that the models are waited for."""


@dataclass(frozen=True, slots=True)
class Shown:
    what: str
    status: str
    milliseconds: float
    saved_dollars: float
    why: str = ""
    """What the answer says of itself: similarity and score, or the reason of a refusal."""


def demo(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    flags = setting_flags(args)
    if not args.keep:
        flags.setdefault("port", "0")
    settings = unconfigured(flags)  # the demo shows Reflex, not somebody's configuration of it
    with tempfile.TemporaryDirectory(prefix="reflexd-demo-") as folder:
        try:
            unaudited = replace(settings.policy, audit_share=0.0)  # what it shows should not hang on a draw
            shown = replace(settings, storage_path=Path(folder), policy=unaudited, semantic_budget_ms=5_000)
            finished = anyio.run(_demo, shown, args.keep, args.json)
        except BaseExceptionGroup as group:
            error = innermost(group)
            if isinstance(error, CannotListen):
                return fail(str(error))
            raise
    return 0 if finished else 130


async def _demo(settings: Settings, keep: bool, as_json: bool) -> bool:
    """True once all was shown; False when a signal came first."""
    stop, started, shown = anyio.Event(), anyio.Event(), anyio.Event()
    found: list[Runtime] = []

    def ready(runtime: Runtime, _: Settings) -> None:
        found.append(runtime)
        started.set()

    async with AsyncExitStack() as stack:
        provider = MockProvider(delay=THINKING)
        url = await stack.enter_async_context(running(provider))
        mocked = {name: replace(up, base_url=url, keyless=True) for name, up in settings.upstreams.items()}
        tasks = await stack.enter_async_context(anyio.create_task_group())
        tasks.start_soon(app.stop_on_signals, stop, tasks.cancel_scope)
        tasks.start_soon(_leave_early, stop, shown, tasks)
        tasks.start_soon(_serve, replace(settings, upstreams=mocked, mock_provider=False), ready, stop, tasks)
        await started.wait()
        client = await stack.enter_async_context(httpcore.AsyncConnectionPool(max_connections=None))
        base_url = f"{found[0].url}/v1"
        rows = await _walk_through(client, base_url, provider)
        _show(rows, provider.calls, base_url, as_json=as_json)
        shown.set()
        if keep:
            print(f"Serving until Ctrl-C: OPENAI_BASE_URL={base_url} OPENAI_API_KEY={KEY}", file=sys.stderr)
            await stop.wait()
        stop.set()
    return shown.is_set()


async def _leave_early(stop: anyio.Event, shown: anyio.Event, tasks: anyio.abc.TaskGroup) -> None:
    """A signal in the middle of the demonstration ends it; afterwards it drains, as it would with `serve`."""
    await stop.wait()
    if not shown.is_set():
        tasks.cancel_scope.cancel()


async def _serve(settings: Settings, ready: app.Ready, stop: anyio.Event, tasks: anyio.abc.TaskGroup) -> None:
    await app.run(settings, ready=ready, stop=stop)
    tasks.cancel_scope.cancel()


async def _walk_through(client: httpcore.AsyncConnectionPool, base_url: str, provider: MockProvider) -> list[Shown]:
    plain = _request(QUESTION)
    as_stream: JsonObject = {"stream": True, "stream_options": {"include_usage": True}}
    streamed = _request(STREAMED, **as_stream)
    tools: list[Json] = [_TOOL]
    with_tools = _request(WITH_TOOLS, tools=tools)
    await _wait_for_models(client, base_url)
    rows = [
        await _ask(client, base_url, QUESTION, plain),
        await _ask(client, base_url, AGAIN, plain),
        await _ask(client, base_url, "the same, as a stream", {**plain, **as_stream}),
        await _ask(client, base_url, f"{STREAMED} (a stream)", streamed),
        await _ask(client, base_url, AGAIN, streamed),
        await _ask(client, base_url, OTHER_WORDS, _request(OTHER_WORDS)),
        await _ask(client, base_url, NEAR_MISS, _request(NEAR_MISS)),
        await _ask(client, base_url, f"{WITH_TOOLS} (with tools)", with_tools),
        await _ask(client, base_url, AGAIN, with_tools),
    ]
    before = provider.calls
    burst: list[Shown] = []
    at_once = _request(AT_ONCE)

    async def one() -> None:
        burst.append(await _ask(client, base_url, "", at_once))

    async with anyio.create_task_group() as tasks:
        for _ in range(BURST):
            tasks.start_soon(one)
    called = provider.calls - before
    label = f"{AT_ONCE} ({BURST} at once, {called} call{'s' if called != 1 else ''})"
    slowest = max(row.milliseconds for row in burst)
    saved = sum(row.saved_dollars for row in burst)
    joined = sum(row.status == "coalesced" for row in burst)
    late = BURST - called - joined  # on a busy machine some come when the answer is there already
    status = f"{joined} coalesced" + (f", {late} hits" if late else "")
    return [*rows, Shown(label, status, slowest, saved)]


async def _ask(client: httpcore.AsyncConnectionPool, base_url: str, what: str, body: JsonObject) -> Shown:
    headers = [("Content-Type", "application/json"), ("Authorization", f"Bearer {KEY}")]
    began = perf_counter()
    answer = await client.request(
        "POST", f"{base_url}/chat/completions", headers=headers, content=json.dumps(body).encode()
    )
    took = perf_counter() - began
    told = {name.decode().lower(): value.decode() for name, value in answer.headers}
    if answer.status != 200:
        raise RuntimeError(f"the demo's own request was refused: {answer.content!r}")
    form = Form.STREAM if body.get("stream") else Form.BODY
    collapsed = "collapsed" in told["cache-status"]
    status = "coalesced" if collapsed else told["x-reflex-status"]
    saved = 0.0 if status == "miss" else _PRICES.cost(MODEL, usage_of(form, answer.content)) or 0.0
    return Shown(what, status, took * 1000, saved, _why(told))


def _why(told: Mapping[str, str]) -> str:
    numbers = [f"{name} {told[header]}" for name, header in _NUMBERS if header in told]
    if told["x-reflex-status"] == "miss" and told.get("x-reflex-reason") in ("not-stored", "nothing-near"):
        return ""
    return ", ".join(filter(None, [told.get("x-reflex-reason", ""), *numbers]))


async def _wait_for_models(client: httpcore.AsyncConnectionPool, base_url: str) -> None:
    """Until they compare meaning, or it is known that they will not."""
    with anyio.move_on_after(LOADING):
        while True:
            page = await client.request("GET", base_url.removesuffix("/v1") + "/ready")
            if json.loads(page.content)["components"]["models"]["status"] != "loading":
                return
            await anyio.sleep(0.05)


def _request(question: str, **more: Json) -> JsonObject:
    return {"model": MODEL, "messages": [{"role": "user", "content": question}], **more}


def _show(rows: list[Shown], calls: int, base_url: str, *, as_json: bool) -> None:
    if as_json:
        shown = {"base_url": base_url, "upstream_calls": calls, "requests": [asdict(row) for row in rows]}
        print(json.dumps(shown), flush=True)  # with --keep a script reads it while the demo goes on
        return
    console = Console()
    console.print(f"Reflex at {base_url}, its mock provider thinking {THINKING} s")
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("asked")
    table.add_column("answered by", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    for row in rows:
        asked = Text(row.what, "dim" if row.what.startswith("the same") else "")
        if row.why:
            asked.append(f"\n  {row.why}", "italic dim")
        status = Text(row.status, _COLOURS.get(row.status, "cyan"))
        table.add_row(asked, status, f"{row.milliseconds:.1f}")
    console.print(table)
    total = sum(row.saved_dollars for row in rows)
    requests = len(rows) - 1 + BURST
    price = _PRICES.of(MODEL)
    assert price is not None  # noqa: S101 - the table that ships inside has it
    console.print(
        f"{requests} requests, {calls} upstream calls, ${total:.6f} saved ({MODEL} at list prices of {price.as_of})."
    )
