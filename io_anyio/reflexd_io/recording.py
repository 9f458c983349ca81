"""A recording: the append-only log of one upstream answer, from which every client of it reads by position.

The leader, its followers and the store all see the same bytes. While the answer is recorded nothing is dropped, so
a late follower starts at the first byte; once it grew too large only what the slowest reader still needs is kept.
"""

import anyio

from reflexd_core.entry import EntryFacts
from reflexd_core.headers import HeaderList

WINDOW = 1024 * 1024
"""Bytes that the only reader may lag behind before upstream is made to wait for it."""


class Recording:
    def __init__(self) -> None:
        self.status = 0
        self.reason = b""
        self.headers: HeaderList = ()
        self.ended = False
        """No more bytes will come; the answer was whole unless ``cut``."""
        self.cut = False
        self.entry: EntryFacts | None = None
        """The entry that the answer became."""
        self._plain: list[bytes] = []
        self._chunks: list[bytes] = []
        self._first = 0  # number of the first chunk still kept
        self._keeps = True
        self._positions: dict[Reader, int] = {}  # number of each reader's next chunk
        self._grown = anyio.Event()
        self._read = anyio.Event()

    def start(self, status: int, reason: bytes, headers: HeaderList) -> None:
        self.status, self.reason, self.headers = status, reason, headers

    def keep(self, plain: bytes) -> None:
        """Keep the next bytes, content coding removed, for the store."""
        if self._keeps:
            self._plain.append(plain)

    def plain(self) -> bytes:
        """The answer as the store wants it; given once."""
        plain, self._plain = b"".join(self._plain), []
        return plain

    def append(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._wake()

    def stop_keeping(self) -> None:
        """The answer will not be stored: from now on keep only what readers have not read."""
        self._keeps = False
        self._plain = []
        self._trim()

    def end(self, *, cut: bool = False) -> None:
        if not self.ended:
            self.ended, self.cut = True, cut
            self._wake()

    @property
    def keeps(self) -> bool:
        """Whether the answer may still be stored."""
        return self._keeps

    @property
    def has_bytes(self) -> bool:
        """Whether a reader that begins now gets something at once."""
        return bool(self._chunks)

    async def make_room(self) -> None:
        """Wait while the readers are too far behind: the only one, or any of them once nothing is kept."""
        while self._positions and not self.ended and self._lag() > WINDOW:
            self._read = anyio.Event()
            await self._read.wait()

    def reader(self) -> "Reader":
        """A reader that begins at the first byte; from now on nothing that it has not read is dropped."""
        return Reader(self)

    def _lag(self) -> int:
        if len(self._positions) > 1 and self._keeps:
            return 0  # a slow client never holds up the others; the record limit bounds what is kept
        slowest = min(self._positions.values()) - self._first
        return sum(map(len, self._chunks[slowest:]))

    def _trim(self) -> None:
        if self._keeps:
            return
        last = self._first + len(self._chunks)
        needed = min(self._positions.values(), default=last) - self._first
        if needed > 0:
            del self._chunks[:needed]
            self._first += needed

    def _wake(self) -> None:
        self._grown.set()
        self._grown = anyio.Event()


class Reader:
    """Reads a recording from its first byte; what has gathered meanwhile comes as one piece.

    After calling `close`, what only this reader needed may be dropped.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        recording._positions[self] = recording._first

    def close(self) -> None:
        recording = self._recording
        if recording._positions.pop(self, None) is not None:
            recording._trim()
            recording._read.set()

    def __aiter__(self) -> "Reader":
        return self

    async def __anext__(self) -> bytes:
        recording = self._recording
        recording._read.set()  # asking for more means that the last piece is out
        while True:
            position = recording._positions[self] - recording._first
            if position < len(recording._chunks):
                gathered = recording._chunks[position:]
                recording._positions[self] += len(gathered)
                recording._trim()
                return gathered[0] if len(gathered) == 1 else b"".join(gathered)
            if recording.ended:
                raise StopAsyncIteration
            await recording._grown.wait()
