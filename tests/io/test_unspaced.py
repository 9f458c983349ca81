"""Text without spaces between its words, in a real store: found by any part, shown as it was, old files included."""

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reflexd_core.finding import Term, Wanted, read_wanted
from reflexd_core.unspaced import cut
from reflexd_io.catalogue.browsing import Line, Listing
from reflexd_io.catalogue.purging import Target
from reflexd_io.store import browse, records, recutting, schema, writer
from reflexd_io.store.filters import Filter, expression
from reflexd_io.store.order import Sort
from support.entries import Opened, key_of, name_of, opened, record, rows

pytestmark = pytest.mark.anyio


async def listed(catalogue: Opened, listing: Listing) -> list[Line]:
    return (await catalogue.browsing.page(listing, cursor=None, limit=500)).lines


async def found(catalogue: Opened, text: str) -> list[int]:
    lines = await listed(catalogue, Listing(filter=Filter(wanted=read_wanted(text)), descending=False))
    return [line.listed.place.number for line in lines]


async def test_text_without_spaces_is_found_by_any_part_of_it_and_shown_as_it_was(tmp_path: Path) -> None:
    questions = (
        "日本語の文章を検索する方法は?",
        "如何用Python写爬虫?",
        "한국어를 어떻게 배우나요?",
        "東京タワーの高さは333メートルですか",
        "How do I centre a div? 居中",
        "การเขียนโปรแกรมภาษาไทย",
    )
    async with opened(tmp_path) as catalogue:
        said = "全文検索エンジン" * 100
        await catalogue.put(*(record(n, question=text, said=said) for n, text in enumerate(questions, 1)))

        for text, numbers in (
            *(("本語", [1]), ("語本", []), ("検索する", [1]), ("日本 方法", [1]), ("日本 爬虫", []), ("法", [1])),
            *(("Python", [2]), ("python写", [2]), ("用Python写爬虫", [2]), ("爬*", [2]), ("虫爬", [])),
            *(
                ("한국어", [3]),
                ("어떻게 한국", [3]),
                ("국어 -배우", []),
                ("高さは333", [4]),
                ("333メ", [4]),
                ("33", []),
            ),
            *(("centre 居", [5]), ("居中 -centre", []), ("中居", []), ("cent*", [5]), ("cen", [])),
            *(("โปรแกรม", [6]), ("ไทย", [6]), ("索エンジン全文", [1, 2, 3, 4, 5, 6]), ('"文章を検索" -ドイツ', [1])),
        ):
            assert await found(catalogue, text) == numbers, text
        lines = await listed(catalogue, Listing(descending=False))
        assert [line.listed.question for line in lines] == list(questions)
        assert {line.listed.answer for line in lines} == {said[: browse.PREVIEW]}
        _, seen = await catalogue.browsing.entry(name_of(1))
        assert seen.question == questions[0]
        assert await catalogue.store.questions("default", key_of(2)) == (questions[1], None)
        by_question = await listed(catalogue, Listing(sort=Sort.QUESTION, descending=False))
        assert [line.listed.question for line in by_question] == sorted(questions, key=str.lower)
        assert by_question[-1].listed.place.value == "한국어를 어떻게 배우나요?"
        purged = await catalogue.purging.purge(Target(filter=Filter(wanted=read_wanted("本語"))))
        assert purged.entries == 1
        assert await found(catalogue, "本語") == []
        await catalogue.purging.restore(purged.purge or "")
        assert await found(catalogue, "本語") == [1]


@given(st.text("日本語の한국เ漢字ｶ1aé。 -", min_size=1, max_size=12), st.data())
@settings(max_examples=200, deadline=None)
def test_any_part_between_two_letters_is_found(text: str, data: st.DataObject) -> None:
    letters = [place for place, char in enumerate(text) if char in "日本語の한국เ漢字ｶ"]
    if not letters:
        return
    begin, end = sorted((data.draw(st.sampled_from(letters)), data.draw(st.sampled_from(letters))))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE VIRTUAL TABLE texts USING fts5 (question, answer)")
        connection.execute("INSERT INTO texts (question, answer) VALUES (?, '')", (cut(text),))
        wanted = Wanted((Term(text[begin : end + 1]),))
        sql = "SELECT count(*) FROM texts WHERE texts MATCH ?"
        assert connection.execute(sql, (expression(wanted),)).fetchone() == (1,)


def test_a_slice_ends_after_the_text_that_outlasts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count(0.0, 0.75 * recutting.SLICE)
    monkeypatch.setattr(recutting, "monotonic", lambda: next(seconds))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        schema.prepare(connection)
        for number in range(1, 6):
            connection.execute("INSERT INTO texts (rowid, question, answer) VALUES (?, '検索', '')", (number,))
        connection.execute("UPDATE uncut SET upto = 5")
        left = []
        while recutting.recut(connection):
            left += connection.execute("SELECT upto FROM uncut").fetchone()
        assert left == [4, 3, 2, 1]
        assert connection.execute("SELECT DISTINCT question FROM texts").fetchall() == [(cut("検索"),)]


async def test_what_an_older_reflex_stored_is_found_once_upkeep_has_cut_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_TICK", 0.02)
    monkeypatch.setattr(recutting, "SLICE", 0.0)  # so that a slice does nothing at all until it is given time
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:5])
        older.setattr(records, "cut", str)
        with closing(sqlite3.connect(tmp_path / "default.sqlite3", isolation_level=None)) as connection:
            schema.prepare(connection)
            for number in range(1, 201):
                question = "日本語の文章を検索する方法は?" if number % 50 == 0 else f"How do I sort list {number}?"
                records.insert(connection, record(number, question=question, said="はい。"))
            connection.execute("UPDATE texts SET question = NULL WHERE rowid = 7")
    async with opened(tmp_path) as catalogue:
        await catalogue.put(record(201, question="検索エンジン"))
        assert await found(catalogue, "検索") == [201]
        assert len(await found(catalogue, "sort list")) == 195
        monkeypatch.setattr(recutting, "SLICE", 0.1)
        with anyio.fail_after(60):
            while rows(tmp_path, "SELECT upto FROM uncut") != [(0,)]:  # noqa: ASYNC110 - the writer is a thread
                await anyio.sleep(0.01)
        assert await found(catalogue, "検索") == [50, 100, 150, 200, 201]
        assert len(await found(catalogue, "はい")) == 199
        assert await found(catalogue, "sort 7") == []
        lines = await listed(catalogue, Listing(filter=Filter(wanted=read_wanted("検索")), sort=Sort.QUESTION))
        assert {line.listed.place.value for line in lines} == {"日本語の文章を検索する方法は?", "検索エンジン"}
