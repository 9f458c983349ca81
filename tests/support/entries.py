"""Entries to browse and purge: a store with a catalogue over it, and records whose question and answer are known."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from reflexd_core.entry import EntryFacts, Pairing, entry_id
from reflexd_core.keys import digest
from reflexd_core.meaning.normal_form import normal_form
from reflexd_core.request import Form, Usage
from reflexd_io.backlog import Backlog
from reflexd_io.catalogue.browsing import Browsing
from reflexd_io.catalogue.changing import Changing
from reflexd_io.catalogue.purging import Purging
from reflexd_io.catalogue.shelves import Shelves
from reflexd_io.memory import Answer, Memory
from reflexd_io.models import Models
from reflexd_io.settings import Settings
from reflexd_io.store import Store
from reflexd_io.store.meaning import Meaning
from reflexd_io.store.pairings import Alias
from reflexd_io.store.records import Record

GIB = 1024**3
MODEL = "mini-1"
SCOPE = b"s" * 32


def key_of(number: int) -> bytes:
    """Its beginning names the entry, so it must differ there."""
    return digest(str(number).encode())


def name_of(number: int) -> str:
    return entry_id(key_of(number))


def vector_of(number: int) -> bytes:
    vector = np.random.default_rng(number).standard_normal(8)
    return (vector / np.linalg.norm(vector)).astype("<f2").tobytes()


def record(
    number: int = 1,
    *,
    question: str | None = None,
    said: str = "Bern.",
    meaning: bool = False,
    **changes: Any,
) -> Record:
    """``changes`` of the facts."""
    question = question if question is not None else f"What is the capital of country {number}?"
    body = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "model": "gpt-4o",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12},
    }
    facts = EntryFacts(
        id=name_of(number),
        dialect="chat",
        model="gpt-4o",
        form=Form.BODY,
        created=1000.0 + number,
        expires=None,
        has_usage=True,
        asked_usage=False,
        usage=Usage(input=7, output=5, cached_input=0),
    )
    means = Meaning(
        scope=SCOPE, question=question, form=normal_form(question) or "", vector=vector_of(number), model=MODEL
    )
    return Record(
        key=key_of(number),
        answer=Answer(replace(facts, **changes), [(b"content-type", b"application/json")], json.dumps(body).encode()),
        upstream="openai",
        exact_only=not meaning,
        scope=SCOPE if meaning else None,
        request=json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": question}]}).encode(),
        request_coding=None,
        meaning=means if meaning else None,
    )


def alias(key: int, entry: int, question: str = "In other words?") -> Alias:
    pairing = Pairing(
        entry_key=key_of(entry), score=0.99, similarity=0.95, model="judge-1", reason="verified", at=5.0
    )
    return Alias(key=key_of(key), question=question, form=normal_form(question) or "", pairing=pairing)


@dataclass(frozen=True)
class Opened:
    store: Store
    memory: Memory
    shelves: Shelves
    browsing: Browsing
    changing: Changing
    purging: Purging

    async def put(self, *records: Record, tenant: str = "default") -> None:
        told: list[str | None] = []
        done = anyio.Event()

        def hear(problem: str | None) -> None:
            told.append(problem)
            if len(told) == len(records):
                done.set()

        for each in records:
            self.store.put(tenant, each, hear)
        with anyio.fail_after(20):
            await done.wait()
        assert set(told) == {None}

    async def is_stored(self, number: int, tenant: str = "default") -> bool:
        return await self.store.get(tenant, key_of(number)) is not None


@asynccontextmanager
async def opened(folder: Path, max_bytes: int = GIB) -> AsyncIterator[Opened]:
    store = Store(folder, max_bytes=max_bytes)
    memory = Memory(capacity=1000, max_bytes=GIB)
    shelves = Shelves(store, memory, Backlog(store, Models(Settings())))
    store.start()
    try:
        yield Opened(store, memory, shelves, Browsing(shelves), Changing(shelves), Purging(shelves))
    finally:
        assert await store.close()


def rows(folder: Path, sql: str, tenant: str = "default") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{folder / tenant}.sqlite3?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


TABLES = {
    "entries": "SELECT key, model, created, expires, used, hits, answer, size, request, pinned, lapses FROM {}",
    "meanings": "SELECT scope, question, form, expires FROM {}",
    "vectors": "SELECT scope, model, vector FROM {}",
    "aliases": "SELECT key, question, form, score, similarity, model, reason, at FROM {}",
    "texts": "SELECT question, answer FROM {}",
    "parts": "SELECT hash, body, uses FROM {}",
    "uses": "SELECT day, count FROM {}",
}


def everything(folder: Path, tenant: str = "default") -> dict[str, list[tuple[Any, ...]]]:
    """All that is stored of a tenant's entries, without the numbers that rows are given."""
    return {table: sorted(rows(folder, sql.format(table), tenant), key=repr) for table, sql in TABLES.items()}
