"""Micro-batching: nobody waits when idle, what arrives meanwhile goes together, and a fault is one caller's alone."""

import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from reflexd_io.inference.batching import Batching
from reflexd_io.inference.errors import InferenceFailed

pytestmark = pytest.mark.anyio


class Model:
    """Doubles numbers; ``gate`` holds it up, and a negative number breaks it."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        self.started.set()
        assert self.gate.wait(5)
        if any(item < 0 for item in items):
            raise ValueError(f"{min(items)} breaks it")
        return [2 * item for item in items]


@asynccontextmanager
async def served(batching: Batching[int, int]) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(batching.serve)
        yield
        tasks.cancel_scope.cancel()


async def started(model: Model) -> None:
    with anyio.fail_after(30):
        while not model.started.is_set():  # noqa: ASYNC110 - a thread sets it
            await anyio.sleep(0.001)


async def asked(batching: Batching[int, int], item: int, found: dict[int, object]) -> None:
    try:
        found[item] = await batching([item])
    except Exception as error:
        found[item] = str(error)


async def test_what_arrives_while_one_is_computed_goes_together() -> None:
    model = Model()
    batching = Batching(model, at_once=4)
    found: dict[int, object] = {}
    async with served(batching), anyio.create_task_group() as tasks:
        model.gate.clear()
        tasks.start_soon(asked, batching, 0, found)
        await started(model)
        for item in range(1, 8):
            tasks.start_soon(asked, batching, item, found)
        await anyio.wait_all_tasks_blocked()
        model.gate.set()
    assert found == {item: [2 * item] for item in range(8)}
    assert [len(batch) for batch in model.batches] == [1, 4, 3]


async def test_equal_items_that_are_asked_for_at_once_are_computed_once() -> None:
    model = Model()
    batching = Batching(model, at_once=4)
    found: dict[int, list[object]] = {0: [], 1: []}

    async def ask(item: int) -> None:
        found[item].append(await batching([item]))

    async with served(batching), anyio.create_task_group() as tasks:
        model.gate.clear()
        tasks.start_soon(ask, 0)
        await started(model)
        for item in (0, 1, 1, 1, 0):  # one that is being computed, and one that waits
            tasks.start_soon(ask, item)
        await anyio.wait_all_tasks_blocked()
        model.gate.set()
    assert found == {0: [[0]] * 3, 1: [[2]] * 3}
    assert model.batches == [[0], [1]]


async def test_what_is_over_is_computed_anew() -> None:
    model = Model()
    async with served(batching := Batching(model, at_once=4)):
        assert await batching([1, 1]) == [2, 2]
        assert await batching([1]) == [2]
    assert model.batches == [[1], [1]]


async def test_who_leaves_does_not_take_an_equal_item_from_the_others() -> None:
    model = Model()
    batching = Batching(model, at_once=4)
    found: dict[int, object] = {}
    async with served(batching), anyio.create_task_group() as tasks:
        model.gate.clear()
        tasks.start_soon(asked, batching, 0, found)
        await started(model)
        with anyio.move_on_after(0.05):
            async with anyio.create_task_group() as leaving:
                leaving.start_soon(asked, batching, 1, {})
                leaving.start_soon(asked, batching, 2, {})
                tasks.start_soon(asked, batching, 1, found)
        model.gate.set()
    assert found == {0: [0], 1: [2]}
    assert model.batches == [[0], [1]]


async def test_several_items_of_one_call_come_back_in_order() -> None:
    async with served(batching := Batching(Model(), at_once=2)):
        assert await batching([3, 1, 2]) == [6, 2, 4]
        assert await batching([]) == []


async def test_one_that_breaks_the_model_fails_alone() -> None:
    model = Model()
    batching = Batching(model, at_once=8)
    found: dict[int, object] = {}
    async with served(batching), anyio.create_task_group() as tasks:
        model.gate.clear()
        tasks.start_soon(asked, batching, 0, found)
        await started(model)
        for item in (1, -5, 2):
            tasks.start_soon(asked, batching, item, found)
        await anyio.wait_all_tasks_blocked()
        model.gate.set()
    assert found == {0: [0], 1: [2], 2: [4], -5: "-5 breaks it"}


async def test_the_loop_goes_on_while_the_model_is_slow() -> None:
    model = Model()
    batching = Batching(model, at_once=1)
    async with served(batching), anyio.create_task_group() as tasks:
        model.gate.clear()
        tasks.start_soon(batching, [1])
        await started(model)
        longest, before = 0.0, time.perf_counter()
        for _ in range(50):
            await anyio.lowlevel.checkpoint()
            now = time.perf_counter()
            longest, before = max(longest, now - before), now
        model.gate.set()
    assert longest < 1  # it would have been five seconds, and then an error


async def test_a_caller_with_a_deadline_leaves_and_is_not_computed() -> None:
    model = Model()
    batching = Batching(model, at_once=8)
    async with served(batching), anyio.create_task_group() as tasks:
        model.gate.clear()
        tasks.start_soon(batching, [1])
        await started(model)
        with anyio.move_on_after(0.01) as scope:
            await batching([2])
        assert scope.cancelled_caught
        model.gate.set()
        assert await batching([3]) == [6]
    assert model.batches == [[1], [3]]


async def test_a_long_queue_is_refused_at_once() -> None:
    model = Model()
    batching = Batching(model, at_once=1, longest_queue=3)
    async with served(batching), anyio.create_task_group() as tasks:
        model.gate.clear()
        tasks.start_soon(batching, [0])
        await started(model)
        tasks.start_soon(batching, [1, 2, 3])
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(InferenceFailed, match="3 questions wait"):
            await batching([4])
        model.gate.set()
    assert model.batches == [[0], [1], [2], [3]]


async def test_places_of_callers_that_left_are_free_again() -> None:
    model = Model()
    batching = Batching(model, at_once=1, longest_queue=2)
    async with served(batching), anyio.create_task_group() as tasks:
        model.gate.clear()
        tasks.start_soon(batching, [0])
        await started(model)
        for _ in range(5):
            with anyio.move_on_after(0.001):
                await batching([1, 1])
        model.gate.set()
        assert await batching([2]) == [4]
    assert model.batches == [[0], [2]]


async def test_whoever_waits_when_it_ends_is_told() -> None:
    model = Model()
    batching = Batching(model, at_once=1)
    found: dict[int, object] = {}
    async with anyio.create_task_group() as callers:
        async with served(batching):
            model.gate.clear()
            callers.start_soon(asked, batching, 1, found)
            await started(model)
            callers.start_soon(asked, batching, 2, found)
            await anyio.wait_all_tasks_blocked()
        model.gate.set()
    assert found == {1: "inference has stopped", 2: "inference has stopped"}
    with pytest.raises(InferenceFailed, match="stopped"):
        await batching([3])


@pytest.mark.parametrize("work", [lambda _: [], lambda items: [0] * (len(items) + 1)])
async def test_a_wrong_number_of_results_is_an_error(work: Callable[[Sequence[int]], list[int]]) -> None:
    batching = Batching(work, at_once=4)
    async with served(batching):
        with pytest.raises(InferenceFailed, match="results for 1"):
            await batching([1])
        with pytest.raises(InferenceFailed, match="results for 1"):
            await batching([1])
