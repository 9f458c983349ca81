"""Runs of an agent through a daemon, and one more once it is set up for good, in a namespace of their own.

``python -m support.agents.scene <folder>`` reads ``scene.json`` there and prints what happened as one JSON object.
All of it is real: the agent's own program, ``reflexd serve``, ``reflexd run`` and ``reflexd setup`` as processes.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from support.agents import loopback, provider
from support.upstream import ScriptedUpstream

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
TIMEOUT = 170
PORT = 18080
"""The daemon's; nobody else is in the namespace."""


@dataclass
class Scene:
    agent: str
    """Its name in Reflex's table."""
    program: list[str]
    arguments: list[str]
    home: str
    projects: list[str]
    """The folders in which it is run through ``reflexd run``, one after the other."""
    storage: str
    variables: dict[str, str] = field(default_factory=dict)
    """Those of the user: keys and the like."""
    tenant: str = "default"
    config: str = ""
    """Reflex's ``config.toml``; empty for none."""
    bare: bool = False
    """Whether it is run without ``reflexd run``, since its arguments say where Reflex is."""
    written: dict[str, str] = field(default_factory=dict)
    """Files of the project's, written anew before every run."""
    sets_up: bool = True
    """Whether it is set up for good afterwards, run in the last of the folders, and taken back."""


@dataclass
class Run:
    code: int
    stdout: str
    stderr: str
    seconds: float
    asked: list[str]
    """Paths that reached the provider."""
    exchanges: int
    """What the daemon was asked for in its dialects."""
    hits: int
    told: list[str]
    """The daemon's line for each exchange."""
    left: dict[str, str]
    """What the files hold afterwards that were written before."""


def main(folder: Path) -> None:
    loopback.set_up()
    if found := loopback.others():
        raise SystemExit(f"there is more than loopback here: {found}")
    scene = Scene(**json.loads((folder / "scene.json").read_text("utf-8")))
    with ScriptedUpstream().running() as upstream:
        upstream.script = provider.answer
        print(json.dumps(_played(scene, upstream)))


def _played(scene: Scene, upstream: ScriptedUpstream) -> dict[str, Any]:
    reflexd = [sys.executable, "-m", "reflexd_io.cli"]
    environ = _environ(scene, upstream.url)
    log = Path(scene.storage).with_suffix(".log")
    with (
        log.open("wb") as said,
        subprocess.Popen(
            [*reflexd, "serve", "--port", str(PORT), "--json", "--log-level", "info"],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=said,
        ) as daemon,
    ):
        try:
            assert daemon.stdout is not None
            url = json.loads(daemon.stdout.readline())["base_url"].removesuffix("/v1")
            stage = _Stage(scene, upstream, environ, url, log)
            through = [*reflexd, "run", "--agent", scene.agent, "--tenant", scene.tenant, "--", *scene.program]
            runs = [stage.run(scene.program if scene.bare else through, project) for project in scene.projects]
            last = scene.projects[-1]
            setups = []
            if scene.sets_up:
                setups.append(stage.said([*reflexd, "setup", scene.agent, "--tenant", scene.tenant], last))
                runs.append(stage.run(scene.program, last))
                setups.append(stage.said([*reflexd, "setup", scene.agent, "--undo"], last))
        finally:
            daemon.terminate()
            daemon.wait(30)
    return {"runs": [asdict(run) for run in runs], "setups": setups}


def _environ(scene: Scene, url: str) -> dict[str, str]:
    root = url.removesuffix("/v1")
    config = {"REFLEX_CONFIG": scene.config} if scene.config else {}
    return {
        **config,
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "HOME": scene.home,
        "PYTHONPATH": os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH")])),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "REFLEX_STORAGE_PATH": scene.storage,
        "REFLEX_INFERENCE_BACKEND": "off",
        "REFLEX_UPSTREAM_OPENAI_URL": url,
        "REFLEX_UPSTREAM_ANTHROPIC_URL": url,
        "REFLEX_UPSTREAM_GEMINI_URL": f"{root}/v1beta/openai",
        **scene.variables,
    }


@dataclass
class _Stage:
    scene: Scene
    upstream: ScriptedUpstream
    environ: dict[str, str]
    url: str
    log: Path

    def run(self, command: list[str], project: str) -> Run:
        before, lines = self._counted(), self._lines()
        calls = len(self.upstream.seen)
        files = {name: Path(project, name) for name in self.scene.written}
        for name, path in files.items():
            path.write_text(self.scene.written[name], "utf-8")
        began = time.monotonic()
        done = self.said([*command, *self.scene.arguments], project)
        took = time.monotonic() - began
        self._settle()
        after = self._counted()
        return Run(
            **done,
            seconds=round(took, 2),
            asked=[f"{seen.method} {seen.target}" for seen in self.upstream.seen[calls:]],
            exchanges=after[0] - before[0],
            hits=after[1] - before[1],
            told=self._lines()[len(lines) :],
            left={name: path.read_text("utf-8") for name, path in files.items()},
        )

    def said(self, command: list[str], project: str) -> dict[str, Any]:
        done = subprocess.run(
            command,
            env=self.environ,
            cwd=project,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
        return {"code": done.returncode, "stdout": done.stdout, "stderr": done.stderr}

    def _settle(self) -> None:
        """Some agents leave a request under way when they end."""
        for _ in range(20):
            seen = len(self.upstream.seen), self._counted()
            time.sleep(0.15)
            if seen == (len(self.upstream.seen), self._counted()):
                return

    def _counted(self) -> tuple[int, int]:
        with _DIRECT.open(f"{self.url}/health", timeout=5) as page:
            done = json.load(page)["since_start"]
        return done["exchanges"], done["hits"]

    def _lines(self) -> list[str]:
        return [line for line in self.log.read_text("utf-8", "replace").splitlines() if " INFO " in line]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
