"""A recording: every reader gets the answer from its first byte, whoever is slow and whatever is dropped."""

import anyio
import pytest

from reflexd_io import recording
from reflexd_io.recording import Reader, Recording

pytestmark = pytest.mark.anyio


async def _read(reader: Reader) -> bytes:
    return b"".join([piece async for piece in reader])


async def test_a_reader_that_begins_late_gets_all_from_the_first_byte_on() -> None:
    log = Recording()
    reader = log.reader()
    log.append(b"a")
    log.append(b"b")
    log.stop_keeping()
    log.append(b"c")
    log.end()
    assert await _read(reader) == b"abc"


async def test_who_reads_nothing_any_more_holds_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "WINDOW", 1)
    log = Recording()
    slow, quick = log.reader(), log.reader()
    log.stop_keeping()
    log.append(b"a" * 10)
    assert await anext(quick) == b"a" * 10
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(log.make_room)
        await anyio.wait_all_tasks_blocked()
        slow.close()
    log.end()
    assert await _read(quick) == b""


async def test_the_only_reader_makes_upstream_wait_and_of_several_none_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "WINDOW", 1)
    log = Recording()
    first = log.reader()
    log.append(b"a" * 10)
    with anyio.move_on_after(0.01) as waited:
        await log.make_room()
    assert waited.cancelled_caught
    log.reader()
    with anyio.fail_after(30):
        await log.make_room()
    assert await anext(first) == b"a" * 10


async def test_after_the_limit_only_what_is_unread_is_kept() -> None:
    log = Recording()
    reader = log.reader()
    log.append(b"a")
    assert await anext(reader) == b"a"
    log.keep(b"a")
    log.stop_keeping()
    log.append(b"b")
    assert (log.keeps, log.plain(), log._chunks) == (False, b"", [b"b"])
