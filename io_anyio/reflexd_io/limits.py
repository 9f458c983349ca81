"""Limits: how many requests of one client are under way, so that one that runs wild leaves room for the others.

Who is over the limit waits its turn, as it would wait for a slow provider. Only who has waited too long is refused,
with a 429 that says when to come back: agents try that again by themselves (a 400 would end their work).
"""

from collections import deque

import anyio

PATIENCE = 30.0
"""Seconds that a request waits for its turn."""


class TooMany(Exception):  # noqa: N818 - it says what the requests are
    """A client has this many requests under way, and as many waiting; the message says so."""


class Turns:
    """Who may go on, by the client's address. All of it belongs to the event loop's thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way: dict[str, int] = {}
        self._waiting: dict[str, deque[anyio.Event]] = {}

    def take(self, client: str) -> bool:
        """Whether there is room at once; after that, or after `wait`, the client must `leave`."""
        count = self._under_way.get(client, 0)
        if count >= self._most:
            return False
        self._under_way[client] = count + 1
        return True

    async def wait(self, client: str) -> None:
        """For somebody to leave. Raises `TooMany`."""
        queue = self._waiting.setdefault(client, deque())
        turn = anyio.Event()
        if len(queue) < self._most:
            queue.append(turn)
            try:
                with anyio.move_on_after(PATIENCE):
                    await turn.wait()
                    return
            except BaseException:
                self._give_up(client, turn)
                raise
            self._give_up(client, turn)
        raise TooMany(
            f"There are {self._most} requests of yours under way already, as many as client_requests allows."
        )

    def leave(self, client: str) -> None:
        """A request is over; the place goes to the one who has waited longest."""
        queue = self._waiting.get(client)
        if queue:
            queue.popleft().set()
            if not queue:
                del self._waiting[client]
        elif self._under_way[client] == 1:
            del self._under_way[client]
        else:
            self._under_way[client] -= 1

    def _give_up(self, client: str, turn: anyio.Event) -> None:
        if turn.is_set():  # the place came in the same moment
            self.leave(client)
            return
        queue = self._waiting[client]
        queue.remove(turn)
        if not queue:
            del self._waiting[client]
