"""Daemon, TUI and tray as one folder that needs no Python.

    python packaging/frozen/build.py [--into dist/frozen]

It installs the wheel and PyInstaller into an environment of their own, so that nothing of a developer's gets in, and
freezes what is there. Takes some minutes. For the system it runs on only: there is no cross-building.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINDINGS = Path("/usr/lib/python3/dist-packages")
PYINSTALLER = "pyinstaller>=6.16"


def build(into: Path) -> Path:
    """The folder ``into/reflex``."""
    into = into.resolve()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        python = place / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        _run("uv", "build", "-q", "--wheel", "--out-dir", str(place / "dist"), str(ROOT))
        _run("uv", "venv", "-q", "--python", sys.executable, str(place / "venv"))
        (wheel,) = (place / "dist").glob("*.whl")
        _run("uv", "pip", "install", "-q", "--python", str(python), str(wheel), PYINSTALLER)
        _lend_bindings(python)
        where = ("--distpath", str(into), "--workpath", str(place / "work"))
        _run(
            str(python), "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", *where, str(HERE / "reflex.spec")
        )
    return into / "reflex"


def _lend_bindings(python: Path) -> None:
    """GObject's bindings for the tray are Debian's (``python3-gi``): PyPI has none that are built."""
    if sys.platform != "linux":
        return
    if not list((BINDINGS / "gi").glob(f"_gi.cpython-{sys.version_info.major}{sys.version_info.minor}-*")):
        sys.exit(
            f"no GObject bindings for this Python in {BINDINGS}: install python3-gi gir1.2-gtk-3.0 and "
            "gir1.2-ayatanaappindicator3-0.1, and build with that Python's version"
        )
    (packages,) = python.parents[1].glob("lib/python*/site-packages")
    for part in (BINDINGS / "gi", *BINDINGS.glob("PyGObject-*")):  # PyInstaller asks for the version
        (packages / part.name).symlink_to(part)


def size_of(folder: Path) -> int:
    """Bytes."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=ROOT / "dist" / "frozen", metavar="DIR")
    folder = build(parser.parse_args().into)
    print(f"{folder}: {size_of(folder) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
