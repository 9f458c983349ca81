"""The tray on a real desktop: a real tray host, the real daemon, real clicks, and a client that notices."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reflexd_io.control_client import BlockingClient, calls, find
from reflexd_tray.model import Look
from support.desktop import missing, until
from support.process import environment
from support.tray_scene import ICON, Scene, tray_scene

pytestmark = [pytest.mark.slow, pytest.mark.desktop]


@pytest.fixture(name="scene")
def made_scene(tmp_path: Path) -> Iterator[Scene]:
    lacking = missing()
    if lacking is not None:
        pytest.skip(lacking)
    with tray_scene(tmp_path, [sys.executable, "-m", "reflexd_tray"]) as scene:
        yield scene


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
