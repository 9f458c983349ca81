"""The worker: one job after the other, none twice while it waits, and nothing that a job does ends it."""

import os
import sys
import threading
import time
from collections.abc import Callable

import pytest

from reflexd_io.near.worker import Worker


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_jobs_are_done_in_order_and_once_while_they_wait() -> None:
    done: list[str] = []
    go_on = threading.Event()

    def work(job: str) -> None:
        go_on.wait(20)
        done.append(job)

    worker = Worker("test", work)
    for job in ("a", "b", "a", "b"):
        worker.ask(job)  # before it began
    worker.start()
    _until(lambda: len(worker._waiting) == 1)
    worker.ask("a")  # while it is being done: what it is about may have changed meanwhile
    go_on.set()
    _until(lambda: len(done) == 3)
    assert done == ["a", "b", "a"]
    assert worker.stop(5)


def test_a_job_that_fails_does_not_cost_the_others(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def work(job: int) -> None:
        done.append(10 // job)

    worker = Worker("test", work)
    worker.start()
    for job in (0, 5):
        worker.ask(job)
    _until(lambda: done == [2])
    assert "a job of the index failed" in caplog.text
    assert worker.stop(5)


def test_jobs_that_wait_at_the_end_are_left_undone() -> None:
    begun, go_on = threading.Event(), threading.Event()
    done: list[int] = []

    def work(job: int) -> None:
        begun.set()
        go_on.wait(20)
        done.append(job)

    worker = Worker("test", work)
    worker.start()
    for job in range(5):
        worker.ask(job)
    assert begun.wait(20)
    assert not worker.stop(0.05), "one that takes longer is not waited for"
    go_on.set()
    _until(lambda: not worker._thread.is_alive())
    assert done == [0]


def test_one_that_never_began_can_be_stopped() -> None:
    worker = Worker[int]("test", lambda _: None)
    worker.ask(1)
    assert worker.stop(1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
@pytest.mark.parametrize("gives_way", [True, False])
def test_a_thread_that_gives_way_leaves_the_others_theirs(gives_way: bool) -> None:
    seen: list[int] = []
    before = _priority()
    worker = Worker("test", lambda _: seen.append(_priority()), gives_way=gives_way)
    worker.start()
    worker.ask(1)
    _until(lambda: len(seen) == 1)
    assert worker.stop(5)
    assert seen == [max(before, 10) if gives_way else before]
    assert _priority() == before


def _priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
