"""What the store knows of meaning: written with the entry, found by form and by vector, and gone when it goes."""

import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from reflexd_core.entry import EntryFacts, Pairing, entry_id
from reflexd_core.request import Form
from reflexd_io.memory import Answer
from reflexd_io.near.vectors import pack
from reflexd_io.store import Store, StoreUnavailable, meaning, pairings, records, schema, writer
from reflexd_io.store.meaning import Meaning, Unembedded
from reflexd_io.store.pairings import Alias, Audit, AuditVerdict, Label
from reflexd_io.store.records import Record
from reflexd_io.store.rows import storable

pytestmark = pytest.mark.anyio

GIB = 1024**3
SCOPE, OTHER_SCOPE = b"s" * 32, b"o" * 32
MODEL = "mini-1"


def _key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _vector(*values: float) -> bytes:
    return pack(np.array([*values, *[0.0] * (8 - len(values))], np.float32))


def _meaning(question: str = "what is it?", **changes: Any) -> Meaning:
    given: dict[str, Any] = {
        "scope": SCOPE,
        "question": question,
        "form": question.lower(),
        "vector": _vector(1),
        "model": MODEL,
    }
    return Meaning(**{**given, **changes})


def _record(number: int = 1, said: Meaning | None = None, *, expires: float | None = None, text: str = "") -> Record:
    facts = EntryFacts(
        id=entry_id(_key(number)),
        dialect="chat",
        model="gpt-4o",
        form=Form.BODY,
        created=1000.0 + number,
        expires=expires,
        has_usage=True,
        asked_usage=False,
    )
    answer = Answer(facts, [(b"content-type", b"application/json")], b"{}" + text.encode())
    return Record(
        key=_key(number),
        answer=answer,
        upstream="openai",
        exact_only=said is None,
        scope=None,
        request=b"{}",
        request_coding=None,
        meaning=said,
    )


def _alias(key: int, entry: int = 1, **changes: Any) -> Alias:
    pairing = Pairing(entry_key=_key(entry), score=0.97, similarity=0.91, model="judge-1", reason="verified", at=5.0)
    given: dict[str, Any] = {"key": _key(key), "question": "what's it?", "form": "what is it?", "pairing": pairing}
    return Alias(**{**given, **changes})


def _audit(number: int, verdict: AuditVerdict = AuditVerdict.SAME, model: str = "judge-1") -> Audit:
    return Audit(
        entry_key=_key(number),
        asked_key=_key(number + 1),
        stored="stored",
        asked="asked",
        score=0.9,
        similarity=None,
        model=model,
        verdict=verdict,
        at=float(number),
    )


@asynccontextmanager
async def _open(folder: Path) -> AsyncIterator[Store]:
    store = Store(folder, max_bytes=GIB)
    store.start()
    try:
        yield store
    finally:
        assert await store.close()


async def _put(store: Store, *stored: Record) -> None:
    for record in stored:
        done = anyio.Event()
        problems: list[str | None] = []
        store.put("default", record, lambda problem, p=problems, d=done: (p.append(problem), d.set()))  # type: ignore[misc]
        with anyio.fail_after(20):
            await done.wait()
        assert problems == [None]


def _rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{folder / 'default'}.sqlite3?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def _counts(folder: Path) -> tuple[int, ...]:
    """Rows of meanings, vectors and aliases."""
    return tuple(_rows(folder, f"SELECT count(*) FROM {table}")[0][0] for table in ("meanings", "vectors", "aliases"))


async def _until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not true():  # noqa: ASYNC110 - files and threads set no events
            await anyio.sleep(0.01)


async def test_an_entry_is_found_by_form_and_by_vector_as_soon_as_it_is_told(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        assert await store.find_form("default", SCOPE, "what is it?") == []
        for number in range(1, 20):
            said = _meaning(f"What is {number}?", vector=_vector(1, number / 10))
            await _put(store, _record(number, said))
            (found,) = await store.find_form("default", SCOPE, f"what is {number}?")
            assert (found.key, found.question, found.similarity) == (_key(number), f"What is {number}?", None)
            assert found.facts == _record(number).answer.facts
            (near,) = await store.nearest("default", SCOPE, _vector(1, number / 10), 1, model=MODEL, form="")
            assert (near.key, near.question, near.facts) == (found.key, found.question, found.facts)
            assert near.similarity == pytest.approx(1, abs=2e-3)


async def test_the_nearest_come_best_first_with_their_cosine(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        for number, direction in ((1, (0, 1)), (2, (1, 1)), (3, (1, 0.1)), (4, (-1, 0))):
            await _put(store, _record(number, _meaning(vector=_vector(*direction))))
        near = await store.nearest("default", SCOPE, _vector(1), 3, model=MODEL, form="")
    assert [one.key for one in near] == [_key(3), _key(2), _key(1)]
    assert [one.similarity for one in near] == [pytest.approx(value, abs=2e-3) for value in (0.995, 0.7071, 0)]


async def test_neither_crosses_scopes_tenants_models_or_dimensions(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()), _record(2, _meaning(scope=OTHER_SCOPE)))
        assert [one.key for one in await store.find_form("default", OTHER_SCOPE, "what is it?")] == [_key(2)]

        async def nearest(tenant: str = "default", **asked: Any) -> list[bytes]:
            given: dict[str, Any] = {"scope": SCOPE, "vector": _vector(1), "k": 5, "model": MODEL, "form": ""}
            return [one.key for one in await store.nearest(tenant, **{**given, **asked})]

        assert await nearest() == [_key(1)]
        assert await nearest(scope=OTHER_SCOPE) == [_key(2)]
        assert await nearest(scope=b"x" * 32) == await nearest("other") == await nearest(model="mini-2") == []
        assert await nearest(vector=pack(np.ones(16, np.float32))) == []


async def test_an_exact_only_entry_is_never_near(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1))
        assert await store.get("default", _key(1)) is not None
    assert _counts(tmp_path) == (0, 0, 0)


@pytest.mark.parametrize("over", ["meaning", "entry"])
async def test_what_is_over_answers_no_other_wording(tmp_path: Path, over: str) -> None:
    past = time.time() - 1
    said = _meaning(expires=past if over == "meaning" else None)
    async with _open(tmp_path) as store:
        await _put(store, _record(1, said, expires=past if over == "entry" else None))
        assert await store.find_form("default", SCOPE, "what is it?") == []
        assert await store.nearest("default", SCOPE, _vector(1), 5, model=MODEL, form="") == []


async def test_meaning_ends_before_the_entry_and_takes_aliases_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_TICK", 0.05)
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning(expires=time.time() + 3600)))
        assert await store.promote("default", _alias(2))
        assert _counts(tmp_path) == (1, 1, 1)
        with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
            connection.execute("UPDATE meanings SET expires = 1")
            connection.commit()
        assert await store.get("default", _key(2)) is None, "over before the tick"
        store.touch("default", _key(1))
        await _until(lambda: _counts(tmp_path) == (0, 0, 0))
        assert await store.get("default", _key(1)) is not None


async def test_what_is_said_of_an_entry_goes_when_it_is_replaced_removed_or_expires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_TICK", 0.05)
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()))
        assert await store.promote("default", _alias(2))
        await _put(store, _record(1, _meaning("another"), text=" "))
        assert _counts(tmp_path) == (1, 1, 0)
        assert await store.get("default", _key(2)) is None
        assert await store.find_form("default", SCOPE, "what is it?") == []

        assert await store.promote("default", _alias(2))
        with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
            records.remove(connection, [_key(1)])
            connection.commit()
        assert _counts(tmp_path) == (0, 0, 0)
        assert await store.nearest("default", SCOPE, _vector(1), 5, model=MODEL, form="") == []

        await _put(store, _record(1, _meaning(), expires=time.time() + 3600))
        assert await store.promote("default", _alias(2))
        with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
            connection.execute("UPDATE entries SET expires = 1")
            connection.commit()
        store.touch("default", _key(1))
        await _until(lambda: _counts(tmp_path) == (0, 0, 0))


async def test_a_removal_that_is_taken_back_takes_nothing(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()))
        assert await store.promote("default", _alias(2))
        with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
            records.remove(connection, [_key(1)])
            connection.rollback()
    assert _counts(tmp_path) == (1, 1, 1)


async def test_an_alias_answers_with_its_pairing_until_the_key_has_its_own_entry(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()))
        assert await store.promote("default", _alias(2))
        found = await store.get("default", _key(2))
        assert found is not None
        assert found.facts == _record(1).answer.facts
        assert found.recorded == b"{}"
        assert found.pairing == _alias(2).pairing
        own = await store.get("default", _key(1))
        assert own is not None
        assert own.pairing is None
        await _put(store, _record(2, text="own"))
        found = await store.get("default", _key(2))
        assert found is not None
        assert (found.recorded, found.pairing) == (b"{}own", None)
        assert not await store.promote("default", _alias(2)), "its own answer goes first"
    assert _counts(tmp_path) == (1, 1, 0)


async def test_an_alias_by_form_needs_no_score(tmp_path: Path) -> None:
    alias = _alias(2)
    alias = replace(alias, pairing=replace(alias.pairing, score=None, similarity=None, reason="normal-form"))
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()))
        assert await store.promote("default", alias)
        found = await store.get("default", _key(2))
        assert found is not None
        assert found.pairing == alias.pairing


async def test_an_alias_is_no_candidate_and_may_be_replaced(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()), _record(3, _meaning("third", vector=_vector(0, 1))))
        assert await store.promote("default", _alias(2))
        assert await store.promote("default", _alias(2, entry=3))
        found = await store.get("default", _key(2))
        assert found is not None
        assert found.facts.id == entry_id(_key(3))
        near = await store.nearest("default", SCOPE, _vector(1), 5, model=MODEL, form="")
        assert [one.key for one in near] == [_key(1), _key(3)]
        assert not await store.promote("default", _alias(5, entry=2)), "an alias is no entry"
        assert not await store.promote("default", _alias(5, entry=99))


async def test_uses_of_an_alias_are_uses_of_its_entry(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()), _record(3, _meaning("third")))
        assert await store.promote("default", _alias(2))
        store.touch("default", _key(2))
        store.touch("default", _key(1))
    assert _rows(tmp_path, "SELECT hits FROM entries ORDER BY key") == [(2,), (0,)]


async def test_a_pairing_is_told_with_both_questions(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning("What is it?")))
        assert await store.promote("default", _alias(2))
        found = await store.pairing("default", _key(2))
        assert found is not None
        assert (found.asked, found.stored, found.pairing) == ("what's it?", "What is it?", _alias(2).pairing)
        assert await store.pairing("default", _key(1)) is None
        assert await store.pairing("nobody", _key(2)) is None


async def test_an_entry_whose_meaning_is_forgotten_answers_its_own_words_only(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning("What is it?")))
        assert await store.promote("default", _alias(2))
        await store.forget_meaning("default", [_key(1)])
        assert await store.get("default", _key(2)) is None
        assert await store.get("default", _key(1)) is not None
        assert store.tenants() == {"default"}


async def test_a_blocked_pairing_is_never_had_again(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()), _record(3, _meaning("third", vector=_vector(1, 1))))
        assert await store.promote("default", _alias(2))
        assert await store.promote("default", _alias(4, form="other"))
        assert await store.promote("default", _alias(5, entry=3))
        assert await store.block("default", _key(1), "what is it?") == [_key(2)]
        assert await store.block("default", _key(1), "what is it?") == []
        for _ in range(2):
            assert await store.get("default", _key(2)) is None
            assert not await store.promote("default", _alias(2))
            assert await store.find_form("default", SCOPE, "what is it?") == []
            near = await store.nearest("default", SCOPE, _vector(1), 1, model=MODEL, form="what is it?")
            assert [one.key for one in near] == [_key(3)], "the next one takes its place"
            near = await store.nearest("default", SCOPE, _vector(1), 1, model=MODEL, form="something else")
            assert [one.key for one in near] == [_key(1)]
            await _put(store, _record(1, _meaning(), text="replaced"))
        assert await store.get("default", _key(5)) is not None, "another entry may answer it"


async def test_many_blocked_ones_do_not_hide_the_one_that_is_not(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        for number in range(1, 40):
            await _put(store, _record(number, _meaning(vector=_vector(1, number / 100))))
        for number in range(1, 39):
            await store.block("default", _key(number), "asked")
        near = await store.nearest("default", SCOPE, _vector(1), 2, model=MODEL, form="asked")
    assert [one.key for one in near] == [_key(39)]


async def test_entries_of_one_form_come_newest_first_and_few(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        await _put(store, *(_record(number, _meaning()) for number in range(1, 8)))
        found = await store.find_form("default", SCOPE, "what is it?")
    assert [one.key for one in found] == [_key(number) for number in (7, 6, 5, 4)]


async def test_vectors_that_are_missing_or_anothers_are_told_and_filled_in(tmp_path: Path) -> None:
    async with _open(tmp_path) as store:
        assert await store.unembedded("default", MODEL, 10) == []
        await _put(store, _record(1, _meaning("one")), _record(2, _meaning("two", vector=None, model=None)))
        assert await store.unembedded("default", MODEL, 10) == [Unembedded(_key(2), "two")]
        both = await store.unembedded("default", "mini-2", 10)
        assert sorted(one.question for one in both) == ["one", "two"]
        assert len(await store.unembedded("default", "mini-2", 1)) == 1
        await store.embed_later("default", {_key(2): _vector(0, 1), _key(9): _vector(1)}, MODEL)
        assert await store.unembedded("default", MODEL, 10) == []
        assert len(await store.nearest("default", SCOPE, _vector(1), 5, model=MODEL, form="")) == 2

        assert await store.promote("default", _alias(7))
        await store.embed_later("default", {one.key: _vector(0, 0, 1) for one in both}, "mini-2")
        assert await store.unembedded("default", "mini-2", 10) == []
        assert len(await store.unembedded("default", MODEL, 10)) == 2
        assert await store.nearest("default", SCOPE, _vector(1), 5, model=MODEL, form="") == []
        assert len(await store.nearest("default", SCOPE, _vector(1), 5, model="mini-2", form="")) == 2
        assert await store.get("default", _key(7)) is not None, "a new vector is no reason to part"


async def test_a_vectors_id_is_never_used_again(tmp_path: Path) -> None:
    ids: set[int] = set()
    async with _open(tmp_path) as store:
        for turn in range(4):
            await _put(store, _record(1, _meaning(), text=str(turn)))
            await store.embed_later("default", {_key(1): _vector(0, 1)}, "mini-2")
            ids |= {number for (number,) in _rows(tmp_path, "SELECT id FROM vectors")}
            with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
                records.remove(connection, [_key(1)])
                connection.commit()
    assert len(ids) == 4
    assert max(ids) == 8


async def test_looking_for_vectors_to_make_reads_no_whole_table(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.sqlite3", isolation_level=None)) as connection:
        schema.prepare(connection)
        plans: list[str] = []
        connection.set_trace_callback(plans.append)
        meaning.unembedded(connection, MODEL, 5)
        connection.set_trace_callback(None)
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {plans[-1]}")]
    assert not [step for step in steps if step.startswith("SCAN")], steps
    assert any("meanings_by_model" in step for step in steps), steps


@pytest.mark.parametrize(
    "vector",
    [
        b"",
        b"x",
        np.full(8, np.nan, "<f2").tobytes(),
        np.array([np.inf, 1], "<f2").tobytes(),
        np.zeros(8, "<f2").tobytes(),
        np.ones(8, "<f2").tobytes(),
    ],
)
async def test_what_is_no_vector_of_unit_length_is_refused(tmp_path: Path, vector: bytes) -> None:
    with pytest.raises(ValueError, match="vector"):
        _meaning(vector=vector)
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()))
        with pytest.raises(ValueError, match="vector"):
            await store.nearest("default", SCOPE, vector, 5, model=MODEL, form="")
        with pytest.raises(ValueError, match="vector"):
            await store.embed_later("default", {_key(1): vector}, MODEL)


@pytest.mark.parametrize("changes", [{"scope": b"short"}, {"vector": None}, {"model": None}])
def test_a_meaning_that_could_not_be_compared_cannot_be(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        _meaning(**changes)


@pytest.mark.parametrize("values", [[0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0], [3e38, 3e38], []])
def test_only_what_has_a_direction_is_packed(values: list[float]) -> None:
    vector = np.array(values, np.float32)
    if values == [3e38, 3e38]:
        assert np.frombuffer(pack(vector), "<f2") == pytest.approx([0.7071, 0.7071], abs=1e-3)
        return
    with pytest.raises(ValueError, match="direction"):
        pack(vector)


async def test_odd_texts_are_kept(tmp_path: Path) -> None:
    questions = ["", "a\x00b", "\ud800", "🦀" * 1000, "x" * 100_000, "日本語 ∀x"]
    async with _open(tmp_path) as store:
        for number, question in enumerate(questions, 1):
            await _put(store, _record(number, _meaning(question, form=question)))
            (found,) = await store.find_form("default", SCOPE, question)
            assert found.question == storable(question)


async def test_labels_are_kept_one_for_each_pair(tmp_path: Path) -> None:
    first = Label(a="a", b="b", label=False, source="feedback", at=2.0, score=0.98)
    second = Label(a="b", b="a", label=True, source="file", at=1.0)
    async with _open(tmp_path) as store:
        with pytest.raises(StoreUnavailable, match="nothing is stored"):
            await store.add_label("default", first)
        assert await store.labels("default") == []
        await _put(store, _record(1))
        await store.add_label("default", first)
        await store.add_label("default", second)
        assert await store.labels("default") == [second, first]
        await store.add_label("default", replace(first, label=True, at=3.0))
        assert await store.labels("default") == [second, replace(first, label=True, at=3.0)]


async def test_audits_are_counted_for_ever_and_the_last_ones_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairings, "KEPT_AUDITS", 3)
    none = dict.fromkeys(AuditVerdict, 0)
    async with _open(tmp_path) as store:
        assert await store.audit_counts("default") == none
        await _put(store, _record(1))
        assert await store.audit_counts("default") == none
        for number in range(5):
            await store.add_audit("default", _audit(number))
        await store.add_audit("default", _audit(5, AuditVerdict.DIFFERENT, "judge-2"))
        assert await store.audits("default", 9) == [
            _audit(5, AuditVerdict.DIFFERENT, "judge-2"),
            _audit(4),
            _audit(3),
        ]
        assert await store.audits("default", 1, AuditVerdict.SAME) == [_audit(4)]
        assert await store.audit_counts("default") == {**none, AuditVerdict.SAME: 5, AuditVerdict.DIFFERENT: 1}
        assert await store.audit_counts("default", "judge-2") == {**none, AuditVerdict.DIFFERENT: 1}


async def test_a_file_that_cannot_be_read_or_written_costs_a_hit_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_LOCK_WAIT", 0.05)
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()))
        with closing(sqlite3.connect(tmp_path / "default.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                await store.promote("default", _alias(2))
            assert len(await store.find_form("default", SCOPE, "what is it?")) == 1
        assert await store.promote("default", _alias(2))
    for path in tmp_path.iterdir():
        path.write_bytes(b"no database" * 1000)
    async with _open(tmp_path) as store:
        with pytest.raises(StoreUnavailable):
            await store.find_form("default", SCOPE, "")
        with pytest.raises(StoreUnavailable):
            await store.nearest("default", SCOPE, _vector(1), 5, model=MODEL, form="")
        with pytest.raises(StoreUnavailable):
            await store.labels("default")
        with pytest.raises(StoreUnavailable):
            await store.unembedded("default", MODEL, 5)


async def test_a_change_that_the_disk_does_not_take_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reflexd_io.store.CHANGE_TIMEOUT", 0.1)
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()))
    store = Store(tmp_path, max_bytes=GIB)  # its writer has not begun
    with pytest.raises(StoreUnavailable, match="slow"):
        await store.promote("default", _alias(2))
    store.start()
    assert await store.close()
    assert _counts(tmp_path) == (1, 1, 1), "made later all the same"


async def test_a_file_of_the_version_before_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before, closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
        before.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        connection.isolation_level = None
        schema.prepare(connection)
    async with _open(tmp_path) as store:
        assert await store.get("default", _key(1)) is None
        await _put(store, _record(1, _meaning()))
        assert len(await store.find_form("default", SCOPE, "what is it?")) == 1
    applied = [name for (name,) in _rows(tmp_path, "SELECT name FROM migrations ORDER BY name")]
    assert applied == [name for name, _ in schema.MIGRATIONS]


@pytest.mark.parametrize("change", ["model = x'00'", "reason = x'00'", "at = 'never'"])
async def test_an_odd_alias_costs_a_hit(tmp_path: Path, change: str) -> None:
    async with _open(tmp_path) as store:
        await _put(store, _record(1, _meaning()))
        assert await store.promote("default", _alias(2))
        with closing(sqlite3.connect(tmp_path / "default.sqlite3")) as connection:
            connection.execute(f"UPDATE aliases SET {change}")
            connection.commit()
        with pytest.raises(StoreUnavailable):
            await store.get("default", _key(2))
        assert await store.get("default", _key(1)) is not None
