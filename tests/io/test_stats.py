"""Statistics over the wire: counted, written, kept over restarts and ``kill -9``, and told."""

import json
import sqlite3
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from reflexd_core.prices import Prices
from reflexd_core.tally import Tally
from reflexd_io import runtime
from reflexd_io.ledger import ANONYMOUS, MOST_NAMES, OTHER, SLOT, Ledger
from reflexd_io.stats import Statistics, Sums, series, span_of
from reflexd_io.stats.file import DAY, HOUR, StatsFile
from reflexd_io.stats.keeper import Keeper
from support.asking import answer, chat, control, fetch
from support.daemon import daemon, settings_for
from support.process import serving
from support.upstream import Reply, ScriptedUpstream

NOW = 1_790_000_000.0


def counted(ledger: Ledger, what: str = "miss", tenant: str = "work", model: str = "m") -> None:
    ledger._tally(tenant, model, model, what).note(0.01, None)


def test_what_happened_is_told(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer(given=1000, made=100, cached=400)))
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        for _ in range(3):
            chat(running.url, "what is it?")
        chat(running.url, "what is it?", x_bypass_cache="1")
        chat(running.url, "who knows?", model="house-model")
        fetch(f"{running.url}/v1/models", Authorization="Bearer reflex")
        while sum(row["entries"] for row in control(running, "/admin/stats")["storage"]) < 2:
            time.sleep(0.05)  # the disk follows
        told = control(running, "/admin/stats")
        control(running, "/admin/tenants", {"name": "quiet"})
        other = control(running, "/admin/stats?tenant=quiet")
        assert control(running, "/admin/stats?range=ever")["exchanges"] == 5
        days = [control(running, f"/admin/stats?range={name}") for name in ("7d", "30d")]
    assert told["by_status"] == {"miss": 2, "hit-l1-exact": 2, "bypass": 1}
    assert (told["exchanges"], told["hits"], told["hit_rate"]) == (5, 2, 0.4)
    assert told["saved_tokens"] == 2200
    assert told["saved_dollars"] == pytest.approx(2 * (600 * 2.5 + 400 * 1.25 + 100 * 10) / 1e6)
    assert told["unpriced_tokens"] == 0
    assert told["provider_cached_tokens"] >= 800
    assert told["provider_saved_dollars"] == pytest.approx(told["provider_cached_tokens"] * 1.25 / 1e6)
    assert told["latency_ms"]["hit-l1-exact"]["count"] == 2
    assert told["latency_ms"]["relayed"]["count"] == 1
    latency = told["latency_ms"]["miss"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"]
    assert [point["by_status"] for point in told["series"] if point["by_status"]] == [told["by_status"]]
    assert told["series"][0]["at"] == told["since"]
    assert {row["model"]: (row["exchanges"], row["hits"]) for row in told["top_models"]}["gpt-4o"] == (4, 2)
    assert [row["tenant"] for row in told["storage"]] == ["default"]
    assert told["storage"][0]["entries"] == 2
    assert [(row["question"], row["hits"]) for row in told["top_questions"]] in ([], [("what is it?", 2)])
    assert told["storage_bytes"] == told["storage"][0]["size"] > 1000
    assert told["memory_entries"] == 2
    assert told["models"]["status"] == "off"
    assert told["problem"] is None
    assert other["exchanges"] == 0
    assert other["storage"] == []
    assert [len(day["series"]) for day in days] == [168, 30]
    assert [sum(point["saved_tokens"] for point in day["series"]) for day in days] == [2200, 2200]


def test_an_unknown_models_savings_are_unknown(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer(model="house-model")))
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        chat(running.url, "what is it?", model="house-model")
        chat(running.url, "what is it?", model="house-model")
        told = control(running, "/admin/stats")
    assert (told["saved_tokens"], told["saved_dollars"], told["unpriced_tokens"]) == (1100, 0.0, 1100)
    assert [row["saved_dollars"] for row in told["top_models"]] == [None]


def test_they_outlive_a_restart(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer()))
    for expected in (2, 4):
        with daemon(settings_for(tmp_path, upstream.url)) as running:
            chat(running.url, "what is it?")
            chat(running.url, "what is it?")
            assert control(running, "/admin/stats?range=ever")["exchanges"] == expected


@pytest.mark.slow
def test_they_outlive_a_kill_but_for_the_last_seconds(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer()))
    storage = tmp_path / "storage"
    with serving(storage, upstream.url) as process:
        for _ in range(3):
            chat(process.url.removesuffix("/v1"), "what is it?")
        time.sleep(6)  # the interval between two writes, and a little
        process.kill()
    with serving(storage, upstream.url):
        running = runtime.read(storage)
        assert running is not None
        assert control(running, "/admin/stats?range=ever")["by_status"] == {"miss": 1, "hit-l1-exact": 2}


def test_a_range_that_nobody_knows_is_refused(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        token = f"Bearer {running.admin_token}"
        assert fetch(f"{running.url}/admin/stats?range=1y", Authorization=token)[0] == 400
        assert fetch(f"{running.url}/admin/stats")[0] == 401


def test_the_command_line_tells_them(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer()))
    with daemon(settings_for(tmp_path, upstream.url)) as running:

        def run(*flags: str) -> str:
            command = [sys.executable, "-m", "reflexd_io.cli", "stats", "--storage-path", str(tmp_path), *flags]
            return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

        assert "No exchanges today." in run()
        chat(running.url, "what is it?")
        chat(running.url, "what is it?")
        shown = run("--range", "7d")
        found: dict[str, Any] = json.loads(run("--json"))
    assert "2 exchanges in 7 days: 50% hits" in shown
    assert "1,100 tokens, $0.0035" in shown
    assert "gpt-4o" in shown
    assert found["hits"] == 1


def test_a_disk_that_takes_nothing_costs_no_answer_and_is_told(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer()))
    (tmp_path / "stats.sqlite3").mkdir()
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        assert chat(running.url, "what is it?")[0] == 200
        told = control(running, "/admin/stats")
        assert told["problem"]
        health = json.loads(fetch(f"{running.url}/health")[2])
        assert (health["status"], health["components"]["statistics"]["status"]) == ("degraded", "degraded")
        assert control(running, "/admin/state")["problems"].keys() == {"statistics"}
        assert health["since_start"]["exchanges"] == 1


def test_a_damaged_file_is_set_aside(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer()))
    (tmp_path / "stats.sqlite3").write_bytes(b"no database at all" * 100)
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        chat(running.url, "what is it?")
        assert control(running, "/admin/stats")["exchanges"] == 1
    assert (tmp_path / "stats.damaged").read_bytes().startswith(b"no database")


def test_what_was_not_written_waits() -> None:
    ledger = Ledger(Prices())
    counted(ledger)
    taken = ledger.take()
    counted(ledger)
    ledger.give_back(taken)
    assert sum(tally.requests for tally in ledger.take().values()) == 2
    assert ledger.take() == {}
    assert ledger.as_json()["exchanges"] == 2


def test_names_are_bounded() -> None:
    ledger = Ledger(Prices())
    ledger.know([("work", "known")])
    for number in range(MOST_NAMES * 2):
        counted(ledger, model=f"m{number}", tenant=f"anon-{number}")
    counted(ledger, model="known")
    counted(ledger, model="new")
    ledger.settle()
    pairs = {(tenant, model) for tenant, model, _ in ledger.totals}
    assert len(pairs) == MOST_NAMES + 2
    assert {(ANONYMOUS, OTHER), ("work", OTHER), ("work", "known")} <= pairs
    assert ledger.as_json()["exchanges"] == MOST_NAMES * 2 + 2


def test_a_wrong_that_is_taken_back_is_not_counted() -> None:
    ledger = Ledger(Prices())
    ledger.note_beside("work", "wrong")
    ledger.note_beside("work", "wrong")
    ledger.note_beside("work", "wrong", -1)
    ledger.settle()
    assert ledger.totals["work", "", "wrong"].requests == 1
    assert ledger.as_json()["exchanges"] == 0


@pytest.mark.parametrize("name", ["today", "7d", "30d"])
def test_a_range_ends_now_and_its_steps_divide_it(name: Any) -> None:
    span = span_of(name, NOW)
    assert span.since <= NOW
    points = series([], span, NOW)
    assert points[0].at == span.since
    assert points[-1].at <= NOW < points[-1].at + span.step
    if name == "today":
        began = datetime.fromtimestamp(span.since).astimezone()
        assert (began.hour, began.minute, began.date()) == (0, 0, datetime.fromtimestamp(NOW).astimezone().date())


def test_a_clock_that_was_ahead_shows_in_no_short_range(tmp_path: Path) -> None:
    file, ledger = StatsFile(tmp_path / "stats.sqlite3"), Ledger(Prices())
    slot = int(NOW) // SLOT * SLOT
    one = Tally()
    one.note(0.01, None)
    file.add({(slot, "work", "m", "miss"): one, (slot + 40 * DAY, "work", "m", "miss"): one}, NOW)

    async def exchanges(name: Any) -> tuple[int, int]:
        statistics = Statistics(Keeper(ledger, file), clock=lambda: NOW)
        rows, span = await statistics.rows(name, None)
        return Sums(rows).exchanges, sum(sum(point.by_status.values()) for point in series(rows, span, NOW))

    for name, expected in (("today", (1, 1)), ("7d", (1, 1)), ("30d", (1, 1)), ("ever", (2, 1))):
        assert anyio.run(exchanges, name) == expected, name


def test_the_chart_of_everything_is_bounded(tmp_path: Path) -> None:
    file = StatsFile(tmp_path / "stats.sqlite3")
    one = Tally()
    one.note(0.01, None)
    file.add({(int(NOW) - age * DAY, "work", "m", "miss"): one for age in range(0, 2000, 100)}, NOW)
    rows = file.since(0, None)
    points = series(rows, span_of("ever", NOW), NOW)
    assert Sums(rows).exchanges == 20
    assert len(points) == 401
    assert points[-1].at <= NOW < points[-1].at + 24 * HOUR
    assert sqlite3.connect(tmp_path / "stats.sqlite3").execute("SELECT count(*) FROM tallies").fetchone()[0] < 20
