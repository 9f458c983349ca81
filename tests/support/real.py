"""The real daemon as a process of its own for the TUI's tests: killed, started again, and asked beside the TUI."""

import asyncio
import json
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, TypeVar

from textual.pilot import Pilot

from reflexd_io.control_client import Ask, BlockingClient, Place, calls, find
from reflexd_io.control_client.shapes.entries import EntryQuery
from reflexd_tui.views.entries import EntriesView
from support.asking import KEY, fetch
from support.process import Process, serving
from support.terminal import Listened, until_stored
from support.upstream import ScriptedUpstream

T = TypeVar("T")


class RealApp(Listened):
    """No desktop's clipboard is touched."""

    copied: list[str]

    def copy(self, text: str, what: str) -> None:
        self.copied = [*getattr(self, "copied", []), text]


class Real:
    """A daemon's process, and another client beside the TUI."""

    def __init__(self, storage: Path, upstream: ScriptedUpstream, stack: ExitStack, inference: str = "off") -> None:
        self.storage, self.upstream, self._stack, self._inference = storage, upstream, stack, inference
        self.process: Process
        self.start()

    def start(self) -> None:
        context: AbstractContextManager[Process] = serving(self.storage, self.upstream.url, inference=self._inference)
        self.process = self._stack.enter_context(context)

    @property
    def url(self) -> str:
        return self.process.url.removesuffix("/v1")

    def place(self) -> Place:
        return find(storage=self.storage)

    async def do(self, ask: Ask[T]) -> T:
        return await asyncio.to_thread(BlockingClient(self.place()).do, ask)

    async def ask(self, question: str, *, headers: dict[str, str] | None = None, **changes: Any) -> dict[str, str]:
        """As a client asks; gives the answer's headers."""
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": question}], **changes}
        sent = json.dumps(body).encode()
        given = {"Content_Type": "application/json", "Authorization": f"Bearer {KEY}", **(headers or {})}
        url = f"{self.url}/v1/chat/completions"
        status, said, _ = await asyncio.to_thread(lambda: fetch(url, sent, None, **given))
        assert status == 200
        return said

    async def entries(self) -> int:
        return len((await self.do(calls.list_entries(EntryQuery()))).items)


async def stored(pilot: Pilot[None], real: Real, count: int) -> EntriesView:
    """The Entries view, after so many questions, once it shows them all."""
    for number in range(count):
        await real.ask(f"What is the number {number}?")
    return await until_stored(pilot, count)
