"""GTK's bindings of the system's Python: lent where they fit, and never before our own packages."""

import sys
from pathlib import Path

import pytest

from reflexd_tray import bindings


def place(folder: Path, version: str) -> Path:
    (folder / "gi").mkdir(parents=True)
    (folder / "gi" / f"_gi.cpython-{version}-x86_64-linux-gnu.so").touch()
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has them elsewhere")
def test_they_are_lent_where_they_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["ours"])
    other, fitting = place(tmp_path / "a", "399"), place(tmp_path / "b", "".join(map(str, sys.version_info[:2])))
    bindings.lend([tmp_path / "none", other])
    assert sys.path == ["ours"]
    for _ in range(2):
        bindings.lend([other, fitting])
        assert sys.path == ["ours", str(fitting)]


def test_a_frozen_build_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["ours"])
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    bindings.lend([place(tmp_path, "".join(map(str, sys.version_info[:2])))])
    assert sys.path == ["ours"]
