"""The icon of ``Reflex.app``: ``uv run python packaging/macos/icon.py`` writes ``reflex.icns`` beside this file.

The app itself is made by `frozen/build.py` on a Mac, as ``dist/frozen/Reflex.app``. It was not built on one here.
"""

import sys
from pathlib import Path

from reflexd_tray.icon import draw
from reflexd_tray.model import Look

SIZES = (32, 64, 128, 256, 512, 1024)
"""Pixels; each is a size of its own or twice the size before it."""


def write(path: Path) -> None:
    largest, *others = (draw(Look.ON, size) for size in reversed(SIZES))
    largest.save(path, append_images=others)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("reflex.icns"))
