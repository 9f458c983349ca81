"""The TUI under 1,000 exchanges a second: how late its loop is, and what memory it takes.

``uv run python tests/bench/tui.py [seconds]``. A scripted daemon in a process of its own sends them over real HTTP,
as the real one would; the screen is drawn as always, and only the terminal that would show it is missing.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.flood import measure

RATE = 1000


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(RATE, seconds, Path(folder) / "tui.json"))
    print(f"{found.sent:,} sent at {RATE} a second, {found.shown:,} in the feed, {found.missed:,} missed")
    late = ", ".join(f"{name} {1000 * found.lateness(share):.1f} ms" for name, share in _SHARES)
    print(f"the loop was late by {late} ({len(found.late):,} probes in {found.seconds:.1f} s)")
    for at, size in found.memory[:: max(1, len(found.memory) // 8)]:
        print(f"  {at:5.1f} s  {size / 1e6:6.1f} MB")
    print(f"  {found.memory[-1][0]:5.1f} s  {found.memory[-1][1] / 1e6:6.1f} MB")


_SHARES = (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("at most", 1.0))

if __name__ == "__main__":
    main()
