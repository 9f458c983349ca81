"""Keys in a real Secret Service: set by the command, used by a real daemon, listed, tested, removed, locked."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.secret_service import lock, missing, secret_service
from support.upstream import Reply, ScriptedUpstream

pytestmark = [
    pytest.mark.secret_service,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]

KEY = "sk-proj-0123456789abcdefghij"
NEW = "sk-proj-9876543210zyxwvutsrq"
ANSWER = json.dumps(
    {"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}
).encode()

Env = dict[str, str]


@pytest.fixture
def env(tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[Env]:
    upstream.answers(Reply(200, body=ANSWER))
    config = tmp_path / "config.toml"
    config.write_text(f'default_upstream = "groq"\n[upstreams.groq]\nbase_url = "{upstream.url}"\nkeyless = false\n')
    with secret_service(tmp_path / "home") as found:
        yield {
            **found,
            "REFLEX_STORAGE_PATH": str(tmp_path / "storage"),
            "REFLEX_CONFIG": str(config),
            "REFLEX_INFERENCE_BACKEND": "off",
        }


def _command(*args: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "reflexd_io.cli", *args]


def _run(env: Env, *args: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        _command(*args), env=env, input=given, capture_output=True, text=True, timeout=60, check=False
    )


def _done(env: Env, *args: str, given: str | None = None) -> str:
    done = _run(env, *args, given=given)
    assert done.returncode == 0, done
    assert KEY not in done.stdout + done.stderr
    return done.stdout


@contextmanager
def _serving(env: Env) -> Iterator[str]:
    command = _command("serve", "--json", "--port", "0")
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["base_url"]
        finally:
            process.kill()


def _ask(url: str, text: str) -> int:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()
    request = urllib.request.Request(f"{url}/chat/completions", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_key_is_kept_listed_used_tried_and_removed(env: Env, upstream: ScriptedUpstream) -> None:
    assert _done(env, "keys", "set", "groq", "--stdin", given=f"{KEY}\n").startswith("Stored the key for groq")
    listed = _done(env, "keys", "list")
    assert "keyring" in listed
    assert "…ghij" in listed
    with _serving(env) as url:
        assert _ask(url, "one") == 200
        assert upstream.seen[-1].header("authorization") == f"Bearer {KEY}"
        found = json.loads(_done(env, "keys", "test", "groq", "--json"))
        assert (found["ok"], found["http_status"]) == (True, 200)

        assert "…tsrq" not in _done(env, "keys", "set", "openai", "--stdin", given=KEY)
        _done(env, "keys", "set", "groq", "--stdin", given=NEW)
        assert _ask(url, "two") == 200  # the daemon noticed at once
        assert upstream.seen[-1].header("authorization") == f"Bearer {NEW}"

        rows = json.loads(_done(env, "keys", "list", "--json"))
        assert rows["keyring"].endswith("SecretService.Keyring")
        shown = {row["upstream"]: (row["source"], row["hint"]) for row in rows["items"]}
        assert shown["groq"] == ("keyring", "tsrq")
        assert shown["openai"] == ("keyring", "ghij")
        assert shown["anthropic"] == ("none", "")

        assert "removed" in _done(env, "keys", "rm", "groq")
        assert _ask(url, "three") == 400
        assert json.loads(_run(env, "keys", "test", "groq", "--json").stdout)["verdict"] == "no key"
        assert "held no key" in _done(env, "keys", "rm", "groq")
    storage = Path(env["REFLEX_STORAGE_PATH"])
    for path in storage.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_a_locked_keyring_is_told_and_the_environment_serves_the_default_tenant(
    env: Env, upstream: ScriptedUpstream
) -> None:
    _done(env, "keys", "set", "groq", "--stdin", given=KEY)
    lock(env)
    for action in (("set", "groq", "--stdin"), ("rm", "groq")):
        failed = _run(env, "keys", *action, given=NEW)
        assert failed.returncode == 1
        assert "locked" in failed.stderr
        assert "unlock it" in failed.stderr
        assert NEW not in failed.stderr
    assert "locked" in _run(env, "keys", "list").stderr
    with _serving(env) as url:
        assert _ask(url, "one") == 400
        found = json.loads(_run(env, "keys", "test", "groq", "--json").stdout)
        assert (found["verdict"], "locked" in found["message"]) == ("no key", True)
    with _serving({**env, "GROQ_API_KEY": NEW}) as url:
        assert _ask(url, "one") == 200
        assert upstream.seen[-1].header("authorization") == f"Bearer {NEW}"


def test_a_key_is_typed_at_a_terminal_and_not_shown(env: Env) -> None:
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()

    def take() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        _command("keys", "set", "groq"),
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take,  # noqa: PLW1509 - it takes the terminal and nothing else
    )
    os.close(theirs)
    shown = b""
    while b"not shown" not in shown:
        shown += os.read(ours, 1024)
    os.write(ours, f"{KEY}\n".encode())
    assert process.wait(30) == 0
    try:
        while more := os.read(ours, 1024):
            shown += more
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert b"Stored the key" in shown
    assert KEY.encode() not in shown
    assert "…ghij" in _done(env, "keys", "list")


def test_the_daemon_keeps_the_key_where_this_session_has_no_keyring(env: Env, upstream: ScriptedUpstream) -> None:
    without = {name: value for name, value in env.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
    without |= {"XDG_RUNTIME_DIR": "/nonexistent", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    with _serving(env) as url:
        assert "Stored the key" in _done(without, "keys", "set", "groq", "--stdin", given=KEY)
        assert _ask(url, "one") == 200
        assert upstream.seen[-1].header("authorization") == f"Bearer {KEY}"
        assert "removed" in _done(without, "keys", "rm", "groq")


def test_a_daemon_that_has_no_keyring_is_told_of(env: Env) -> None:
    with _serving({**env, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}):
        failed = _run(env, "keys", "set", "groq", "--stdin", given=KEY)
        assert failed.returncode == 1
        assert "the running daemon does not see it" in failed.stderr
        assert "no keyring" in failed.stderr
