"""Logs: one line an exchange, in words or JSON, without what was asked; request ids; rotation; `reflexd logs`."""

import json
import logging
import queue
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reflexd_io import logs
from reflexd_io.logs import Json, Plain, PrivateFile, Waiting
from reflexd_io.request_log import request_id
from reflexd_io.settings import Settings
from support.asking import answer, chat, fetch
from support.daemon import daemon, settings_for
from support.process import command, environment
from support.upstream import Reply, ScriptedUpstream

QUESTION = "a private question"
KEY = "sk-proj-a-secret-of-the-clients-own"


@contextmanager
def serving(storage: Path, upstream_url: str, **variables: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The daemon as a process; its URL. stderr is read once it ended."""
    popen = subprocess.Popen(
        command(storage),
        env={**environment(upstream_url), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with popen:
        try:
            assert popen.stdout is not None
            yield json.loads(popen.stdout.readline())["base_url"].removesuffix("/v1"), popen
        finally:
            popen.kill()


def said(popen: "subprocess.Popen[str]") -> str:
    popen.send_signal(signal.SIGTERM)
    return popen.communicate(timeout=40)[1]


def test_one_line_an_exchange_without_words_or_keys(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer()))
    file = tmp_path / "logs" / "requests.log"
    variables = {"REFLEX_LOG_FORMAT": "json", "REFLEX_REQUEST_LOG": str(file)}
    with serving(tmp_path / "storage", upstream.url, **variables) as (url, popen):
        miss = chat(url, QUESTION, Authorization=f"Bearer {KEY}", X_Request_ID="my-own.1")
        hit = chat(url, QUESTION, Authorization=f"Bearer {KEY}")
        fetch(f"{url}/v1/models", Authorization=f"Bearer {KEY}")
        chat(url, QUESTION, x_reflex_tenant="nobody")
        told = said(popen)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["status"] for line in lines] == ["miss", "hit-l1-exact", "relayed", "bypass"]
    first, second, relayed, refused = lines
    assert (first["http_status"], first["model"], first["upstream"]) == (200, "gpt-4o", "openai")
    assert (first["request_id"], first["exchange"]) == ("my-own.1", miss[1]["x-reflex-exchange"])
    assert second["request_id"] == second["exchange"] == hit[1]["x-reflex-exchange"] == hit[1]["x-request-id"]
    assert (second["saved_tokens"], second["ms"] > 0) == (1100, True)
    assert (relayed["path"], relayed["method"]) == ("/models", "GET")
    assert (refused["http_status"], refused["reason"] != "") == (400, True)
    text = file.read_text() + told
    assert QUESTION not in text
    assert KEY not in text
    assert "exchange" not in told  # the level is warning: only the file has these lines
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_words_are_logged_when_asked_for_and_lines_stay_lines(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=answer()))
    variables = {"REFLEX_LOG_LEVEL": "info", "REFLEX_LOG_PROMPTS": "1"}
    with serving(tmp_path / "storage", upstream.url, **variables) as (url, popen):
        chat(url, "two\nlines \x1b[31m", model="odd\nmodel")
        told = said(popen)
    (line,) = [line for line in told.splitlines() if "/chat/completions" in line]
    assert '"two\\nlines \\u001b[31m"' in line
    assert " INFO default /chat/completions odd?model 200 miss " in line


def test_what_an_answer_is_called(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    """The provider's id wins wherever it gave one; ours is always there under its own name."""
    with daemon(settings_for(tmp_path, upstream.url)) as running:
        upstream.answers(Reply(body=answer(), headers=[("x-request-id", "req_upstream")]))
        for _ in range(2):
            found = chat(running.url, "with an id", X_Request_ID="mine")[1]
            assert found["x-request-id"] == "req_upstream"
            assert found["x-reflex-exchange"]
        upstream.answers(Reply(body=answer()))
        for _ in range(2):
            assert chat(running.url, "without one", X_Request_ID="mine")[1]["x-request-id"] == "mine"
        for given in ("", "two words", "x" * 129, "é"):
            found = chat(running.url, "a bad one", X_Request_ID=given)[1]
            assert found["x-request-id"] == found["x-reflex-exchange"]
        assert fetch(f"{running.url}/health", X_Request_ID="mine")[1]["x-request-id"] == "mine"
        made = [fetch(f"{running.url}/nowhere")[1]["x-request-id"] for _ in range(2)]
        assert len(set(made)) == 2
        assert upstream.seen[0].header("x-request-id") == "mine"  # passed on as it came
        chat(running.url, "nothing of ours goes upstream")
        assert upstream.seen[-1].header("x-request-id") is None


def test_an_id_is_a_plain_name() -> None:
    assert request_id({b"x-request-id": b"a-1_2.3:4"}) == b"a-1_2.3:4"
    assert request_id({b"x-request-id": b"a b"}, "made") == b"made"
    assert request_id({}, "made") == b"made"
    assert len(request_id({})) == 16


def record(message: str, *args: object, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("reflexd_io.x", logging.WARNING, "", 0, message, args, None)
    made.__dict__.update(extra)
    return made


def test_other_lines_have_the_same_form() -> None:
    made = record("port %d is taken\nreally", 80)
    assert Plain().format(made).endswith(" WARNING port 80 is taken\nreally")
    found = json.loads(Json().format(made))
    assert (found["level"], found["logger"]) == ("warning", "reflexd_io.x")
    assert found["message"] == "port 80 is taken\nreally"
    assert "\n" not in Json().format(made)
    try:
        raise ValueError("why")
    except ValueError:
        made.exc_info = sys.exc_info()
    assert "ValueError: why" in json.loads(Json().format(made))["error"]
    assert "ValueError: why" in Plain().format(made)


def test_the_file_is_rotated_and_all_of_it_is_private(tmp_path: Path) -> None:
    file = PrivateFile(tmp_path / "r.log", maxBytes=100, backupCount=2, encoding="utf-8")
    file.setFormatter(Json())
    for number in range(20):
        file.emit(record("line %d", number))
    file.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.log", "r.log.1", "r.log.2"]
    assert "line 19" in (tmp_path / "r.log").read_text()
    if sys.platform != "win32":
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_what_cannot_be_written_in_time_is_dropped_and_counted() -> None:
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(2)
    front = Waiting(waiting)
    for number in range(5):
        front.emit(record("line %d", number))
    assert [waiting.get().getMessage() for _ in range(2)] == ["line 0", "line 1"]
    front.emit(record("line 5"))
    assert "3 lines were dropped" in waiting.get().getMessage()
    assert waiting.get().getMessage() == "line 5"


def test_a_file_that_cannot_be_had_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(logs.Unwritable, match="request_log"),
        logs.written(Settings(storage_path=tmp_path, request_log=tmp_path / "file" / "r.log")),
    ):
        raise AssertionError("it began")
    config = tmp_path / "config.toml"
    config.write_text(f'request_log = "{(tmp_path / "file" / "r.log").as_posix()}"\n')
    flags = ("serve", "--port", "0", "--config", str(config), "--storage-path", str(tmp_path / "s"))
    run = [sys.executable, "-m", "reflexd_io.cli", *flags]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_a_disk_that_fails_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    file = PrivateFile("/dev/full", maxBytes=0, backupCount=0, encoding="utf-8")
    file.emit(record("one"))
    file.emit(record("two"))
    with pytest.raises(OSError, match="No space"):
        file.close()
    assert capsys.readouterr().err.count("cannot be written") == 1


def test_logs_shows_the_end_and_what_comes(tmp_path: Path) -> None:
    path = tmp_path / "r.log"
    config = tmp_path / "config.toml"
    config.write_text(f'request_log = "{path.as_posix()}"\n')
    run = [sys.executable, "-m", "reflexd_io.cli", "logs", "--config", str(config)]
    absent = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (absent.returncode, "not there yet" in absent.stderr) == (1, True)
    path.write_text("".join(f"line {number}\n" for number in range(30)))
    shown = subprocess.run([*run, "-n", "2"], capture_output=True, text=True, check=True).stdout
    assert shown == "line 28\nline 29\n"
    with subprocess.Popen([*run, "-f", "-n", "1"], stdout=subprocess.PIPE, text=True) as follower:
        try:
            assert follower.stdout is not None
            assert follower.stdout.readline() == "line 29\n"
            with path.open("a") as file:
                file.write("line 30\n")
            assert follower.stdout.readline() == "line 30\n"
            path.rename(tmp_path / "r.log.1")
            path.write_text("line 31\n")
            assert follower.stdout.readline() == "line 31\n"
        finally:
            follower.send_signal(signal.SIGINT)
        assert follower.wait(10) == 130


def test_logs_says_when_there_is_no_file(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.touch()
    run = [sys.executable, "-m", "reflexd_io.cli", "logs", "--config", str(config)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, "request_log" in done.stderr) == (1, True)
    assert subprocess.run([*run, "-n", "-1"], capture_output=True, check=False).returncode == 2
