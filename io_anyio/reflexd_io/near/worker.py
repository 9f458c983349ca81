"""A thread that does one job after the other, each at most once while it waits."""

import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

J = TypeVar("J")

log = logging.getLogger(__name__)

_NICE = 10


class Worker(Generic[J]):
    """``work`` must not raise; what it raises all the same is logged. Jobs are told apart by being equal."""

    def __init__(self, name: str, work: Callable[[J], None], *, gives_way: bool = False) -> None:
        """``gives_way``: to everything else that the machine has to do, where the system can do that for a thread."""
        self._work = work
        self._gives_way = gives_way
        self._queue: queue.SimpleQueue[J | None] = queue.SimpleQueue()
        self._waiting: set[J] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self, job: J) -> None:
        """From any thread, at any time."""
        with self._lock:
            if job in self._waiting:
                return
            self._waiting.add(job)
        self._queue.put(job)

    def stop(self, timeout: float) -> bool:
        """Whether it ended in time. Jobs that wait are left undone."""
        with self._lock:
            self._waiting.clear()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._gives_way and sys.platform == "linux":
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while (job := self._queue.get()) is not None:
            with self._lock:
                if job not in self._waiting:  # the thread is being stopped
                    continue
                self._waiting.discard(job)
            try:
                self._work(job)
            except Exception:  # the thread must live, whatever a job met
                log.exception("a job of the index failed")
