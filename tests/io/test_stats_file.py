"""The statistics' file: adding, rolling up, and what is damaged or newer."""

import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from reflexd_core.request import Usage
from reflexd_core.tally import Tally
from reflexd_io.ledger import SLOT
from reflexd_io.stats.file import DAY, EVER, HOUR, NewerFile, StatsFile

NOW = 1_790_000_000 // DAY * DAY + 12 * HOUR
MISS = ("work", "m", "miss")


def tally(count: int = 1) -> Tally:
    made = Tally()
    for _ in range(count):
        made.note(0.01, Usage(input=3, output=2))
    return made


def total(file: StatsFile, since: float = 0) -> int:
    return sum(row.tally.requests for row in file.since(since, None))


def test_tallies_of_the_same_kind_grow(tmp_path: Path) -> None:
    file = StatsFile(tmp_path / "stats.sqlite3")
    for _ in range(3):
        file.add({(NOW, *MISS): tally(2), (NOW, "other", "m", "miss"): tally()}, NOW)
    found = {row.tenant: row for row in file.since(NOW, None)}
    assert (found["work"].tally.requests, found["work"].tally.input) == (6, 18)
    assert sum(found["work"].tally.buckets) == 6
    assert [row.tenant for row in file.since(NOW, "other")] == ["other"]
    assert file.since(NOW + SLOT, None) == []


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has no such modes")
    file = StatsFile(tmp_path / "stats.sqlite3")
    file.add({(NOW, *MISS): tally()}, NOW)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_what_is_old_is_told_less_finely_and_nothing_is_lost(tmp_path: Path) -> None:
    file = StatsFile(tmp_path / "stats.sqlite3")
    ages = (0, SLOT, 2 * HOUR, 2 * DAY, 3 * DAY, 20 * DAY, 400 * DAY, 1000 * DAY)
    file.add({(NOW - age, *MISS): tally() for age in ages}, NOW)
    rows = file.since(0, None)
    assert total(file) == len(ages)
    assert sorted(row.span for row in rows) == [EVER, SLOT, SLOT, SLOT, HOUR, HOUR, DAY, DAY]
    assert all(row.start % row.span == 0 for row in rows if row.span)
    file.add({(NOW + 3 * 366 * DAY, *MISS): tally()}, NOW + 3 * 366 * DAY)
    assert total(file) == len(ages) + 1
    assert sorted(row.span for row in file.since(0, None)) == [EVER, SLOT]


def test_it_stays_small_however_long_it_is_written(tmp_path: Path) -> None:
    file = StatsFile(tmp_path / "stats.sqlite3")
    for hour in range(24 * 40):
        now = NOW + hour * HOUR
        file.add({(now + part * SLOT, *MISS): tally() for part in range(12)}, now)
    rows = file.since(0, None)
    assert total(file) == 24 * 40 * 12
    assert len(rows) < 28 * 12 + 9 * 24 + 40
    assert (tmp_path / "stats.sqlite3").stat().st_size < 1_000_000


def test_a_clock_that_is_set_back_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    file = StatsFile(tmp_path / "stats.sqlite3")
    file.add({(NOW + 10 * DAY, *MISS): tally()}, NOW + 10 * DAY)
    file.add({(NOW, *MISS): tally()}, NOW)
    file.add({(NOW, *MISS): tally()}, NOW)
    assert sorted((row.start, row.tally.requests) for row in file.since(0, None)) == [(NOW, 2), (NOW + 10 * DAY, 1)]
    file.add({(NOW + 11 * DAY, *MISS): tally()}, NOW + 11 * DAY)
    assert total(file) == 4


def test_a_failed_write_leaves_it_as_it_was(tmp_path: Path) -> None:
    file = StatsFile(tmp_path / "stats.sqlite3")
    file.add({(NOW, *MISS): tally()}, NOW)
    with pytest.raises(sqlite3.Error):
        file.add({(NOW, *MISS): tally(), (NOW, "a", "b", None): tally()}, NOW)  # type: ignore[dict-item]
    assert total(file) == 1


def test_a_later_versions_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "stats.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NewerFile):
        StatsFile(path).add({(NOW, *MISS): tally()}, NOW)
    assert path.read_bytes() == before
