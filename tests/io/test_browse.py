"""Browsing a real store: pages hang together whatever happens between them, and filters find what they say."""

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reflexd_core.finding import Misread, read_wanted
from reflexd_core.request import Form
from reflexd_io.catalogue.browsing import Line, Listing
from reflexd_io.catalogue.purging import Target
from reflexd_io.catalogue.shelves import Unclear, Unknown
from reflexd_io.store import browse, schema
from reflexd_io.store.filters import Filter, Tier, expression, names_of
from reflexd_io.store.order import Place, Sort, Walk, through_all
from support.entries import Opened, alias, key_of, name_of, opened, record

pytestmark = pytest.mark.anyio


async def _all(catalogue: Opened, listing: Listing, limit: int = 7) -> list[Line]:
    found: list[Line] = []
    cursor = None
    for _ in range(1000):
        sheet = await catalogue.browsing.page(listing, cursor=cursor, limit=limit)
        found += sheet.lines
        cursor = sheet.cursor
        if cursor is None:
            return found
    raise AssertionError("it never ends")


def _names(lines: list[Line]) -> list[str]:
    return [f"{line.tenant}/{line.listed.key.hex()[:32]}" for line in lines]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", list(Sort))
async def test_pages_are_the_whole_in_order(tmp_path: Path, sort: Sort, descending: bool) -> None:
    chance = random.Random(1)
    async with opened(tmp_path) as catalogue:
        for tenant in ("a", "b", "c"):
            await catalogue.put(
                *(
                    record(
                        number,
                        said="x" * chance.randrange(3),
                        question=chance.choice(["Äpfel?", "apples", " Apples", "zebra\x00", ""]),
                        model=chance.choice(["gpt-5", "GPT-5", "🙂"]),
                        created=float(chance.randrange(5)),
                        expires=chance.choice([None, 5e9, 6e9]),
                    )
                    for number in range(ord(tenant) * 100, ord(tenant) * 100 + 20)
                ),
                tenant=tenant,
            )
        found = await _all(catalogue, Listing(sort=sort, descending=descending))
        assert len(set(_names(found))) == len(found) == 60
        values = [(line.listed.place.value, line.tenant, line.listed.place.number) for line in found]
        assert values == sorted(values, reverse=descending)
        assert await _all(catalogue, Listing(sort=sort, descending=descending), limit=60) == found
        one = await _all(catalogue, Listing(tenant="b", sort=sort, descending=descending))
        assert one == [line for line in found if line.tenant == "b"]


async def test_tenants_are_sorted_by_what_people_call_them(tmp_path: Path) -> None:
    names = {"a": "zoo", "b": "art", "c": "zoo"}.__getitem__
    async with opened(tmp_path) as catalogue:
        for place, tenant in enumerate(("a", "b", "c")):
            await catalogue.put(*(record(10 * place + number) for number in range(4)), tenant=tenant)
        for descending, expected in ((False, "bbbbaaaacccc"), (True, "ccccaaaabbbb")):
            listing, cursor, found = Listing(sort=Sort.TENANT, descending=descending), None, ""
            while len(found) < 12:
                sheet = await catalogue.browsing.page(listing, cursor=cursor, limit=3, called=names)
                found += "".join(line.tenant for line in sheet.lines)
                cursor = sheet.cursor
            assert (found, cursor) == (expected, None)


async def test_questions_stand_in_order_whatever_becomes_of_their_entries(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        long = "b" * schema.OPENING
        await catalogue.put(
            record(1, question="\n  Centre a div?"),
            record(2, question="apples"),
            record(3, question=long + "z"),
            record(4, question=long + "a"),
            record(5, question="BANANA"),
            record(6, question=""),
        )
        listing = Listing(sort=Sort.QUESTION, descending=False)

        async def found(**filter_: object) -> list[int]:
            lines = await _all(catalogue, replace(listing, filter=Filter(**filter_)), limit=2)  # type: ignore[arg-type]
            return [line.listed.place.number for line in lines]

        assert await found() == [6, 2, 5, 3, 4, 1]
        assert await found(wanted=read_wanted("bern")) == [6, 2, 5, 3, 4, 1]
        purged = await catalogue.purging.purge(Target(ids=(name_of(2), name_of(1))))
        assert await found() == [6, 5, 3, 4]
        await catalogue.purging.restore(purged.purge or "")
        assert await found() == [6, 2, 5, 3, 4, 1]
        await catalogue.put(record(2, question="zebra"))  # in place of the one that there was
        assert await found() == [6, 5, 3, 4, 1, 7]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", list(Sort))
def test_no_order_sorts_what_it_walks_through(sort: Sort, descending: bool) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        schema.prepare(connection)
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        for after in (None, Place(1.0, 1)):
            walk = Walk(sort, descending, after, "1", ())
            assert list(through_all(connection, walk, ())) == []
        connection.set_trace_callback(None)
        assert len(asked) == 3
        for sql in asked:
            plan = [told for *_, told in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
            assert plan
            assert not [step for step in plan if "TEMP B-TREE" in step], plan


async def test_what_few_have_is_found_whole_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "LOOKED_AT", 5)
    async with opened(tmp_path) as catalogue:
        await catalogue.put(
            *(
                record(n, model="rare" if n % 9 == 0 else "gpt-4o", dialect="chat" if n % 8 else "messages")
                for n in range(1, 39)
            ),
            replace(record(39), upstream="azure"),
        )
        await catalogue.store.change(
            "default", lambda db: db.execute("UPDATE entries SET pinned = number IN (3, 30)")
        )
        for rare, numbers in (
            (Filter(model="rare"), [9, 18, 27, 36]),
            (Filter(dialect="messages"), [8, 16, 24, 32]),
            (Filter(pinned=True), [3, 30]),
            (Filter(upstream="azure"), [39]),
            (Filter(before=1003.0), [1, 2]),
            (Filter(since=1038.0), [38, 39]),
            (Filter(unused_since=1004.0, model="gpt-4o"), [1, 2, 3]),
            (Filter(pinned=True, dialect="messages"), []),
        ):
            for sort in Sort:
                listing = Listing(filter=rare, sort=sort, descending=False)
                sheet = await catalogue.browsing.page(listing, cursor=None, limit=10)
                assert (sorted(line.listed.place.number for line in sheet.lines), sheet.cursor) == (numbers, None)
                total = await catalogue.browsing.total(listing)
                assert (total.entries, total.exact) == (len(numbers), True)


async def test_what_comes_and_goes_between_pages_moves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(*map(record, range(1, 11)))
        first = await catalogue.browsing.page(Listing(), cursor=None, limit=4)
        assert [line.listed.created for line in first.lines] == [1010, 1009, 1008, 1007]
        await catalogue.put(record(99, created=5000.0))
        await catalogue.store.change("default", lambda db: db.execute("DELETE FROM entries WHERE created = 1007"))
        second = await catalogue.browsing.page(Listing(), cursor=first.cursor, limit=4)
        assert [line.listed.created for line in second.lines] == [1006, 1005, 1004, 1003]


async def test_cursors_that_do_not_belong_are_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(*map(record, range(5)))
        cursor = (await catalogue.browsing.page(Listing(), cursor=None, limit=2)).cursor
        for wrong in ("", "x", "!!", "bnVsbA", cursor[:-3] if cursor else ""):
            with pytest.raises(Unclear):
                await catalogue.browsing.page(Listing(), cursor=wrong, limit=2)
        for other in (Listing(sort=Sort.SIZE), Listing(descending=False), Listing(filter=Filter(pinned=True))):
            with pytest.raises(Unclear, match="another filter or order"):
                await catalogue.browsing.page(other, cursor=cursor, limit=2)
        with pytest.raises(Unclear, match="1 to"):
            await catalogue.browsing.page(Listing(), cursor=None, limit=0)


async def test_each_filter_finds_what_it_says(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(
            record(1, meaning=True),
            record(2, model="gpt-5", created=50.0),
            record(3, dialect="embeddings", form=Form.BODY),
            record(4, said="Pinned to the wall"),
        )
        await catalogue.store.change("default", lambda db: db.execute("UPDATE entries SET pinned = number = 4"))

        async def found(**filter_: object) -> list[int]:
            listing = Listing(filter=Filter(**filter_), descending=False)  # type: ignore[arg-type]
            lines = await _all(catalogue, listing)
            total = await catalogue.browsing.total(listing)
            assert (total.entries, total.exact) == (len(lines), True)
            return sorted(line.listed.place.number for line in lines)

        assert await found() == [1, 2, 3, 4]
        assert await found(model="gpt-5") == [2]
        assert await found(dialect="embeddings") == [3]
        assert await found(upstream="openai", tier=Tier.SEMANTIC) == [1]
        assert await found(tier=Tier.EXACT) == [2, 3, 4]
        assert await found(pinned=True) == [4]
        assert await found(pinned=False, model="gpt-4o") == [1, 3]
        assert await found(before=1000.0) == [2]
        assert await found(since=1003.0) == [3, 4]
        assert await found(unused_since=1001.0) == [2]
        assert await found(wanted=read_wanted("wall")) == [4]
        assert await found(wanted=read_wanted("wall"), model="gpt-5") == []
        assert await found(wanted=read_wanted("capital -wall")) == [1, 2]


DATED = ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-20250514", "gpt-4o@20240620", "gpt-4o@2024-06-20")
OTHERS = (
    *(
        "gpt-4o-mini",
        "gpt-4o-mini-2024-07-18",
        "gpt-4",
        "gpt-4-2024-08-06",
        "GPT-4o",
        "gpt-4o-0806",
        "gpt-4o-20250532",
    ),
    *("gpt-4o-2024-0806", "gpt-4o-2024-08-06-x", "gpt-4o-20", "gpt-4o-2", "gpt-4o:2024-08-06", "gpt-4o-٢٠٢٤-08-06"),
)


async def test_a_models_name_is_its_dated_versions_too_and_no_other_model(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        names = [*DATED, *OTHERS]
        await catalogue.put(*(record(number, model=name) for number, name in enumerate(names)))

        async def found(model: str) -> set[str]:
            return {line.listed.model for line in await _all(catalogue, Listing(filter=Filter(model=model)))}

        assert await found("gpt-4o") == set(DATED)
        dated = {"gpt-4o-mini": {"gpt-4o-mini-2024-07-18"}, "gpt-4": {"gpt-4-2024-08-06"}}
        for name in names[1:]:
            assert await found(name) == {name, *dated.get(name, ())}
        assert await found("") == await found("gpt-4o-2024") == await found("%") == set()
        (one,) = await _all(catalogue, Listing(filter=Filter(model="gpt-4o@20240620")))
        by_id = Target(ids=(name_of(0), name_of(len(DATED))), filter=Filter(model="gpt-4o"))
        assert (await catalogue.purging.count(by_id)).entries == 1
        counted = await catalogue.purging.count(Target(filter=Filter(model="gpt-4o")))
        assert counted.entries == len(DATED)
        purged = await catalogue.purging.purge(Target(filter=Filter(model="gpt-4o")), counted.confirm)
        assert (purged.entries, purged.gone) == (len(DATED), 0)
        assert await found("gpt-4o") == set()
        assert {line.listed.model for line in await _all(catalogue, Listing())} == set(OTHERS)
        assert not await catalogue.is_stored(DATED.index(one.listed.model))


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("sort", list(Sort))
async def test_pages_of_dated_versions_hang_together_where_there_are_many_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sort: Sort, descending: bool
) -> None:
    """No page is short where they are walked by time: what is of other models is not even looked at."""
    monkeypatch.setattr(browse, "LOOKED_AT", 8)
    monkeypatch.setattr(browse, "FEW", 3)
    async with opened(tmp_path) as catalogue:
        names = ("gpt-4o-mini", "gpt-4o-2024-08-06", "gpt-4o", "gpt-4o-2024-05-13")
        await catalogue.put(
            *(record(number, model=names[number % 4], created=float(number // 6)) for number in range(60))
        )
        listing = Listing(filter=Filter(model="gpt-4o"), sort=sort, descending=descending)
        lines = await _all(catalogue, listing)
        assert len(lines) == 45
        places = [(line.listed.place.value, line.listed.place.number) for line in lines]
        assert places == sorted(places, reverse=descending)
        assert len(set(places)) == 45
        sheet = await catalogue.browsing.page(listing, cursor=None, limit=7)
        assert sort is not Sort.CREATED or len(sheet.lines) == 7


def test_names_of_a_model_are_looked_up_and_not_gone_through() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        schema.prepare(connection)
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        assert names_of(connection, "gpt-4o") == ["gpt-4o"]
        connection.set_trace_callback(None)
        for sql in asked:
            plan = [told for *_, told in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
            looks = [step for step in plan if step.endswith("model>? AND model<?)")]
            assert [step for step in plan if "entries" in step] == looks
            assert len(looks) == 2


async def test_a_search_reads_words_phrases_beginnings_and_what_is_not_to_occur(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(
            record(1, question="How do I centre a div?", said="Use flexbox."),
            record(2, question="How do I sort a list?", said='Call "sorted", or list.sort() for a list.'),
            record(3, question="Grüße aus Zürich", said="NOT AND OR NEAR question: answer:"),
        )

        async def found(text: str) -> list[int]:
            lines = await _all(catalogue, Listing(filter=Filter(wanted=read_wanted(text)), descending=False))
            return [line.listed.place.number for line in lines]

        assert await found("how") == [1, 2]
        assert await found("how -div") == [2]
        assert await found('"sort a list"') == [2]
        assert await found('"list a sort"') == []
        assert await found("flex*") == [1]
        assert await found("flex") == []
        assert await found("grusse") == []
        assert await found("zurich GRÜßE") == [3]
        assert await found("list.sort()") == [2]
        assert await found("NOT") == [3]
        assert await found("question:") == [3]
        assert await found('how -"sort a" do') == [1]
        assert await found("  ") == [1, 2, 3]


@given(st.text(max_size=60) | st.text(alphabet='ab"*-+^():{}NOT AND OR\0 \n', max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_search_is_an_error_of_the_engine(text: str) -> None:
    try:
        wanted = read_wanted(text)
    except Misread as error:
        assert 0 <= error.at <= len(text)  # noqa: PT017 - most texts raise nothing
        return
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE texts USING fts5 (question, answer)")
        if wanted is not None:
            sql = "SELECT rowid FROM texts WHERE texts MATCH ?"
            assert connection.execute(sql, (expression(wanted),)).fetchall() == []


async def test_counting_and_looking_end_where_they_cost_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browse, "LOOKED_AT", 10)
    monkeypatch.setattr(browse, "MATCHES", 12)
    monkeypatch.setattr(browse, "FEW", 3)
    async with opened(tmp_path) as catalogue:
        await catalogue.put(*(record(number, dialect="chat" if number % 7 else "messages") for number in range(35)))
        rare = Listing(filter=Filter(dialect="messages"))
        sheet = await catalogue.browsing.page(rare, cursor=None, limit=50)
        assert len(sheet.lines) < 5  # a short page
        assert sheet.cursor is not None  # and more behind it
        assert len(await _all(catalogue, rare, limit=50)) == 5
        total = await catalogue.browsing.total(rare)
        assert (total.exact, total.entries) == (False, 1)
        common = await catalogue.browsing.total(Listing(filter=Filter(wanted=read_wanted("capital"))))
        assert (common.exact, common.entries) == (False, 13)
        assert (await catalogue.browsing.total(Listing())).entries == 35


async def test_one_entry_is_told_as_a_whole(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        question = "What is the capital of Switzerland? " * 20
        await catalogue.put(record(1, question=question, meaning=True))
        assert await catalogue.store.promote("default", alias(2, 1, "And which is Switzerland's?"))
        tenant, seen = await catalogue.browsing.entry(name_of(1))
        assert tenant == "default"
        assert seen.question == question
        assert len(seen.line.question) == browse.PREVIEW
        assert seen.request == {"model": "gpt-4o", "messages": [{"role": "user", "content": question}]}
        assert seen.answer.recorded == record(1, question=question).answer.recorded
        assert [(one.question, one.key, one.score) for one in seen.wordings] == [
            ("And which is Switzerland's?", key_of(2), 0.99)
        ]
        assert seen.means is not None
        for name in (name_of(3), name_of(2)):
            with pytest.raises(Unknown):
                await catalogue.browsing.entry(name)
        with pytest.raises(Unclear):
            await catalogue.browsing.entry("%")


async def test_a_damaged_row_is_left_out_of_the_list_and_can_be_purged(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        await catalogue.put(record(1), record(2))
        await catalogue.store.change(
            "default", lambda db: db.execute("UPDATE entries SET model = x'00', size = 'x' WHERE number = 1")
        )
        assert len(await _all(catalogue, Listing())) == 1
        assert (await catalogue.purging.purge(Target())).entries == 2


async def test_a_file_of_the_version_before_is_brought_up_to_date_by_who_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:2])
        with closing(sqlite3.connect(tmp_path / "default.sqlite3", isolation_level=None)) as connection:
            schema.prepare(connection)
            connection.execute(
                """
                INSERT INTO entries (key, dialect, upstream, model, form, created, used, has_usage, asked_usage,
                    exact_only, headers, answer, size, request)
                VALUES (?, 'chat', 'openai', 'm', 'body', 1.0, 1.0, 0, 0, 0, '[]', x'28b52ffd0000010000', 0, '[]')
                """,
                (key_of(1),),
            )
            connection.execute("INSERT INTO texts (rowid, question, answer) VALUES (1, 'What is OLD?', 'This.')")
    async with opened(tmp_path) as catalogue:
        (line,) = await _all(catalogue, Listing())
        assert (line.listed.key, line.listed.pinned) == (key_of(1), False)
        await catalogue.put(record(2))
        assert [line.listed.place.number for line in await _all(catalogue, Listing())] == [2, 1]
        by_question = await _all(catalogue, Listing(sort=Sort.QUESTION))
        assert [line.listed.place.value for line in by_question] == [
            "what is the capital of country 2?",
            "what is old?",
        ]
