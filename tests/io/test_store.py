"""The store on a real disk: what goes in comes out, shared parts are shared, and room is made in the right order."""

import json
import os
import sqlite3
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reflexd_core.entry import EntryFacts, entry_id
from reflexd_core.parts import join_request
from reflexd_core.request import Form, Usage
from reflexd_io.memory import Answer
from reflexd_io.store import Store, StoreUnavailable, readers, records, rows, schema, upkeep, warm, writer
from reflexd_io.store.records import Record
from reflexd_io.store.writer import Operation, Writer

pytestmark = pytest.mark.anyio

GIB = 1024**3
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Bern"}, "finish_reason": "stop"}],
    }
).encode()


def _key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _request(*turns: str) -> bytes:
    messages = [{"role": "user", "content": turn} for turn in turns]
    return json.dumps({"model": "m", "messages": messages, "tools": [{"type": "function"}]}).encode()


def _record(
    number: int = 1,
    *,
    recorded: bytes = ANSWER,
    request: bytes | None = None,
    created: float = 1000.5,
    expires: float | None = None,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> Record:
    facts = EntryFacts(
        id=entry_id(_key(number)),
        dialect="chat",
        model="gpt-4o",
        form=Form.BODY,
        created=created,
        expires=expires,
        has_usage=True,
        asked_usage=False,
        usage=Usage(input=7, output=5, cached_input=3),
    )
    return Record(
        key=_key(number),
        answer=Answer(facts, headers or [(b"content-type", b"application/json")], recorded),
        upstream="openai",
        exact_only=False,
        scope=None,
        request=request if request is not None else _request("What is the capital?"),
        request_coding=None,
    )


@asynccontextmanager
async def _open(folder: Path, max_bytes: int = GIB) -> AsyncIterator[Store]:
    store = Store(folder, max_bytes=max_bytes)
    store.start()
    try:
        yield store
    finally:
        assert await store.close()


async def _put(store: Store, *stored: Record, tenant: str = "default") -> list[str | None]:
    """Hand them in together; what was told of each."""
    told: list[str | None] = []
    done = anyio.Event()

    def hear(problem: str | None) -> None:
        told.append(problem)
        if len(told) == len(stored):
            done.set()

    for record in stored:
        store.put(tenant, record, hear)
    with anyio.fail_after(20):
        await done.wait()
    return told


def _rows(folder: Path, sql: str, tenant: str = "default") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{folder / tenant}.sqlite3?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


async def _until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not true():  # noqa: ASYNC110 - files and threads set no events
            await anyio.sleep(0.01)


@pytest.fixture
def quick_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_TICK", 0.05)


async def test_an_answer_comes_out_as_it_went_in(tmp_path: Path) -> None:
    record = _record(headers=[(b"content-type", b"text/\xe9"), (b"x-request-id", b"r1"), (b"x-request-id", b"r2")])
    async with _open(tmp_path) as store:
        assert await store.get("default", record.key) is None
        assert await _put(store, record) == [None]
        found = await store.get("default", record.key)
        assert found is not None
        assert (found.facts, found.headers, found.recorded) == (
            record.answer.facts,
            record.answer.headers,
            record.answer.recorded,
        )
        assert await store.get("default", _key(2)) is None
        assert await store.get("other", record.key) is None
        assert store.problems == {}


@pytest.mark.parametrize("usage", [None, Usage(input=0, output=0)])
@pytest.mark.parametrize("expires", [None, 2000.25, 10])
async def test_every_fact_is_kept(tmp_path: Path, usage: Usage | None, expires: float | None) -> None:
    record = _record(expires=expires)
    facts = replace(record.answer.facts, usage=usage, form=Form.STREAM, has_usage=False, asked_usage=True)
    record = replace(record, answer=Answer(facts, [], b""))
    async with _open(tmp_path) as store:
        await _put(store, record)
        found = await store.get("default", record.key)
        assert found is not None
        assert found.facts == facts


@given(
    st.binary(max_size=3000),
    st.lists(st.tuples(st.binary(min_size=1, max_size=20), st.binary(max_size=40)), max_size=6),
    st.binary(max_size=500) | st.builds(_request, st.text()),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_bytes_come_out_as_they_went_in(
    tmp_path: Path, recorded: bytes, headers: list[tuple[bytes, bytes]], request_body: bytes
) -> None:
    record = _record(recorded=recorded, headers=headers, request=request_body)
    record = replace(record, answer=replace(record.answer, headers=headers))
    with closing(sqlite3.connect(tmp_path / "any.sqlite3", isolation_level=None)) as connection:
        schema.prepare(connection)
        records.insert(connection, record)
        sql = f"SELECT {rows.ANSWER_COLUMNS} FROM entries WHERE key = ?"
        key, found = rows.read_answer(connection.execute(sql, (record.key,)).fetchone())
    assert key == record.key
    assert (found.facts, found.headers, found.recorded) == (record.answer.facts, headers, recorded)


async def test_a_request_is_kept_in_parts_that_make_it_whole_again(tmp_path: Path) -> None:
    request = _request("one", "two")
    async with _open(tmp_path) as store:
        await _put(store, _record(request=request))
    parts = {row[0]: records.zstd.decompress(row[1]) for row in _rows(tmp_path, "SELECT hash, body FROM parts")}
    (listed,) = _rows(tmp_path, "SELECT request FROM entries")
    joined = join_request([(name, parts[bytes.fromhex(digest)]) for name, digest in json.loads(listed[0])])
    assert joined == json.loads(request)


async def test_parts_are_stored_once_and_go_with_the_last_that_holds_them(tmp_path: Path) -> None:
    long = "a turn that was said before " * 100
    first, second = _record(1, request=_request(long, "a")), _record(2, request=_request(long, long, "b"))
    uses = "SELECT uses FROM parts ORDER BY uses"
    async with _open(tmp_path) as store:
        await _put(store, first)
        assert _rows(tmp_path, uses) == [(1,)] * 4  # envelope, two turns, tools
        await _put(store, second)
        assert _rows(tmp_path, uses) == [(1,), (1,), (2,), (2,), (3,)]
        await _put(store, replace(second, request=_request("other")))
        assert _rows(tmp_path, uses) == [(1,), (1,), (1,), (2,), (2,)]
        with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
            records.remove(connection, [first.key, second.key, _key(99)])
            connection.commit()
    for table in ("parts", "entries", "texts"):
        assert _rows(tmp_path, f"SELECT count(*) FROM {table}") == [(0,)], table


@pytest.mark.parametrize("request_body", [b"", b"{", b"[]", b'{"a":NaN}', b'{"a":1,"a":2}', b"\x1f\x8b broken"])
async def test_a_request_that_cannot_be_read_again_does_not_cost_the_answer(
    tmp_path: Path, request_body: bytes
) -> None:
    async with _open(tmp_path) as store:
        assert await _put(store, _record(request=request_body)) == [None]
        assert await store.get("default", _key(1)) is not None
    assert _rows(tmp_path, "SELECT request FROM entries") == [("[]",)]


async def test_question_and_answer_can_be_searched(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record())
    assert _rows(tmp_path, "SELECT question, answer FROM texts WHERE texts MATCH 'capital'") == [
        ("What is the capital?", "Bern")
    ]


async def test_an_entry_of_the_same_key_is_replaced(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(recorded=b"old"))
        await _put(store, _record(recorded=b"new"))
        found = await store.get("default", _key(1))
        assert found is not None
        assert found.recorded == b"new"
    for table in ("entries", "texts"):
        assert _rows(tmp_path, f"SELECT count(*) FROM {table}") == [(1,)]


async def test_what_was_handed_in_together_is_committed_together_and_told_each(tmp_path: Path) -> None:
    commits: list[str] = []
    store = Store(tmp_path, max_bytes=GIB)
    told: list[str | None] = []
    original = store._writer._connections.open

    def watched(tenant: str) -> sqlite3.Connection:
        connection = original(tenant)
        connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        return connection

    store._writer._connections.open = watched  # type: ignore[method-assign]
    for number in range(600):
        store.put("default", _record(number), told.append)
    store.start()  # all were waiting already
    await _until(lambda: len(told) == 600)
    assert told == [None] * 600
    assert 3 <= len(commits) <= 5
    assert await store.close()


async def test_one_that_cannot_be_stored_does_not_cost_the_others(tmp_path: Path) -> None:
    bad = _record(2)
    bad = replace(bad, answer=replace(bad.answer, facts=replace(bad.answer.facts, created=None)))  # type: ignore[arg-type]
    store = Store(tmp_path, max_bytes=GIB)
    told: dict[int, str | None] = {}
    for number, record in ((1, _record(1)), (2, bad), (3, _record(3))):
        store.put("default", record, lambda problem, number=number: told.update({number: problem}))  # type: ignore[misc]
    store.start()
    await _until(lambda: len(told) == 3)
    assert told[1] is told[3] is None
    assert "NOT NULL" in (told[2] or "")
    assert _rows(tmp_path, "SELECT count(*) FROM entries") == [(2,)]
    assert await store.close()


async def test_a_listener_that_fails_does_not_stop_the_writer(tmp_path: Path) -> None:
    thread = Writer(tmp_path, set(), max_bytes=GIB, limit_of=lambda _: None)
    heard: list[str | None] = []

    def fails(_: str | None) -> None:
        raise RuntimeError("nobody is there")

    thread.submit(Operation("default", lambda db: records.insert(db, _record(1)), fails))
    thread.start()
    thread.submit(Operation("default", lambda db: records.insert(db, _record(2)), heard.append))
    await _until(lambda: heard == [None])
    assert thread.stop(10)
    assert _rows(tmp_path, "SELECT count(*) FROM entries") == [(2,)]


async def test_a_name_that_is_no_tenants_is_told_and_makes_no_file(tmp_path: Path) -> None:
    async with _open(tmp_path / "tenants") as store:
        for name in ("", "..", "a/b", "a" * 65, ".hidden"):
            told: list[str | None] = []
            store.put(name, _record(), told.append)
            assert len(told) == 1
            assert told[0]
            assert await store.get(name, _key(1)) is None
    assert not list((tmp_path / "tenants").iterdir())


async def test_uses_are_noted(tmp_path: Path, quick_ticks: None) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1), _record(2))
        assert _rows(tmp_path, "SELECT used, hits FROM entries") == [(1000.5, 0)] * 2
        before = time.time()
        for _ in range(3):
            store.touch("default", _key(1))
        store.touch("default", _key(99))
        await _until(lambda: (3,) in _rows(tmp_path, "SELECT hits FROM entries"))
        ((used,),) = _rows(tmp_path, "SELECT used FROM entries WHERE hits = 3")
        assert before <= used <= time.time()
    assert _rows(tmp_path, "SELECT used, hits FROM entries WHERE hits = 0") == [(1000.5, 0)]


async def test_uses_of_the_last_moment_are_noted_too(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1))
        store.touch("default", _key(1))
    assert _rows(tmp_path, "SELECT hits FROM entries") == [(1,)]


async def test_what_expired_leaves_the_disk_even_where_nobody_comes_any_more(
    tmp_path: Path, quick_ticks: None
) -> None:
    soon = time.time() + 3600
    async with _open(tmp_path) as store:
        await _put(store, _record(1, expires=soon), _record(3), tenant="idle")
    with closing(sqlite3.connect(tmp_path / "idle.sqlite3")) as connection:
        connection.execute("UPDATE entries SET expires = ? WHERE key = ?", (time.time() - 1, _key(1)))
        connection.commit()
    async with _open(tmp_path):
        await _until(lambda: _rows(tmp_path, "SELECT key FROM entries", "idle") == [(_key(3),)])
    assert _rows(tmp_path, "SELECT count(*) FROM texts", "idle") == [(1,)]


def _size(folder: Path) -> int:
    size = 0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # closed just now, which folds its log in
            size += path.stat().st_size
    return size


async def test_room_is_made_least_recently_used_first_over_all_tenants(tmp_path: Path, quick_ticks: None) -> None:
    limit = 2_150_000
    now = time.time()

    def batch(numbers: range) -> Iterator[Record]:
        for number in numbers:
            yield _record(number, recorded=os.urandom(6000), request=os.urandom(10), created=now + number)

    async with _open(tmp_path, GIB) as store:
        await _put(store, *batch(range(200)), tenant="old")
        await _put(store, *batch(range(200, 400)), tenant="new")
        store.touch("old", _key(0))
    assert _size(tmp_path) > limit
    with closing(sqlite3.connect(tmp_path / "old.sqlite3")) as connection:
        connection.execute("UPDATE entries SET used = ? WHERE key = ?", (now + 1000, _key(0)))
        connection.commit()
    async with _open(tmp_path, limit) as store:
        await _until(lambda: _size(tmp_path) <= limit)
        assert await store.get("old", _key(0)) is not None  # old, but just used
        assert await store.get("old", _key(1)) is None
        assert await store.get("new", _key(399)) is not None
    kept_old = {row[0] for row in _rows(tmp_path, "SELECT key FROM entries", "old")}
    kept_new = {row[0] for row in _rows(tmp_path, "SELECT key FROM entries", "new")}
    assert kept_old == {_key(0)}
    first = min(int.from_bytes(key, "big") for key in kept_new)
    assert kept_new == {_key(number) for number in range(first, 400)}  # the newest, without a gap
    assert len(kept_new) > 120  # and no more was given up than had to be


async def test_a_tenant_with_a_limit_makes_room_in_its_own_file_alone(tmp_path: Path, quick_ticks: None) -> None:
    limit, now = 1_100_000, time.time()
    async with _open(tmp_path, GIB) as store:
        for tenant in ("small", "large"):
            fresh = (
                _record(n, recorded=os.urandom(6000), request=os.urandom(10), created=now + n) for n in range(300)
            )
            await _put(store, *fresh, tenant=tenant)
    store = Store(tmp_path, max_bytes=GIB, limit_of=lambda tenant: limit if tenant == "small" else None)
    store.start()
    try:
        await _until(lambda: sum(path.stat().st_size for path in tmp_path.glob("small*")) <= limit)
    finally:
        await store.close()
    kept = {int.from_bytes(key, "big") for (key,) in _rows(tmp_path, "SELECT key FROM entries", "small")}
    assert kept == set(range(min(kept), 300)), "the newest, without a gap"
    assert 60 < len(kept) < 200
    assert len(_rows(tmp_path, "SELECT key FROM entries", "large")) == 300


async def test_a_tenant_is_removed_after_what_was_handed_in_and_for_good(tmp_path: Path) -> None:
    async with _open(tmp_path, GIB) as store:
        await _put(store, _record(1), tenant="gone")
        await _put(store, _record(1), tenant="stays")
        assert await store.get("gone", _key(1)) is not None
        told: list[str | None] = []
        store.put("gone", _record(2), told.append)
        await store.remove("gone", for_good=True)
        assert (told, list(tmp_path.glob("gone*")), store.tenants()) == ([None], [], {"stays"})
        assert await store.get("gone", _key(1)) is None
        store.put("gone", _record(3), told.append)
        await store.flush()
        await _until(lambda: len(told) == 2)
        assert (told[1], list(tmp_path.glob("gone*"))) == ("tenant gone was removed", [])
        await store.remove("stays", for_good=False)
        await _put(store, _record(4), tenant="stays")
        assert await store.get("stays", _key(1)) is None
        assert await store.get("stays", _key(4)) is not None


async def test_long_requests_do_not_make_room_at_the_cost_of_everything(tmp_path: Path, quick_ticks: None) -> None:
    """An entry takes its request's parts too: counting answers alone would drop a hundred times too many."""
    limit = 4_000_000

    def record(number: int) -> Record:
        said = os.urandom(15_000).hex()
        return _record(number, request=_request(said, "and now?"), created=time.time() + number)

    async with _open(tmp_path, limit) as store:
        for start in range(0, 300, 50):
            await _put(store, *(record(number) for number in range(start, start + 50)))
        await _until(lambda: _size(tmp_path) <= limit)
        await anyio.sleep(0.2)  # a few more ticks must not take more
    ((count,),) = _rows(tmp_path, "SELECT count(*) FROM entries")
    assert count > 60


async def test_after_a_restart_the_most_recently_used_are_there_to_warm_up(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, *(_record(number, created=1000.0 + number) for number in range(20)))
        await _put(store, _record(50), tenant="team")
        store.touch("default", _key(3))
    async with _open(tmp_path) as store:
        found = [each async for each in store.newest(6, GIB)]
        everything = [each async for each in store.newest(100, GIB)]
    expected = [_key(3), _key(19), _key(18), _key(17), _key(16)]
    assert [key for _, key, _ in found if key != _key(50)][:5] == expected
    assert {key for _, key, _ in everything} == {*(_key(number) for number in range(20)), _key(50)}
    assert {tenant for tenant, key, _ in found if key == _key(50)} <= {"team"}
    assert found[0][2].recorded == ANSWER


async def test_a_row_that_no_reflex_wrote_is_left_out_alone(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, *(_record(number) for number in range(3)))
    with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
        connection.execute("UPDATE entries SET answer = x'00' WHERE key = ?", (_key(1),))
        connection.execute("UPDATE entries SET form = 'poem' WHERE key = ?", (_key(2),))
        connection.commit()
    async with _open(tmp_path) as store:
        assert [key async for _, key, _ in store.newest(5, GIB)] == [_key(0)]
        assert await store.get("default", _key(0)) is not None
        for number in (1, 2):
            with pytest.raises(StoreUnavailable):
                await store.get("default", _key(number))


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
async def test_files_are_readable_for_their_owner_only(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        async with _open(tmp_path / "tenants") as store:
            await _put(store, _record())
            files = list((tmp_path / "tenants").iterdir())
            assert len(files) == 3  # the file, its log, its index
            assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
            assert stat.S_IMODE((tmp_path / "tenants").stat().st_mode) == 0o700
    finally:
        os.umask(previous)


async def test_a_tenants_file_is_made_with_its_first_answer(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await store.get("default", _key(1))
        assert not list(tmp_path.iterdir())
        await _put(store, _record())
        assert _rows(tmp_path, "PRAGMA journal_mode") == [("wal",)]
        assert _rows(tmp_path, "PRAGMA auto_vacuum") == [(2,)]


def test_migrations_are_recorded_by_name(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite3", isolation_level=None)) as connection:
        assert not schema.check(connection)
        schema.prepare(connection)
        assert schema.check(connection)
        schema.prepare(connection)
        applied = connection.execute("SELECT name FROM migrations ORDER BY name").fetchall()
        assert [name for (name,) in applied] == [name for name, _ in schema.MIGRATIONS]


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(tmp_path / "a.sqlite3", isolation_level=None)) as connection:
        schema.prepare(connection)
        good = ("9998-good", ("CREATE TABLE good (x)",))
        bad = ("9999-bad", ("CREATE TABLE half (x)", "CREATE TABLE entries (x)"))
        monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, good, bad))
        with pytest.raises(sqlite3.OperationalError, match="entries already exists"):
            schema.prepare(connection)
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert "good" in tables
        assert "half" not in tables
        applied = [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]
        assert applied[-1] == "9998-good"
        assert not connection.in_transaction


async def test_a_file_of_a_newer_version_is_neither_read_nor_changed(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record())
    with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
        connection.execute("INSERT INTO migrations (name) VALUES ('9999-later')")
        connection.commit()
    before = (tmp_path / "default.sqlite3").read_bytes()
    async with _open(tmp_path) as store:
        (told,) = await _put(store, _record(2))
        assert "9999-later" in (told or "")
        with pytest.raises(StoreUnavailable, match="9999-later"):
            await store.get("default", _key(1))
        assert "9999-later" in store.problems["default"]
    assert (tmp_path / "default.sqlite3").read_bytes() == before


async def test_a_damaged_file_may_be_moved_away_while_running(tmp_path: Path) -> None:
    damaged = tmp_path / "default.sqlite3"
    damaged.write_bytes(b"this is no database" * 100)
    async with _open(tmp_path) as store:
        (told,) = await _put(store, _record())
        assert "not a database" in (told or "")
        assert damaged.read_bytes().startswith(b"this is no database")
        damaged.rename(tmp_path / "aside")
        assert await _put(store, _record()) == [None]
        assert await store.get("default", _key(1)) is not None
        assert store.problems == {}


async def test_a_lock_is_waited_for_and_then_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_LOCK_WAIT", 0.1)
    async with _open(tmp_path) as store:
        await _put(store, _record(1))
        with closing(sqlite3.connect(tmp_path / "default.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            (told,) = await _put(store, _record(2))
            assert "locked" in (told or "")
            assert "default" in store.problems
            assert await store.get("default", _key(1)) is not None  # readers go on
        assert await _put(store, _record(2)) == [None]
        assert store.problems == {}


async def test_upkeep_that_failed_is_told_until_it_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_ticks: None
) -> None:
    monkeypatch.setattr(writer, "_LOCK_WAIT", 0.05)
    async with _open(tmp_path) as store:
        await _put(store, _record(1))
        with closing(sqlite3.connect(tmp_path / "default.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await _until(lambda: "default" in store.problems)
        await _until(lambda: store.problems == {})


async def test_warming_up_takes_no_more_than_it_may(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, *(_record(number, created=number, recorded=b"x" * 1000) for number in range(120)))
        await _put(store, _record(500, created=500, recorded=b"x" * 3000))
    os.utime(tmp_path / "default.sqlite3", (1, 1))
    async with _open(tmp_path) as store:
        await _put(store, _record(1000, created=0), tenant="later")

        async def warmed(limit: int, max_bytes: int) -> list[bytes]:
            return [key async for _, key, _ in store.newest(limit, max_bytes)]

        assert len(await warmed(1000, GIB)) == 122
        assert len(await warmed(60, GIB)) == 60
        assert (await warmed(3, GIB))[:2] == [_key(1000), _key(500)], "the tenant that was used last goes first"
        found = await warmed(1000, 10_000)
        assert found == [_key(1000), *(_key(number) for number in range(119, 110, -1))], (
            "3000 would be over a quarter"
        )
        assert await warmed(1000, 1) == await warmed(0, GIB) == []


async def test_warming_up_keeps_no_lookup_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with _open(tmp_path) as store:
        await _put(store, *(_record(number) for number in range(3)))
        go_on = threading.Event()
        unpack = warm.read_answer
        monkeypatch.setattr(warm, "read_answer", lambda row: (go_on.wait(20), unpack(row))[1])
        found: list[bytes] = []

        async def warm_up() -> None:
            async with aclosing(store.newest(5, GIB)) as answers:
                found.extend([key async for _, key, _ in answers])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(warm_up)
            await anyio.sleep(0.05)
            with anyio.fail_after(30):
                assert await store.get("default", _key(1)) is not None
            assert not found
            go_on.set()
        assert len(found) == 3


async def test_however_many_tenants_there_are_few_files_are_open(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        for number in range(40):
            done = anyio.Event()
            store.put(f"t{number}", _record(number), lambda _, done=done: done.set())
            await done.wait()
        for number in range(40):
            assert await store.get(f"t{number}", _key(number)) is not None
        assert len(store._readers) <= 16
        assert len(store._writer._connections) <= 16
        assert not store._readers._leaving


@pytest.mark.parametrize(
    "change",
    [
        "headers = '7'",
        "headers = '[7]'",
        "headers = '[[1, 2]]'",
        "headers = 'null'",
        "headers = '{'",
        f"headers = '{'[' * 100_000}'",
        "answer = x'00'",
        "answer = 'text'",
        "form = 'poem'",
        "dialect = 'latin'",
        "created = 9e999",
        "has_usage = 'yes'",
        "model = x'ff'",
        "model = cast(x'ff' as text)",
    ],
)
async def test_an_odd_row_costs_a_hit_and_is_got_rid_of(tmp_path: Path, change: str) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1))
        with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
            connection.execute(f"UPDATE entries SET {change}")
            connection.commit()
        with pytest.raises(StoreUnavailable):
            await store.get("default", _key(1))
        assert [each async for each in store.newest(5, GIB)] == []
        assert await _put(store, _record(1)) == [None]
        assert await store.get("default", _key(1)) is not None


@pytest.mark.parametrize("request_row", ["7", "[7]", "{", '[["a", "zz"]]', '[["a", 1]]'])
async def test_an_entry_whose_request_is_damaged_can_be_replaced(tmp_path: Path, request_row: str) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1))
        with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
            connection.execute("UPDATE entries SET request = ?", (request_row,))
            connection.commit()
        assert await _put(store, _record(1, recorded=b"new")) == [None]


async def test_a_tick_looks_at_what_changed_and_at_one_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick_ticks: None
) -> None:
    names = [f"t{number:02}" for number in range(40)]
    async with _open(tmp_path) as store:
        for name in names:
            await _put(store, _record(1, expires=time.time() + 3600), tenant=name)
    for name in names:
        with closing(sqlite3.connect(tmp_path / f"{name}.sqlite3")) as connection:
            connection.execute("UPDATE entries SET expires = 1")
            connection.commit()
    ticks: list[set[str]] = []
    tick, look_at = upkeep.Upkeep.tick, upkeep.Upkeep._look_at
    touched = threading.Event()
    most = 0

    def watched_tick(self: upkeep.Upkeep, uses: upkeep.Uses, neglected: set[str]) -> None:
        nonlocal most
        ticks.append(set())
        tick(self, uses, neglected)
        most = max(most, len(self._connections))

    def watched_look(self: upkeep.Upkeep, tenant: str, uses: dict[bytes, list[float]]) -> None:
        ticks[-1].add(tenant)
        look_at(self, tenant, uses)

    begin = writer.Writer._tick
    monkeypatch.setattr(writer.Writer, "_tick", lambda self: (touched.wait(20), begin(self)))
    monkeypatch.setattr(upkeep.Upkeep, "tick", watched_tick)
    monkeypatch.setattr(upkeep.Upkeep, "_look_at", watched_look)
    monkeypatch.setattr(writer, "_TICK", 0.01)
    async with _open(tmp_path) as store:
        store.touch("t05", _key(1))
        store.touch("never-seen", _key(1))
        touched.set()
        await _until(lambda: len(ticks) > 40)
    assert ticks[0] == {"t05", "t39"}
    assert all(len(seen) == 1 for seen in ticks[1:])
    assert set().union(*ticks) == set(names)
    assert most == 1, "only the one that was used stays open"
    for name in names:
        assert _rows(tmp_path, "SELECT count(*) FROM entries", name) == [(0,)]


async def test_room_is_made_in_the_right_order_over_more_tenants_than_may_be_open(
    tmp_path: Path, quick_ticks: None
) -> None:
    tenants = 24
    now = time.time()
    async with _open(tmp_path) as store:
        for tenant in range(tenants):
            ages = range(tenant, tenants * 20, tenants)  # each has some of all ages
            fresh = (_record(n, recorded=os.urandom(20_000), request=b"", created=now + n) for n in ages)
            await _put(store, *fresh, tenant=f"t{tenant}")
    limit = int(_size(tmp_path) * 0.88)
    async with _open(tmp_path, limit) as store:
        await _until(lambda: _size(tmp_path) <= limit)
        assert len(store._writer._connections) <= 16
    kept = {
        int.from_bytes(key, "big")
        for tenant in range(tenants)
        for (key,) in _rows(tmp_path, "SELECT key FROM entries", f"t{tenant}")
    }
    assert kept == set(range(min(kept), tenants * 20)), "the newest, without a gap"
    assert len(kept) > tenants * 20 * 0.5


async def test_threads_that_a_hung_disk_holds_are_few_and_others_do_not_queue_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wakes = threading.Event()
    hung: list[str] = []
    names = [f"t{number}" for number in range(30)]
    async with _open(tmp_path) as store:
        for name in names:
            await _put(store, _record(1), tenant=name)
        connect = readers.Reader._connect

        def hangs(self: readers.Reader) -> bool:
            hung.append(self._path.stem)
            wakes.wait(60)
            return connect(self)

        monkeypatch.setattr(readers.Reader, "_connect", hangs)
        before = threading.active_count()
        try:
            for name in names[:3] * 4 + names:
                with anyio.move_on_after(0.05), suppress(StoreUnavailable):
                    await store.get(name, _key(1))
            with anyio.move_on_after(1), suppress(StoreUnavailable):  # trio gives no further thread out
                await store.get("t0", _key(1))
            await anyio.sleep(0.3)
            assert len(hung) <= readers._THREADS
            assert threading.active_count() - before <= readers._THREADS + 8
        finally:
            wakes.set()
        await _until(lambda: store._readers._threads._value == readers._THREADS)
        assert await store.get("t0", _key(1)) is not None


async def test_a_lookup_asks_the_disk_only_where_there_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1))
        loop = threading.get_ident()
        exists = Path.exists

        def watched(self: Path) -> bool:
            assert threading.get_ident() != loop, "the event loop waited for the disk"
            return exists(self)

        monkeypatch.setattr(Path, "exists", watched)
        assert await store.get("default", _key(1)) is not None
        assert await store.get("nobody", _key(1)) is None
        assert len(store._readers) == 1
    async with _open(tmp_path) as store:
        assert await store.get("default", _key(1)) is not None, "listed at the start"


async def test_what_waits_for_a_slow_disk_is_bounded_and_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_MAX_WAITING", 100_000)
    store = Store(tmp_path, max_bytes=GIB)
    told: list[str | None] = []
    store.put("default", _record(0, recorded=b"x" * 200_000), told.append)  # large, but nothing else waits
    store.put("default", _record(1, recorded=b"x"), told.append)
    assert len(told) == 1
    assert "too slow" in (told[0] or "")
    store.start()
    await _until(lambda: len(told) == 2)
    assert told[1] is None
    assert await _put(store, _record(1, recorded=b"x")) == [None]
    assert store._writer._waiting == 0
    assert await store.close()
