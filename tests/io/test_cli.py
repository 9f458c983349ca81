"""The command line, as real processes: what scripts and people get to see, and with which exit code."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from reflexd_core import __version__
from reflexd_io import runtime
from support.upstream import Reply, ScriptedUpstream

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and file modes are POSIX's")

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
ANSWER = json.dumps(
    {"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}
).encode()

Env = dict[str, str]

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Whatever proxies this machine's environment names."""


@pytest.fixture
def env(tmp_path: Path) -> Env:
    """A user's environment with nothing of ours in it, and a home of its own."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "SYSTEMROOT", "TMPDIR")}
    home = tmp_path / "home"
    home.mkdir()
    return {**kept, "HOME": str(home), "REFLEX_STORAGE_PATH": str(tmp_path / "storage"), "COLUMNS": "200"}


def _command(*args: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "reflexd_io.cli", *args]


def _run(env: Env, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(*args), env=env, capture_output=True, text=True, timeout=60, check=False)


def _failed(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one line that a failure says."""
    assert done.returncode == code, done
    assert done.stdout == ""
    assert done.stderr.endswith("\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("reflexd")
    return line


def _json(done: subprocess.CompletedProcess[str], code: int = 0) -> dict[str, Any]:
    """The one object that a script gets."""
    assert done.returncode == code, done
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


@contextmanager
def _serving(env: Env, *args: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A daemon on any free port, and what it said when it was ready."""
    command = _command("serve", "--json", "--port", "0", *args)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                process.wait(20)
                assert process.stderr is not None
                raise AssertionError(process.stderr.read())
            yield process, json.loads(line)
        finally:
            process.kill()


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and what was said on stderr."""
    _, said = process.communicate(timeout=40)
    return process.returncode, said


def _get(url: str, body: bytes | None = None) -> tuple[dict[str, str], bytes]:
    headers = {"Content-Type": "application/json"}
    with _DIRECT.open(urllib.request.Request(url, body, headers), timeout=30) as answer:
        return {name.lower(): value for name, value in answer.headers.items()}, answer.read()


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_version() -> None:
    done = subprocess.run(_command("--version"), capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"reflexd {__version__}\n"
    assert done.stderr == ""


def test_help_names_every_command(env: Env) -> None:
    done = _run(env, "--help")
    assert done.returncode == 0
    for command in ("serve", "demo", "status", "stop", "doctor", "wrong", "audits", "judge", "eval", "tune", "tauq"):
        assert command in done.stdout
        assert "--help" in _run(env, command, "--help").stdout


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((), "COMMAND"),
        (("frobnicate",), "frobnicate"),
        (("--frobnicate", "serve"), "--frobnicate"),
        (("serve", "--frobnicate"), "--frobnicate"),
        (("serve", "--po", "80"), "--po"),
        (("serve", "--port"), "--port"),
        (("status", "--port", "80"), "--port"),
        (("serve", "extra"), "extra"),
        (("serve", "--port", "eighty"), "--port"),
        (("serve", "--port", ""), "--port"),
        (("serve", "--port", "65536"), "--port"),
        (("serve", "--bind-addr", "example.org"), "--bind-addr"),
        (("serve", "--log-level", "loud"), "--log-level"),
        (("doctor", "--port", "x"), "--port"),
        (("demo", "--port", "x"), "--port"),
        (("status", "--storage-path", ""), "--storage-path"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(env: Env, args: tuple[str, ...], named: str) -> None:
    line = _failed(_run(env, *args), 2)
    assert named in line
    assert "--help" in line or "expected" in line


@pytest.mark.parametrize("command", ["serve", "doctor", "status", "stop", "demo"])
def test_bad_configuration_is_one_line_and_code_1(env: Env, command: str) -> None:
    line = _failed(_run({**env, "REFLEX_PORT": "eighty"}, command))
    assert "REFLEX_PORT='eighty'" in line
    assert "whole number" in line


@pytest.mark.parametrize("command", ["serve", "doctor", "status", "stop"])
def test_a_file_that_was_named_must_be_there(env: Env, tmp_path: Path, command: str) -> None:
    assert "none.toml" in _failed(_run(env, command, "--config", str(tmp_path / "none.toml")))
    (tmp_path / "bad.toml").write_text("prot = 1")
    assert "did you mean 'port'?" in _failed(_run(env, command, "--config", str(tmp_path / "bad.toml")))


def test_nothing_running_is_said_and_code_3(env: Env) -> None:
    for command in ("status", "stop"):
        assert _json(_run(env, command, "--json"), 3) == {"status": "not-running"}
        done = _run(env, command)
        assert (done.returncode, done.stdout, done.stderr) == (3, "Reflex is not running.\n", "")


def test_serve_status_and_stop(env: Env, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=ANSWER))
    env = {**env, "REFLEX_UPSTREAM_OPENAI_URL": upstream.url, "HTTP_PROXY": "http://127.0.0.1:9", "no_proxy": ""}
    with _serving(env) as (process, said):
        assert said["pid"] == process.pid
        assert said["storage"] == str(tmp_path / "storage")
        assert said["upstreams"]["openai"] == upstream.url
        assert said["default_upstream"] == "openai"
        assert said["tiers"] == ["exact repeats", "other words"]
        assert said["mock_provider"] is False
        _, body = _get(f"{said['base_url']}/chat/completions", BODY)
        assert body == ANSWER
        told, _ = _get(f"{said['base_url']}/chat/completions", BODY)
        assert told["x-reflex-status"] == "hit-l1-exact"
        status = _json(_run(env, "status", "--json"))
        assert (status["status"], status["health"], status["pid"]) == ("running", "ok", process.pid)
        assert f"{status['url']}/v1" == said["base_url"]
        assert status["since_start"]["hits"] == 1
        for_people = _run(env, "status")
        assert for_people.returncode == 0
        assert said["base_url"] in for_people.stdout
        assert "50% hits" in for_people.stdout
        assert _json(_run(env, "stop", "--json")) == {"status": "stopped"}
        assert _ended(process) == (0, "")
    assert _json(_run(env, "status", "--json"), 3) == {"status": "not-running"}


def test_serve_says_what_it_is_for_people(env: Env, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    env = {**env, "REFLEX_UPSTREAM_OPENAI_URL": upstream.url, "OPENAI_API_KEY": "sk-proj-very-secret"}
    with subprocess.Popen(
        _command("serve", "--port", "0"), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        said, err = first + process.stdout.read(), process.stderr.read()
    assert first.startswith("Reflex is serving at http://127.0.0.1:")
    for expected in (str(tmp_path / "storage"), upstream.url, "openai", "default", "OPENAI_BASE_URL="):
        assert expected in said
    assert "very-secret" not in said + err
    assert process.returncode == 0
    assert err == ""


def test_stop_returns_once_the_folder_is_free_again(env: Env, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    """With an answer under way, the daemon hears no more but is not gone; the next one could not start yet."""
    release = threading.Event()
    upstream.answers(Reply(body=[ANSWER[:10], release, ANSWER[10:]]))
    env = {**env, "REFLEX_UPSTREAM_OPENAI_URL": upstream.url}
    with _serving(env) as (process, said):
        answered: list[bytes] = []
        client = threading.Thread(
            target=lambda: answered.append(_get(f"{said['base_url']}/chat/completions", BODY)[1])
        )
        client.start()
        _until(lambda: upstream.calls == 1)
        with subprocess.Popen(_command("stop"), env=env, stdout=subprocess.PIPE, text=True) as stopping:
            port = int(said["base_url"].rsplit(":", 1)[1].split("/")[0])
            _until(lambda: not _listens(port))
            assert runtime.is_held(tmp_path / "storage")
            assert stopping.poll() is None
            release.set()
            assert stopping.communicate(timeout=40)[0] == "Reflex has stopped.\n"
        assert not runtime.is_held(tmp_path / "storage")
        client.join(20)
        assert answered == [ANSWER]
        assert _ended(process) == (0, "")
    with _serving(env) as (_, said):
        told, _ = _get(f"{said['base_url']}/chat/completions", BODY)
        assert told["x-reflex-status"] == "hit-l1-exact"  # the last answer was kept
    assert upstream.calls == 1


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_drains_and_the_second_ends_at_once(
    env: Env, upstream: ScriptedUpstream, number: signal.Signals
) -> None:
    release = threading.Event()
    upstream.answers(Reply(body=[ANSWER[:10], release, ANSWER[10:]]))
    env = {**env, "REFLEX_UPSTREAM_OPENAI_URL": upstream.url}
    with _serving(env) as (process, said):
        port = int(said["base_url"].rsplit(":", 1)[1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            head = (
                f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(BODY)}\r\n\r\n"
            )
            client.sendall(head.encode() + BODY)
            _until(lambda: upstream.calls == 1)
            process.send_signal(number)
            _until(lambda: not _listens(port))
            assert process.poll() is None
            process.send_signal(number)
            code, said_last = _ended(process)
            release.set()
    assert code in (0, 1, 130)
    assert "Traceback" not in said_last


def test_ctrl_c_on_an_idle_daemon_is_a_clean_end(env: Env) -> None:
    with _serving({**env, "REFLEX_MOCK_PROVIDER": "1"}) as (process, said):
        assert said["mock_provider"] is True
        _get(f"{said['base_url']}/chat/completions", BODY)
        process.send_signal(signal.SIGINT)
        assert _ended(process) == (0, "")


def test_a_port_that_is_taken_is_said(env: Env) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        for args in (("serve", "--port", port), ("serve", "--json", "--port", port), ("demo", "--port", port)):
            line = _failed(_run(env, *args))
            assert port in line
            assert "--port" in line
            assert "REFLEX_PORT" in line


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_storage_that_cannot_be_used_is_said(env: Env, tmp_path: Path, flags: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        line = _failed(_run(env, "serve", "--port", "0", "--storage-path", str(place), *flags))
        assert str(place) in line
        assert "--storage-path" in line


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everywhere")
def test_storage_that_may_not_be_written_is_said(env: Env, tmp_path: Path) -> None:
    (tmp_path / "readonly").mkdir(mode=0o500)
    line = _failed(_run(env, "serve", "--port", "0", "--storage-path", str(tmp_path / "readonly" / "s")))
    assert "--storage-path" in line


def test_a_second_instance_is_told_where_the_first_is(env: Env) -> None:
    with _serving({**env, "REFLEX_MOCK_PROVIDER": "1"}) as (process, said):
        line = _failed(_run(env, "serve", "--port", "0"))
        assert f"pid {process.pid}" in line
        assert said["base_url"].removesuffix("/v1") in line
        assert "reflexd stop" in line
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        with _serving({**env, "REFLEX_MOCK_PROVIDER": "1"}) as (_, again):  # a killed one leaves no lock
            assert again["pid"] != process.pid
        assert _json(_run(env, "status", "--json"), 3) == {"status": "not-running"}


def test_a_keyring_that_cannot_be_loaded_stops_nobody(env: Env) -> None:
    env = {**env, "REFLEX_MOCK_PROVIDER": "1", "PYTHON_KEYRING_BACKEND": "nowhere.Backend"}
    with _serving(env) as (process, said):
        assert _get(f"{said['base_url']}/chat/completions", BODY)[0]["x-reflex-status"] == "miss"
        process.send_signal(signal.SIGINT)
        assert _ended(process) == (0, "")
    assert _json(_run(env, "doctor", "--json", "--port", "0"))["healthy"] is True


def test_a_keyring_that_hangs_does_not_keep_the_daemon_from_ending(env: Env, tmp_path: Path) -> None:
    (tmp_path / "hanging.py").write_text(
        "import sys, time\n"
        "from keyring.backend import KeyringBackend\n"
        "class Backend(KeyringBackend):\n"
        "    priority = 1\n"
        "    def get_password(self, service, username):\n"
        "        print('asked', file=sys.stderr, flush=True)\n"
        "        time.sleep(600)\n"
        "    def set_password(self, service, username, password):\n"
        "        raise AssertionError\n"
    )
    env = {**env, "PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "hanging.Backend"}
    with _serving(env) as (process, said):
        port = int(said["base_url"].rsplit(":", 1)[1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            head = (
                f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(BODY)}\r\n\r\n"
            )
            client.sendall(head.encode() + BODY)
            assert process.stderr is not None
            assert process.stderr.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        process.wait(20)  # a keyring is given 20 s, but nobody waits for this answer any more
        assert process.returncode == 0


def test_doctor_on_a_sound_machine(env: Env, upstream: ScriptedUpstream) -> None:
    env = {**env, "REFLEX_UPSTREAM_OPENAI_URL": upstream.url, "GROQ_API_KEY": "gsk_very_secret"}
    found = _json(_run(env, "doctor", "--json", "--port", "0"))
    assert found["healthy"] is True
    by_what = {finding["what"]: finding for finding in found["findings"]}
    assert {"port", "access", "storage", "keyring", "key", "upstream", "models"} <= set(by_what)
    assert "every user" in by_what["access"]["said"] or "you and root" in by_what["access"]["said"]
    assert by_what["upstream"]["verdict"] == "ok"
    assert "GROQ_API_KEY" in by_what["key"]["said"]
    done = _run(env, "doctor", "--port", "0")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(found["findings"])
    assert "very_secret" not in done.stdout + json.dumps(found)


def test_doctor_finds_what_is_wrong(env: Env, tmp_path: Path) -> None:
    tenants = tmp_path / "storage" / "tenants"
    tenants.mkdir(parents=True)
    (tenants / "broken.sqlite3").write_bytes(b"not a database" * 100)
    with closing(sqlite3.connect(tenants / "newer.sqlite3")) as connection:
        connection.execute("CREATE TABLE migrations (name TEXT)")
        connection.execute("INSERT INTO migrations VALUES ('9999-later')")
        connection.commit()
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        free = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        free.close()
        env = {**env, "REFLEX_UPSTREAM_OPENAI_URL": url}
        found = _json(_run(env, "doctor", "--json", "--port", port), 1)
        done = _run(env, "doctor", "--port", port)
    assert found["healthy"] is False
    faults = [finding["said"] for finding in found["findings"] if finding["verdict"] == "fault"]
    assert len(faults) == 4
    for said in (port, "broken.sqlite3", "9999-later", url):
        assert any(said in fault for fault in faults), said
    assert done.returncode == 1
    assert done.stdout.count("✗") == 4


def test_doctor_reaches_upstream_as_requests_do(env: Env) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as proxy:
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        env = {**env, "HTTPS_PROXY": url, "REFLEX_UPSTREAM_OPENAI_URL": "https://nowhere.invalid/v1"}
        found = _json(_run(env, "doctor", "--json", "--port", "0"))
    (reached,) = [finding for finding in found["findings"] if finding["what"] == "upstream"]
    assert "by the proxy 127.0.0.1" in reached["said"]
    mocked = {**env, "REFLEX_MOCK_PROVIDER": "1", "HTTPS_PROXY": ""}
    assert _json(_run(mocked, "doctor", "--json", "--port", "0"))["healthy"] is True


def test_doctor_knows_a_daemon_that_runs(env: Env) -> None:
    env = {**env, "REFLEX_MOCK_PROVIDER": "1"}
    with _serving(env) as (process, said):
        _get(f"{said['base_url']}/chat/completions", BODY)
        _until((Path(env["REFLEX_STORAGE_PATH"]) / "tenants" / "default.sqlite3").exists)
        found = _json(_run(env, "doctor", "--json"))
        assert any(f"pid {process.pid}" in finding["said"] for finding in found["findings"])


def test_the_demo_shows_the_main_job(env: Env) -> None:
    shown = _json(_run(env, "demo", "--json"))
    assert shown["upstream_calls"] == 5
    *statuses, last = [row["status"] for row in shown["requests"]]
    assert statuses == [
        "miss",
        "hit-l1-exact",
        "hit-l1-exact",
        "miss",
        "hit-l1-exact",
        "hit-l3-verified",
        "miss",
        "miss",
        "hit-l1-exact",
    ]
    coalesced, _, hits = last.partition(" coalesced")  # on a busy machine some come when the answer is there already
    assert int(coalesced) + int(re.sub(r"\D", "", hits) or 0) == 19
    for row in shown["requests"]:
        assert (row["saved_dollars"] > 0) is (row["status"] != "miss")
        assert row["milliseconds"] > 0
    assert not Path(env["REFLEX_STORAGE_PATH"]).exists()  # it leaves nothing behind


def test_nobodys_configuration_and_keyring_disturb_the_demo(env: Env, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[policy]\ncaching = false\n[nonsense")
    asked = tmp_path / "asked"
    (tmp_path / "asking.py").write_text(
        "import keyring.backend, pathlib\n"
        "class Keyring(keyring.backend.KeyringBackend):\n"
        "    priority = 1\n"
        "    def get_password(self, service, username):\n"
        f"        pathlib.Path({str(asked)!r}).touch()\n"
    )
    env = {
        **env,
        "REFLEX_CONFIG": str(tmp_path / "config.toml"),
        "REFLEX_UPSTREAM": "nobodys",
        "PYTHONPATH": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "asking.Keyring",
    }
    assert _json(_run(env, "demo", "--json"))["upstream_calls"] == 5
    assert not asked.exists()


def test_the_demo_for_people(env: Env) -> None:
    done = _run(env, "demo")
    assert (done.returncode, done.stderr) == (0, "")
    for expected in (
        "miss",
        "hit-l1-exact",
        "hit-l3-verified",
        "score 0.",
        " coalesced",
        "1 call)",
        "guard-opposite",
        "29 requests, 5 upstream calls",
        "$0.",
    ):
        assert expected in done.stdout


def test_the_demo_may_be_kept_and_drains_on_ctrl_c(env: Env) -> None:
    command = _command("demo", "--keep", "--json", "--port", "0")
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        base_url = json.loads(process.stdout.readline())["base_url"]
        assert base_url in process.stderr.readline()
        assert _get(f"{base_url}/chat/completions", BODY)[0]["x-reflex-status"] == "miss"
        process.send_signal(signal.SIGINT)
        assert _ended(process) == (0, "")


def test_ctrl_c_in_the_middle_of_the_demo_is_no_error(env: Env, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {**env, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        _command("demo"), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        _until(lambda: bool(list(temporary.glob("reflexd-demo-*/runtime.json"))))
        process.send_signal(signal.SIGINT)
        assert _ended(process) == (130, "")
    assert [path.name for path in temporary.iterdir() if path.name != ".ses"] == []  # onnxruntime's, when imported


@pytest.mark.parametrize("with_home", [True, False])
def test_places_follow_the_users_directories(env: Env, tmp_path: Path, with_home: bool) -> None:
    """XDG variables where they are set; and no HOME at all must not stop anything."""
    del env["REFLEX_STORAGE_PATH"]
    if not with_home:
        del env["HOME"]
    env |= {"XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    config = tmp_path / "config" / "reflexd" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("mock_provider = true\n[policy]\nexact_lifetime = 60\n")
    with _serving(env) as (_, said):
        assert said["storage"] == str(tmp_path / "data" / "reflexd")
        assert said["mock_provider"] is True
        _get(f"{said['base_url']}/chat/completions", BODY)
        assert "ttl=" in _get(f"{said['base_url']}/chat/completions", BODY)[0]["cache-status"]
        assert _json(_run(env, "status", "--json"))["status"] == "running"
        assert _json(_run(env, "doctor", "--json"))["healthy"] is True
        assert _json(_run(env, "stop", "--json")) == {"status": "stopped"}


def test_no_home_at_all_still_finds_a_place(env: Env, tmp_path: Path) -> None:
    del env["HOME"]
    assert _json(_run(env, "status", "--json"), 3) == {"status": "not-running"}
    del env["REFLEX_STORAGE_PATH"]
    assert _json(_run(env, "status", "--json"), 3) == {"status": "not-running"}


def test_the_console_script_is_the_same(env: Env) -> None:
    script = shutil.which("reflexd", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("reflexd is not installed beside this interpreter")
    done = subprocess.run([script, "--version"], env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"reflexd {__version__}\n"
