"""What the tests of packages share: the artifact to try, and a run of it in an environment with nothing in it.

``REFLEX_FROZEN`` names a frozen build and ``REFLEX_DEB`` a Debian package that was made before; ``REFLEX_PACKAGES=1``
makes what is not named, which takes minutes.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from filelock import FileLock

from reflexd_core import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAMS = ("reflexd", "reflex-tui", "reflex-tray")
MAKE = "REFLEX_PACKAGES=1"
RELEASE = "bookworm"


def wanted() -> bool:
    return os.environ.get("REFLEX_PACKAGES") == "1"


def named(variable: str) -> Path | None:
    """The artifact that was made before; `None` where one is to be made. Skips the test where neither is wanted."""
    if given := os.environ.get(variable):
        return Path(given)
    if not wanted():
        pytest.skip(f"{MAKE} makes it, {variable} names one that is there")
    return None


def made(*command: str) -> str:
    """Runs one of the documented commands in the checkout."""
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alone(*command: str | Path, home: Path, before: tuple[str, ...] = ()) -> str:
    """What a program says that is given a home and nothing else. ``before``: what runs it, such as a chroot."""
    line = [*before, "env", "-i", f"HOME={home}", "LANG=C.UTF-8", *map(str, command)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def does_its_job(folder: Path | None, *, home: Path, before: tuple[str, ...] = ()) -> None:
    """The three programs say their version, and the demo finds an answer to a question put in other words."""
    for program in PROGRAMS:
        path = folder / program if folder is not None else program
        assert alone(path, "--version", home=home, before=before) == f"{program} {__version__}\n"
    daemon = folder / "reflexd" if folder is not None else "reflexd"
    played: dict[str, Any] = json.loads(alone(daemon, "demo", "--json", home=home, before=before))
    statuses = [request["status"] for request in played["requests"]]
    assert statuses[:2] == ["miss", "hit-l1-exact"]
    assert "hit-l3-verified" in statuses, statuses


def seconds_of(*command: str | Path, home: Path) -> float:
    """The median of five runs."""
    taken = []
    for _ in range(5):
        begun = time.monotonic()
        alone(*command, home=home)
        taken.append(time.monotonic() - begun)
    return sorted(taken)[2]


@contextmanager
def bare_system(folder: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """A Debian with nothing in it, no Python either, and the words that run a command inside.

    The system is installed once, into the user's cache folder, and copied.
    """
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("a bare system wants root and debootstrap")
    cache = platformdirs.user_cache_path("reflexd-tests", appauthor=False)
    kept = cache / RELEASE
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{RELEASE}.lock", timeout=600):
        if not kept.exists():
            _bootstrap(kept)
    root = folder / "bare"
    subprocess.run(["cp", "-a", "--reflink=auto", str(kept), str(root)], check=True)
    try:
        inside = ("unshare", "--mount", "--pid", "--fork", f"--mount-proc={root}/proc", "chroot", str(root))
        if subprocess.run([*inside, "/bin/true"], capture_output=True, check=False).returncode:
            pytest.skip("this system makes no namespace for us (unshare --mount --pid)")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        yield root, (*inside, "/usr/bin/env", path)
    finally:
        shutil.rmtree(root)


def _bootstrap(kept: Path) -> None:
    """Beside its place first, so that what was broken off is never taken for whole."""
    if not wanted():
        pytest.skip(f"{kept} is absent; {MAKE} installs it")
    half = kept.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    line = ["debootstrap", "--variant=minbase", RELEASE, str(half)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"debootstrap could not: {done.stdout[-300:]}")
    half.rename(kept)


def python_of(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
