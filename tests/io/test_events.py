"""The ring of events: nobody waits for a listener, and a slow one is told what it missed."""

import anyio
import pytest

from reflexd_io.control_client.shapes.events import ChangedEvent, DroppedEvent, Event
from reflexd_io.events import BATCH, KEPT, Events, Listener

pytestmark = pytest.mark.anyio


def _changed(number: float) -> ChangedEvent:
    return ChangedEvent(what="state", at=number)


def _ats(heard: list[tuple[int, Event]] | None) -> list[float]:
    return [event.at for _, event in heard or [] if isinstance(event, ChangedEvent)]


async def _all(listener: Listener, count: int) -> list[tuple[int, Event]]:
    heard: list[tuple[int, Event]] = []
    with anyio.fail_after(10):
        while len(heard) < count:
            heard += await listener.heard() or []
    return heard


@pytest.fixture
async def events() -> Events:
    return Events()


async def test_what_happens_from_now_on_is_heard_in_order(events: Events) -> None:
    events.publish(_changed(0))
    listener = events.listener()
    for number in range(1, 4):
        events.publish(_changed(number))
    heard = await _all(listener, 3)
    assert _ats(heard) == [1, 2, 3]
    assert [number for number, _ in heard] == list(range(events.first + 1, events.first + 4))


async def test_one_that_comes_back_is_given_what_it_missed(events: Events) -> None:
    for number in range(5):
        events.publish(_changed(number))
    assert _ats(await _all(events.listener(events.first + 1), 3)) == [2, 3, 4]
    assert _ats(await _all(events.listener(events.first - 1000), 5)) == [0, 1, 2, 3, 4]  # from before a restart
    assert _ats(await _all(events.listener(events.next + 9), 5)) == [0, 1, 2, 3, 4]  # never ours


async def test_a_slow_listener_loses_the_oldest_and_is_told_how_many(events: Events) -> None:
    listener = events.listener()
    for number in range(KEPT + 10):
        events.publish(_changed(number))
    heard = await _all(listener, KEPT + 1)
    assert heard[0] == (events.first + 9, DroppedEvent(count=10))
    assert _ats(heard) == list(range(10, KEPT + 10))
    # Whoever breaks off right behind that has missed nothing more.
    assert _ats(await events.listener(heard[0][0]).heard())[0] == 10


async def test_events_are_made_when_they_are_read_and_in_batches(events: Events) -> None:
    made = 0

    def make() -> Event | None:
        nonlocal made
        made += 1
        return _changed(made) if made % 2 else None

    listener = events.listener()
    for _ in range(BATCH + 1):
        events.publish(make)
    assert made == 0
    assert len(await listener.heard() or []) == BATCH // 2  # of the others nothing is known any more
    assert made == BATCH


async def test_whoever_stops_waiting_may_go_on_later(events: Events) -> None:
    listener, other = events.listener(), events.listener()
    with anyio.move_on_after(0.01) as silence:
        await listener.heard()
    assert silence.cancelled_caught
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_all, other, 1)
        await anyio.lowlevel.checkpoint()
        events.publish(_changed(1))
    assert _ats(await _all(listener, 1)) == [1]


async def test_closing_ends_everybodys_stream(events: Events) -> None:
    listener = events.listener()
    async with anyio.create_task_group() as tasks:

        async def listen() -> None:
            assert await listener.heard() is None

        tasks.start_soon(listen)
        await anyio.lowlevel.checkpoint()
        events.close()
    assert await events.listener().heard() is None
