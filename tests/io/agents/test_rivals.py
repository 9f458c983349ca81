"""What outranks Reflex's settings, with real files: it is told, by setup, run and doctor, with what to do about it.

Which place wins over which was tried with the programs themselves; where a row says nothing is told, the program
went through Reflex.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

import pytest

from reflexd_io.agents.address import Address
from reflexd_io.agents.rivals import outranking
from reflexd_io.agents.surroundings import Surroundings
from reflexd_io.agents.table import BY_NAME
from support.agents.commands import Done, Reflexd, reflexd_with

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the system's own folders are named as on Linux")

PORT = "18765"
URL = f"http://127.0.0.1:{PORT}"
OTHER = "https://user:secret@llm.example.com/v1?key=secret"
SHOWN = "https://llm.example.com/v1"


def _claude(url: str, **more: str) -> str:
    return json.dumps({"env": {"ANTHROPIC_BASE_URL": url, **more}})


def _opencode(url: str, provider: str = "openai") -> str:
    return json.dumps({"provider": {provider: {"options": {"baseURL": url}}}})


def _qwen(url: str) -> str:
    return json.dumps({"modelProviders": {"openai": [{"id": "gpt-4o", "baseUrl": url}]}})


def _chosen(kind: str) -> str:
    return json.dumps({"security": {"auth": {"selectedType": kind}}})


class Case(NamedTuple):
    agent: str
    files: dict[str, str]
    """Below a folder with ``home``, ``home/work`` (a git repository), and ``system``."""
    environ: dict[str, str]
    told: tuple[str, ...]
    """What must stand in the one thing that is told; empty where nothing is."""
    once: tuple[str, ...] = ()
    """Likewise for one run, by its variables and flags."""


PROFILE = '[profiles.work]\nmodel_provider = "openai"\n'
ACTIVE = f'model_provider = "reflex"\nprofile = "work"\n{PROFILE}'
SAYS_ACTIVE = ("config.toml", 'the profile "work" is active', '"openai"', "[profiles.work]", '"reflex"')
CODEX = "home/.codex/config.toml"
LOCAL = "home/work/.claude/settings.local.json"
ANTHROPIC_LIST = f"set-env:\n  - ANTHROPIC_API_BASE={SHOWN}\n"

CASES = [
    # An active profile's own provider; the others hold when they are asked for.
    Case("codex", {CODEX: ACTIVE}, {}, SAYS_ACTIVE, SAYS_ACTIVE),
    Case("codex", {CODEX: PROFILE}, {}, ("--profile work", "[profiles.work]")),
    Case("codex", {CODEX: ACTIVE.replace('"openai"', '"reflex"')}, {}, ()),
    Case("codex", {CODEX: 'profile = "work"\n[profiles.work]\nmodel = "m"\n'}, {}, ()),
    Case(
        "codex",
        {"home/.codex/work.config.toml": 'model_provider = "openai"'},
        {},
        ("work.config.toml", "--profile work"),
    ),
    Case(
        "codex",
        {"home/.codex/work.config.toml": f'[model_providers.reflex]\nbase_url = "{OTHER}"'},
        {},
        ("model_providers.reflex.base_url", SHOWN),
    ),
    Case(
        "codex",
        {"system/etc/codex/managed_config.toml": 'model_provider = "azure"'},
        {},
        ("managed_config.toml", "azure"),
        ("managed_config.toml", "azure"),
    ),
    Case("codex", {"home/work/.codex/config.toml": 'model_provider = "openai"'}, {"OPENAI_BASE_URL": OTHER}, ()),
    # The folder's own settings, and those of whoever keeps the machine.
    Case("claude", {LOCAL: _claude(OTHER)}, {}, (LOCAL, SHOWN), (LOCAL, SHOWN)),
    Case("claude", {"home/work/.claude/settings.json": _claude(OTHER)}, {}, ("settings.json", SHOWN), (SHOWN,)),
    Case("claude", {LOCAL: _claude(f"{URL}/t/a"), "home/work/.claude/settings.json": _claude(OTHER)}, {}, ()),
    Case(
        "claude",
        {"system/etc/claude-code/managed-settings.d/1.json": _claude(OTHER), LOCAL: _claude(URL)},
        {},
        ("managed-settings.d", SHOWN),
        ("managed-settings.d", SHOWN),
    ),
    Case("claude", {"home/.claude/settings.json": _claude(OTHER)}, {}, (), ("home/.claude/settings.json", SHOWN)),
    Case("claude", {}, {"ANTHROPIC_BASE_URL": OTHER}, ()),
    Case("claude", {}, {"CLAUDE_CODE_USE_BEDROCK": "1"}, ("CLAUDE_CODE_USE_BEDROCK",), ("CLAUDE_CODE_USE_BEDROCK",)),
    Case(
        "claude",
        {"home/.claude/settings.json": _claude(URL, CLAUDE_CODE_USE_VERTEX="true")},
        {},
        ("settings.json", "CLAUDE_CODE_USE_VERTEX"),
        ("settings.json", "CLAUDE_CODE_USE_VERTEX"),
    ),
    Case(
        "claude",
        {"home/.claude/settings.json": _claude(URL, CLAUDE_CODE_USE_VERTEX="0")},
        {"CLAUDE_CODE_USE_VERTEX": "1"},
        (),
    ),
    # Every file on the way up to the repository, and three variables.
    Case("opencode", {"home/work/opencode.json": _opencode(OTHER)}, {}, ("home/work/opencode.json", SHOWN)),
    Case("opencode", {"home/work/.opencode/opencode.jsonc": _opencode(OTHER)}, {}, (".opencode/opencode.jsonc",)),
    Case("opencode", {"home/opencode.json": _opencode(OTHER)}, {}, ()),
    Case("opencode", {"home/.opencode/opencode.json": _opencode(OTHER)}, {}, ("home/.opencode",)),
    Case(
        "opencode",
        {
            "home/.config/opencode/opencode.json": _opencode(URL, "anthropic"),
            "home/.config/opencode/opencode.jsonc": _opencode(OTHER, "anthropic"),
        },
        {},
        ("opencode.jsonc", "provider.anthropic"),
    ),
    Case("opencode", {}, {"OPENCODE_CONFIG_CONTENT": _opencode(OTHER)}, ("OPENCODE_CONFIG_CONTENT", SHOWN)),
    Case("opencode", {"other.json": _opencode(OTHER)}, {"OPENCODE_CONFIG": "../../other.json"}, ("other.json",)),
    Case("opencode", {"mine/opencode.json": _opencode(OTHER)}, {"OPENCODE_CONFIG_DIR": "{root}/mine"}, ("mine/",)),
    Case(
        "opencode",
        {"system/etc/opencode/opencode.json": _opencode(OTHER)},
        {},
        ("etc/opencode",),
        ("etc/opencode",),
    ),
    Case("opencode", {"home/work/opencode.json": '{"model": "a/b"}'}, {"OPENAI_BASE_URL": OTHER}, ()),
    # Aider's own variables, .env files, and the configuration of the folder and its repository.
    Case("aider", {}, {"AIDER_OPENAI_API_BASE": OTHER}, ("AIDER_OPENAI_API_BASE", SHOWN), ("AIDER_OPENAI_API_BASE",)),
    Case("aider", {}, {"OPENAI_BASE_URL": OTHER}, ("the environment", "OPENAI_BASE_URL"), ("OPENAI_BASE_URL",)),
    Case("aider", {}, {"OPENAI_API_BASE": OTHER, "ANTHROPIC_BASE_URL": OTHER}, ()),
    Case("aider", {"home/work/.env": f"OPENAI_BASE_URL={OTHER}"}, {"OPENAI_BASE_URL": URL}, (".env",), (".env",)),
    Case("aider", {"home/work/.env": f"OPENAI_API_BASE={OTHER}"}, {}, (), (".env", "OPENAI_API_BASE")),
    Case("aider", {"home/.aider.conf.yml": f"openai-api-base: {OTHER}"}, {}, (), (".aider.conf.yml",)),
    Case(
        "aider",
        {"home/work/.aider.conf.yml": f"openai-api-base: {OTHER}"},
        {},
        ("home/work/.aider.conf.yml", "openai-api-base", SHOWN),
        ("home/work/.aider.conf.yml", "openai-api-base", SHOWN),
    ),
    Case("aider", {"home/work/.aider.conf.yml": ANTHROPIC_LIST}, {}, ("ANTHROPIC_API_BASE", SHOWN), (SHOWN,)),
    Case("aider", {"home/work/.aider.conf.yml": "set-env: [A=1]"}, {}, ("add ANTHROPIC_API_BASE=" + URL,)),
    Case("aider", {}, {"AIDER_SET_ENV": "A=1"}, ("AIDER_SET_ENV", "add ANTHROPIC_API_BASE=" + URL)),
    # The first .env file on the way up is read, and no other.
    Case("gemini", {}, {"GOOGLE_GEMINI_BASE_URL": OTHER}, ("GOOGLE_GEMINI_BASE_URL", SHOWN, "unset it")),
    Case("gemini", {"home/work/.env": "FOO=1"}, {}, ("home/work/.env", f"add GOOGLE_GEMINI_BASE_URL={URL}")),
    Case("gemini", {"home/work/.gemini/.env": f"GOOGLE_GEMINI_BASE_URL={OTHER}"}, {}, (".gemini/.env", SHOWN)),
    Case("gemini", {"home/work/.env": "FOO=1"}, {"GOOGLE_GEMINI_BASE_URL": URL}, ()),
    Case("gemini", {"home/.env": "FOO=1", "home/.gemini/.env": f"GOOGLE_GEMINI_BASE_URL={URL}"}, {}, ()),
    Case("gemini", {"home/.gemini/settings.json": _chosen("oauth-personal")}, {}, ("oauth-personal",), ("oauth",)),
    Case("gemini", {"home/.gemini/settings.json": _chosen("gemini-api-key")}, {}, ()),
    Case("qwen", {"home/work/.env": f"OPENAI_BASE_URL={OTHER}"}, {}, ("home/work/.env", SHOWN)),
    Case("qwen", {"home/work/.env": "FOO=1"}, {}, ("home/work/.env", f"add OPENAI_BASE_URL={URL}/v1")),
    Case("qwen", {"home/work/.qwen/settings.json": _qwen(OTHER)}, {}, ("gpt-4o", SHOWN), ("gpt-4o", SHOWN)),
    Case("qwen", {"home/.qwen/settings.json": _qwen("http://localhost:18765/v1")}, {}, ()),
    Case("qwen", {"home/.qwen/settings.json": _chosen("qwen-oauth")}, {}, ("qwen-oauth",), ("qwen-oauth",)),
    Case("cline", {}, {"CLINE_PROVIDER_SETTINGS_PATH": "/elsewhere.json"}, ("/elsewhere.json",)),
    Case("continue", {"home/work/.continue/config.yaml": f"models: [{{apiBase: {SHOWN}}}]"}, {}, ()),
]


def _made(root: Path, written: dict[str, str]) -> None:
    (root / "home/work/.git").mkdir(parents=True)
    for name, text in written.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


def _at(root: Path, agent: str, environ: dict[str, str], *, once: bool) -> Surroundings:
    """One run is given variables of its own, which stand in the environment already when it is asked."""
    given = [variable.name for variable in BY_NAME[agent].variables if not variable.path] if once else []
    return Surroundings(
        environ={
            "HOME": str(root / "home"),
            **{name: value.replace("{root}", str(root)) for name, value in environ.items()},
            **dict.fromkeys(given, f"{URL}/v1"),
        },
        folder=root / "home/work",
        address=Address(url=URL, running=True, upstreams={}),
        once=once,
        root=root / "system",
    )


@pytest.mark.parametrize("case", CASES, ids=[f"{number}-{case.agent}" for number, case in enumerate(CASES)])
def test_what_outranks_it_is_told_and_nothing_else(case: Case, tmp_path: Path) -> None:
    _made(tmp_path, case.files)
    for once, expected in ((False, case.told), (True, case.once)):
        told = outranking(BY_NAME[case.agent], _at(tmp_path, case.agent, case.environ, once=once))
        assert len(told) == bool(expected), told
        for words in expected:
            assert words in told[0]
        assert "secret" not in "".join(told)


@pytest.mark.parametrize("agent", BY_NAME)
def test_files_of_any_other_shape_set_nothing(agent: str, tmp_path: Path) -> None:
    names = {name for case in CASES for name in case.files}
    for text in (
        "[1]",
        "{",
        "",
        "[[",
        '{"env": 1, "provider": [], "profiles": 3}',
        "profiles = 3\nset-env = 1",
        "\0",
    ):
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        _made(root, dict.fromkeys(names, text))
        at = _at(root, agent, {"OPENCODE_CONFIG_CONTENT": text.replace("\0", "")}, once=False)
        assert [told for told in outranking(BY_NAME[agent], at) if "add " not in told] == []


def test_a_link_to_itself_and_a_home_of_nobody_set_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "work" / ".claude"
    _made(tmp_path, {})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").symlink_to(folder / "settings.json")
    assert outranking(BY_NAME["claude"], _at(tmp_path, "claude", {}, once=True)) == []
    nobody = {"CLINE_PROVIDER_SETTINGS_PATH": "~nobody-is-called-so/settings.json"}
    assert outranking(BY_NAME["cline"], _at(tmp_path, "cline", nobody, once=False)) == []


@pytest.fixture
def reflexd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Reflexd:
    """The command line within this process, started in ``home/work``."""
    _made(tmp_path, {})
    monkeypatch.chdir(tmp_path / "home/work")
    named = {
        "HOME": str(tmp_path / "home"),
        "REFLEX_PORT": PORT,
        "REFLEX_INFERENCE_BACKEND": "off",
        "REFLEX_MOCK_PROVIDER": "1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    return reflexd_with(named, monkeypatch, capsys)


def _of_agents(done: Done) -> list[dict[str, str]]:
    found = json.loads(done.stdout)["findings"]
    return [finding for finding in found if finding["what"] == "agents"]


def test_setup_and_doctor_tell_of_a_profile_with_a_provider_of_its_own(tmp_path: Path, reflexd: Reflexd) -> None:
    config = tmp_path / CODEX
    config.parent.mkdir()
    config.write_text(f'profile = "work"\n{PROFILE}', "utf-8")
    assert _of_agents(reflexd("doctor", "--json")) == []  # it was not set up
    dry = reflexd("setup", "codex", "--dry-run")
    done = reflexd("setup", "codex")
    again = reflexd("setup", "codex")
    for told in (dry, done, again):
        assert told.returncode == 0
        (line,) = told.stderr.splitlines()
        assert line.startswith("reflexd: Codex may go past Reflex: ")
        for words in SAYS_ACTIVE:
            assert words in line
    (finding,) = _of_agents(reflexd("doctor", "--json"))
    assert finding["verdict"] == "note"
    assert 'the profile "work" is active' in finding["said"]
    config.write_text(config.read_text("utf-8").replace('"openai"', '"reflex"'), "utf-8")
    assert reflexd("setup", "codex").stderr == ""
    assert _of_agents(reflexd("doctor", "--json")) == [{"what": "agents", "verdict": "ok", "said": "Codex is set up"}]


def test_doctor_tells_what_does_not_stand_any_more_and_an_address_that_has_moved(
    tmp_path: Path, reflexd: Reflexd, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reflexd("setup", "aider", "--tenant", "work").returncode == 0
    (finding,) = _of_agents(reflexd("doctor", "--json"))
    assert finding["verdict"] == "ok"
    config = tmp_path / "home/.aider.conf.yml"
    config.write_text(config.read_text("utf-8").replace("openai-api-base", "# openai-api-base"), "utf-8")
    (finding,) = _of_agents(reflexd("doctor", "--json"))
    assert "openai-api-base is not what Reflex wrote there any more; `reflexd setup aider`" in finding["said"]
    monkeypatch.setenv("REFLEX_PORT", "18766")
    gone, moved = _of_agents(reflexd("doctor", "--json"))
    assert "openai-api-base" in gone["said"]
    assert f"set-env is {URL}/t/work, and Reflex is at http://127.0.0.1:18766" in moved["said"]
    assert reflexd("setup", "aider", "--undo").returncode == 0
    assert _of_agents(reflexd("doctor", "--json")) == []


def test_a_folder_that_was_removed_stops_nothing(
    tmp_path: Path, reflexd: Reflexd, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = reflexd("setup", "claude")
    assert (done.returncode, done.stderr) == (0, "")
    assert URL in (tmp_path / "home/.claude/settings.json").read_text("utf-8")


def test_a_file_moved_by_a_variable_is_the_one_that_is_set_up(
    tmp_path: Path, reflexd: Reflexd, monkeypatch: pytest.MonkeyPatch
) -> None:
    for agent, name, file in (
        ("gemini", "GEMINI_CLI_HOME", "moved/.gemini/.env"),
        ("qwen", "QWEN_HOME", "moved/.env"),
        ("cline", "CLINE_DIR", "moved/data/settings/providers.json"),
    ):
        monkeypatch.setenv(name, str(tmp_path / "moved"))
        if agent == "cline":
            (tmp_path / file).parent.mkdir(parents=True)
            (tmp_path / file).write_text('{"providers": {"a": {"settings": {"provider": "anthropic"}}}}', "utf-8")
        assert reflexd("setup", agent).returncode == 0
        assert URL in (tmp_path / file).read_text("utf-8")
