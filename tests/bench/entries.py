"""Browsing and purging: what a page, a search, a count and a purge take in one tenant's file, in process.

    uv run python tests/bench/entries.py             # 100,000 entries: a minute or two
    uv run python tests/bench/entries.py 1000000     # some ten minutes, and 2 GB of disk

Questions and answers are made of 5,000 words of three syllables whose frequency falls as words' does (Zipf); one
model in a thousand is rare. Wall times, thread and connection included, and CPU time beside them, for machines that
do other things meanwhile.
"""

import os
import platform
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from reflexd_core.finding import read_wanted
from reflexd_core.keys import digest
from reflexd_io.catalogue.browsing import Listing
from reflexd_io.catalogue.purging import Target
from reflexd_io.store import schema
from reflexd_io.store.filters import Filter
from reflexd_io.store.order import Sort
from reflexd_io.store.rows import zstd
from support.entries import Opened, opened, record

ROUNDS = 41
_SYLLABLES = [first + second for first in "bcdfghklmnprstvw" for second in "aeiou"]
WORDS = ["".join(_SYLLABLES[place % 80] for place in (n, n // 80, 31 * n)) for n in range(5000)]
COMMON, RARE = WORDS[3], WORDS[4000]
_WEIGHTS = [1 / (rank + 1) for rank in range(len(WORDS))]


def fill(path: Path, count: int) -> None:
    chance = random.Random(0)
    answer = zstd.compress(record(said="A line of text. " * 25).answer.recorded)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema.prepare(connection)
        connection.execute("PRAGMA synchronous = OFF")
        for start in range(1, count + 1, 10_000):
            numbers = range(start, min(start + 10_000, count + 1))
            connection.execute("BEGIN")
            words = iter(chance.choices(WORDS, _WEIGHTS, k=52 * len(numbers)))
            connection.executemany(
                "INSERT INTO texts (rowid, question, answer) VALUES (?, ?, ?)",
                [
                    (number, " ".join(next(words) for _ in range(12)), " ".join(next(words) for _ in range(40)))
                    for number in numbers
                ],
            )
            connection.executemany(
                """
                INSERT INTO entries (number, key, dialect, upstream, model, form, created, expires, used, hits,
                    has_usage, asked_usage, exact_only, headers, answer, size, request)
                VALUES (?, ?, 'chat', 'openai', ?, 'body', ?, ?, ?, ?, 0, 0, 0, '[]', ?, ?, '[]')
                """,
                [
                    (
                        number,
                        digest(str(number).encode()),
                        "rare" if number % 1000 == 0 else f"model-{number % 5}",
                        float(number),
                        None if number % 3 else 4e9 + number,
                        float(number),
                        int(chance.paretovariate(1)) - 1,
                        answer,
                        600 + number % 5000,
                    )
                    for number in numbers
                ],
            )
            connection.execute("COMMIT")


async def measure(count: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        began = time.perf_counter()
        fill(folder / "default.sqlite3", count)
        size = (folder / "default.sqlite3").stat().st_size / 1024**2
        print(f"{count:,} entries, {size:,.0f} MiB, written in {time.perf_counter() - began:.0f} s\n")
        async with opened(folder, 2**50) as catalogue:
            await _browse(catalogue, count)
            await _purge(catalogue)


async def _browse(catalogue: Opened, count: int) -> None:
    print("| what | p50 | p95 | CPU, p50 |\n|---|---|---|---|")
    browsing = catalogue.browsing

    async def page(listing: Listing, cursor: str | None = None) -> None:
        await browsing.page(listing, cursor=cursor, limit=100)

    for sort in Sort:
        await _time(f"first page of 100, by {sort.value}", lambda sort=sort: page(Listing(sort=sort)))
    deep = Listing(sort=Sort.HITS, descending=False)
    cursor = None
    for _ in range(count // 1000):  # a tenth of all, in the midst of equal values
        cursor = (await browsing.page(deep, cursor=cursor, limit=100)).cursor
    await _time("a page in the midst of equal values", lambda: page(deep, cursor))
    rare = Filter(model="rare")
    await _time("first page of a rare model, by creation", lambda: page(Listing(filter=rare)))
    await _time("the same, by hits", lambda: page(Listing(filter=rare, sort=Sort.HITS)))
    scarce = Filter(upstream="none")
    await _time("of an upstream that none has, by hits", lambda: page(Listing(filter=scarce, sort=Sort.HITS)))
    for said, text in (("rare", RARE), ("common", COMMON), ("rare phrase", f'"{WORDS[30]} {WORDS[31]}"')):
        listing = Listing(filter=Filter(wanted=read_wanted(text)))
        await _time(f"search, a {said} word", lambda listing=listing: page(listing))
    await _time("count of all", lambda: browsing.total(Listing()))
    common = Listing(filter=Filter(wanted=read_wanted(COMMON)))
    await _time("count of a common word", lambda: browsing.total(common))


async def _time(what: str, run: Callable[[], Awaitable[object]]) -> None:
    wall: list[float] = []
    cpu: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter(), time.process_time()
        await run()
        wall.append((time.perf_counter() - began[0]) * 1000)
        cpu.append((time.process_time() - began[1]) * 1000)
    slow = statistics.quantiles(wall, n=20)[-1]
    print(
        f"| {what} | {statistics.median(wall):.2f} ms | {slow:.2f} ms | {statistics.median(cpu):.2f} ms |", flush=True
    )


async def _purge(catalogue: Opened) -> None:
    target = Target(filter=Filter(model="model-1"))
    print("\n| what | entries | took |\n|---|---|---|")
    began = time.perf_counter()
    counted = await catalogue.purging.count(target)
    print(f"| dry run | {counted.entries:,} | {time.perf_counter() - began:.2f} s |")
    began = time.perf_counter()
    purged = await catalogue.purging.purge(target, counted.confirm)
    print(f"| purge | {purged.entries:,} | {time.perf_counter() - began:.2f} s |")
    began = time.perf_counter()
    restored = await catalogue.purging.restore(purged.purge or "")
    print(f"| undo | {restored.entries:,} | {time.perf_counter() - began:.2f} s |", flush=True)


if __name__ == "__main__":
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {sqlite3.sqlite_version}"
    )
    anyio.run(measure, int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
