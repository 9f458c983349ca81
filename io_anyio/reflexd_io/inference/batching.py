"""Micro-batching: many callers on the event loop, one thread that computes for all of them.

Whoever asks while nothing is computed waits for nobody; what arrives meanwhile goes together, oldest first. Equal
items that are asked for at the same time are computed once. How long to wait is the caller's to say: a call that
everybody who asked for it gave up before its turn is not computed. The queue is bounded, since a question that would
wait for hundreds of others is better forwarded.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio
import anyio.to_thread

from reflexd_io.inference.errors import InferenceFailed

Item = TypeVar("Item", bound=Hashable)
Result = TypeVar("Result")

LONGEST_QUEUE = 256


@dataclass(slots=True, eq=False)
class _Call(Generic[Item, Result]):
    item: Item
    askers: int = 0
    done: anyio.Event = field(default_factory=anyio.Event)
    result: Result | None = None
    error: Exception | None = None


class Batching(Generic[Item, Result]):
    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        at_once: int,
        longest_queue: int = LONGEST_QUEUE,
        turn: anyio.CapacityLimiter | None = None,
    ) -> None:
        """``work`` is called in a thread, with at most ``at_once`` items, never twice at a time.

        Those that share a ``turn`` (of one token) are not called beside each other either.
        """
        self._work = work
        self._at_once = at_once
        self._longest = longest_queue
        self._waiting: deque[_Call[Item, Result]] = deque()
        self._open: dict[Item, _Call[Item, Result]] = {}
        self._arrived = anyio.Event()
        self._turn = turn or anyio.CapacityLimiter(1)
        self._stopped = False

    async def __call__(self, items: Sequence[Item]) -> list[Result]:
        """Results in order, computed by `serve`. Raises `InferenceFailed`, and what ``work`` raises of an item."""
        if self._stopped:
            raise InferenceFailed("inference has stopped")
        if len(self._waiting) + sum(item not in self._open for item in items) > self._longest:
            raise InferenceFailed(f"{len(self._waiting)} questions wait already")
        calls = [self._call(item) for item in items]
        self._arrived.set()
        try:
            for call in calls:
                await call.done.wait()
        except anyio.get_cancelled_exc_class():
            for call in calls:
                self._leave(call)
            raise
        return [_result(call) for call in calls]

    def _call(self, item: Item) -> _Call[Item, Result]:
        """The one that is open for it, or a new one."""
        call = self._open.get(item)
        if call is None:
            call = self._open[item] = _Call(item)
            self._waiting.append(call)
        call.askers += 1
        return call

    def _leave(self, call: _Call[Item, Result]) -> None:
        call.askers -= 1
        if not call.askers and call in self._waiting:
            self._waiting.remove(call)
            del self._open[call.item]

    async def serve(self) -> None:
        """Compute what is asked for, until cancelled; whoever waits then is told."""
        try:
            while True:
                if not self._waiting:
                    self._arrived = anyio.Event()
                    await self._arrived.wait()
                await self._compute(self._next())
        finally:
            self._stopped = True
            while self._waiting:
                self._finish(self._waiting.popleft(), InferenceFailed("inference has stopped"))

    def _next(self) -> list[_Call[Item, Result]]:
        return [self._waiting.popleft() for _ in range(min(self._at_once, len(self._waiting)))]

    async def _compute(self, batch: list[_Call[Item, Result]]) -> None:
        items = [call.item for call in batch]
        outcomes: Sequence[Result | Exception] = [InferenceFailed("inference has stopped")] * len(batch)
        try:
            # A thread cannot be ended, but a daemon that stops need not wait for it.
            outcomes = await anyio.to_thread.run_sync(
                self._outcomes, items, abandon_on_cancel=True, limiter=self._turn
            )
        finally:
            for call, outcome in zip(batch, outcomes, strict=True):
                self._finish(call, outcome)

    def _finish(self, call: _Call[Item, Result], outcome: Result | Exception) -> None:
        del self._open[call.item]
        if isinstance(outcome, Exception):
            call.error = outcome
        else:
            call.result = outcome
        call.done.set()

    def _outcomes(self, items: list[Item]) -> Sequence[Result | Exception]:
        """In the thread. Where items fail together, each is tried alone: one that breaks the model fails alone."""
        try:
            results = self._work(items)
            if len(results) == len(items):
                return results
            raise InferenceFailed(f"{len(results)} results for {len(items)} questions")
        except Exception as error:  # noqa: BLE001 - it is raised again, to whoever asked
            if len(items) == 1:
                return [error]
        return [outcome for item in items for outcome in self._outcomes([item])]


def _result(call: _Call[Item, Result]) -> Result:
    if call.error is not None:
        raise call.error
    return call.result  # type: ignore[return-value]  # done without an error
