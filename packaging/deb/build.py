"""A Debian package of the frozen build.

    uv run --with argparse-manpage python packaging/deb/build.py [--frozen dist/frozen/reflex] [--into dist]

The programs lie in ``/usr/lib/reflex`` with links in ``/usr/bin``; what else a desktop wants is `linux/tree.py`'s.
Needs Debian's ``dpkg-deb``. GTK goes along for the tray; Wayland's libraries and themes, which it expects of a
desktop, come with the desktop's own GTK, which the package recommends.
"""

import argparse
import gzip
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "frozen"), str(HERE.parent / "linux")]

import build as frozen  # noqa: E402
import tree  # noqa: E402

from reflexd_core import __version__  # noqa: E402

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def build(programs: Path, into: Path) -> Path:
    """The package's file. ``programs``: the frozen folder."""
    architecture = _ARCHITECTURES[platform.machine()]
    package = into.resolve() / f"reflexd_{__version__}_{architecture}.deb"
    package.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        shutil.copytree(programs, root / "usr/lib/reflex", symlinks=True)
        frozen.link(root / "usr/lib/reflex")
        (root / "usr/bin").mkdir(parents=True)
        for program in frozen.PROGRAMS:
            (root / "usr/bin" / program).symlink_to(f"../lib/reflex/{program}")
        tree.write(root)
        _documents(root)
        _control(root / "DEBIAN", architecture, frozen.size_of(root) // 1024)
        _permissions(root)
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zzstd", "-z10", "--build", str(root), str(package)], check=True
        )
    return package


def _documents(root: Path) -> None:
    folder = root / "usr/share/doc/reflexd"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "README.md", folder)
    shutil.copy(HERE / "copyright", folder)
    (folder / "CHANGELOG.md.gz").write_bytes(gzip.compress((ROOT / "CHANGELOG.md").read_bytes(), mtime=0))
    entry = (HERE / "changelog").read_text("utf-8").replace("@VERSION@", __version__)
    (folder / "changelog.gz").write_bytes(gzip.compress(entry.encode(), mtime=0))
    overrides = root / "usr/share/lintian/overrides/reflexd"
    overrides.parent.mkdir(parents=True)
    shutil.copy(HERE / "lintian-overrides", overrides)


def _control(folder: Path, architecture: str, kilobytes: int) -> None:
    folder.mkdir()
    text = (HERE / "control").read_text("utf-8")
    for name, value in (("VERSION", __version__), ("ARCHITECTURE", architecture), ("SIZE", str(kilobytes))):
        text = text.replace(f"@{name}@", value)
    (folder / "control").write_text(text, "utf-8")


def _permissions(root: Path) -> None:
    """Whatever the builder's umask is. PyInstaller calls every library executable."""
    programs = root / "usr/lib/reflex"
    for path in root.rglob("*"):
        if not path.is_symlink():
            program = path.parent == programs and path.name in frozen.PROGRAMS
            path.chmod(0o755 if program or path.is_dir() else 0o644)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--frozen", type=Path, metavar="DIR", help="a frozen build (default: one is made)")
    options.add_argument("--into", type=Path, default=ROOT / "dist", metavar="DIR")
    args = options.parse_args()
    programs = args.frozen if args.frozen is not None else frozen.build(args.into / "frozen")
    package = build(programs, args.into)
    print(f"{package}: {package.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
