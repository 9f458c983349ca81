"""The licences of what a frozen build holds: Python's, those of its packages, and those of the system's libraries."""

import shutil
import subprocess
import sys
import sysconfig
from fnmatch import fnmatch
from importlib.metadata import distributions
from pathlib import Path

_NAMES = ("LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*", "ThirdPartyNotices*")


def collect(packages: Path, programs: Path, into: Path) -> None:
    """One folder for each. ``packages``: the environment's ``site-packages`` that was frozen."""
    into.mkdir()
    python = Path(sysconfig.get_path("stdlib")) / "LICENSE.txt"
    if python.exists():
        _copy(python, into / "python")
    for package in distributions(path=[str(packages)]):
        for file in package.files or ():
            text = Path(str(package.locate_file(file)))
            if any(fnmatch(file.name, name) for name in _NAMES) and text.is_file():
                _copy(text, into / f"{package.name}-{package.version}")
    if sys.platform == "linux" and shutil.which("dpkg-query"):
        for package in _debian(programs):
            text = Path("/usr/share/doc") / package / "copyright"
            if text.exists():
                _copy(text, into / package)


def _debian(programs: Path) -> set[str]:
    """The packages that the libraries were taken from. Those that no package owns came with a wheel."""
    names = [f"*/{path.name}" for path in (programs / "_internal").glob("lib*.so*")]
    told = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True, check=False).stdout
    return {line.partition(":")[0] for line in told.splitlines()}


def _copy(text: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    shutil.copy(text, folder / text.name)
