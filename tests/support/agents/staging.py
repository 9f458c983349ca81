"""An agent put on the stage: a home, projects, a namespace of its own; and what its runs gave."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from support.agents import loopback
from support.agents.programs import PROGRAMS, installed
from support.agents.scene import Scene

_TESTS = Path(__file__).resolve().parents[2]


def play(name: str, folder: Path, *projects: str, **more: Any) -> dict[str, Any]:
    """Runs the agent in each project in turn; ``more`` are fields of its `Scene`.

    Skips the calling test where its program cannot run here.
    """
    alone = loopback.command()
    if alone is None:
        pytest.skip("this system makes no network namespace for us (unshare -n)")
    program = PROGRAMS[name]
    home = folder / "home"
    home.mkdir()
    for project in set(projects):
        (folder / project).mkdir()
        (folder / project / "README.md").write_text("A folder for a probe.\n", "utf-8")
    for relative, text in program.files.items():
        (home / relative).parent.mkdir(parents=True, exist_ok=True)
        (home / relative).write_text(text, "utf-8")
    usual: dict[str, Any] = {
        "agent": name,
        "program": installed(name),
        "arguments": list(program.arguments),
        "home": str(home),
        "projects": [str(folder / project) for project in projects],
        "storage": str(folder / "storage"),
        "variables": program.variables,
    }
    scene = Scene(**{**usual, **more})
    (folder / "scene.json").write_text(json.dumps(asdict(scene)), "utf-8")
    done = subprocess.run(
        [*alone, sys.executable, "-m", "support.agents.scene", str(folder)],
        cwd=_TESTS,
        env={**os.environ, "PYTHONPATH": str(_TESTS)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    played = json.loads(done.stdout)
    assert isinstance(played, dict)
    return played
