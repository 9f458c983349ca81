"""One exchange as the driver sees it: who asks, what is asked, and the commands that wait to be performed."""

from collections import deque
from dataclasses import dataclass, field
from time import perf_counter, time
from typing import Literal

import anyio

from reflexd_core.commands import Command, Forward, Promote, Replay, Status
from reflexd_core.entry import EntryFacts
from reflexd_core.events import Event
from reflexd_core.request import Usage
from reflexd_io.asked import Asked
from reflexd_io.call import Call
from reflexd_io.http import Connection
from reflexd_io.memory import Answer
from reflexd_io.recording import Reader, Recording

TierName = Literal["exact", "form", "embed", "near", "judge"]


@dataclass(slots=True, kw_only=True)
class Exchange:
    id: int
    connection: Connection
    call: Call
    began: float = field(default_factory=perf_counter)
    arrived: float = field(default_factory=time)
    """Unix seconds."""
    inbox: deque[Command] = field(default_factory=deque)
    """Commands that the client's task performs, in order."""
    recording: Recording | None = None
    """This exchange's own upstream answer."""
    source: Recording | None = None
    """The answer that the client reads: its own or a twin's."""
    reader: Reader | None = None
    """Its place in that answer."""
    sought: Answer | None = None
    """What the disk had under the exact key, or the answer that is replayed."""
    asked: Asked | None = None
    """What it asks in words, once that was looked at."""
    search_until: float = 0.0
    """When comparing by meaning must have come to an end, `anyio.current_time` seconds."""
    fresh: Answer | None = None
    """The whole answer of its own upstream call, once it was admitted."""
    promote: Promote | None = None
    """What is remembered once the replay is out."""
    flight: anyio.CancelScope | None = None
    forward: Forward | None = None
    replay: Replay | None = None
    cut: bool = False
    client_done: bool = False
    timings: dict[bytes, float] = field(default_factory=dict)
    http_status: int = 0
    heard: list[tuple[TierName, Event]] = field(default_factory=list)
    """What each tier said, in order."""
    scores: dict[bytes, float] = field(default_factory=dict)
    """What the verifier thought of candidates, by exact key."""
    refused: str = ""
    """The code of Reflex's own error, where it gave one."""
    called: float | None = None
    """When upstream was called, when its answer began, and when the client had the answer's first byte; all
    `time.perf_counter` seconds."""
    answered: float | None = None
    first_byte: float | None = None
    usage: Usage | None = None
    """What the answer cost, where the provider told."""
    _posted: anyio.Event | None = None

    def post(self, command: Command) -> None:
        self.inbox.append(command)
        if self._posted is not None:
            self._posted.set()

    async def next_command(self) -> Command:
        while not self.inbox:
            self._posted = anyio.Event()
            await self._posted.wait()
        return self.inbox.popleft()

    @property
    def joined(self) -> bool:
        """Whether the client read a twin's answer."""
        return self.source is not None and self.source is not self.recording

    @property
    def entry(self) -> EntryFacts | None:
        """The entry that answered, or that the answer became."""
        if self.replay is not None:
            return self.replay.entry
        return self.source.entry if self.source is not None else None

    @property
    def status(self) -> Status:
        """What the client was told."""
        if self.replay is not None:
            return self.replay.status
        return self.forward.status if self.forward is not None else Status.MISS
