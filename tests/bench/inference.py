"""Benchmarks of the models, as one Markdown table. Run alone, on a quiet machine:

    uv run python tests/bench/inference.py              # every backend that is here; about a minute
    uv run python tests/bench/inference.py cpu float    # some: cpu, float (the CPU's without int8), mlx, cuda

Tokens are those of the text, or of the pair, marks included. CPU is all threads' together. Load time and memory are
those of a fresh process, the interpreter and the imports included.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from reflexd_io.inference import choose, onnx, shipped
from reflexd_io.inference.choose import Loaded
from reflexd_io.inference.errors import UnusableModel
from reflexd_io.models import Models
from reflexd_io.settings import Settings
from support.models import family_pairs

RUNS = int(os.environ.get("BENCH_RUNS", "100"))
TOKENS = (16, 32, 64)
CALLERS = 16
SECONDS = 2.0
NAMES = {"float": "cpu"}


def loaded(backend: str) -> Loaded:
    if backend == "float":
        onnx.saturates = lambda _: True
    name = NAMES.get(backend, backend)
    return Loaded(embedder=shipped.embedder(name), verifier=shipped.verifier(name))


def timed(work: Callable[[], object]) -> str:
    wall, cpu = [], []
    for _ in range(3):
        work()
    for _ in range(RUNS):
        time.sleep(0.002)  # as between questions: what a run leaves spinning is not the next one's
        started, spent = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - spent)
    p50, least, spent = statistics.median(wall) * 1e3, min(wall) * 1e3, statistics.median(cpu) * 1e3
    return f"{p50:.2f} ms (least {least:.2f}); {spent:.2f} CPU"


def latencies(backend: str) -> None:
    models = loaded(backend)
    assert models.embedder is not None
    assert models.verifier is not None
    facts = models.embedder.facts
    print(f"| **{backend}** | {facts.dtype} on {facts.device} |")
    for tokens in TOKENS:
        text = "word " * (tokens - 2)
        print(f"| embed, {tokens} tokens, p50 | {timed(partial(models.embedder.embed, [text]))} |", flush=True)
    for tokens in TOKENS:
        pair = ("word " * (tokens // 2 - 2), "term " * (tokens - tokens // 2 - 1))
        print(
            f"| verify a pair, {tokens} tokens, p50 | {timed(partial(models.verifier.judge, [pair]))} |", flush=True
        )
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(inference_backend=NAMES.get(backend, backend), storage_path=Path(folder))
        print(f"| {CALLERS} at once, each embeds and has two pairs judged | {anyio.run(throughput, settings)} |")


async def throughput(settings: Settings) -> str:
    """As the daemon does it."""
    models = Models(settings)
    pairs = family_pairs(200)
    waits: list[float] = []
    longest = 0.0

    async def ask(first: int) -> None:
        at, until = first, time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            asked = time.perf_counter()
            await models.embed(pairs[at % 200][1])
            await models.verify([(pairs[at % 200], 0.8), (pairs[-at % 200], 0.8)])
            waits.append(time.perf_counter() - asked)
            at += CALLERS

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.perf_counter()
            await anyio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before - 0.001)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(models.serve, lambda: None)
        await models.loaded.wait()
        tasks.start_soon(watch)
        started = time.perf_counter()
        async with anyio.create_task_group() as callers:
            for caller in range(CALLERS):
                callers.start_soon(ask, caller)
        took = time.perf_counter() - started
        tasks.cancel_scope.cancel()
    p50, p99 = statistics.median(waits) * 1e3, sorted(waits)[int(len(waits) * 0.99)] * 1e3
    rate = len(waits) / took
    late = f"the loop late by at most {longest * 1e3:.0f} ms"
    return f"{rate:.0f} questions/s; p50 {p50:.0f} ms, p99 {p99:.0f}; {late}"


FRESH = """
import json, time
started = time.perf_counter()
spent = time.process_time()
import sys
sys.path[:0] = {paths}
import inference
imported = time.perf_counter() - started
inference.loaded({backend!r})
status = open("/proc/self/status").read()
kilobytes = {{name: int(status.split(name + ":")[1].split()[0]) for name in ("VmRSS", "RssAnon")}}
print(json.dumps([imported, time.perf_counter() - started, time.process_time() - spent, kilobytes]))
"""


def fresh(backend: str) -> None:
    """Best of three: what disturbs a start only ever makes it longer."""
    here = Path(__file__).parent
    script = FRESH.format(paths=[str(here), str(here.parent)], backend=backend)
    found = [
        json.loads(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True).stdout)
        for _ in range(3)
    ]
    imported, ready, cpu, memory = min(found, key=lambda each: each[1])
    print(
        f"| from nothing to both models checked | {ready:.2f} s, of which imports {imported:.2f}; {cpu:.2f} s CPU |"
    )
    print(
        f"| memory after it | {memory['VmRSS'] / 1024:.0f} MiB resident, {memory['RssAnon'] / 1024:.0f} anonymous |"
    )


def main() -> None:
    wanted = sys.argv[1:] or ["cpu", "float", "mlx", "cuda"]
    print(f"{choose.candidates()[0]} would be chosen here; {os.cpu_count()} CPUs\n\n| what | measured |\n|---|---|")
    for backend in wanted:
        try:
            latencies(backend)
        except UnusableModel as error:
            print(f"| **{backend}** | not here: {error} |")
            continue
        fresh(backend)


if __name__ == "__main__":
    main()
