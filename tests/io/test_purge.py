"""Purging on a real disk: what is purged is gone everywhere at once, and comes back as it was."""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from reflexd_core.finding import read_wanted
from reflexd_io.catalogue.browsing import Listing
from reflexd_io.catalogue.changing import Change
from reflexd_io.catalogue.purging import Conflict, Target
from reflexd_io.catalogue.shelves import Unknown
from reflexd_io.store import StoreUnavailable, room, schema, trash, writer
from reflexd_io.store.filters import Filter, Tier
from reflexd_io.store.pairings import Audit, AuditVerdict
from support.entries import MODEL, SCOPE, Opened, alias, everything, key_of, name_of, opened, record, rows, vector_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_TICK", 0.05)


async def _until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not true():  # noqa: ASYNC110 - files and threads set no events
            await anyio.sleep(0.01)


async def _filled(catalogue: Opened) -> None:
    await catalogue.put(record(1, meaning=True), record(2, meaning=True), record(3), record(4, model="gpt-5"))
    assert await catalogue.store.promote("default", alias(11, 1, "One, in other words?"))
    assert await catalogue.store.promote("default", alias(12, 2, "Two, in other words?"))
    catalogue.store.touch("default", key_of(1))
    catalogue.store.touch("default", key_of(11))


async def test_what_is_purged_is_gone_everywhere_and_comes_back_as_it_was(tmp_path: Path, quick_ticks: None) -> None:
    async with opened(tmp_path) as catalogue:
        await _filled(catalogue)
        await _until(lambda: rows(tmp_path, "SELECT sum(count) FROM uses") == [(2,)])
        before = everything(tmp_path)
        catalogue.memory.put(key_of(1), record(1).answer, "default")
        purged = await catalogue.purging.purge(Target())
        assert (purged.entries, purged.tenants) == (4, {"default": 4})
        assert catalogue.memory.get(key_of(1)) is None
        for number in (1, 2, 3, 4, 11, 12):
            assert not await catalogue.is_stored(number)
        assert (await catalogue.browsing.page(Listing(), cursor=None, limit=10)).lines == []
        searched = Listing(filter=Filter(wanted=read_wanted("capital")))
        assert (await catalogue.browsing.page(searched, cursor=None, limit=10)).lines == []
        assert await catalogue.store.nearest("default", SCOPE, vector_of(1), 5, model=MODEL, form="") == []
        for table in ("entries", "meanings", "vectors", "aliases"):
            assert rows(tmp_path, f"SELECT count(*) FROM {table}") == [(0,)], table
        (thrown,) = await catalogue.purging.thrown()
        assert (thrown.id, thrown.entries, thrown.finished) == (purged.purge, 4, True)
        assert thrown.what == "everything of all tenants"

        restored = await catalogue.purging.restore(purged.purge or "")
        assert (restored.entries, restored.outdone) == (4, 0)
        assert everything(tmp_path) == before
        assert await catalogue.purging.thrown() == []
        near = await catalogue.store.nearest("default", SCOPE, vector_of(1), 1, model=MODEL, form="")
        assert [found.key for found in near] == [key_of(1)]
        for number in (1, 2, 3, 4, 11, 12):
            assert await catalogue.is_stored(number)


async def test_purging_one_tenant_leaves_the_others_answers_in_memory(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        for number, tenant in ((1, "default"), (2, "work")):
            await catalogue.put(record(number), tenant=tenant)
            catalogue.memory.put(key_of(number), record(number).answer, tenant)
        await catalogue.purging.purge(Target(tenant="default"))
        assert [catalogue.memory.get(key_of(number)) is not None for number in (1, 2)] == [False, True]
        await catalogue.purging.purge(Target())
        assert len(catalogue.memory) == 0


async def test_undoing_twice_or_what_never_was_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await _filled(catalogue)
        purged = await catalogue.purging.purge(Target(ids=(name_of(1),)))
        await catalogue.purging.restore(purged.purge or "")
        for name in (purged.purge or "", "0" * 16):
            with pytest.raises(Unknown, match="undone or dropped before"):
                await catalogue.purging.restore(name)
            with pytest.raises(Unknown):
                await catalogue.purging.drop(name)


async def test_a_purge_takes_what_was_named_and_tells_what_had_gone(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await _filled(catalogue)
        await catalogue.put(record(1), tenant="other")
        ids = (name_of(1), name_of(99), name_of(4))
        counted = await catalogue.purging.count(Target(tenant="default", ids=ids))
        assert (counted.entries, counted.unknown, counted.purge) == (2, [name_of(99)], None)
        assert {line.listed.key for line in counted.examples} == {key_of(1), key_of(4)}
        purged = await catalogue.purging.purge(Target(tenant="default", ids=ids))
        assert (purged.entries, purged.unknown) == (2, [name_of(99)])
        again = await catalogue.purging.purge(Target(tenant="default", ids=ids))
        assert (again.entries, again.purge, len(again.unknown)) == (0, None, 3)
        assert await catalogue.is_stored(1, "other")
        both = await catalogue.purging.purge(Target(ids=(name_of(2), name_of(3)), filter=Filter(tier=Tier.EXACT)))
        assert both.entries == 1
        assert await catalogue.is_stored(2)


async def test_exactly_what_was_counted_is_purged(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await _filled(catalogue)
        target = Target(filter=Filter(model="gpt-4o"))
        counted = await catalogue.purging.count(target)
        assert (counted.entries, counted.size) == (3, 3 * len(record(1).answer.recorded))
        await catalogue.put(record(5))
        await catalogue.put(record(3, said="Anew."))  # replaced: another answer by now
        purged = await catalogue.purging.purge(target, counted.confirm)
        assert (purged.entries, purged.gone) == (2, 1)
        assert await catalogue.is_stored(5)
        assert await catalogue.is_stored(3)
        with pytest.raises(Conflict, match="not known"):
            await catalogue.purging.purge(target, counted.confirm)
        other = await catalogue.purging.count(Target(filter=Filter(model="gpt-5")))
        with pytest.raises(Conflict, match="something else"):
            await catalogue.purging.purge(target, other.confirm)


async def test_an_entry_stored_anew_meanwhile_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await _filled(catalogue)
        purged = await catalogue.purging.purge(Target())
        await catalogue.put(record(1, said="The newer.", created=9000.0))
        await catalogue.put(replace(record(12), key=key_of(12)))  # what was another wording has its own answer now
        restored = await catalogue.purging.restore(purged.purge or "")
        assert (restored.entries, restored.outdone) == (3, 1)
        kept = await catalogue.store.get("default", key_of(1))
        assert kept is not None
        assert kept.facts.created == 9000.0
        own = await catalogue.store.get("default", key_of(12))
        assert own is not None
        assert own.pairing is None
        assert rows(tmp_path, "SELECT count(*) FROM parts WHERE uses < 1") == [(0,)]
        assert rows(tmp_path, "SELECT count(*) FROM texts") == [(5,)]


async def test_a_wording_that_was_barred_meanwhile_stays_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await _filled(catalogue)
        purged = await catalogue.purging.purge(Target())
        await catalogue.store.block("default", key_of(1), alias(11, 1, "One, in other words?").form)
        await catalogue.purging.restore(purged.purge or "")
        assert not await catalogue.is_stored(11)
        assert await catalogue.is_stored(12)


async def test_two_purges_at_once_share_the_work(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(*map(record, range(300)))
        outcomes = []

        async def purge(target: Target) -> None:
            outcomes.append(await catalogue.purging.purge(target))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(purge, Target())
            tasks.start_soon(purge, Target(filter=Filter(model="gpt-4o")))
            tasks.start_soon(purge, Target(ids=tuple(map(name_of, range(300)))))
        assert sum(outcome.entries for outcome in outcomes) == 300
        for outcome in outcomes:
            if outcome.purge is not None:
                await catalogue.purging.restore(outcome.purge)
        assert (await catalogue.browsing.total(Listing())).entries == 300


async def test_what_can_no_longer_be_undone_leaves_the_disk(
    tmp_path: Path, quick_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "UNDO", 0.3)
    async with opened(tmp_path) as catalogue:
        await _filled(catalogue)
        await catalogue.store.add_audit(
            "default",
            Audit(
                entry_key=key_of(1),
                asked_key=key_of(11),
                stored="a secret question",
                asked="b",
                score=0.9,
                similarity=0.9,
                model="judge-1",
                verdict=AuditVerdict.SAME,
                at=1.0,
            ),
        )
        purged = await catalogue.purging.purge(Target(filter=Filter(model="gpt-4o")))
        await _until(lambda: rows(tmp_path, "SELECT count(*) FROM trash") == [(0,)])
        with pytest.raises(Unknown):
            await catalogue.purging.restore(purged.purge or "")
        for table in ("purges", "trash_meanings", "trash_aliases", "audits", "uses"):
            assert rows(tmp_path, f"SELECT count(*) FROM {table}") == [(0,)], table
        assert rows(tmp_path, "SELECT count(*) FROM texts") == [(1,)]
        assert rows(tmp_path, "SELECT max(uses) FROM parts") == [(1,)]
        assert (await catalogue.store.audit_counts("default"))[AuditVerdict.SAME] == 1
        await catalogue.put(record(1))
        assert await catalogue.is_stored(1)


async def test_a_purge_can_be_dropped_before_its_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await _filled(catalogue)
        purged = await catalogue.purging.purge(Target())
        assert await catalogue.purging.drop(purged.purge or "") == 4
        for table in ("trash", "purges", "texts", "parts"):
            assert rows(tmp_path, f"SELECT count(*) FROM {table}") == [(0,)], table


async def test_room_is_made_of_the_trash_first(tmp_path: Path, quick_ticks: None) -> None:
    def size() -> int:
        return sum(path.stat().st_size for path in tmp_path.iterdir() if path.is_file())

    async with opened(tmp_path) as catalogue:
        await catalogue.put(*(record(number, said=_noise(number)) for number in range(200)))
        assert (await catalogue.purging.purge(Target())).entries == 200
        await catalogue.put(*(record(number, said=_noise(number)) for number in range(200, 400)))
    limit = int(size() * 0.9)
    async with opened(tmp_path, limit):
        await _until(lambda: rows(tmp_path, "SELECT count(*) FROM trash")[0][0] < 200 and size() <= limit)
        assert rows(tmp_path, "SELECT count(*) FROM entries") == [(200,)]


def _noise(number: int) -> str:
    import random

    return random.Random(number).randbytes(3000).hex()


async def test_a_purge_that_was_cut_short_says_so_and_can_be_undone(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(*map(record, range(10)))
    with closing(sqlite3.connect(tmp_path / "default.sqlite3", isolation_level=None)) as connection:
        trash.begin(connection, "cut", "everything", time.time())  # as the process leaves it that dies here
        assert trash.move(connection, "cut", [1, 2, 3]).entries == 3
    async with opened(tmp_path) as catalogue:
        (thrown,) = await catalogue.purging.thrown()
        assert (thrown.finished, thrown.entries) == (False, 3)
        assert (await catalogue.browsing.total(Listing())).entries == 7
        assert (await catalogue.purging.restore("cut")).entries == 3
        assert (await catalogue.browsing.total(Listing())).entries == 10


async def test_large_purges_go_in_slices_that_let_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "SLICE", 0.0)
    slices = []
    move = trash.move
    monkeypatch.setattr(trash, "move", lambda *a, **k: slices.append(1) or move(*a, **k))
    async with opened(tmp_path) as catalogue:
        await catalogue.put(*map(record, range(300)))
        before = everything(tmp_path)
        purged = await catalogue.purging.purge(Target())
        assert purged.entries == 300
        assert len(slices) == 5  # of 64
        assert (await catalogue.purging.restore(purged.purge or "")).entries == 300
        assert everything(tmp_path) == before


async def test_what_waits_to_be_written_is_purged_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(record(1))
        go_on = threading.Event()
        holding = []

        async def hold() -> None:
            await catalogue.store.change("default", lambda _: holding.append(go_on.wait(5)))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hold)
            await anyio.sleep(0.05)
            tasks.start_soon(catalogue.put, record(2))
            await anyio.sleep(0.05)
            tasks.start_soon(catalogue.purging.purge, Target())
            await anyio.sleep(0.05)
            go_on.set()
        assert holding == [True]
        assert not await catalogue.is_stored(2)


async def test_the_trash_holds_every_column_of_the_entries(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.sqlite3", isolation_level=None)) as connection:
        schema.prepare(connection)
        columns = {
            table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for table in ("entries", "trash", "aliases", "trash_aliases", "meanings", "trash_meanings")
        }
    assert columns["trash"] == columns["entries"] | {"purge"}
    assert columns["trash_aliases"] == columns["aliases"]
    assert columns["trash_meanings"] == columns["meanings"] | {"vector"}


async def test_a_pinned_entry_neither_expires_nor_makes_room(
    tmp_path: Path, quick_ticks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = time.time() + 0.4
    async with opened(tmp_path) as catalogue:
        await catalogue.put(record(1, expires=soon), record(2, expires=soon))
        catalogue.memory.put(key_of(1), record(1, expires=soon).answer, "default")
        _, row = await catalogue.changing.change(name_of(1), Change(pinned=True))
        assert (row.pinned, row.expires, row.lapses) == (True, None, soon)
        assert catalogue.memory.get(key_of(1)) is None
        await _until(lambda: rows(tmp_path, "SELECT count(*) FROM entries") == [(1,)])
        kept = await catalogue.store.get("default", key_of(1))
        assert kept is not None
        assert kept.facts.expires is None
        await catalogue.put(record(1, said="Newer.", expires=soon))  # it is the question that is pinned
        assert rows(tmp_path, "SELECT pinned, expires, lapses FROM entries") == [(1, None, soon)]
        await catalogue.changing.change(name_of(1), Change(pinned=False))
        await _until(lambda: rows(tmp_path, "SELECT count(*) FROM entries") == [(0,)])
        with pytest.raises(Unknown):
            await catalogue.changing.change(name_of(1), Change(pinned=True))

    found: list[tuple[float, bytes]] = []
    async with opened(tmp_path) as catalogue:
        await catalogue.put(record(1), record(2))
        await catalogue.changing.change(name_of(1), Change(pinned=True))
        with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
            room._read_oldest(connection, found)
    assert [key for _, key in found] == [key_of(2)]


async def test_how_long_an_entry_lives_can_be_changed(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(record(1))
        later = time.time() + 500
        change = Change(sets_expiry=True, expires=later)
        assert (await catalogue.changing.change(name_of(1), change))[1].expires == later
        _, row = await catalogue.changing.change(name_of(1), Change(pinned=True, sets_expiry=True, expires=later + 1))
        assert (row.expires, row.lapses) == (None, later + 1)
        _, row = await catalogue.changing.change(name_of(1), Change(sets_expiry=True))
        assert (row.pinned, row.expires, row.lapses) == (True, None, None)
        _, row = await catalogue.changing.change(name_of(1), Change(pinned=False))
        assert (row.pinned, row.expires) == (False, None)


async def test_a_file_that_cannot_be_read_costs_only_its_own_part(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(record(1))
        await catalogue.put(record(2), tenant="broken")
    (tmp_path / "broken.sqlite3").write_bytes(b"this is no database " * 500)
    async with opened(tmp_path) as catalogue:
        sheet = await catalogue.browsing.page(Listing(), cursor=None, limit=10)
        assert [line.tenant for line in sheet.lines] == ["default"]
        assert sheet.unreadable.keys() == {"broken"}
        assert not (await catalogue.browsing.total(Listing())).exact
        assert (await catalogue.browsing.entry(name_of(1)))[0] == "default"
        with pytest.raises(StoreUnavailable, match="may be in what cannot be read"):
            await catalogue.browsing.entry(name_of(2))
        with pytest.raises(StoreUnavailable):
            await catalogue.browsing.page(Listing(tenant="broken"), cursor=None, limit=10)
        purged = await catalogue.purging.purge(Target())
        assert (purged.entries, purged.failed.keys()) == (1, {"broken"})
        assert (await catalogue.purging.restore(purged.purge or "")).entries == 1
        with pytest.raises(StoreUnavailable):
            await catalogue.purging.purge(Target(tenant="broken"))


@pytest.mark.parametrize(
    ("before", "said"), [(-4e307, "1970-01-01"), (4e307, "9999-12-31"), (86_400.0, "1970-01-02")]
)
def test_any_number_of_days_is_told_in_words(before: float, said: str) -> None:
    assert said in Target(tenant="default", filter=Filter(before=before)).in_words()
