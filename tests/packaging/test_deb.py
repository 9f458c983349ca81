"""The Debian package: what lintian says of it, and a bare system that gets it, uses it and is rid of it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.packages import PROGRAMS, bare_system, does_its_job

pytestmark = [
    pytest.mark.packages,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed"),
]
_KNOWN = {
    "malformed-deb-archive": "bookworm's lintian does not know zstd, which its dpkg unpacks",
    "bogus-mail-host": "there is no address that somebody reads",
    "bogus-mail-host-in-debian-changelog": "likewise",
}


def test_lintian_finds_nothing_that_is_not_known(deb: Path) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed")
    line = ["lintian", "--tag-display-limit", "0", "--fail-on", "none", str(deb)]
    told = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    findings = [row for row in told.splitlines() if row[:2] in ("E:", "W:")]
    unknown = [row for row in findings if row.split()[2] not in _KNOWN]
    assert unknown == []


def test_it_installs_runs_and_leaves_nothing(deb: Path, tmp_path: Path, report: Callable[[str], None]) -> None:
    with bare_system(tmp_path) as (root, inside):
        shutil.copy(deb, root / "opt/package.deb")
        before = _files(root)
        _within(inside, "dpkg", "-i", "/opt/package.deb")
        _links_lead_somewhere(root)
        does_its_job(None, home=Path("/opt/home"), before=inside)
        size = _within(inside, "dpkg-query", "-W", "-f", "${Installed-Size}", "reflexd")
        report(f"{deb.name}: {deb.stat().st_size / 1e6:.0f} MB, installed {int(size) / 1000:.0f} MB")
        _within(inside, "dpkg", "--remove", "reflexd")
        _within(inside, "dpkg", "--purge", "reflexd")
        assert _files(root) - before == set()
        assert before - _files(root) == set()


def test_what_it_holds_is_where_a_desktop_and_a_shell_look(deb: Path) -> None:
    told = subprocess.run(["dpkg-deb", "--contents", str(deb)], capture_output=True, text=True, check=True).stdout
    rows = [row.split(None, 5) for row in told.splitlines()]
    places = {row[5].partition(" ")[0].removeprefix(".") for row in rows}
    assert {f"/usr/bin/{program}" for program in PROGRAMS} <= places
    assert {f"/usr/share/man/man1/{program}.1.gz" for program in PROGRAMS} <= places
    assert {
        "/usr/lib/systemd/user/reflexd.service",
        "/usr/share/applications/dev.reflex.tray.desktop",
        "/usr/share/bash-completion/completions/reflexd",
        "/usr/share/doc/reflexd/copyright",
        "/usr/share/icons/hicolor/64x64/apps/dev.reflex.tray.png",
        "/usr/share/metainfo/dev.reflex.tray.metainfo.xml",
    } <= places
    assert {row[1] for row in rows} == {"root/root"}
    assert {row[0][1:] for row in rows if row[0][0] in "-d"} == {"rwxr-xr-x", "rw-r--r--"}


def _within(inside: tuple[str, ...], *command: str) -> str:
    done = subprocess.run([*inside, *command], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _files(root: Path) -> set[str]:
    """All but dpkg's own notes, and what a run may leave in its home and in the folder of temporary files."""
    passing = ("/var/lib/dpkg/", "/var/log/", "/opt/home", "/tmp/", "/proc/")
    found = (f"/{path.relative_to(root)}" for path in root.rglob("*"))
    return {path for path in found if not path.startswith(passing)}


def _links_lead_somewhere(root: Path) -> None:
    for program in PROGRAMS:
        assert (root / "usr/bin" / program).resolve() == (root / "usr/lib/reflex" / program).resolve()
        assert (root / "usr/bin" / program).resolve().exists()
