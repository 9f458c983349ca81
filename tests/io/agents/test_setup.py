"""Agents set up and taken back, in homes of their own: backup, diff, idempotence, and exact undoing."""

import os
from pathlib import Path

import pytest

from reflexd_io.agents.table import AGENTS, Agent
from support.agents.commands import Reflexd, reflexd_with

SET_UP = [agent for agent in AGENTS if agent.files]
PORT = "18765"
URL = f"http://127.0.0.1:{PORT}"

WRITTEN = {
    "claude": '{\n  // mine\n  "model": "opus",\n  "env": {"FOO": "1"}\n}\n',
    "codex": '# mine\nmodel = "gpt-5"  # good\n\n[mcp_servers.a]\ncommand = "a"\n',
    "opencode": '{\n  "theme": "dark", // night\n  "provider": { "openai": { "options": { "timeout": 1, } } }\n}\n',
    "aider": "# mine\nmodel: gpt-5   # good\nset-env:\n  - FOO=1\n",
    "gemini": "# mine\nGEMINI_API_KEY='abc'\n",
    "qwen": "FOO=1",
    "continue": (
        "name: Local\nversion: 1.0.0\nmodels:\n  - name: A   # first\n    provider: openai\n    model: gpt-5\n"
        "    apiKey: sk-secret-1\n  - name: B\n    provider: anthropic\n    model: claude\n"
        "  - name: C\n    provider: ollama\n    model: llama\n"
    ),
    "cline": (
        '{\n  "version": 1,\n  "providers": {\n    "openai-compatible": {\n      "settings": {\n'
        '        "provider": "openai-compatible",\n        "apiKey": "sk-secret-1",\n        "model": "m",\n'
        '        "baseUrl": "https://api.openai.com/v1"\n      }\n    }\n  }\n}\n'
    ),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def reflexd(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Reflexd:
    """The command line within this process, in that home."""
    named = {"HOME": str(home), "USERPROFILE": str(home), "REFLEX_PORT": PORT}
    return reflexd_with(named, monkeypatch, capsys)


def _file(home: Path, agent: Agent) -> Path:
    return home / agent.files[0].folder / agent.files[0].names[0]


def _written(home: Path, agent: Agent) -> Path:
    file = _file(home, agent)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(WRITTEN[agent.name].encode())
    file.chmod(0o640)
    return file


def _all_files(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and "reflexd" not in path.parts
    }


@pytest.mark.parametrize("agent", SET_UP, ids=lambda agent: agent.name)
def test_a_file_is_edited_once_with_its_comments_kept_and_restored_byte_for_byte(
    home: Path, reflexd: Reflexd, agent: Agent
) -> None:
    file = _written(home, agent)
    done = reflexd("setup", agent.name, "--tenant", "work")
    assert done.returncode == 0, done.stderr
    after = file.read_text("utf-8")
    assert f"{URL}/t/work" in after
    assert f"+++ {file}" in done.stdout
    assert "sk-secret-1" not in done.stdout  # a key beside the setting is not shown
    for line in WRITTEN[agent.name].splitlines():
        for mark in ("# ", "// "):
            if mark in line:
                assert line[line.index(mark) :] in after
    assert file.stat().st_mode & 0o777 == 0o640
    (backup,) = [path for path in file.parent.iterdir() if "before-reflex" in path.name]
    assert backup.read_bytes() == WRITTEN[agent.name].encode()
    assert backup.stat().st_mode & 0o777 == 0o640
    again = reflexd("setup", agent.name, "--tenant", "work")
    assert (again.returncode, "already" in again.stdout) == (0, True)
    assert file.read_text("utf-8") == after
    moved = reflexd("setup", agent.name, "--tenant", "home")  # the backup stays the user's own
    assert moved.returncode == 0
    assert "/t/home" in file.read_text("utf-8")
    assert "/t/work" not in file.read_text("utf-8")
    assert backup.read_bytes() == WRITTEN[agent.name].encode()
    undone = reflexd("setup", agent.name, "--undo")
    assert undone.returncode == 0, undone.stderr
    assert file.read_bytes() == WRITTEN[agent.name].encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(_all_files(home)) == [str(file.relative_to(home))]
    assert "nothing to undo" in reflexd("setup", agent.name, "--undo").stdout


@pytest.mark.parametrize("agent", SET_UP, ids=lambda agent: agent.name)
def test_what_the_user_changed_meanwhile_stays_when_it_is_undone(home: Path, reflexd: Reflexd, agent: Agent) -> None:
    file = _written(home, agent)
    assert reflexd("setup", agent.name).returncode == 0
    mark = "changed-by-me"
    text = file.read_text("utf-8")
    old = {"gemini": "abc", "qwen": "FOO=1", "continue": "llama", "cline": '"m"', "codex": '"a"'}.get(agent.name)
    new = {"qwen": f"FOO={mark}", "cline": f'"{mark}"', "codex": f'"{mark}"'}.get(agent.name, mark)
    if old is None:
        old, new = {"claude": ("opus", mark), "opencode": ("dark", mark), "aider": ("gpt-5", mark)}[agent.name]
    file.write_text(text.replace(old, new), "utf-8")
    undone = reflexd("setup", agent.name, "--undo")
    assert undone.returncode == 0, undone.stderr
    left = file.read_text("utf-8")
    assert URL not in left
    assert left.rstrip() == WRITTEN[agent.name].replace(old, new).rstrip()


@pytest.mark.parametrize("agent", [one for one in SET_UP if not one.files[0].example], ids=lambda a: a.name)
def test_where_there_was_no_file_none_is_left(home: Path, reflexd: Reflexd, agent: Agent) -> None:
    dry = reflexd("setup", agent.name, "--dry-run")
    assert dry.returncode == 0
    assert URL in dry.stdout
    assert _all_files(home) == {}
    assert reflexd("setup", agent.name).returncode == 0
    file = _file(home, agent)
    assert URL in file.read_text("utf-8")
    assert file.stat().st_mode & 0o077 == 0
    assert reflexd("setup", agent.name, "--undo").returncode == 0
    assert _all_files(home) == {}
    if agent.files[0].folder:
        assert not (home / agent.files[0].folder.split("/")[0]).exists()


@pytest.mark.parametrize("name", ["continue", "cline"])
def test_an_agent_without_a_model_of_ours_is_told_how_to_get_one(reflexd: Reflexd, name: str) -> None:
    done = reflexd("setup", name)
    assert done.returncode == 1
    assert f"reflexd env {name}" in done.stderr


def test_another_provider_is_kept_behind_reflex_and_one_it_does_not_know_is_left_alone(
    home: Path, reflexd: Reflexd
) -> None:
    file = home / ".continue/config.yaml"
    file.parent.mkdir()
    models = "".join(
        f"  - name: {n}\n    provider: openai\n    apiBase: {url}\n"
        for n, url in enumerate(
            ("https://openrouter.ai/api/v1/", "https://llm.example.com/v1", "https://api.openai.com/v1")
        )
    )
    file.write_text(f"models:\n{models}", "utf-8")
    done = reflexd("setup", "continue")
    assert done.returncode == 0
    assert "https://llm.example.com/v1, which Reflex does not know" in done.stderr
    after = file.read_text("utf-8")
    assert f'apiBase: "{URL}/u/openrouter/v1"' in after
    assert "apiBase: https://llm.example.com/v1" in after
    assert f'apiBase: "{URL}/v1"' in after
    assert reflexd("setup", "continue", "--undo").returncode == 0
    assert file.read_text("utf-8") == f"models:\n{models}"


@pytest.mark.skipif(os.name != "posix", reason="symbolic links are POSIX's")
def test_a_link_stays_a_link_and_what_it_leads_to_is_edited(home: Path, reflexd: Reflexd) -> None:
    real = home / "dotfiles" / "codex.toml"
    real.parent.mkdir()
    real.write_text(WRITTEN["codex"], "utf-8")
    link = home / ".codex" / "config.toml"
    link.parent.mkdir()
    link.symlink_to(real)
    assert reflexd("setup", "codex").returncode == 0
    assert link.is_symlink()
    assert URL in real.read_text("utf-8")
    assert reflexd("setup", "codex", "--undo").returncode == 0
    assert real.read_text("utf-8") == WRITTEN["codex"]
    assert link.is_symlink()


def test_what_cannot_be_read_stays_as_it_is_and_the_message_says_what_to_write(home: Path, reflexd: Reflexd) -> None:
    file = home / ".codex" / "config.toml"
    file.parent.mkdir()
    file.write_text("model = ", "utf-8")
    done = reflexd("setup", "codex")
    assert done.returncode == 1
    assert "reflexd env codex" in done.stderr
    assert _all_files(home) == {".codex/config.toml": b"model = "}


def test_an_older_backup_is_never_overwritten(home: Path, reflexd: Reflexd) -> None:
    agent = next(one for one in SET_UP if one.name == "codex")
    file = _written(home, agent)
    older = file.with_name("config.toml.before-reflex")
    older.write_text("precious", "utf-8")
    assert reflexd("setup", "codex").returncode == 0
    assert older.read_text("utf-8") == "precious"
    assert reflexd("setup", "codex", "--undo").returncode == 0
    assert file.read_bytes() == WRITTEN["codex"].encode()
    assert older.read_text("utf-8") == "precious"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("setup", "nobody"), 2, "it knows: claude, codex"),
        (("setup", "openai"), 2, "reflexd env openai"),
        (("setup", "claude", "--tenant", "a/b"), 2, "--tenant"),
        (("setup", "claude", "--upstream", "nobody"), 2, "known are"),
        (("env", "nobody"), 2, "it knows: claude, codex"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    reflexd: Reflexd, args: tuple[str, ...], code: int, said: str
) -> None:
    done = reflexd(*args)
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.splitlines()
    assert said in line


def test_an_address_in_a_list_that_reflex_does_not_know_is_left_alone(home: Path, reflexd: Reflexd) -> None:
    file = home / ".aider.conf.yml"
    file.write_text("set-env:\n  - ANTHROPIC_API_BASE=https://proxy.example/v1\n  - FOO=1\n")
    done = reflexd("setup", "aider")
    assert done.returncode == 0
    assert "which Reflex does not know; it stays as it is" in done.stderr
    assert "  - ANTHROPIC_API_BASE=https://proxy.example/v1\n" in file.read_text()
    file.write_text("set-env:\n  - ANTHROPIC_API_BASE=https://api.anthropic.com\n  - FOO=1\n")
    assert reflexd("setup", "aider").returncode == 0
    assert f'  - "ANTHROPIC_API_BASE={URL}"\n' in file.read_text()


def test_the_backup_of_a_file_that_was_deleted_meanwhile_is_not_lost(home: Path, reflexd: Reflexd) -> None:
    file = home / ".claude/settings.json"
    file.parent.mkdir()
    file.write_text(WRITTEN["claude"])
    assert reflexd("setup", "claude").returncode == 0
    file.unlink()
    done = reflexd("setup", "claude", "--undo")
    backup = file.with_name("settings.json.before-reflex")
    assert (done.returncode, backup.read_text()) == (0, WRITTEN["claude"])
    assert str(backup) in done.stdout
    assert not file.exists()
