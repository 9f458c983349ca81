"""``reflex-tui``: every hit live, what is stored, whose it is; a process of its own.

It talks to the daemon through the control client only. Leaving it stops nothing.
"""

import argparse
import sys
from pathlib import Path

from reflexd_core import __version__
from reflexd_io.control_client import NotThere, Place, find
from reflexd_tui import remembered
from reflexd_tui.app import ReflexApp


def parser() -> argparse.ArgumentParser:
    """Its flags; the manual page is made from them."""
    made = argparse.ArgumentParser(prog="reflex-tui", description="Reflex in the terminal: every hit, live.")
    made.add_argument("--version", action="version", version=f"reflex-tui {__version__}")
    made.add_argument("--url", metavar="URL", help="the daemon's address (default: the one that runs here)")
    made.add_argument("--token", metavar="TOKEN", help="its admin token (default: from its runtime file)")
    made.add_argument("--storage-path", type=Path, metavar="DIR", help="whose daemon (REFLEX_STORAGE_PATH)")
    made.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal, to select text (M)")
    made.add_argument("--read-only", action="store_true", help="look, and change nothing")
    return made


def main() -> None:
    args = parser().parse_args()

    def place() -> Place:
        return find(url=args.url, token=args.token, storage=args.storage_path)

    try:
        place()
    except NotThere:
        pass  # the screen says so, and goes on looking
    except ValueError as error:
        print(f"reflex-tui: {error}", file=sys.stderr)
        sys.exit(2)
    app = ReflexApp(
        place,
        memory=remembered.path(),
        read_only=args.read_only,
        storage=args.storage_path,
        starts=args.url is None,
        takes_mouse=not args.no_mouse,
    )
    app.run(mouse=app.takes_mouse)
