"""``reflex-tui`` before a daemon that has stored a million entries: what a person waits for, and what it takes.

    uv run python tests/bench/browsing.py                             # 100,000 entries; two minutes
    uv run python tests/bench/browsing.py 1000000 --store /tmp/many   # made once (ten minutes, 1.4 GB), then kept

The daemon is a process of its own over real HTTP; the TUI draws as always at 120×40, and only the terminal is
missing. Times are from the key to the rows on the screen, less what the TUI waits on purpose while somebody types
(0.25 s); CPU tells more on a busy machine. Entries are made as `entries.py` makes them. Linux, for ``/proc``.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import entries
from textual.pilot import Pilot

from reflexd_io.control_client import find
from reflexd_io.control_client.shapes.entries import EntryRow
from reflexd_tui.app import ReflexApp
from reflexd_tui.pure import asks
from reflexd_tui.views.entries import DEBOUNCE, PAGE, EntriesView
from reflexd_tui.views.entry_table import SORTED
from support.process import command, environment

ROUNDS = 7
MINUTES = 3
"""Of scrolling, sorting and searching, at the end of each of which memory is taken."""
PAGES = 60
"""Further pages, one behind the other."""
_MIB = 1024**2


@contextmanager
def serving(storage: Path) -> Iterator[int]:
    """The process of a daemon over this store."""
    env = {**environment("http://127.0.0.1:9/v1"), "REFLEX_STORAGE_BYTES": str(2**50)}
    with subprocess.Popen(command(storage), env=env, stdout=subprocess.PIPE, text=True) as popen:
        try:
            assert popen.stdout is not None
            json.loads(popen.stdout.readline())
            yield popen.pid
        finally:
            popen.kill()


class Person:
    """Who presses keys, and waits."""

    def __init__(self, pilot: Pilot[None], daemon: int) -> None:
        self._pilot, self._daemon = pilot, daemon
        self.view = pilot.app.query_one(EntriesView)

    async def waits(self, key: str, *, until: Callable[[], bool]) -> tuple[float, float, float]:
        """Milliseconds from the key to what is waited for, and of the daemon's CPU and the TUI's."""
        before, cpu, own = time.perf_counter(), _cpu(self._daemon), time.process_time()
        await self._pilot.press(key)
        while not until():  # noqa: ASYNC110 - it is a person who looks
            await asyncio.sleep(0.002)
        took = time.perf_counter() - before, _cpu(self._daemon) - cpu, time.process_time() - own
        return took[0] * 1000, took[1] * 1000, took[2] * 1000


def report(what: str, waits: list[tuple[float, float, float]], on_purpose: float = 0.0) -> None:
    wall = sorted(wait - on_purpose * 1000 for wait, _, _ in waits)
    daemon, own = (statistics.mean(wait[place] for wait in waits) for place in (1, 2))
    told = (what, *(f"{each:.0f} ms" for each in (statistics.median(wall), wall[-1], daemon, own)))
    print(f"| {' | '.join(told)} |", flush=True)


async def measure(storage: Path, daemon: int, memory: Path) -> None:
    app = ReflexApp(lambda: find(storage=storage), memory=memory)
    async with app.run_test(size=(120, 40)) as pilot:
        while not app.session.is_linked:  # noqa: ASYNC110 - it says so to nobody else
            await asyncio.sleep(0.05)
        person = Person(pilot, daemon)
        view, begins = person.view, (memory_of("self"), memory_of(daemon))
        print("| what | p50 | at most | CPU of the daemon, mean | of the TUI |\n|---|---|---|---|---|")
        report("the view is opened", [await person.waits("2", until=lambda: len(view.pages.rows) == PAGE)])
        for place, column in enumerate(SORTED, 1):
            waits = []
            await pilot.press("s")
            await person.waits(str(place), until=lambda key=column.key: _is(view, key))
            for _ in range(ROUNDS):
                first = view.pages.rows[0].id
                waits.append(await person.waits("v", until=lambda first=first: view.pages.rows[0].id != first))
            report(f"sorted by {column.title.lower()}, the other way round", waits)
        further = []
        for _ in range(PAGES):
            had = len(view.pages.rows)
            further.append(await person.waits("G", until=lambda had=had: len(view.pages.rows) > had))
        report(f"a further page, by question, {PAGES} in turn", further)
        for what, text in (
            ("a rare", "word4000"),
            ("a common", "word3"),
            ("a rare model, by question", "model:rare"),
        ):
            waits = []
            for _ in range(ROUNDS):
                await pilot.press("escape")
                await _quiet(pilot)
                for key in ("slash", *text[:-1]):
                    await pilot.press(key)
                had = view.pages.rows
                waits.append(await person.waits(text[-1], until=lambda had=had, text=text: _found(view, text, had)))
                await pilot.press("escape", "escape")
                await _quiet(pilot)
            report(f"a search is typed: {what}", waits, DEBOUNCE)
        taken = [begins, (memory_of("self"), memory_of(daemon))]
        for _ in range(MINUTES):
            await _go_about(pilot, view, 60.0)
            taken.append((memory_of("self"), memory_of(daemon)))
        _tell_memory(taken)


def _is(view: EntriesView, column: str) -> bool:
    return view.rows.sorted_by is not None and view.rows.sorted_by[0] == column


def _found(view: EntriesView, text: str, had: list[EntryRow]) -> bool:
    """What was typed last is what is shown; what was asked for before is dropped by then."""
    return view._filter == asks.read(text, typing=True) and view.pages.rows is not had


async def _quiet(pilot: Pilot[None]) -> None:
    """Until nothing is asked for any more."""
    await pilot.pause(DEBOUNCE)
    while any(each.group in ("entries", "more") and not each.is_finished for each in pilot.app.workers):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def _cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """MiB. What is mapped from files counts as resident while it is read; only the anonymous part is its own."""

    resident: float
    anonymous: float
    """Proportionate: of what is shared, its share."""


def memory_of(process: int | str) -> Memory:
    told = Path(f"/proc/{process}/smaps_rollup").read_text("ascii")
    fields = dict(line.split()[:2] for line in told.splitlines()[1:])
    return Memory(int(fields["Rss:"]) / 1024, int(fields["Pss_Anon:"]) / 1024)


async def _go_about(pilot: Pilot[None], view: EntriesView, seconds: float) -> None:
    """Scroll, sort and search without a pause, as nobody does."""
    ends = time.monotonic() + seconds
    turn = 0
    while time.monotonic() < ends:
        turn += 1
        for key in ("s", str(1 + turn % len(SORTED)), *["G"] * 8, *["pageup"] * 5, "v", *["pagedown"] * 5):
            await pilot.press(key)
        await _quiet(pilot)
        await pilot.press("slash", *entries.WORDS[turn % len(entries.WORDS)], "enter", *["G"] * 3)
        await _quiet(pilot)
        await pilot.press("escape")
        await _quiet(pilot)


def _tell_memory(taken: list[tuple[Memory, Memory]]) -> None:
    print("\n| when | the TUI, resident | anonymous | the daemon, resident | anonymous |\n|---|---|---|---|---|")
    whens = ("before", "after the above", *(f"{n} min of scrolling later" for n in range(1, MINUTES + 1)))
    for when, (tui, daemon) in zip(whens, taken, strict=True):
        print(f"| {when} | {' | '.join(f'{each:.0f} MiB' for each in (*tui, *daemon))} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("count", nargs="?", type=int, default=100_000)
    parser.add_argument("--store", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        storage = (args.store or Path(place)) / "storage"
        file = storage / "tenants" / "default.sqlite3"
        if not file.exists():
            file.parent.mkdir(parents=True)
            began = time.perf_counter()
            entries.fill(file, args.count)
            print(f"{args.count:,} entries written in {time.perf_counter() - began:.0f} s")
        print(f"{file.stat().st_size / _MIB:,.0f} MiB\n")
        with serving(storage) as daemon:
            asyncio.run(measure(storage, daemon, Path(place) / "tui.json"))


if __name__ == "__main__":
    main()
