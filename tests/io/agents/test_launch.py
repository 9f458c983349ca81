"""``reflexd env`` and ``reflexd run``: what agents are given, and that they are run as if nobody stood between."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from reflexd_io.agents.table import AGENTS
from support.process import serving

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals, and programs without an ending, are POSIX's")

Env = dict[str, str]
Reflexd = Callable[..., "subprocess.CompletedProcess[str]"]

PROGRAM = """\
#!{python}
import json, os, signal, sys, time
told = {{"args": sys.argv[1:], "env": dict(os.environ), "pid": os.getpid()}}
named = os.environ.get("CLINE_PROVIDER_SETTINGS_PATH") or next(
    (after for word, after in zip(sys.argv, sys.argv[1:]) if word == "--config"), None)
if named:
    told["lent"] = named
    told["content"] = open(named).read()
    told["mode"] = os.stat(named).st_mode & 0o777
print(json.dumps(told), flush=True)
if "--wait" in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(8))
    time.sleep(30)
if "--die" in sys.argv:
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture
def env(tmp_path: Path) -> Env:
    """A home, and all agents' programs, which say what they were given."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("anything", *(program for agent in AGENTS for program in agent.programs)):
        (programs / name).write_text(PROGRAM.format(python=sys.executable), "utf-8")
        (programs / name).chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HOME": str(home),
        "REFLEX_STORAGE_PATH": str(tmp_path / "storage"),
        "TMPDIR": str(tmp_path),
    }


@contextmanager
def _running(env: Env) -> Iterator[str]:
    """A daemon for this home; its address without a path."""
    with serving(Path(env["REFLEX_STORAGE_PATH"]), "http://127.0.0.1:9/v1") as process:
        yield process.url.removesuffix("/v1")


def _run(env: Env, *args: str, **more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "reflexd_io.cli", *args]
    return subprocess.run(command, env={**env, **more}, capture_output=True, text=True, timeout=60, check=False)


def _told(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


def test_each_agent_is_given_its_address_and_its_own_arguments(env: Env) -> None:
    with _running(env) as url:
        origin = f"{url}/t/work"
        told = {
            program: _told(_run(env, "run", "--tenant", "work", "--", program, "-p", "hi there"))
            for program in ("claude", "codex", "opencode", "aider", "gemini", "qwen", "anything")
        }
    given = {program: told[program]["env"] for program in told}
    assert given["claude"]["ANTHROPIC_BASE_URL"] == origin
    assert given["aider"]["OPENAI_API_BASE"] == f"{origin}/v1"
    assert given["aider"]["ANTHROPIC_API_BASE"] == origin
    assert given["gemini"]["GOOGLE_GEMINI_BASE_URL"] == origin
    assert given["qwen"]["OPENAI_BASE_URL"] == f"{origin}/v1"
    assert given["anything"]["OPENAI_BASE_URL"] == f"{origin}/v1"
    assert given["anything"]["ANTHROPIC_BASE_URL"] == origin
    provider = json.loads(given["opencode"]["OPENCODE_CONFIG_CONTENT"])["provider"]
    assert provider["openai"]["options"]["baseURL"] == provider["anthropic"]["options"]["baseURL"] == f"{origin}/v1"
    *flags, first, second = told["codex"]["args"]
    assert (first, second) == ("-p", "hi there")
    config = tomllib.loads(
        "\n".join(value for flag, value in zip(flags[::2], flags[1::2], strict=True) if flag == "-c")
    )
    assert config["model_provider"] == "reflex"
    assert config["model_providers"]["reflex"] == {
        "name": "Reflex",
        "base_url": f"{origin}/v1",
        "env_key": "OPENAI_API_KEY",
        "wire_api": "responses",
    }
    for program in ("claude", "opencode", "aider", "gemini", "qwen"):
        assert told[program]["args"] == ["-p", "hi there"]


def test_what_is_set_already_is_kept_as_far_as_it_can_be(env: Env) -> None:
    mine = json.dumps({"theme": "dark", "provider": {"openai": {"options": {"timeout": 1}}}})
    with _running(env) as url:
        merged = _told(_run(env, "run", "--", "opencode", OPENCODE_CONFIG_CONTENT=mine))
        routed = _told(_run(env, "run", "--", "qwen", OPENAI_BASE_URL="https://openrouter.ai/api/v1"))
        unknown = _run(env, "run", "--", "qwen", OPENAI_BASE_URL="https://llm.example.com/v1")
        broken = _run(env, "run", "--", "opencode", OPENCODE_CONFIG_CONTENT="{")
        keyed = _told(_run(env, "run", "--stored-key", "--", "qwen"))
        unkeyed = _told(_run(env, "run", "--", "qwen"))
        claude = _told(_run(env, "run", "--stored-key", "--", "claude", ANTHROPIC_API_KEY="sk-ant-mine"))
        plain = _told(_run(env, "run", "--stored-key", "--", "claude"))
    content = json.loads(merged["env"]["OPENCODE_CONFIG_CONTENT"])
    assert content["theme"] == "dark"
    assert content["provider"]["openai"]["options"] == {"timeout": 1, "baseURL": f"{url}/v1"}
    assert routed["env"]["OPENAI_BASE_URL"] == f"{url}/u/openrouter/v1"
    assert unknown.returncode == 1
    assert "[upstreams.<name>]" in unknown.stderr
    assert broken.returncode == 1
    assert "OPENCODE_CONFIG_CONTENT" in broken.stderr
    assert keyed["env"]["OPENAI_API_KEY"] == "reflex"
    assert "OPENAI_API_KEY" not in unkeyed["env"]
    assert claude["env"]["ANTHROPIC_API_KEY"] == claude["env"]["ANTHROPIC_AUTH_TOKEN"] == "reflex"
    assert plain["env"]["ANTHROPIC_AUTH_TOKEN"] == "reflex"
    assert "ANTHROPIC_API_KEY" not in plain["env"]


def test_agents_with_nothing_but_a_file_get_an_edited_copy_that_is_gone_afterwards(env: Env) -> None:
    home = Path(env["HOME"])
    config, providers = home / ".continue/config.yaml", home / ".cline/data/settings/providers.json"
    for file, text in (
        (config, "models:\n  - name: A\n    provider: openai\n    model: m\n"),
        (providers, '{"providers": {"x": {"settings": {"provider": "openai-compatible", "apiKey": "k"}}}}'),
    ):
        file.parent.mkdir(parents=True)
        file.write_text(text, "utf-8")
    before = {file: file.read_bytes() for file in home.rglob("*") if file.is_file()}
    with _running(env) as url:
        cn = _told(_run(env, "run", "--", "cn", "-p", "hi"))
        cline = _told(_run(env, "run", "--", "cline", "hi"))
    assert yaml.safe_load(cn["content"])["models"] == [
        {"name": "A", "provider": "openai", "model": "m", "apiBase": f"{url}/v1"}
    ]
    assert cn["args"][2:] == ["-p", "hi"]
    settings = json.loads(cline["content"])["providers"]["x"]["settings"]
    assert settings == {"provider": "openai-compatible", "apiKey": "k", "baseUrl": f"{url}/v1"}
    assert cline["args"] == ["hi"]
    for told in (cn, cline):
        assert told["mode"] == 0o600
        assert not Path(told["lent"]).parent.exists()
    assert {file: file.read_bytes() for file in home.rglob("*") if file.is_file()} == before


def test_an_agent_without_a_model_of_ours_is_not_run(env: Env) -> None:
    with _running(env):
        done = _run(env, "run", "--", "cn")
    assert (done.returncode, done.stdout) == (1, "")
    assert "reflexd env continue" in done.stderr


@pytest.mark.parametrize("program", ["claude", "cline"])
def test_exit_codes_and_signals_are_the_programs_own(env: Env, program: str) -> None:
    """One that we become, and one that we wait for."""
    providers = Path(env["HOME"]) / ".cline/data/settings/providers.json"
    providers.parent.mkdir(parents=True)
    providers.write_text('{"providers": {"x": {"settings": {"provider": "openai-compatible"}}}}', "utf-8")
    with _running(env):
        assert _run(env, "run", "--", program, CODE="43").returncode == 43
        assert _run(env, "run", "--", program, "--die").returncode == -signal.SIGKILL
        for number, code in ((signal.SIGTERM, 7), (signal.SIGINT, 8)):
            command = [sys.executable, "-m", "reflexd_io.cli", "run", "--", program, "--wait"]
            with subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
            ) as running:
                assert running.stdout is not None
                told = json.loads(running.stdout.readline())
                time.sleep(0.1)  # it says what it was given before it listens to signals
                running.send_signal(number)
                assert running.wait(10) == code
                if program == "claude":
                    assert told["pid"] == running.pid
                else:
                    assert not Path(told["lent"]).parent.exists()


def test_without_a_daemon_the_program_runs_all_the_same_and_is_told_apart(env: Env) -> None:
    done = _run(env, "run", "--", "claude")
    assert "ANTHROPIC_BASE_URL" not in _told(done)["env"]
    assert "reflexd serve" in done.stderr
    stored = _run(env, "run", "--stored-key", "--", "claude")
    assert (stored.returncode, stored.stdout) == (1, "")


def test_what_cannot_be_run_says_so_with_a_shells_exit_code(env: Env) -> None:
    with _running(env):
        assert _run(env, "run", "--", "no-such-program").returncode == 127
        assert _run(env, "run", "--", "/etc/hostname").returncode == 126
        assert _run(env, "run").returncode == 2
        assert _run(env, "run", "--agent", "nobody", "--", "claude").returncode == 2
        wrapped = _told(_run(env, "run", "--agent", "claude", "--", "anything"))
    assert "OPENAI_BASE_URL" not in wrapped["env"]
    assert "ANTHROPIC_BASE_URL" in wrapped["env"]


def test_what_env_prints_is_what_a_shell_makes_of_it(env: Env) -> None:
    for agent in AGENTS:
        told = _told(_run(env, "env", agent.name, "--json", "--tenant", "work"))
        lines = _run(env, "env", agent.name, "--tenant", "work").stdout
        for name, value in told["variables"].items():
            script = f'{lines}\nprintf %s "${name}"'
            done = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, check=True)
            assert done.stdout == value
            assert "/t/work" in value
        assert bool(told["variables"]) or "/t/work" in told["block"]
    assert "set -gx ANTHROPIC_BASE_URL http" in _run(env, "env", "claude", "--shell", "fish").stdout
    assert "$env:ANTHROPIC_BASE_URL = 'http" in _run(env, "env", "claude", "--shell", "powershell").stdout
    assert tomllib.loads(_run(env, "env", "codex").stdout)["model_provider"] == "reflex"
    assert yaml.safe_load(_run(env, "env", "continue").stdout)["models"][0]["apiBase"].endswith("/v1")
    port_unknown = _run(env, "env", "claude", REFLEX_PORT="0")
    assert (port_unknown.returncode, port_unknown.stdout) == (1, "")
    assert "reflexd serve" in port_unknown.stderr
