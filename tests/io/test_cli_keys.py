"""`reflexd keys` where there is no keyring, and with input that is no key: one line that says what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.upstream import Reply, ScriptedUpstream

KEY = "sk-proj-0123456789abcdefghij"

Env = dict[str, str]


@pytest.fixture
def env(tmp_path: Path) -> Env:
    """A headless server: no keyring of any kind."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "SYSTEMROOT", "TMPDIR")}
    return {
        **kept,
        "HOME": str(tmp_path),
        "REFLEX_STORAGE_PATH": str(tmp_path / "storage"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


def _run(env: Env, *args: str, given: str | bytes = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "error", "-m", "reflexd_io.cli", "keys", *args]
    raw = given if isinstance(given, bytes) else given.encode()
    done = subprocess.run(command, env=env, input=raw, capture_output=True, timeout=60, check=False)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def _failed(done: "subprocess.CompletedProcess[str]", code: int = 1) -> str:
    assert done.returncode == code, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert KEY not in line
    return line


@pytest.mark.parametrize("action", [("set", "openai", "--stdin"), ("rm", "openai")])
def test_without_a_keyring_it_is_said_and_what_to_use_instead(env: Env, action: tuple[str, ...]) -> None:
    line = _failed(_run(env, *action, given=KEY))
    assert "no keyring" in line
    assert "OPENAI_API_KEY" in line


def test_keys_of_the_environment_are_listed_by_their_end(env: Env) -> None:
    done = _run({**env, "OPENAI_API_KEY": KEY, "GROQ_API_KEY": "gsk_short"}, "list")
    assert done.returncode == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["upstream", "tenant", "comes", "from", "ends", "in"],
        ["openai", "default", "OPENAI_API_KEY", "…ghij"],
        ["groq", "default", "GROQ_API_KEY", "(too", "short", "to", "show)"],
    ]
    assert "no keyring" in done.stderr
    as_json = json.loads(_run({**env, "OPENAI_API_KEY": KEY}, "list", "--json").stdout)
    assert as_json["keyring"] is None
    assert as_json["items"][0]["hint"] == "ghij"


def test_where_there_are_none_it_is_said_how_to_store_one(env: Env) -> None:
    assert "reflexd keys set" in _run(env, "list").stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("sk-proj-0123 456", "a space"),
        ("sk-one\nsk-two", "a line break"),
        ("sk-…", "odd characters"),
        (b"\xff\xfe\x00", "odd characters"),
        ("x" * 5000, "it has"),
    ],
)
def test_what_is_no_key_is_refused(env: Env, given: str | bytes, said: str) -> None:
    assert said in _failed(_run(env, "set", "openai", "--stdin", given=given))


def test_a_key_is_not_asked_for_where_nobody_sits(env: Env) -> None:
    assert "--stdin" in _failed(_run(env, "set", "openai"), 2)


@pytest.mark.parametrize("args", [("set", "openai", KEY), ("set", "openai", "--key", KEY), ("set",), ("lose", "x")])
def test_a_key_on_the_command_line_is_wrong_use(env: Env, args: tuple[str, ...]) -> None:
    assert _run(env, *args).returncode == 2


@pytest.mark.parametrize("action", [("set", "--stdin"), ("rm",), ("test",)])
def test_an_upstream_or_a_tenant_that_nobody_knows_is_told_with_those_there_are(
    env: Env, action: tuple[str, ...]
) -> None:
    name, *flags = action
    assert "'nope'; it knows: openai, anthropic" in _failed(_run(env, name, "nope", *flags, given=KEY))
    assert "no tenant 'nope'" in _failed(_run(env, name, "openai", "--tenant", "nope", *flags, given=KEY))


def test_a_key_of_another_provider_is_pointed_out(env: Env) -> None:
    done = _run(env, "set", "openai", "--stdin", given="sk-ant-0123456789")
    assert "looks like a key for anthropic" in done.stderr


def test_a_key_is_tried_without_a_daemon_too(env: Env, upstream: ScriptedUpstream) -> None:
    upstream.answers(Reply(401, body=b'{"error":{"message":"Incorrect API key provided."}}'))
    env = {**env, "REFLEX_UPSTREAM_OPENAI_URL": upstream.url, "OPENAI_API_KEY": KEY}
    done = _run(env, "test", "openai")
    assert (done.returncode, done.stdout) == (4, "refused: Incorrect API key provided.\n")
    upstream.answers(Reply(200, body=b"{}"))
    assert _run(env, "test", "openai").stdout == "ok: openai takes this key\n"
    missing = _run(env, "test", "groq")
    assert missing.returncode == 1
    assert "GROQ_API_KEY" in missing.stdout
    gone = _run({**env, "REFLEX_UPSTREAM_OPENAI_URL": "http://127.0.0.1:1/v1"}, "test", "openai")
    assert (gone.returncode, gone.stdout.startswith("unreachable: openai cannot be reached")) == (4, True)
