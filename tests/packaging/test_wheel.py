"""The wheel and the sdist: both are built, hold what they must, and run where nothing of the checkout is near."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from reflexd_core import __version__
from support.packages import PROGRAMS, REPOSITORY, does_its_job, made, python_of, wanted

pytestmark = [
    pytest.mark.packages,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed"),
]
OURS = ("reflexd_core", "reflexd_io", "reflexd_tui", "reflexd_tray")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    made("uv", "build", "-q", "--out-dir", str(folder))
    return folder


def test_it_runs_in_a_clean_environment(built: Path, tmp_path: Path, report: Callable[[str], None]) -> None:
    (wheel,) = built.glob("*.whl")
    report(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    assert wheel.stat().st_size < 50e6
    made("uv", "venv", "-q", "--python", sys.executable, str(tmp_path / "venv"))
    made("uv", "pip", "install", "-q", "--python", str(python_of(tmp_path / "venv")), str(wheel))
    does_its_job(python_of(tmp_path / "venv").parent, home=tmp_path)


def test_the_wheel_holds_what_git_knows_its_licence_and_its_version(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    assert __version__ in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        about = f"reflexd-{__version__}.dist-info"
        metadata = archive.read(f"{about}/METADATA").decode()
        assert archive.read(f"{about}/licenses/LICENSE") == (REPOSITORY / "LICENSE").read_bytes()
        scripts = archive.read(f"{about}/entry_points.txt").decode()
    assert f"Version: {__version__}\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata
    assert all(f"{program} = " in scripts for program in PROGRAMS)
    tracked = subprocess.run(
        ["git", "ls-files", "-z", *(f"*/{ours}/*" for ours in OURS)], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout.decode()
    wanted_names = {name.partition("/")[2] for name in tracked.split("\0") if name}
    assert wanted_names
    assert {name for name in wanted_names if (REPOSITORY / _place(name)).exists()} <= names
    assert {name.partition("/")[0] for name in names} == {*OURS, about}


def _place(name: str) -> str:
    rooms = dict(zip(OURS, ("core", "io_anyio", "tui", "tray"), strict=True))
    return f"{rooms[name.partition('/')[0]]}/{name}"


def test_the_sdist_is_enough_to_build_the_same_wheel(built: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    (wheel,) = built.glob("*.whl")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    source = tmp_path / f"reflexd-{__version__}"
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "packaging", "tests"} <= {
        path.name for path in source.iterdir()
    }
    made("uv", "build", "-q", "--wheel", "--out-dir", str(tmp_path / "again"), str(source))
    (again,) = (tmp_path / "again").glob("*.whl")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert {(each.filename, each.CRC) for each in one.infolist()} == {
            (each.filename, each.CRC) for each in other.infolist()
        }


@pytest.mark.parametrize("tool", ["uv", "pipx"])
def test_a_tools_installer_puts_the_programs_on_the_path(tool: str, tmp_path: Path) -> None:
    if not wanted():
        pytest.skip("REFLEX_PACKAGES=1 tries it")
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    places = {
        "UV_TOOL_DIR": tmp_path / "tools",
        "UV_TOOL_BIN_DIR": tmp_path / "bin",
        "PIPX_HOME": tmp_path / "pipx",
        "PIPX_BIN_DIR": tmp_path / "bin",
        "PIPX_MAN_DIR": tmp_path / "man",
    }
    line = {
        "uv": ["uv", "tool", "install", "-q", "--python", sys.executable, "."],
        "pipx": ["pipx", "install", "--python", sys.executable, "."],
    }[tool]
    made("env", *(f"{name}={place}" for name, place in places.items()), *line)
    does_its_job(tmp_path / "bin", home=tmp_path)
    gone = {"uv": ["uv", "tool", "uninstall", "-q", "reflexd"], "pipx": ["pipx", "uninstall", "reflexd"]}[tool]
    made("env", *(f"{name}={place}" for name, place in places.items()), *gone)
    assert list((tmp_path / "bin").iterdir()) == []
