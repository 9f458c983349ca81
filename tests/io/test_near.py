"""Searching by nearness through the store: what is found, while indexes are loaded, built, lost and damaged."""

import errno
import os
import sqlite3
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from reflexd_io.near import base as base_module
from reflexd_io.near import builder, direct, index, keeper, loader, parts, worker
from reflexd_io.near.vectors import pack
from reflexd_io.store import IndexNotReady, Store, records
from support.meanings import (
    MODEL,
    Floats,
    Topics,
    fill,
    key_of,
    random_vectors,
    reworded,
    scope_of,
)

pytestmark = pytest.mark.anyio

GIB = 1024**3
DIMENSION = 32
ONE = scope_of(1)


@asynccontextmanager
async def _open(folder: Path) -> AsyncIterator[Store]:
    store = Store(folder, max_bytes=GIB)
    store.start()
    try:
        yield store
    finally:
        assert await store.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A base from 200 vectors on, parts from 1,000; and building does not give way, so that tests need not wait."""
    monkeypatch.setattr(worker, "_NICE", 0)
    monkeypatch.setattr(index, "FOLD", 200)
    monkeypatch.setattr(index, "GONE", 50)
    monkeypatch.setattr(builder, "LARGE", 1000)
    monkeypatch.setattr(parts, "LARGEST", 3000)
    monkeypatch.setattr(parts, "_PAYS", 1)


async def _until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(60):
        while not true():  # noqa: ASYNC110 - files and threads set no events
            await anyio.sleep(0.01)


async def _nearest(store: Store, vector: Floats, k: int = 5, *, scope: bytes = ONE, model: str = MODEL) -> list[int]:
    """Numbers of the keys."""
    found = await store.nearest("default", scope, pack(vector), k, model=model, form="")
    assert [one.similarity for one in found] == sorted((one.similarity for one in found), reverse=True)  # type: ignore[type-var]
    return [int.from_bytes(one.key, "big") for one in found]


def _database(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "default.sqlite3", timeout=20)


def _upto(folder: Path) -> int:
    """The last id that the base knows which counts; 0 where there is none."""
    with closing(_database(folder)) as connection:
        return int(connection.execute("SELECT upto FROM bases").fetchone()[0])


def _files(folder: Path) -> set[str]:
    return {path.suffix for path in (folder / "default.near").iterdir()}


def _remove(folder: Path, numbers: range | list[int]) -> None:
    with closing(_database(folder)) as connection:
        records.remove(connection, [key_of(number) for number in numbers])
        connection.commit()


async def _built(store: Store, folder: Path, vector: Floats, *, scope: bytes = ONE, model: str = MODEL) -> None:
    """Ask until the base is there, and loaded."""
    with anyio.fail_after(60):
        while True:
            with suppress(IndexNotReady):
                await _nearest(store, vector, 1, scope=scope, model=model)
            loaded = store._keeper.of("default")._loaded
            if loaded is None or loaded.base is None or loaded.is_due:
                await anyio.sleep(0.01)
            elif (loaded.token, loaded.model, loaded.seen) == (_token(folder), model, _last_id(folder, model)):
                return


def _last_id(folder: Path, model: str) -> int:
    sql = "SELECT max(id) FROM vectors JOIN models ON number = model WHERE fingerprint = ?"
    with closing(_database(folder)) as connection:
        return int(connection.execute(sql, (model,)).fetchone()[0])


def _token(folder: Path) -> bytes:
    with closing(_database(folder)) as connection:
        return bytes(connection.execute("SELECT token FROM bases").fetchone()[0])


def _truth(folder: Path, scope: bytes, asked: Floats, k: int, model: str = MODEL) -> tuple[set[int], float]:
    """By brute force over what SQLite has: the keys of the nearest, and the similarity of the last of them."""
    with closing(_database(folder)) as connection:
        rows = connection.execute(
            """
            SELECT key, vector FROM vectors JOIN entries ON entries.number = entry
            JOIN models ON models.number = vectors.model WHERE vectors.scope = ? AND fingerprint = ?
            """,
            (scope, model),
        ).fetchall()
    vectors = np.stack([np.frombuffer(row[1], "<f2").astype(np.float32) for row in rows])
    similarities = vectors @ np.frombuffer(pack(asked), "<f2").astype(np.float32)
    best = np.argsort(-similarities)[:k]
    return {int.from_bytes(rows[place][0], "big") for place in best}, float(similarities[best[-1]])


async def _recall(store: Store, folder: Path, scope: bytes, asked: Floats) -> float:
    right = wanted = 0
    for vector in asked:
        true, worst = _truth(folder, scope, vector, 5)
        found = await store.nearest("default", scope, pack(vector), 5, model=MODEL, form="")
        assert len(found) == len(true)
        right += sum(one.similarity is not None and one.similarity >= worst - 1e-5 for one in found)
        wanted += len(true)
    return right / wanted


async def test_recall_in_scopes_of_all_sizes_side_by_side(tmp_path: Path, small: None) -> None:
    topics = Topics(60, DIMENSION)
    sizes = (1, 2, 10, 300, 1001, 4000)
    scopes = {scope_of(number): topics.vectors(size) for number, size in enumerate(sizes, 1)}
    singles = [(scope_of(1000 + number), topics.vectors(1)) for number in range(300)]
    fill(tmp_path / "default.sqlite3", [*scopes.items(), *singles])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, topics.vectors(1)[0])
        assert _files(tmp_path) >= {".base", ".graph"}
        for scope, vectors in scopes.items():
            asked = reworded(vectors[:: max(1, len(vectors) // 25)])
            assert await _recall(store, tmp_path, scope, asked) >= 0.99
        for number, (scope, vectors) in enumerate(singles):
            assert await _nearest(store, vectors[0], scope=scope) == [sum(sizes) + 1 + number]
        assert await _nearest(store, topics.vectors(1)[0], scope=scope_of(999)) == []


async def test_recall_holds_through_additions_removals_and_builds(tmp_path: Path, small: None) -> None:
    topics = Topics(60, DIMENSION, seed=3)
    chance = np.random.default_rng(5)
    database = tmp_path / "default.sqlite3"
    living: list[int] = []
    first = 1
    async with _open(tmp_path) as store:
        for turn in range(8):
            vectors = topics.vectors(450)
            following = fill(database, [(ONE, vectors), (scope_of(2), topics.vectors(30))], first=first)
            store._known.add("default")
            living += range(first, following)
            first = following
            gone = chance.choice(living, len(living) // 10, replace=False).tolist()
            _remove(tmp_path, gone)
            living = sorted(set(living) - set(gone))
            for scope in (ONE, scope_of(2)):
                while True:
                    try:
                        assert await _recall(store, tmp_path, scope, reworded(vectors[:10], turn)) >= 0.99
                        break
                    except IndexNotReady:
                        await anyio.sleep(0.02)
            if turn % 3 == 2:
                await _built(store, tmp_path, vectors[0])
        await _built(store, tmp_path, vectors[0])
        assert await _recall(store, tmp_path, ONE, reworded(topics.vectors(50))) >= 0.99
        loaded = store._keeper.of("default")._loaded
        assert loaded is not None
        assert loaded.base is not None
        facts = loaded.base.footer.parts[ONE.hex()]
        assert all(before.last < after.first for before, after in pairwise(facts))
        assert len(facts) <= 3


async def test_what_is_newer_than_the_base_is_found_at_once(tmp_path: Path, small: None) -> None:
    vectors = random_vectors(600, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors[:500])])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        for number in range(500, 600):
            fill(tmp_path / "default.sqlite3", [(ONE, vectors[number : number + 1])], first=number + 1)
            assert await _nearest(store, vectors[number], 1) == [number + 1]
        assert _upto(tmp_path) == 500


def _rows_of(store: Store) -> int | None:
    loaded = store._keeper.of("default")._loaded
    return loaded.rows if loaded is not None else None


async def test_what_has_gone_is_never_found_and_does_not_hide_others(tmp_path: Path, small: None) -> None:
    """As where the same question is stored anew each day: its old vectors lie all around the new one's."""
    vectors = np.vstack([np.repeat(random_vectors(1, DIMENSION), 300, axis=0), random_vectors(300, DIMENSION, 1)])
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        _remove(tmp_path, range(1, 300))
        for _ in range(3):
            found = await _nearest(store, vectors[0])
            assert found[0] == 300
            assert set(found) == _truth(tmp_path, ONE, vectors[0], 5)[0]
        await _until(lambda: _rows_of(store) == 301)  # it is made anew
        assert await _nearest(store, vectors[0]) == found


async def test_a_base_of_which_little_is_left_is_made_anew_at_the_next_start(tmp_path: Path, small: None) -> None:
    vectors = random_vectors(500, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
    before = _token(tmp_path)
    _remove(tmp_path, range(1, 200))
    async with _open(tmp_path) as store:
        await _until(lambda: _token(tmp_path) != before)
        await _built(store, tmp_path, vectors[0])
        loaded = store._keeper.of("default")._loaded
        assert loaded is not None
        assert loaded.rows == 301


async def test_after_a_restart_the_base_is_loaded_before_anybody_asks(tmp_path: Path, small: None) -> None:
    vectors = random_vectors(500, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        token = _token(tmp_path)
    async with _open(tmp_path) as store:
        await _until(lambda: store._keeper.of("default")._loaded is not None)
        assert await _nearest(store, vectors[7], 1) == [8]
    assert _token(tmp_path) == token, "nothing was made anew"


async def test_small_scopes_need_no_index_and_large_ones_say_so(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "LARGEST", 400)
    go_on = threading.Event()
    build = builder.build
    monkeypatch.setattr(keeper, "build", lambda *given: (go_on.wait(30), build(*given))[1])
    vectors = random_vectors(2000, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors), (scope_of(2), vectors[:400])])
    async with _open(tmp_path) as store:
        with anyio.fail_after(10):
            for _ in range(3):
                with pytest.raises(IndexNotReady):
                    await _nearest(store, vectors[0])
                assert await _nearest(store, vectors[3], 1, scope=scope_of(2)) == [2004]
        go_on.set()
        await _built(store, tmp_path, vectors[0])
        assert await _nearest(store, vectors[0], 1) == [1]
        assert store.problems == {}


def _delete(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [_delete, _cut, _flip])
@pytest.mark.parametrize("suffix", [".base", ".graph"])
async def test_an_index_that_is_missing_or_damaged_is_made_anew(
    tmp_path: Path, small: None, harm: Callable[[Path], None], suffix: str
) -> None:
    vectors = Topics(30, DIMENSION).vectors(1500)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors), (scope_of(2), vectors[:300])])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        right = await _nearest(store, vectors[3])
    (path,) = (tmp_path / "default.near").glob(f"*{suffix}")
    harm(path)
    (tmp_path / "default.near" / "left-by-a-crash.tmp").write_bytes(b"half")
    async with _open(tmp_path) as store:
        assert await _nearest(store, vectors[0], 1, scope=scope_of(2)) == [1501]
        await _built(store, tmp_path, vectors[0])
        assert await _nearest(store, vectors[3]) == right
        assert store.problems == {}
    assert _files(tmp_path) == {".base", ".graph"}


async def test_a_whole_index_folder_may_be_lost_while_it_is_used(tmp_path: Path, small: None) -> None:
    vectors = random_vectors(500, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        for path in (tmp_path / "default.near").iterdir():
            path.unlink()
        (tmp_path / "default.near").rmdir()
        assert await _nearest(store, vectors[0], 1) == [1]
        fill(tmp_path / "default.sqlite3", [(ONE, random_vectors(300, DIMENSION, 5))], first=501)
        await _built(store, tmp_path, vectors[0])
        assert _upto(tmp_path) == 800
        assert await _nearest(store, vectors[0], 1) == [1]


async def test_a_format_of_another_version_is_made_anew(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = random_vectors(500, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        before = _token(tmp_path)
    monkeypatch.setattr(base_module, "VERSION", 2)
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        assert _token(tmp_path) != before
        assert await _nearest(store, vectors[0], 1) == [1]


async def test_vectors_of_another_model_or_dimension_are_not_compared(tmp_path: Path, small: None) -> None:
    vectors = random_vectors(500, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        assert await _nearest(store, vectors[0], model="mini-2") == []
        assert await _nearest(store, random_vectors(1, 2 * DIMENSION)[0]) == []
        fill(tmp_path / "default.sqlite3", [(ONE, vectors[::-1][:300])], first=1001, model="mini-2")
        fill(tmp_path / "default.sqlite3", [(ONE, random_vectors(9, 2 * DIMENSION))], first=2001, model="mini-2")
        assert await _nearest(store, vectors[0], 1) == [1]
        await _built(store, tmp_path, vectors[0], model="mini-2")
        assert await _nearest(store, vectors[499], 1, model="mini-2") == [1001]
        assert set(await _nearest(store, vectors[0], 500, model="mini-2")) == set(range(1001, 1301))


async def test_a_new_models_vectors_take_the_old_ones_place(tmp_path: Path, small: None) -> None:
    vectors = random_vectors(500, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        while waiting := await store.unembedded("default", "mini-2", 100):
            made = {one.key: pack(-vectors[int.from_bytes(one.key, "big") - 1]) for one in waiting}
            await store.embed_later("default", made, "mini-2")
        await _built(store, tmp_path, vectors[0], model="mini-2")
        assert await _nearest(store, -vectors[7], 1, model="mini-2") == [8]
        assert await _nearest(store, vectors[7], 1) == []


async def test_a_crash_before_the_base_counts_costs_only_the_work(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = random_vectors(500, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    write_base = builder.write_base

    def crashes(*given: Any, **named: Any) -> bytes:
        write_base(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(builder, "write_base", crashes)
        store = Store(tmp_path, max_bytes=GIB)
        monkeypatch.setattr(threading, "excepthook", lambda _: None)
        store.start()
        for _ in range(3):
            await _nearest(store, vectors[0])
        await _until(lambda: not store._keeper._builds._thread.is_alive())
        assert _files(tmp_path) == {".base"}
        assert _upto(tmp_path) == 0
        assert await _nearest(store, vectors[0], 1) == [1], "searches go on"
        assert await store.close()
    (tmp_path / "default.near" / "00.tmp").write_bytes(b"half")
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        assert await _nearest(store, vectors[0], 1) == [1]
    assert len(list((tmp_path / "default.near").iterdir())) == 1


async def test_a_full_disk_is_told_and_searches_go_on(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = random_vectors(1200, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors[:500])])

    def full(*_: object, **__: object) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_base = builder.write_base
    monkeypatch.setattr(builder, "write_base", full)
    async with _open(tmp_path) as store:
        await _nearest(store, vectors[0])
        await _until(lambda: "default" in store.problems)
        assert "No space left" in store.problems["default"]
        loaded = store._keeper.of("default")._loaded
        for number in range(3):
            assert await _nearest(store, vectors[number], 1) == [number + 1]
        fill(tmp_path / "default.sqlite3", [(ONE, vectors[500:])], first=501)
        for number in range(0, 1200, 50):
            assert await _nearest(store, vectors[number], 1) == [number + 1], "be it without an index"
        assert store._keeper.of("default")._loaded is None is not loaded, "memory is bounded"
        monkeypatch.setattr(builder, "write_base", write_base)
        store._keeper._not_before.clear()
        await _built(store, tmp_path, vectors[0])
        assert store.problems == {}
        assert await _nearest(store, vectors[1100], 1) == [1101]


async def test_a_build_that_failed_is_not_tried_again_at_once(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def full(*_: object, **__: object) -> bytes:
        tries.append(1)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(builder, "write_base", full)
    vectors = random_vectors(500, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await _nearest(store, vectors[0])
        await _until(lambda: "default" in store.problems)
        for _ in range(20):
            await _nearest(store, vectors[0])
            await anyio.sleep(0.005)
    assert len(tries) == 1


async def test_what_is_too_much_without_a_base_is_loaded_once_until_there_is_one(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searches come all the while that a million vectors are made an index of."""
    gate, building, loads = threading.Event(), threading.Event(), []
    write_base, load = builder.write_base, loader.load

    def held_up(*given: Any, **named: Any) -> bytes:
        building.set()
        assert gate.wait(30)
        return write_base(*given, **named)

    def counted(*given: Any, **named: Any) -> loader.Outcome | None:
        loads.append(1)
        return load(*given, **named)

    monkeypatch.setattr(builder, "write_base", held_up)
    monkeypatch.setattr(keeper, "load", counted)
    vectors = random_vectors(3000, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await _nearest(store, vectors[0], 1)
        await _until(building.is_set)
        before = len(loads)
        for number in range(20):
            assert await _nearest(store, vectors[number], 1) == [number + 1]
            await anyio.sleep(0.01)
        assert len(loads) == before
        gate.set()
        await _built(store, tmp_path, vectors[0])
        assert await _nearest(store, vectors[2999], 1) == [3000]
        assert store._keeper._too_much == set()


async def test_a_tenants_file_that_was_moved_away_takes_its_index_with_it(tmp_path: Path, small: None) -> None:
    vectors = random_vectors(500, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
    (tmp_path / "default.sqlite3").unlink()
    fill(tmp_path / "default.sqlite3", [(ONE, vectors[100:120])])
    async with _open(tmp_path) as store:
        assert await _nearest(store, vectors[119], 1) == [20]
        assert len(await _nearest(store, vectors[0], 500)) == 20
    (tmp_path / "default.sqlite3").unlink()
    async with _open(tmp_path):
        assert not (tmp_path / "default.near").exists()


async def test_an_older_copy_of_a_tenants_file_is_searched_as_it_is(tmp_path: Path, small: None) -> None:
    vectors = random_vectors(900, DIMENSION)
    database = tmp_path / "default.sqlite3"
    fill(database, [(ONE, vectors[:300])])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
    copy = database.read_bytes()
    fill(database, [(ONE, vectors[300:600])], first=301)
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, vectors[0])
        assert _upto(tmp_path) == 600
    for path in tmp_path.glob("default.sqlite3*"):
        path.unlink()
    database.write_bytes(copy)
    fill(database, [(ONE, vectors[600:])], first=601)
    async with _open(tmp_path) as store:
        for number in (0, 299, 600, 899):
            assert await _nearest(store, vectors[number], 1) == [number + 1]
        assert set(await _nearest(store, vectors[0], 900)) <= set(range(1, 301)) | set(range(601, 901))


async def test_few_indexes_are_loaded_and_few_files_open(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "OPEN", 4)
    vectors = random_vectors(300, DIMENSION)
    names = [f"t{number}" for number in range(12)]
    for name in names:
        fill(tmp_path / f"{name}.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        for name in names:
            with anyio.fail_after(30):
                while not any((tmp_path / f"{name}.near").glob("*.base")):
                    await store.nearest(name, ONE, pack(vectors[0]), 1, model=MODEL, form="")
                    await anyio.sleep(0.01)
        await _until(lambda: not store._keeper._loads._waiting and not store._keeper._builds._waiting)
        await anyio.sleep(0.1)
        assert len(store._keeper._indexes) == 4
        if sys.platform == "linux":
            opened = [os.path.realpath(number) for number in Path("/proc/self/fd").iterdir()]
            mapped = [path for path in opened if path.startswith(str(tmp_path)) and ".near/" in path]
            assert 4 <= len(mapped) <= 8, "an idle thread may hold its last one"
        for name in names:
            (found,) = await store.nearest(name, ONE, pack(vectors[5]), 1, model=MODEL, form="")
            assert found.key == key_of(6)


async def test_what_nobody_uses_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = random_vectors(3, DIMENSION)
    for name in ("a", "b"):
        fill(tmp_path / f"{name}.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        await store.nearest("a", ONE, pack(vectors[0]), 1, model=MODEL, form="")
        await store.nearest("b", ONE, pack(vectors[0]), 1, model=MODEL, form="")
        assert list(store._keeper._indexes) == ["a", "b"]
        monkeypatch.setattr(keeper, "IDLE", 0.0)
        await anyio.sleep(0.01)
        await store.nearest("a", ONE, pack(vectors[0]), 1, model=MODEL, form="")
        assert list(store._keeper._indexes) == ["a"]


async def test_the_end_does_not_wait_for_a_build(
    tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "_STEP", 4)
    fill(tmp_path / "default.sqlite3", [(ONE, Topics(20, 384).vectors(5000))])
    store = Store(tmp_path, max_bytes=GIB)
    store.start()
    while not (tmp_path / "default.near").exists() or not any((tmp_path / "default.near").iterdir()):
        with suppress(IndexNotReady):
            await store.nearest("default", ONE, pack(random_vectors(1)[0]), 1, model=MODEL, form="")
        await anyio.sleep(0.01)
    began = time.monotonic()
    assert await store.close()
    assert time.monotonic() - began < 4
    assert not store._keeper._builds._thread.is_alive()
    assert _upto(tmp_path) == 0
    assert _files(tmp_path) == set()


async def test_index_files_count_as_room_taken(tmp_path: Path, small: None) -> None:
    fill(tmp_path / "default.sqlite3", [(ONE, random_vectors(500, DIMENSION))])
    async with _open(tmp_path) as store:
        await _built(store, tmp_path, random_vectors(1, DIMENSION)[0])
        files = sum(path.stat().st_size for path in (tmp_path / "default.near").iterdir())
        sqlite = sum(path.stat().st_size for path in tmp_path.glob("default.sqlite3*"))
        assert files > 500 * DIMENSION
        assert store._writer._upkeep.room.measure("default") == files + sqlite


async def test_a_file_that_cannot_be_read_is_no_reason_to_end(tmp_path: Path, small: None) -> None:
    vectors = random_vectors(300, DIMENSION)
    fill(tmp_path / "default.sqlite3", [(ONE, vectors)])
    async with _open(tmp_path) as store:
        store._keeper._loads.ask(keeper.Job("nobody", MODEL, DIMENSION))
        (tmp_path / "broken.sqlite3").write_bytes(b"no database" * 1000)
        store._keeper._loads.ask(keeper.Job("broken", MODEL, DIMENSION))
        store._keeper._builds.ask(keeper.Job("broken", MODEL, DIMENSION))
        await _until(lambda: "broken" in store._keeper.problems)
        await _built(store, tmp_path, vectors[0])


def test_loading_reads_no_more_than_it_may(tmp_path: Path, small: None) -> None:
    fill(tmp_path / "default.sqlite3", [(ONE, random_vectors(3000, DIMENSION))])
    with closing(_database(tmp_path)) as connection:
        outcome = loader.load(connection, tmp_path, base_module.Verified(), MODEL, DIMENSION, lambda: None)
    assert outcome is not None
    assert outcome.loaded is None
    assert outcome.is_due
