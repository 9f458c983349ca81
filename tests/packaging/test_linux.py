"""What a Linux package puts beside the programs: each file is taken by the program that will read it."""

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from reflexd_core import __version__
from support.packages import PROGRAMS, made, wanted

pytestmark = [
    pytest.mark.packages,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed"),
]
ID = "dev.reflex.tray"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not wanted():
        pytest.skip("REFLEX_PACKAGES=1 makes it")
    folder = tmp_path_factory.mktemp("tree")
    line = ("uv", "run", "--no-sync", "--with", "argparse-manpage", "python", "packaging/linux/tree.py")
    written = made(*line, str(folder), "--reflexd", str(_reflexd())).split()
    assert all(Path(path).exists() for path in written)
    return folder


def _reflexd() -> Path:
    """One that is there: systemd looks."""
    return Path(sys.executable).with_name("reflexd")


def _checked(*line: str | Path) -> str:
    name = str(line[0])
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run([*map(str, line)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_manual_pages_render(tree: Path, program: str, tmp_path: Path) -> None:
    packed = tree / f"usr/share/man/man1/{program}.1.gz"
    told = _checked("man", "-P", "cat", "--warnings", "-l", packed)
    assert program in told
    assert "--version" in told
    assert __version__ in gzip.decompress(packed.read_bytes()).decode()
    plain = tmp_path / f"{program}.1"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    if shutil.which("mandoc"):
        _checked("mandoc", "-T", "lint", "-W", "error", plain)


def test_every_command_is_in_the_manual(tree: Path) -> None:
    page = gzip.decompress((tree / "usr/share/man/man1/reflexd.1.gz").read_bytes()).decode()
    for command in ("serve", "run", "keys", "tenants", "cache", "completions"):
        assert f"reflexd {command}" in page.replace("\\-", "-").replace("\\fB", "").replace("\\fR", ""), command


def test_the_desktop_knows_the_tray(tree: Path) -> None:
    entry = tree / f"usr/share/applications/{ID}.desktop"
    assert _checked("desktop-file-validate", "--no-hints", entry) == ""
    for icon in tree.glob(f"usr/share/icons/hicolor/*/apps/{ID}.png"):
        with Image.open(icon) as picture:
            assert f"{picture.width}x{picture.height}" == icon.parents[1].name


def test_a_software_centre_knows_it(tree: Path) -> None:
    _checked("appstreamcli", "validate", "--no-net", tree / f"usr/share/metainfo/{ID}.metainfo.xml")


def test_systemd_takes_the_units(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    units = sorted((tree / "usr/lib/systemd/user").iterdir())
    assert {unit.name for unit in units} == {"reflexd.service", "reflexd.socket"}
    _checked("systemd-analyze", "verify", "--user", "--man=no", *units)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("bash-completion/completions/reflexd", ("bash", "-c", 'source "$0" && complete -p reflexd')),
        ("fish/vendor_completions.d/reflexd.fish", ("fish", "-c", "source $argv[1]; complete -C 'reflexd ser'")),
        (
            "zsh/vendor-completions/_reflexd",
            ("zsh", "-fc", "fpath=(${0:h} $fpath); autoload -Uz compinit && compinit -u -D; print $_comps[reflexd]"),
        ),
    ],
)
def test_a_shell_loads_its_completions(tree: Path, place: str, line: tuple[str, ...]) -> None:
    told = _checked(*line, tree / "usr/share" / place)
    assert "reflexd" in told or "serve" in told
