"""What a Linux package puts beside the programs: manual pages, completions, icons, desktop entry, metadata, units.

    uv run --with argparse-manpage python packaging/linux/tree.py DIR [--reflexd /usr/bin/reflexd]

writes them below DIR as they lie below ``/``. Everything that says what the command line can do is made from the
command line's own parsers.
"""

import argparse
import gzip
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

import reflexd_tray
import reflexd_tui
from reflexd_core import __version__
from reflexd_io.cli import parser
from reflexd_io.service import systemd
from reflexd_tray.icon import SIZES, draw
from reflexd_tray.model import Look

HERE = Path(__file__).resolve().parent
ID = "dev.reflex.tray"
_COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/reflexd",
    "zsh": "usr/share/zsh/vendor-completions/_reflexd",
    "fish": "usr/share/fish/vendor_completions.d/reflexd.fish",
}


def write(root: Path, *, reflexd: str = "/usr/bin/reflexd") -> list[Path]:
    """The files that were written. ``reflexd``: where the program will lie."""
    files: dict[str, bytes] = {
        place: shtab.complete(parser(), shell=shell).encode() for shell, place in _COMPLETIONS.items()
    }
    for name, made in (
        ("reflexd", parser()),
        ("reflex-tui", reflexd_tui.parser()),
        ("reflex-tray", reflexd_tray.parser()),
    ):
        files[f"usr/share/man/man1/{name}.1.gz"] = gzip.compress(manual(name, made).encode(), mtime=0)
    units = systemd.files([reflexd], Path("/"), {}, port=8080, address="127.0.0.1")
    files |= {f"usr/lib/systemd/user/{path.name}": content for path, content in units.items()}
    files[f"usr/share/applications/{ID}.desktop"] = (HERE / f"{ID}.desktop").read_bytes()
    metadata = (HERE / f"{ID}.metainfo.xml").read_text("utf-8").replace("@VERSION@", __version__)
    files[f"usr/share/metainfo/{ID}.metainfo.xml"] = metadata.encode()
    written = [_written(root / place, content) for place, content in files.items()]
    for size in SIZES:
        path = root / f"usr/share/icons/hicolor/{size}x{size}/apps/{ID}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw(Look.ON, size).save(path)
        written.append(path)
    return written


def manual(name: str, made: argparse.ArgumentParser) -> str:
    """A page in troff."""
    return str(
        Manpage(
            made,
            {
                "prog": name,
                "project_name": "reflexd",
                "version": __version__,
                "manual_section": "1",
                "manual_title": "Reflex",
                "description": made.description,
                "authors": ["The Reflex engineers"],
            },
        )
    )


def _written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("root", type=Path, metavar="DIR")
    options.add_argument("--reflexd", default="/usr/bin/reflexd", metavar="PATH", help="where the program will lie")
    args = options.parse_args()
    for path in write(args.root, reflexd=args.reflexd):
        print(path)


if __name__ == "__main__":
    main()
