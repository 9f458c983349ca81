"""The real agents: from which packages they come, and how each is run without anybody at the keyboard.

They are installed once, into the user's cache folder. ``REFLEX_AGENTS`` says which are tried: ``1`` for all, or names
with commas between them, installed where they are not there yet. Without it, those that lie there already.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
import pytest
from filelock import FileLock

PROMPT = "run the probe please"


@dataclass(frozen=True)
class Program:
    package: str
    """On npm, or on PyPI where ``python`` is set."""
    version: str
    """The one these tests were written with."""
    binaries: tuple[str, ...]
    """Where the program lies in the folder, the first that is there."""
    arguments: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """In the user's home."""
    python: bool = False
    has_tools: bool = True


_OPENAI_KEY = "sk-proj-0123456789abcdef0123456789abcdef"
_ANTHROPIC_KEY = "sk-ant-api03-0123456789abcdef0123456789abcdef"

PROGRAMS: dict[str, Program] = {
    "claude": Program(
        package="@anthropic-ai/claude-code",
        version="2.1.197",
        binaries=("node_modules/@anthropic-ai/claude-code-linux-x64/claude",),
        arguments=("-p", PROMPT, "--allowedTools", "Bash"),
        variables={"ANTHROPIC_API_KEY": _ANTHROPIC_KEY},
    ),
    "codex": Program(
        package="@openai/codex",
        version="0.169.0",
        binaries=("node_modules/.bin/codex",),
        arguments=(
            "exec",
            "-m",
            "test-model",
            "--skip-git-repo-check",
            "--dangerously-bypass-approvals-and-sandbox",
            PROMPT,
        ),
        variables={"OPENAI_API_KEY": _OPENAI_KEY},
    ),
    "opencode": Program(
        package="opencode-ai",
        version="1.18.33",
        binaries=("node_modules/opencode-linux-x64/bin/opencode",),
        arguments=("run", "-m", "anthropic/claude-sonnet-4-5", PROMPT),
        variables={"ANTHROPIC_API_KEY": _ANTHROPIC_KEY, "OPENCODE_DISABLE_MODELS_FETCH": "1"},
    ),
    "aider": Program(
        package="aider-chat",
        version="0.86.2",
        binaries=("bin/aider",),
        arguments=("--no-git", "--yes-always", "--model", "openai/gpt-4o", "--message", PROMPT),
        variables={"OPENAI_API_KEY": _OPENAI_KEY, "AIDER_ANALYTICS": "false"},
        python=True,
        has_tools=False,
    ),
    "gemini": Program(
        package="@google/gemini-cli",
        version="0.61.0",
        binaries=("node_modules/.bin/gemini",),
        arguments=("--skip-trust", "--yolo", "-m", "gemini-2.5-flash", "-p", PROMPT),
        variables={"GEMINI_API_KEY": "AIza0123456789abcdef0123456789abcdef"},
    ),
    "qwen": Program(
        package="@qwen-code/qwen-code",
        version="0.15.10",
        binaries=("node_modules/.bin/qwen",),
        arguments=("--auth-type", "openai", "--yolo", "-m", "gpt-4o", "-p", PROMPT),
        variables={"OPENAI_API_KEY": _OPENAI_KEY},
    ),
    "continue": Program(
        package="@continuedev/cli",
        version="1.5.47",
        binaries=("node_modules/.bin/cn",),
        arguments=("-p", "--auto", PROMPT),
        files={
            ".continue/config.yaml": (
                "name: probe\nversion: 1.0.0\nschema: v1\nmodels:\n  - name: probe\n    provider: openai\n"
                f"    model: gpt-4o\n    apiKey: {_OPENAI_KEY}\n"
            )
        },
    ),
    "cline": Program(
        package="cline",
        version="3.0.65",
        binaries=("node_modules/.bin/cline",),
        arguments=("--json", "-P", "openai-compatible", PROMPT),
        files={
            ".cline/data/settings/providers.json": (
                '{"version": 1, "lastUsedProvider": "openai-compatible", "modes": {}, "providers": '
                '{"openai-compatible": {"settings": {"provider": "openai-compatible", "model": "gpt-4o", '
                f'"apiKey": "{_OPENAI_KEY}", "baseUrl": "https://api.openai.com/v1"}}, '
                '"updatedAt": "2026-11-25T12:48:12.816Z", "tokenSource": "manual"}}}'
            )
        },
    ),
}


def installed(name: str) -> list[str]:
    """How the agent's program is called. Skips the calling test where it is absent and was not asked for."""
    program = PROGRAMS[name]
    cache = platformdirs.user_cache_path("reflexd-tests", appauthor=False) / "agents"
    folder = cache / f"{name}-{program.version}"
    asked = os.environ.get("REFLEX_AGENTS", "")
    if asked not in ("", "1") and name not in asked.split(","):
        pytest.skip(f"REFLEX_AGENTS={asked} leaves {name} out")
    if not folder.exists():
        if not asked:
            pytest.skip(f"{program.package} is not installed in {cache}; REFLEX_AGENTS={name} (or 1) installs it")
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with FileLock(cache / f"{name}.lock", timeout=600):
                if not folder.exists():
                    _install(program, cache, folder)
        except OSError as error:
            pytest.skip(f"{cache} cannot be used: {error}")
    binary = next((folder / one for one in program.binaries if (folder / one).exists()), None)
    if binary is None:
        pytest.skip(f"{program.package} has no program for this machine")
    return [str(binary)]


def _install(program: Program, cache: Path, folder: Path) -> None:
    """Beside its place first, so that what was broken off is never taken for whole."""
    with tempfile.TemporaryDirectory(dir=cache) as fresh:
        made = Path(fresh, "made")
        for command in _from_pypi(program, folder) if program.python else _from_npm(program, made):
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=420, check=False, cwd=fresh)
            except subprocess.TimeoutExpired:
                pytest.skip(f"{program.package} was not installed in time")
            if done.returncode:
                said = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
                shutil.rmtree(folder, ignore_errors=True)
                pytest.skip(f"{program.package} cannot be installed: {said}")
        if not program.python:
            made.rename(folder)


def _from_npm(program: Program, made: Path) -> list[list[str]]:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js and npm are not installed here")
    quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    return [[npm, "install", *quiet, "--prefix", str(made), f"{program.package}@{program.version}"]]


def _from_pypi(program: Program, folder: Path) -> list[list[str]]:
    """In place, since an environment's programs hold its path."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not installed here")
    python = str(folder / "bin" / "python")
    return [
        [uv, "venv", "-q", "-p", f"{sys.version_info.major}.{sys.version_info.minor}", str(folder)],
        [uv, "pip", "install", "-q", "--python", python, f"{program.package}=={program.version}"],
    ]
