"""``reflex-tray``: a face of Reflex, a process of its own. Not built yet; it says so and exits."""

import sys


def main() -> None:
    print("reflex-tray is not part of this version yet; see `reflexd status`.", file=sys.stderr)
    sys.exit(1)
