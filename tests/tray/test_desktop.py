"""The tray on a real desktop: a real tray host, the real daemon, real clicks, and a client that notices."""

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest
from PIL import Image

from reflexd_io.control_client import BlockingClient, calls, find
from reflexd_io.control_client.shapes.tenants import State
from reflexd_tray.icon import draw
from reflexd_tray.model import Look
from support.chat import answer
from support.desktop import Desktop, desktop, missing, until
from support.process import environment, serving
from support.upstream import ScriptedUpstream
from support.wire import KEY

pytestmark = [pytest.mark.slow, pytest.mark.desktop]
ICON = (20, 676)
"""Where the panel of 48 pixels at the bottom puts its first icon."""


@dataclass(slots=True)
class Scene:
    desktop: Desktop
    url: str
    storage: Path
    tray: "Popen[bytes]"

    def state(self) -> State:
        return BlockingClient(find(storage=self.storage)).do(calls.state())

    def ask(self) -> str:
        """How a client's request is answered."""
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is a closure?"}]}
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/chat/completions", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as told:
            return f"{told.headers['X-Reflex-Status']} {told.headers.get('X-Reflex-Reason', '')}".strip()

    def shows(self, look: Look) -> bool:
        """Whether the panel's icon looks so, as far as its size allows to tell."""
        with Image.open(self.desktop.picture("icon")) as picture:
            seen = picture.convert("RGB").crop((4, 660, 36, 692))
        wanted = Image.new("RGB", (32, 32), (48, 48, 54))
        wanted.paste(draw(look, 32), mask=draw(look, 32))
        pairs = zip(seen.tobytes(), wanted.tobytes(), strict=True)
        return sum(abs(one - other) for one, other in pairs) / (32 * 32 * 3) < 12


@pytest.fixture(name="scene")
def made_scene(tmp_path: Path) -> Iterator[Scene]:
    lacking = missing()
    if lacking is not None:
        pytest.skip(lacking)
    tmp_path.chmod(0o700)
    environ = environment("http://127.0.0.1:9/v1") | {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    environ.pop("XDG_CONFIG_HOME", None)
    storage = tmp_path / "store"
    with ScriptedUpstream().running() as upstream:
        upstream.script = answer
        with serving(storage, upstream.url) as daemon, desktop(tmp_path, environ) as shown:
            command = [sys.executable, "-m", "reflexd_tray", "--no-start", "--storage-path", str(storage)]
            tray = shown.spawn(command, tmp_path / "tray.log")
            scene = Scene(shown, daemon.url, storage, tray)
            try:
                until(lambda: scene.shows(Look.ON))
                yield scene
            finally:
                tray.kill()
                tray.wait(10)


def test_a_click_changes_what_a_client_gets(scene: Scene) -> None:
    assert (scene.ask().split()[0], scene.ask()) == ("miss", "hit-l1-exact")
    scene.desktop.click(*ICON)
    until(lambda: not scene.state().caching)
    assert scene.ask() == "bypass paused"
    until(lambda: scene.shows(Look.PAUSED))
    scene.desktop.click(*ICON)
    until(lambda: scene.state().caching)
    assert scene.ask() == "hit-l1-exact"


def test_the_menu_chooses_a_mode_and_quitting_leaves_the_daemon(scene: Scene) -> None:
    scene.desktop.click(*ICON, button=3)
    scene.desktop.press("Down", "Down", "Down", "Right", "Down", "Return")
    until(lambda: scene.state().mode == "exact")
    scene.desktop.click(*ICON, button=3)
    scene.desktop.press("Up", "Up", "Return")
    assert scene.tray.wait(10) == 0
    assert scene.ask().startswith("miss")


def test_another_who_changes_it_is_seen_and_its_end_too(scene: Scene) -> None:
    BlockingClient(find(storage=scene.storage)).do(calls.pause(seconds=600))
    until(lambda: scene.shows(Look.PAUSED))
    os.kill(_pid(scene), 9)
    until(lambda: scene.shows(Look.OFFLINE))


def test_there_is_one_of_it(scene: Scene, tmp_path: Path) -> None:
    second = scene.desktop.spawn([sys.executable, "-m", "reflexd_tray", "--no-start"], tmp_path / "second.log")
    assert second.wait(20) == 1
    assert "runs already" in (tmp_path / "second.log").read_text()


def _pid(scene: Scene) -> int:
    return int(json.loads((scene.storage / "runtime.json").read_text())["pid"])


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"DISPLAY": ""}, "there is no desktop here"),
        ({"DISPLAY": ":77", "PYSTRAY_BACKEND": "xorg"}, "no tray can be had here"),
    ],
)
def test_where_there_is_no_tray_it_says_what_to_use(environ: dict[str, str], said: str, tmp_path: Path) -> None:
    from subprocess import run

    given = {
        **environment("http://127.0.0.1:9/v1"),
        "WAYLAND_DISPLAY": "",
        **environ,
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    tmp_path.chmod(0o700)
    done = run([sys.executable, "-m", "reflexd_tray"], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert "use reflex-tui in a terminal" in done.stderr
