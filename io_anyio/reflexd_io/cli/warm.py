"""``reflexd warm``: a file of requests sent through the running daemon, so that the next who asks them is answered.

Requests that are stored already cost nothing; the others are paid for once, a few at a time.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpcore2
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reflexd_io.cli import NOT_RUNNING, Failed, settings_of
from reflexd_io.cli.asking import line
from reflexd_io.control_client import NotThere, find

SILENCE = 600.0
"""Seconds without a byte after which a request has failed, as towards upstream."""
_TOLD = 20
"""Failures that are told one by one."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    path: str
    body: msgspec.Raw
    headers: dict[str, str] = {}


@dataclass(slots=True)
class Count:
    hits: int = 0
    misses: int = 0
    """Answered by the provider, and stored where the answer may be."""
    bypassed: int = 0
    """Answered, but never stored: such requests warm nothing."""
    failed: int = 0
    problems: list[str] = field(default_factory=list)

    def fail(self, number: int, why: str) -> None:
        self.failed += 1
        if len(self.problems) < _TOLD:
            self.problems.append(f"line {number}: {why}")


def warm(args: argparse.Namespace) -> int:
    try:
        url = find(storage=settings_of(args).storage_path).url
        lines = list(_lines(Path(args.file)))
    except NotThere as error:
        raise Failed(str(error), NOT_RUNNING) from error
    except OSError as error:
        raise Failed(f"{args.file} cannot be read: {error.strerror or error}") from error
    count = Count()
    anyio.run(_send_all, url, lines, args.concurrency, count)
    if args.json:
        told = {"hits": count.hits, "misses": count.misses, "bypassed": count.bypassed, "failed": count.failed}
        print(json.dumps({**told, "problems": count.problems}))
    else:
        bypassed = f", {count.bypassed} are never stored" if count.bypassed else ""
        print(f"{count.misses} were new, {count.hits} were stored already{bypassed}, {count.failed} failed.")
        for problem in count.problems:
            print(line(problem, 200), file=sys.stderr)
    return 1 if count.failed else 0


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    with file.open("rb") as lines:
        for number, text in enumerate(lines, 1):
            if text.strip():
                yield number, text


async def _send_all(url: str, lines: list[tuple[int, bytes]], concurrency: int, count: Count) -> None:
    waiting = iter(lines)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=len(lines))
        async with (
            httpcore2.AsyncConnectionPool(max_connections=concurrency) as pool,
            anyio.create_task_group() as tasks,
        ):

            async def work() -> None:
                for number, text in waiting:  # shared: each takes the next
                    await _send(pool, url, number, text, count)
                    said = f"{count.hits} hits, {count.misses} misses, {count.failed} failed"
                    progress.update(bar, advance=1, description=said)

            for _ in range(concurrency):
                tasks.start_soon(work)


async def _send(pool: httpcore2.AsyncConnectionPool, url: str, number: int, text: bytes, count: Count) -> None:
    try:
        request = msgspec.json.decode(text, type=Request)
        if not request.path.startswith("/"):
            raise ValueError("path must begin with /, such as /v1/chat/completions")
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
        if not any(name.lower() == b"content-type" for name, _ in headers):
            headers.append((b"Content-Type", b"application/json"))
    except (ValueError, RecursionError) as error:
        count.fail(number, str(error))
        return
    times = {"connect": 10.0, "read": SILENCE, "write": SILENCE, "pool": None}
    try:
        answer = await pool.request(
            "POST", url + request.path, headers=headers, content=bytes(request.body), extensions={"timeout": times}
        )
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as error:
        count.fail(number, f"no answer: {str(error) or type(error).__name__}")
        return
    except Exception as error:  # noqa: BLE001 - a URL or header that is none: one line's matter
        count.fail(number, f"it cannot be sent: {error}")
        return
    named = {name.lower(): value for name, value in answer.headers}
    status = named.get(b"x-reflex-status", b"").decode("latin-1")
    if answer.status >= 400:
        count.fail(number, f"{answer.status}: {_message(answer.content)}")
    elif status.startswith("hit"):
        count.hits += 1
    elif status == "miss":
        count.misses += 1
    else:
        count.bypassed += 1


def _message(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["error"]["message"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace")
