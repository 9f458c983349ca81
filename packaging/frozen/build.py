"""Daemon, TUI and tray as one folder that needs no Python.

    python packaging/frozen/build.py [--into dist/frozen]

It installs the wheel and PyInstaller into an environment of their own, so that nothing of a developer's gets in, and
freezes what is there. Takes some minutes. For the system it runs on only: there is no cross-building.
"""

import argparse
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import licences

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BINDINGS = Path("/usr/lib/python3/dist-packages")
PYINSTALLER = "pyinstaller>=6.16"
PROGRAMS = ("reflexd", "reflex-tui", "reflex-tray")


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
        (packages,) = python.parents[1].rglob("site-packages")
        licences.collect(packages, into / "reflex", into / "reflex" / "licences")
    if sys.platform == "linux":
        _strip(into / "reflex")
        link(into / "reflex")
    return into / "reflex"


def link(folder: Path) -> None:
    """Makes the other programs the first one's file; each still finds out by its own name which one it is."""
    for name in PROGRAMS[1:]:
        (folder / name).unlink(missing_ok=True)
        (folder / name).hardlink_to(folder / PROGRAMS[0])


def _strip(folder: Path) -> None:
    """Takes the symbols out of the libraries, which only a debugger reads: 88 of 383 MB.

    What `auditwheel` has moved about within its file, as in numpy's OpenBLAS, does not load any more afterwards, and
    is left as it is. So are the programs: PyInstaller's archive hangs on their end.
    """
    for library in folder.rglob("*.so*"):
        if library.is_symlink():
            continue
        bare = library.with_name(f"{library.name}.bare")
        _run("strip", "--strip-unneeded", "-o", str(bare), str(library))
        if _loads(bare):
            bare.replace(library)
        else:
            bare.unlink()


def _loads(library: Path) -> bool:
    """Whether each segment lies in the file as it must lie in memory, page by page."""
    told = subprocess.run(["readelf", "-lW", str(library)], capture_output=True, text=True, check=True).stdout
    loaded = [line.split() for line in told.splitlines() if line.lstrip().startswith("LOAD ")]
    return all((int(fields[1], 16) - int(fields[2], 16)) % int(fields[-1], 16) == 0 for fields in loaded)


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
    """Bytes; a file of two names counts once."""
    found = {told.st_ino: told.st_size for path in folder.rglob("*") if stat.S_ISREG((told := path.lstat()).st_mode)}
    return sum(found.values())


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=ROOT / "dist" / "frozen", metavar="DIR")
    folder = build(parser.parse_args().into)
    print(f"{folder}: {size_of(folder) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
