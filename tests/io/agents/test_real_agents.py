"""The real agents, run twice through a real daemon: the second run is answered from the cache, word for word.

Each runs in a network namespace with nothing but loopback, against a scripted provider that never says the same twice
and has the agent's shell tool called. A third run goes without ``reflexd run``, by the agent's own configuration as
``reflexd setup`` has left it. Where an agent's program is absent its test is skipped (`support.agents.programs`).
"""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from support.agents.programs import PROGRAMS
from support.agents.provider import BEFORE, EDITED, after, edit_prompt
from support.agents.scene import PORT
from support.agents.staging import play

pytestmark = [pytest.mark.agents, pytest.mark.slow]

SAID = re.compile(r"Answer [0-9a-f]{24}\.")


@pytest.fixture
def folder() -> Iterator[Path]:
    """In the user's cache: some agents take nothing from a folder that others may write to, as ``/tmp`` is."""
    cache = platformdirs.user_cache_path("reflexd-tests", appauthor=False)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_repeated_run_is_answered_from_the_cache_and_says_the_same(name: str, folder: Path) -> None:
    played = play(name, folder, "project", "project")
    first, again, set_up = played["runs"]
    said = SAID.findall(first["stdout"])
    assert (first["code"], bool(said)) == (0, True), first
    assert first["hits"] == 0
    assert first["exchanges"] >= (2 if PROGRAMS[name].has_tools else 1)  # the tool's result was asked about too
    for run in (again, set_up):
        assert run["code"] == 0, run
        assert SAID.findall(run["stdout"]) == said
        assert run["asked"] == []
        assert run["hits"] == run["exchanges"] == first["exchanges"], run["told"]
    assert [done["code"] for done in played["setups"]] == [0, 0], played["setups"]


@pytest.mark.parametrize("kind", ["diff", "whole", "udiff"])
def test_aiders_edits_of_a_file_are_the_same_when_they_come_from_the_cache(kind: str, folder: Path) -> None:
    """Said in words, in Aider's own formats, which it reads and does: not a letter of the answer may be lost."""
    asked = ["--no-git", "--yes-always", "--model", "openai/gpt-4o", "--edit-format", kind]
    arguments = [*asked, "--message", edit_prompt(kind), EDITED]
    runs = play("aider", folder, "project", "project", arguments=arguments, written={EDITED: BEFORE})["runs"]
    first, again, set_up = runs
    edited = first["left"][EDITED]
    drawn = re.search(r"Answer ([0-9a-f]{24}) to", edited)
    assert drawn is not None, first
    assert edited == after(drawn[1])
    assert (first["hits"], first["asked"]) == (0, ["POST /v1/chat/completions"])
    for run in (again, set_up):
        assert (run["code"], run["asked"]) == (0, []), run["told"]
        assert run["hits"] == run["exchanges"] == 1
        assert run["left"] == first["left"]
        assert SAID.findall(run["stdout"]) == SAID.findall(first["stdout"])


def test_codexs_own_models_hit_after_a_command_too(folder: Path) -> None:
    """They are given one tool, which runs a script that runs the command."""
    plain = [word for word in PROGRAMS["codex"].arguments if word not in ("-m", "test-model")]
    first, again = play("codex", folder, "project", "project", arguments=plain, sets_up=False)["runs"]
    assert SAID.findall(first["stdout"]), first
    assert first["asked"] == ["POST /v1/responses"] * 2
    assert again["asked"] == [], again["told"]
    assert SAID.findall(again["stdout"]) == SAID.findall(first["stdout"])


def test_codexs_own_provider_tries_a_websocket_once_and_goes_on_over_http(folder: Path) -> None:
    where = f'openai_base_url="http://127.0.0.1:{PORT}/v1"'
    own: dict[str, Any] = {
        "arguments": ["-c", where, *PROGRAMS["codex"].arguments],
        "variables": {"CODEX_API_KEY": PROGRAMS["codex"].variables["OPENAI_API_KEY"]},
        "bare": True,
        "sets_up": False,
    }
    first, again = play("codex", folder, "project", "project", **own)["runs"]
    assert SAID.findall(first["stdout"]), first
    assert first["asked"] == ["POST /v1/responses"] * 2
    assert again["asked"] == []
    assert SAID.findall(again["stdout"]) == SAID.findall(first["stdout"])
    assert "provider: openai" in first["stderr"]
    assert "Reconnecting" not in first["stderr"]


@pytest.mark.parametrize("name", ["claude", "codex", "opencode", "gemini", "continue"])
def test_where_it_is_portable_another_folder_hits_too(name: str, folder: Path) -> None:
    config = folder / "config.toml"
    config.write_text("[tenants.portable]\nportable = true\n", "utf-8")
    portable: dict[str, Any] = {"tenant": "portable", "config": str(config), "sets_up": False}
    first, elsewhere = play(name, folder, "here", "elsewhere", **portable)["runs"]
    assert (first["code"], elsewhere["code"]) == (0, 0), elsewhere
    assert elsewhere["asked"] == []
    assert elsewhere["hits"] == elsewhere["exchanges"] == first["exchanges"], elsewhere["told"]
    assert SAID.findall(elsewhere["stdout"]) == SAID.findall(first["stdout"])
