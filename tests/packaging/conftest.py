"""One frozen build and one Debian package for all tests of a run."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.packages import made, named


@pytest.fixture(scope="session")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the frozen build."""
    if (there := named("REFLEX_FROZEN")) is not None:
        return there
    into = tmp_path_factory.mktemp("frozen")
    made(sys.executable, "packaging/frozen/build.py", "--into", str(into))
    return into / "reflex"


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The Debian package."""
    if (there := named("REFLEX_DEB")) is not None:
        return there
    into = tmp_path_factory.mktemp("deb")
    programs: Path = request.getfixturevalue("frozen")
    made(
        *("uv", "run", "--no-sync", "--with", "argparse-manpage", "python", "packaging/deb/build.py"),
        *("--frozen", str(programs), "--into", str(into)),
    )
    (package,) = into.glob("*.deb")
    return package


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Says a size or a time that was measured, whether the test passes or not."""

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {line}")

    return say
