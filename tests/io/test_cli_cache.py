"""``reflexd cache`` and ``reflexd warm`` as people run them, against a daemon with a process of its own."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import pytest

from reflexd_io.cli import parser
from reflexd_io.control_client import BlockingClient, NotThere, calls, find
from reflexd_io.control_client.shapes.entries import Purge
from support.chat import answer
from support.meanings import fill, random_vectors, scope_of
from support.process import environment, serving
from support.upstream import ScriptedUpstream
from support.wire import KEY


class Shell:
    def __init__(self, storage: Path, url: str) -> None:
        self.storage = storage
        self.url = url

    def run(self, *arguments: str, code: int = 0, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        config = self.storage.parent / "empty.toml"
        flags = ["--config", str(config), "--storage-path", str(self.storage)]
        places = 1 if arguments[0] == "warm" else 2
        done = subprocess.run(
            [sys.executable, "-m", "reflexd_io.cli", *arguments[:places], *flags, *arguments[places:]],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**environment("http://127.0.0.1:9"), "COLUMNS": "200"},
        )
        assert done.returncode == code, done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        places = 1 if arguments[0] == "warm" else 2
        return json.loads(self.run(*arguments[:places], "--json", *arguments[places:]).stdout)

    def ask(self, question: str) -> str:
        body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": question}]}).encode()
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/chat/completions", body, headers)
        with urllib.request.urlopen(request, timeout=20) as told:
            told.read()
            return str(told.headers["X-Reflex-Status"])

    def wait_for(self, count: int) -> None:
        until = time.monotonic() + 60
        while len(self.json("cache", "ls")["items"]) != count:
            assert time.monotonic() < until


@pytest.fixture
def shell(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[Shell]:
    upstream.script = answer
    with serving(tmp_path / "storage", upstream.url) as process:
        yield Shell(tmp_path / "storage", process.url)


def test_what_is_stored_is_listed_shown_purged_and_brought_back(shell: Shell) -> None:
    for question in ("How do I centre a div?", "How do I sort a list?", "Say\x1b[31m red"):
        assert shell.ask(question) == "miss"
    shell.wait_for(3)
    listed = shell.run("cache", "ls", "--sort", "created", "--ascending")
    assert listed.stdout.index("centre a div") < listed.stdout.index("sort a list")
    assert "\x1b[31m" not in listed.stdout
    assert "3 of 3" in listed.stderr
    listed = shell.run("cache", "ls", "--sort", "question", "--ascending")
    assert listed.stdout.index("centre a div") < listed.stdout.index("sort a list") < listed.stdout.index("Say")
    (found,) = shell.json("cache", "ls", "sort a", "list", "--", "-div")["items"]
    shown = shell.run("cache", "show", found["id"]).stdout
    assert "How do I sort a list?" in shown
    assert "Grüezi" in shown
    counted = shell.run("cache", "purge", "--dry-run", "how")
    assert counted.stdout.startswith("2 entries")
    for model, count in (("gpt-4o", 3), ("gpt-4o-mini", 0)):
        assert shell.json("cache", "purge", "--dry-run", "--model", model)["count"] == count
    refused = shell.run("cache", "purge", "how", code=2)
    assert "--yes" in refused.stderr
    assert shell.ask("How do I sort a list?") == "hit-l1-exact"
    purged = shell.run("cache", "purge", "how", "--yes").stdout
    assert purged.startswith("2 entries are purged.")
    assert "reflexd cache restore" in purged
    assert "everything" not in shell.run("cache", "trash").stdout
    assert shell.run("cache", "restore").stdout.startswith("2 entries are back.")
    assert shell.ask("How do I sort a list?") == "hit-l1-exact"
    assert "no purge" in shell.run("cache", "restore", code=1).stderr
    gone = shell.json("cache", "rm", found["id"], "--yes")
    assert gone["count"] == 1
    assert shell.run("cache", "trash", "--drop", gone["purge"]).stdout.startswith("1 entry was dropped")
    assert shell.run("cache", "trash").stdout == "The trash is empty.\n"
    assert shell.run("cache", "purge", code=2).stderr.count("\n") == 1
    assert shell.json("cache", "purge", "--all", "--yes")["count"] == 2


def test_a_purge_that_could_not_be_done_of_everybody_says_of_whom(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.script = answer
    storage = tmp_path / "storage"
    with serving(storage, upstream.url) as process:
        shell = Shell(storage, process.url)
        assert shell.ask("one") == "miss"
        shell.wait_for(1)
    (storage / "tenants" / "default.sqlite3").write_bytes(b"this is no database" * 1000)
    with serving(storage, upstream.url) as process:
        shell = Shell(storage, process.url)
        done = shell.run("cache", "purge", "--all", "--yes", code=1)
        assert done.stdout.startswith("1 entry is purged.")
        assert "not, or not wholly, of default: " in done.stderr
        assert shell.ask("one") == "miss"
        shell.wait_for(1)
        done = shell.run("cache", "purge", "--all", "--for-good", "--yes", code=1)
        assert done.stdout.endswith(": 1 entry was removed for good.\n")
        assert "default" in done.stderr


def test_everything_goes_for_good_and_only_everything(shell: Shell) -> None:
    for question in ("one", "two"):
        assert shell.ask(question) == "miss"
    shell.wait_for(2)
    (tenant,) = {row["tenant"] for row in shell.json("cache", "ls")["items"]}
    for filtered in (["one"], ["--all", "one"], ["--all", "--model", "gpt-4o"], ["--tenant", tenant]):
        refused = shell.run("cache", "purge", *filtered, "--for-good", "--yes", code=2)
        assert "--for-good takes everything" in refused.stderr
    asked = shell.run("cache", "purge", "--all", "--for-good", code=2)
    assert "--yes" in asked.stderr
    assert shell.run("cache", "purge", "--all", "--for-good", "--dry-run").stdout.startswith("2 entries")
    assert shell.ask("one") == "hit-l1-exact"
    gone = shell.run("cache", "purge", "--all", "--tenant", tenant, "--for-good", "--yes")
    assert gone.stdout == f"{tenant}: 2 entries were removed for good.\n"
    assert shell.run("cache", "trash").stdout == "The trash is empty.\n"
    assert shell.ask("one") == "miss"
    shell.wait_for(1)
    counted = shell.json("cache", "purge", "--all", "--for-good", "--yes")
    assert (counted["count"], counted["confirm"], shell.json("cache", "ls")["items"]) == (1, None, [])


def test_pins_lifetimes_export_and_import(shell: Shell, tmp_path: Path) -> None:
    shell.ask("one")
    shell.ask("two")
    shell.wait_for(2)
    one = next(item["id"] for item in shell.json("cache", "ls")["items"] if item["question"] == "one")
    assert shell.run("cache", "pin", one).stdout == "1 entry is pinned.\n"
    assert "pinned" in shell.run("cache", "ttl", one, "12h").stdout
    shell.run("cache", "unpin", one)
    assert shell.run("cache", "ttl", one, "never").stdout == "It expires: never\n"
    assert "no time" in shell.run("cache", "ttl", one, "soon", code=2).stderr
    file = tmp_path / "out.jsonl"
    assert "2 entries" in shell.run("cache", "export", "-o", str(file)).stderr
    assert len(file.read_text().splitlines()) == 2
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shell.run("cache", "export", "one").stdout.count("\n") == 1
    by_id = shell.run("cache", "export", "--entry", one, "--entry", "0" * 32)
    assert [json.loads(line)["key"][:32] for line in by_id.stdout.splitlines()] == [one]
    assert "1 entry is exported" in by_id.stderr
    assert "is no file" in shell.run("cache", "export", "-o", str(tmp_path), code=1).stderr
    assert "no entry's id" in shell.run("cache", "export", "--entry", "%", code=1).stderr
    shell.run("cache", "purge", "--all", "--yes")
    taken = shell.run("cache", "import", str(file))
    assert taken.stdout.startswith("2 entries are stored, 0")
    assert shell.ask("one") == "hit-l1-exact"
    bad = shell.run("cache", "import", "-", stdin="{\n", code=1)
    assert "line 1" in bad.stderr
    assert "cannot be read" in shell.run("cache", "import", str(tmp_path / "none"), code=1).stderr


def test_a_file_of_requests_warms_the_cache(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    headers = {"Authorization": f"Bearer {KEY}"}
    lines = [
        {
            "path": "/v1/chat/completions",
            "headers": headers,
            "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": f"q{number % 4}"}]},
        }
        for number in range(6)
    ]
    never = {**lines[0], "headers": {**headers, "x-bypass-cache": "true"}}
    file.write_text("".join(json.dumps(line) + "\n" for line in lines[:4]))
    first = shell.run("warm", str(file)).stdout
    assert first == "4 were new, 0 were stored already, 0 failed.\n"
    odd = [*lines, never, {"path": "v1", "body": {}}, {"body": {}}, {**lines[0], "path": "/v1/nothing here"}]
    file.write_text("".join(json.dumps(line) + "\n" for line in odd) + "\n{\n")
    done = shell.run("warm", "--json", str(file), "-c", "2", code=1)
    told = json.loads(done.stdout)
    assert (told["hits"], told["misses"], told["bypassed"], told["failed"]) == (6, 0, 1, 4)
    assert any(problem.startswith("line 12:") for problem in told["problems"])
    assert shell.ask("q3") == "hit-l1-exact"
    assert "cannot be read" in shell.run("warm", str(tmp_path / "none"), code=1).stderr


def test_a_purge_is_safe_from_the_process_being_killed(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.script = answer
    storage = tmp_path / "storage"
    with serving(storage, upstream.url) as process:
        shell = Shell(storage, process.url)
        for number in range(5):
            shell.ask(f"q{number}")
        shell.wait_for(5)
        purge = shell.json("cache", "purge", "q1", "--yes")["purge"]
        shell.json("cache", "purge", "q2", "--yes")
        process.kill()
    with serving(storage, upstream.url) as process:
        shell = Shell(storage, process.url)
        assert [row["count"] for row in shell.json("cache", "trash")["items"]] == [1, 1]
        shell.json("cache", "restore", purge)
        assert shell.ask("q1") == "hit-l1-exact"
        assert shell.ask("q2") == "miss"


def test_without_a_daemon_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").touch()
    shell = Shell(tmp_path / "storage", "")
    for arguments in (("cache", "ls"), ("cache", "purge", "--all"), ("warm", os.devnull)):
        assert "start one with" in shell.run(*arguments, code=3).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["cache"],
        ["cache", "ls", "-n", "0"],
        ["cache", "ls", "--older-than", "x"],
        ["cache", "ls", "--tier", "l1"],
        ["warm", "-c", "0", "f"],
    ],
)
def test_what_is_used_wrongly_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_a_purge_that_is_killed_on_its_way_has_purged_what_the_trash_says(
    upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    count, storage = 30_000, tmp_path / "storage"
    (storage / "tenants").mkdir(parents=True)
    file = storage / "tenants" / "default.sqlite3"
    fill(file, [(scope_of(number), random_vectors(1000, 8, seed=number)) for number in range(count // 1000)])

    def counted(table: str) -> int:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    with serving(storage, upstream.url) as process:
        shell = Shell(storage, process.url)
        client = BlockingClient(find(storage=storage), timeout=60)
        ended: list[Exception] = []

        def purge() -> None:
            try:
                client.do(calls.purge(Purge(everything=True)))
            except NotThere as error:
                ended.append(error)

        purging = threading.Thread(target=purge)
        purging.start()
        until = time.monotonic() + 30
        while not _has_begun(counted):
            assert time.monotonic() < until
        process.kill()
        purging.join(10)
        assert ended
    assert 0 < counted("trash") < count
    with serving(storage, upstream.url) as process:
        shell = Shell(storage, process.url)
        (thrown,) = shell.json("cache", "trash")["items"]
        assert thrown["finished"] is False
        assert thrown["count"] + shell.json("cache", "ls")["total"] == count
        assert shell.json("cache", "restore", thrown["purge"])["count"] == thrown["count"]
        assert shell.json("cache", "ls")["total"] == count
        assert (counted("vectors"), counted("meanings"), counted("trash")) == (count, count, 0)


def _has_begun(counted: Callable[[str], int]) -> bool:
    try:
        return counted("trash") > 0
    except sqlite3.OperationalError:  # the daemon is only bringing the file up to date
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="no /dev/full there")
def test_output_that_cannot_be_written_is_told_in_a_line(shell: Shell) -> None:
    shell.ask("How do I centre a div?")
    shell.wait_for(1)
    for command in ("cache export", "cache ls", "cache ls --json", "stats", "stats --json", "tenants list", "status"):
        arguments = [*command.split(), "--storage-path", str(shell.storage)]
        with Path("/dev/full").open("w") as full:
            told = piped(arguments, full)
        assert told.returncode == 1
        assert told.stderr.splitlines()[-1].startswith("reflexd: standard output cannot be written"), told.stderr
        assert "Traceback" not in told.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_that_has_seen_enough_is_no_error_to_tell(shell: Shell) -> None:
    shell.ask("How do I centre a div?")
    shell.wait_for(1)
    for command in ("cache export", "cache ls --json", "stats"):
        reader, writer = os.pipe()
        os.close(reader)
        told = piped([*command.split(), "--storage-path", str(shell.storage)], os.fdopen(writer, "w"))
        assert (told.returncode, told.stderr) == (1, "")


def test_failures_are_json_too_where_that_was_asked_for(shell: Shell) -> None:
    for command, code, what in (
        (["cache", "show", "0" * 32, "--json"], 1, "not_found"),
        (["cache", "ls", "--json", '"'], 1, "unclear"),
        (["cache", "purge", "--json"], 2, "usage"),
        (["tenants", "rm", "nobody", "--json"], 1, "not_found"),
        (["stats", "--json", "--tenant", "nobody"], 1, "not_found"),
        (["keys", "test", "nope", "--json"], 1, "failed"),
    ):
        told = shell.run(*command, code=code)
        error = json.loads(told.stdout)["error"]
        assert (error["code"], told.stderr) == (what, f"reflexd: {error['message']}\n")
    nowhere = [sys.executable, "-m", "reflexd_io.cli", "stats", "--json", "--storage-path", str(shell.storage / "x")]
    told = subprocess.run(nowhere, capture_output=True, text=True, check=False, timeout=60)
    assert (told.returncode, json.loads(told.stdout)["error"]["code"]) == (3, "not_running")


def piped(arguments: list[str], out: IO[str]) -> "subprocess.CompletedProcess[str]":
    with out:
        return subprocess.run(
            [sys.executable, "-m", "reflexd_io.cli", *arguments],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
