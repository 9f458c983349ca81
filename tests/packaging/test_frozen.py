"""The frozen build where there is no Python: it does its job, in a terminal, on a desktop, on a bare system."""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reflexd_core import __version__
from reflexd_tray.model import Look
from support.desktop import missing, until
from support.packages import PROGRAMS, alone, bare_system, does_its_job, seconds_of
from support.pty_terminal import terminal
from support.tray_scene import ICON, tray_scene

pytestmark = [pytest.mark.packages, pytest.mark.slow]
_FROM_THE_SYSTEM = ("libwayland-",)
"""What a desktop that has it brings along; GTK names it and X does without."""


@contextmanager
def _serving(frozen: Path, folder: Path) -> Iterator[str]:
    """The base URL of the frozen daemon before its own mock provider."""
    environ = {"HOME": str(folder), "REFLEX_MOCK_PROVIDER": "1", "REFLEX_STORAGE_PATH": str(folder / "store")}
    line = [str(frozen / "reflexd"), "serve", "--port", "0", "--json"]
    with subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as daemon:
        try:
            assert daemon.stdout is not None
            yield str(json.loads(daemon.stdout.readline())["base_url"])
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(20) == 0
        finally:
            daemon.kill()


def _asked(url: str) -> str:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a closure?"}]}
    headers = {"Authorization": "Bearer a-key-that-opens-nothing", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=20) as told:
        return str(told.headers["X-Reflex-Status"])


def test_an_empty_environment_is_enough(frozen: Path, tmp_path: Path, report: Callable[[str], None]) -> None:
    does_its_job(frozen, home=tmp_path)
    size = int(subprocess.check_output(["du", "-sk", str(frozen)]).split()[0]) * 1024
    seconds = seconds_of(frozen / "reflexd", "--version", home=tmp_path)
    report(f"{frozen}: {size / 1e6:.0f} MB, reflexd --version in {seconds:.2f} s")
    assert size < 300e6


def test_the_daemon_answers_a_client_and_stops_in_good_order(frozen: Path, tmp_path: Path) -> None:
    with _serving(frozen, tmp_path) as url:
        assert [_asked(url), _asked(url)] == ["miss", "hit-l1-exact"]


def test_the_tui_shows_its_first_screen(frozen: Path, tmp_path: Path, report: Callable[[str], None]) -> None:
    environ = {"HOME": str(tmp_path), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    with _serving(frozen, tmp_path) as url:
        line = [str(frozen / "reflex-tui"), "--storage-path", str(tmp_path / "store")]
        with terminal(line, environ) as shown:
            seconds = shown.shows("No requests yet")
            _asked(url)
            shown.shows("gpt-4o-mini")
            shown.press("q")
            assert shown.ended() == 0
    report(f"reflex-tui: first screen after {seconds:.1f} s")


@pytest.mark.desktop
def test_the_tray_shows_its_icon_and_a_click_counts(frozen: Path, tmp_path: Path) -> None:
    lacking = missing()
    if lacking is not None:
        pytest.skip(lacking)
    with tray_scene(tmp_path, [str(frozen / "reflex-tray")]) as scene:
        assert Path(f"/proc/{scene.tray.pid}/exe").resolve() == (frozen / "reflex-tray").resolve()
        scene.desktop.click(*ICON)
        until(lambda: not scene.state().caching)
        until(lambda: scene.shows(Look.PAUSED))
        scene.desktop.click(*ICON, button=3)
        scene.desktop.press("Down", "Down", "Down", "Right", "Down", "Return")
        until(lambda: scene.state().mode == "exact")
        said = (tmp_path / "tray.log").read_text()
        assert "Traceback" not in said
        assert "Gtk-CRITICAL" not in said


def test_a_system_without_python_is_enough(frozen: Path, tmp_path: Path) -> None:
    with bare_system(tmp_path) as (root, inside):
        assert not list((root / "usr/bin").glob("python*"))
        shutil.copytree(frozen, root / "opt/reflex", symlinks=True)
        does_its_job(Path("/opt/reflex"), home=Path("/root"), before=inside)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's loader")
def test_every_library_loads(frozen: Path) -> None:
    """Also those that nothing above has asked for, such as usearch; stripping could have broken one."""
    loader = next(Path("/").glob("lib*/ld-linux*.so*"))
    for library in frozen.rglob("*.so*"):
        line = [str(loader), "--library-path", f"{frozen}/_internal", "--list", str(library)]
        told = subprocess.run(line, capture_output=True, text=True, check=False)
        assert told.returncode == 0 or "not a dynamic" in told.stderr, (library, told.stderr)
        lacking = {row.split()[0] for row in told.stdout.splitlines() if "not found" in row}
        assert all(name.startswith(_FROM_THE_SYSTEM) for name in lacking), (library, lacking)


def test_the_programs_are_one_file_and_its_licences_lie_beside_it(frozen: Path) -> None:
    assert len({(frozen / name).stat().st_ino for name in PROGRAMS}) == 1 or os.name == "nt"
    folders = {path.name.partition("-")[0] for path in (frozen / "licences").iterdir()}
    assert {"python", "numpy", "onnxruntime", "reflexd", "textual", "pillow", "libgtk"} <= folders
    assert alone(frozen / "reflexd", "--version", home=Path("/")) == f"reflexd {__version__}\n"
