"""Everything of a tenant goes for good: what stays, what it takes no more, and a disk that has no room."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import pytest

from reflexd_io.catalogue.emptying import empty
from reflexd_io.catalogue.purging import Target
from reflexd_io.control_client import BlockingClient, Place, calls
from reflexd_io.runtime import Runtime
from reflexd_io.store import Store, StoreUnavailable
from reflexd_io.store.pairings import Audit, AuditVerdict, Label
from support.daemon import daemon, settings_for
from support.entries import key_of, opened, record, rows
from support.upstream import Reply, ScriptedUpstream, Seen
from support.wire import Wire, chat, completion, eventually, get, post

pytestmark = pytest.mark.anyio

NOISE = random.Random(1).randbytes(60_000).hex()


async def test_what_people_said_stays_and_nothing_else(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(record(1, meaning=True), record(2), record(3))
        await catalogue.put(record(4), tenant="other")
        await catalogue.store.block("default", key_of(1), "another form")
        label = Label(a="stored", b="asked", label=False, source="person", at=5.0)
        await catalogue.store.add_label("default", label)
        audit = Audit(
            entry_key=key_of(1),
            asked_key=key_of(9),
            stored="stored",
            asked="asked",
            score=0.5,
            similarity=0.9,
            model="judge-1",
            verdict=AuditVerdict.SAME,
            at=5.0,
        )
        await catalogue.store.add_audit("default", audit)
        catalogue.memory.put(key_of(2), record(2).answer, "default")
        await catalogue.purging.purge(Target(tenant="default"))
        await catalogue.put(record(5), record(6))
        blocks = rows(tmp_path, "SELECT * FROM blocks")
        assert len(blocks) == 1

        assert await empty(catalogue.shelves, "default") == 2
        for number in (1, 2, 3, 5, 6):
            assert not await catalogue.is_stored(number)
        assert catalogue.memory.get(key_of(2)) is None
        for table in ("entries", "texts", "parts", "trash", "purges", "audits"):
            assert rows(tmp_path, f"SELECT count(*) FROM {table}") == [(0,)], table
        assert rows(tmp_path, "SELECT * FROM blocks") == blocks
        assert await catalogue.store.labels("default") == [label]
        assert (await catalogue.store.audit_counts("default"))[AuditVerdict.SAME] == 1
        assert await catalogue.is_stored(4, "other")
        await catalogue.put(record(1))
        assert await catalogue.is_stored(1)


async def test_what_people_said_stays_where_nobody_waits_for_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(record(1, meaning=True))
        await catalogue.store.block("default", key_of(1), "another form")
        blocks = rows(tmp_path, "SELECT * FROM blocks")
        remove = Store.remove
        with anyio.CancelScope() as asking:

            async def left(self: Store, tenant: str, *, for_good: bool) -> None:
                asking.cancel()
                await remove(self, tenant, for_good=for_good)

            monkeypatch.setattr(Store, "remove", left)
            await empty(catalogue.shelves, "default")
        assert not await catalogue.is_stored(1)
        assert rows(tmp_path, "SELECT * FROM blocks") == blocks


async def test_where_nothing_is_stored_nothing_goes(tmp_path: Path) -> None:
    beside = tmp_path / "beside.sqlite3"
    beside.touch()
    async with opened(tmp_path / "tenants") as catalogue:
        for name in ("default", "anon-/../../beside", "../beside"):
            assert await empty(catalogue.shelves, name) == 0
    assert beside.exists()


async def test_where_a_purge_has_no_room_it_says_so_and_this_needs_none(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(*(record(number, said=NOISE) for number in range(1, 6)))
        # The file cannot grow any more, which is to SQLite a disk that is full.
        await catalogue.store.change("default", lambda db: db.execute("PRAGMA max_page_count = 1"))
        with pytest.raises(StoreUnavailable, match=r"disk is full\. .* --for-good"):
            await catalogue.purging.purge(Target())
        assert [await catalogue.is_stored(number) for number in range(1, 6)] == [True] * 5
        assert await empty(catalogue.shelves, "default") == 5
        assert not (tmp_path / "default.sqlite3").exists()
        await catalogue.put(record(1, said=NOISE))
        assert await catalogue.is_stored(1)


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder]
    if shutil.which("mount") is None or subprocess.call(mount, stderr=subprocess.DEVNULL) != 0:
        pytest.skip("no small disk can be mounted here")
    try:
        yield
    finally:
        subprocess.check_call(["umount", folder])


def _ask(runtime: Runtime, question: str) -> str | None:
    with Wire(runtime.url) as wire:
        return wire.ask(post(chat(question))).told


def _health(runtime: Runtime) -> object:
    with Wire(runtime.url) as wire:
        return wire.ask(get("/ready")).json()["status"]


def test_a_disk_that_is_full_has_room_again(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    noise = random.Random(2)

    def fill(_: Seen) -> Reply:
        return Reply(body=completion(noise.randbytes(60_000).hex()))

    upstream.script = fill
    disk = tmp_path / "disk"
    with _small_disk(disk), daemon(settings_for(disk / "storage", upstream.url)) as runtime:
        with (disk / "others").open("wb", buffering=0) as others, suppress(OSError):
            others.write(bytes(8 * 1024 * 1024))
        number = 0
        while _health(runtime) == "ok":
            number += 1
            assert number < 1000
            assert _ask(runtime, f"question {number}") == "miss"
        client = BlockingClient(Place(runtime.url, runtime.admin_token))
        (tenant,) = [row.name for row in client.do(calls.list_tenants()).items if row.size]
        told = client.do(calls.empty_tenant(tenant)).message
        assert told.endswith("removed for good.")
        assert not told.startswith("0 ")
        assert _ask(runtime, "question 1") == "miss"
        eventually(
            lambda: _ask(runtime, "question 1") == "hit-l1-exact" and _health(runtime) == "ok", "storing again"
        )
