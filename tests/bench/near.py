"""The nearest of a scope: recall against brute force, and time, in a store where scopes of all sizes are mixed.

    uv run python tests/bench/near.py               # scopes of 1 to 50,000: a few minutes
    uv run python tests/bench/near.py full topics   # up to 1,000,000, one kind of vectors: half an hour, 2 GB of disk
    uv run python tests/bench/near.py scan          # what a scan takes, beside numpy's and a graph's

Vectors lie in topics, as those of real questions do, or at random, the worst case. Each is searched for with one at
a cosine of 0.89 from a stored one. Building and searching are processes of their own, so that their memory is told.
CPU time is given beside wall time, for machines that do other things. The code must stay as it is meanwhile:
a store that another version wrote is not searched. ``BENCH_FOLDER`` keeps store and index, and goes on where it was.
Linux only (/proc).
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import anyio
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from load import resident_of

from reflexd_io.near import codes, worker
from reflexd_io.near.vectors import pack
from reflexd_io.store import IndexNotReady, Store
from support.meanings import MODEL, Floats, Topics, fill, random_vectors, reworded, scope_of

SHORT = (1, 10, 1_000, 10_000, 50_000)
FULL = (1, 10, 1_000, 10_000, 100_000, 1_000_000)
SINGLES = 3_000
"""Scopes of one entry besides: most conversations are such."""
QUESTIONS = int(os.environ.get("BENCH_QUESTIONS", "200"))
NEAREST = 5
BLOCK = 50_000
GIB = 1024**3

Makes = Callable[[int], Floats]


def report(name: str, make: Makes, sizes: tuple[int, ...]) -> None:
    kept = os.environ.get("BENCH_FOLDER")
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "default.sqlite3").exists():
            began = time.perf_counter()
            fill(folder / "writing", _scopes(make, sizes, folder))
            (folder / "writing").rename(folder / "default.sqlite3")
            took = time.perf_counter() - began
            print(f"\n{name}: {sum(sizes) + SINGLES:,} entries, written in {took:.0f} s\n", flush=True)
        built = _child("build", folder)
        print("| build | wall | CPU | anonymous memory, at most | index on disk |\n|---|---|---|---|---|")
        print(
            "| all | {wall:.1f} s | {cpu:.1f} s | {anonymous:.0f} MiB | {disk:.0f} MiB |\n".format(**built),
            flush=True,
        )
        found = _child("search", folder)
        print("start to the first answer in the largest scope: {start:.2f} s".format(**found))
        print("anonymous memory: {before:.0f} MiB before, {after:.0f} MiB after all searches\n".format(**found))
        print("| scope | recall@5 | in-scope search, p50 | p95 | CPU, p50 |\n|---|---|---|---|---|")
        for row in found["scopes"]:
            print(
                "| {size:,} | {recall:.4f} | {p50:.2f} ms | {p95:.2f} ms | {cpu:.2f} ms |".format(**row), flush=True
            )


def _scopes(make: Makes, sizes: tuple[int, ...], folder: Path) -> Iterator[tuple[bytes, Floats]]:
    """The scopes, the largest first; their questions and true similarities are left in the folder."""
    for number, size in enumerate(sorted(sizes, reverse=True)):
        vectors = np.concatenate([make(min(BLOCK, size - start)) for start in range(0, size, BLOCK)])
        yield scope_of(number), vectors
        places = np.random.default_rng(number).integers(size, size=QUESTIONS)
        packed = [pack(vector) for vector in reworded(vectors[places], seed=number)]
        asked = np.stack([np.frombuffer(one, "<f2") for one in packed]).astype(np.float32)
        best = np.empty((QUESTIONS, 0), np.float32)
        for start in range(0, size, BLOCK):
            block = vectors[start : start + BLOCK].astype("<f2").astype(np.float32)
            best = -np.sort(-np.hstack([best, asked @ block.T]), axis=1)[:, :NEAREST]
        np.savez(folder / f"{size}.npz", asked=asked, worst=best[:, -1], nearest=best.shape[1])
    for number in range(SINGLES):
        yield scope_of(1000 + number), make(1)


def _child(what: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, what, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)  # what it says of itself is seen
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def _build(folder: Path) -> None:
    """Ask until the index of the largest scope is ready."""
    worker._NICE = os.getpriority(os.PRIO_PROCESS, 0)  # else the wall time is that of whatever else the machine does
    began, peak = time.perf_counter(), 0.0
    store = Store(folder, max_bytes=64 * GIB)
    store.start()
    vector = pack(random_vectors(1)[0])
    while True:
        try:
            await store.nearest("default", scope_of(0), vector, 1, model=MODEL, form="")
            if any((folder / "default.near").glob("*.base")):
                break
        except IndexNotReady:
            pass
        peak = max(peak, resident_of(os.getpid(), "RssAnon"))
        await anyio.sleep(0.05)
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    await store.close()
    disk = sum(path.stat().st_size for path in (folder / "default.near").iterdir()) / 1024**2
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({"wall": wall, "cpu": cpu, "anonymous": peak, "disk": disk}))


async def _search(folder: Path) -> None:
    sizes = sorted((int(path.stem) for path in folder.glob("*.npz")), reverse=True)
    began = time.perf_counter()
    store = Store(folder, max_bytes=64 * GIB)
    store.start()
    before = resident_of(os.getpid(), "RssAnon")
    vector = pack(random_vectors(1)[0])
    while True:
        try:
            await store.nearest("default", scope_of(0), vector, 1, model=MODEL, form="")
            break
        except IndexNotReady:
            await anyio.sleep(0.01)
    start = time.perf_counter() - began
    scopes = [_measure(store, scope_of(number), folder / f"{size}.npz") for number, size in enumerate(sizes)]
    after = resident_of(os.getpid(), "RssAnon")
    await store.close()
    print(json.dumps({"start": start, "before": before, "after": after, "scopes": scopes[::-1]}))


def _measure(store: Store, scope: bytes, questions: Path) -> dict[str, Any]:
    """In the thread that a search runs in, without the way to it and back."""
    loaded = np.load(questions)
    nearest = int(loaded["nearest"])
    index, reader = store._keeper.of("default"), store._searchers.of("default")
    wall, cpu, right = [], [], 0
    for asked, worst in zip(loaded["asked"], loaded["worst"], strict=True):
        packed = asked.astype("<f2").tobytes()
        began = time.perf_counter(), time.thread_time()
        hits = store._searchers.read(reader, lambda db, v=packed: index.search(db, scope, v, MODEL, nearest))
        assert hits, "nothing was found: is the store of this version?"
        wall.append((time.perf_counter() - began[0]) * 1000)
        cpu.append((time.thread_time() - began[1]) * 1000)
        right += sum(similarity >= worst - 1e-5 for _, similarity in hits or [])
    return {
        "size": int(questions.stem),
        "recall": right / (nearest * len(wall)),
        "p50": statistics.median(wall),
        "p95": statistics.quantiles(wall, n=20)[-1],
        "cpu": statistics.median(cpu),
    }


def scan() -> None:
    """Milliseconds of CPU for one question."""
    print("| vectors | int8, as here | float32, numpy | float16, numpy |\n|---|---|---|---|")
    for size in (1_000, 10_000, 32_768, 100_000):
        print(
            f"| {size:,} | " + " | ".join(f"{took:.3f}" for took in _scans(random_vectors(size))) + " |", flush=True
        )


def _scans(vectors: Floats) -> Iterator[float]:
    asked, ids, halves = vectors[:1].copy(), np.arange(len(vectors)), vectors.astype("<f2")
    stored, scales = codes.encode(vectors)
    query = codes.query_of(pack(asked[0]))
    blocks = range(0, len(vectors), 512)
    yield _cpu(lambda: codes.best(ids, codes.scan(stored, scales, query.codes, query.scale), 21))
    yield _cpu(lambda: codes.best(ids, (vectors @ asked.T)[:, 0], 21))
    yield _cpu(lambda: [halves[start : start + 512].astype(np.float32) @ asked.T for start in blocks])


def _cpu(run: Callable[[], object]) -> float:
    took = []
    for _ in range(31):
        began = time.process_time()
        run()
        took.append((time.process_time() - began) * 1000)
    return statistics.median(took)


def main(names: list[str]) -> None:
    match names:
        case ["build", folder]:
            anyio.run(_build, Path(folder))
        case ["search", folder]:
            anyio.run(_search, Path(folder))
        case ["scan"]:
            scan()
        case _:
            sizes = FULL if "full" in names else SHORT
            print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
            if "random" not in names:
                report("In topics", Topics(max(50, sum(sizes) // 500)).vectors, sizes)
            if "topics" not in names:
                seeds = iter(range(1_000_000))
                report("At random", lambda count: random_vectors(count, seed=next(seeds)), sizes)


if __name__ == "__main__":
    main(sys.argv[1:])
