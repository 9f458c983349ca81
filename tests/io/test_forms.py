"""Forms in a tenant's file: their parts are shared with the entries', and go with the last that holds them."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reflexd_core.dialects import CHAT
from reflexd_core.entry import EntryFacts, entry_id
from reflexd_core.keys import digest
from reflexd_core.parts import split_request
from reflexd_core.request import Form as RequestForm
from reflexd_io.memory import Answer
from reflexd_io.store import forms, records, schema, trash
from reflexd_io.store.forms import Form
from reflexd_io.store.records import Record

FEW = 6
"""Different requests, which share turns."""


def opened() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.prepare(connection)
    return connection


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(opened()) as made:
        yield made


def body(number: int) -> dict[str, Any]:
    turns = [{"role": "user", "content": str(turn % 3)} for turn in range(number)]
    return {"model": "m", "messages": turns, "user": "somebody", "n": number // 3}


def key(number: int) -> bytes:
    return digest(b"%d" % number)


def store(connection: sqlite3.Connection, number: int) -> None:
    facts = EntryFacts(
        id=entry_id(key(number)),
        dialect="chat",
        model="m",
        form=RequestForm.BODY,
        created=1.0,
        expires=None,
        has_usage=False,
        asked_usage=False,
    )
    request = json.dumps(body(number)).encode()
    record = Record(
        key=key(number),
        answer=Answer(facts, [], b'{"choices":[]}'),
        upstream="openai",
        exact_only=True,
        scope=None,
        request=request,
        request_coding=None,
    )
    records.insert(connection, record)


def keep(connection: sqlite3.Connection, number: int, **changed: Any) -> None:
    parts = split_request(CHAT.read(body(number)).keyed)
    facts: dict[str, Any] = {
        "exchange": f"x-{number}",
        "key": key(number),
        "at": float(number),
        "dialect": "chat",
        "client": "codex",
        "outcome": "stored",
        "rules": ("drop-envelope",),
        "covered": {"path": "/chat/completions"},
        "parts": tuple((part.name, part.hash) for part in parts),
    }
    forms.insert(connection, Form(**{**facts, **changed}), parts)


def purge(connection: sqlite3.Connection, number: int) -> None:
    trash.begin(connection, "p", "some", 1.0)
    row = connection.execute("SELECT number FROM entries WHERE key = ?", (key(number),)).fetchone()
    trash.move(connection, "p", [row[0]] if row is not None else [])


STEPS = {
    "store": store,
    "keep": keep,
    "remove": lambda connection, number: records.remove(connection, [key(number)]),
    "purge": purge,
    "restore": lambda connection, _: trash.restore(connection, "p", 2.0),
    "drop": lambda connection, _: trash.drop(connection, "p"),
    "forget": lambda connection, number: forms.forget(connection, key(number)),
    "age": lambda connection, number: forms.drop_old(connection, number + forms.LIFETIME),
    "clear": lambda connection, _: forms.forget_all(connection),
}


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(1, FEW)), max_size=30))
def test_a_part_is_there_for_as_long_as_something_holds_it(steps: list[tuple[str, int]]) -> None:
    with closing(opened()) as connection:
        for step, number in steps:
            STEPS[step](connection, number)  # type: ignore[operator]
            held: Counter[str] = Counter()
            for table, column in (("entries", "request"), ("trash", "request"), ("forms", "parts")):
                for (listed,) in connection.execute(f"SELECT {column} FROM {table}"):
                    held.update(part for _, part in json.loads(listed))
            there = {part.hex(): uses for part, uses in connection.execute("SELECT hash, uses FROM parts")}
            assert there == dict(held), (step, number)


def test_only_earlier_ones_of_the_same_client_and_dialect_are_compared(connection: sqlite3.Connection) -> None:
    keep(connection, 4, client="aider")
    keep(connection, 4, dialect="responses")
    keep(connection, 2)
    keep(connection, 3, exchange="asked")
    keep(connection, 3, exchange="later")
    found = forms.compare(connection, "asked")
    assert found is not None
    assert found.nearest is not None
    assert found.nearest.exchange == "x-2"
    assert [(where, one.path) for where, one in found.differences] == [
        ("body", ("messages", 2)),
        ("body", ("n",)),
    ]
    assert forms.compare(connection, "unknown") is None


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE forms SET parts = '[[1]]'",
        "UPDATE forms SET parts = '5'",
        "UPDATE parts SET body = 5",
        "UPDATE forms SET covered = '[]'",
        "UPDATE forms SET rules = '{'",
        "UPDATE forms SET at = 'never'",
        "DELETE FROM parts",
        "UPDATE parts SET body = x'00'",
    ],
)
def test_a_damaged_file_is_told_as_one(connection: sqlite3.Connection, damage: str) -> None:
    for number in (1, 2):
        keep(connection, number)
    connection.execute(damage)
    with pytest.raises(ValueError):
        forms.compare(connection, "x-2")
    forms.forget_all(connection)
    assert connection.execute("SELECT count(*) FROM forms").fetchone() == (0,)
