"""The tray on a real desktop: a real tray host, the real daemon, real clicks, and a client that notices."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reflexd_io.control_client import BlockingClient, calls, find
from reflexd_tray import lacking
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


def test_one_that_was_killed_bars_nobody(scene: Scene, tmp_path: Path) -> None:
    scene.tray.kill()
    scene.tray.wait(10)
    where = ["--no-start", "--storage-path", str(scene.storage)]
    second = scene.desktop.spawn([sys.executable, "-m", "reflexd_tray", *where], tmp_path / "second.log")
    try:
        until(lambda: scene.shows(Look.ON), 60.0)
    finally:
        second.kill()
        second.wait(10)


def test_without_a_session_bus_it_ends_and_says_so(scene: Scene, tmp_path: Path) -> None:
    """pystray's own thread is not to keep the process for ever."""
    scene.desktop.environ["DBUS_SESSION_BUS_ADDRESS"] = f"unix:path={tmp_path}/nobody"
    scene.desktop.environ["XDG_RUNTIME_DIR"] = ""
    alone = scene.desktop.spawn([sys.executable, "-m", "reflexd_tray", "--no-start"], tmp_path / "alone.log")
    assert alone.wait(90) == 1
    said = (tmp_path / "alone.log").read_text()
    assert "there is no session bus" in said
    assert "use reflex-tui in a terminal" in said
    assert "Warning" not in said.replace("dbind-WARNING", "")


def test_a_panel_is_found(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.setenv(name, scene.desktop.environ[name])
    assert lacking._older_host() is True
    scene.desktop.run("xdotool", "search", "--class", "tint2", "windowkill")
    until(lambda: lacking._older_host() is False, 60.0)


def _pid(scene: Scene) -> int:
    return int(json.loads((scene.storage / "runtime.json").read_text())["pid"])


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"DISPLAY": ""}, "there is no desktop here"),
        ({"DISPLAY": ":7777", "PYSTRAY_BACKEND": "xorg"}, "no icon can be had"),
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
