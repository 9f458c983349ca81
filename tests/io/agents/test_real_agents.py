"""The real agents, run twice through a real daemon: the second run is answered from the cache, word for word.

Each runs in a network namespace with nothing but loopback, against a scripted provider that never says the same twice
and has the agent's shell tool called. A third run goes without ``reflexd run``, by the agent's own configuration as
``reflexd setup`` has left it. Where an agent's program is absent its test is skipped (`support.agents.programs`).
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from support.agents import loopback
from support.agents.programs import PROGRAMS, installed
from support.agents.scene import Scene

pytestmark = [pytest.mark.agents, pytest.mark.slow]

TESTS = Path(__file__).resolve().parents[2]
SAID = re.compile(r"Answer [0-9a-f]{24}\.")


@pytest.fixture
def folder() -> Iterator[Path]:
    """In the user's cache: some agents take nothing from a folder that others may write to, as ``/tmp`` is."""
    cache = platformdirs.user_cache_path("reflexd-tests", appauthor=False)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, ignore_cleanup_errors=True) as made:
        yield Path(made)


def _played(name: str, folder: Path) -> dict[str, Any]:
    alone = loopback.command()
    if alone is None:
        pytest.skip("this system makes no network namespace for us (unshare -n)")
    program = PROGRAMS[name]
    home, project = folder / "home", folder / "project"
    project.mkdir()
    (project / "README.md").write_text("A folder for a probe.\n", "utf-8")
    home.mkdir()
    for relative, text in program.files.items():
        (home / relative).parent.mkdir(parents=True, exist_ok=True)
        (home / relative).write_text(text, "utf-8")
    scene = Scene(
        agent=name,
        program=installed(name),
        arguments=list(program.arguments),
        home=str(home),
        project=str(project),
        storage=str(folder / "storage"),
        variables=program.variables,
    )
    (folder / "scene.json").write_text(json.dumps(asdict(scene)), "utf-8")
    done = subprocess.run(
        [*alone, sys.executable, "-m", "support.agents.scene", str(folder)],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    played = json.loads(done.stdout)
    assert isinstance(played, dict)
    return played


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_repeated_run_is_answered_from_the_cache_and_says_the_same(name: str, folder: Path) -> None:
    played = _played(name, folder)
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
    assert played["setup"]["code"] == played["undone"]["code"] == 0, played["setup"]
