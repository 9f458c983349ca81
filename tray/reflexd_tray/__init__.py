"""``reflex-tray``: whether Reflex is on, as an icon on the desktop, with a menu for all that one does every day.

A process of its own, which talks to the daemon through the control client only: it starts one when none runs, and
leaving it stops nothing. The desktop owns the main thread; what the daemon says is heard in another, with an event
loop. `model` says what is shown, `notices` what is told, `doing` what a click does, `shown` alone knows pystray.
"""

import argparse
import asyncio
import logging
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from reflexd_core import __version__
from reflexd_io.control_client import NotThere, Place, find, start_daemon
from reflexd_tray import at_login, memory
from reflexd_tray.actions import Action
from reflexd_tray.doing import Doing
from reflexd_tray.model import Seen
from reflexd_tray.shown import NoTray, Shown
from reflexd_tray.watch import Watch

log = logging.getLogger("reflexd_tray")


def main() -> None:
    args = parser().parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        with _single_instance():
            sys.exit(_Tray(args.storage_path, start=not args.no_start).run())
    except Timeout:
        sys.exit(_fail("reflex-tray runs already: its icon is on the desktop"))
    except NoTray as error:
        sys.exit(_fail(str(error)))


def parser() -> argparse.ArgumentParser:
    """Its flags; the manual page is made from them."""
    made = argparse.ArgumentParser(prog="reflex-tray", description="Reflex on the desktop: an icon and its menu.")
    made.add_argument("--version", action="version", version=f"reflex-tray {__version__}")
    made.add_argument("--storage-path", type=Path, metavar="DIR", help="whose daemon (REFLEX_STORAGE_PATH)")
    made.add_argument("--no-start", action="store_true", help="start no daemon when none runs")
    return made


def _fail(message: str) -> int:
    print(f"reflex-tray: {message}", file=sys.stderr)
    return 1


def _single_instance() -> FileLock:
    """One for each user and desktop."""
    import platformdirs  # noqa: PLC0415 - wanted here alone

    folder = platformdirs.user_runtime_path("reflexd", appauthor=False, ensure_exists=True)
    display = "".join(char if char.isalnum() else "-" for char in os.environ.get("DISPLAY", ""))
    return FileLock(folder / f"tray{display}.lock", timeout=0, mode=0o600)


class _Tray:
    def __init__(self, storage: Path | None, *, start: bool) -> None:
        self._storage = storage
        self._start = start
        self._loop = asyncio.new_event_loop()
        self._shown = Shown(self._clicked)
        seen = Seen(at_login=at_login.is_on(), notify=memory.wants_notices())
        self._watch = Watch(self._find, seen, self._shown.show, self._shown.notify)
        self._doing = Doing(self._watch, storage=storage, leave=self._shown.stop)
        self._thread = threading.Thread(target=self._live, name="reflex-watch", daemon=True)

    def run(self) -> int:
        """Until somebody quits; the main thread's. Raises `NoTray`."""
        self._shown.run(self._thread.start)
        return 0

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._work())
        except Exception:
            log.exception("the tray has lost sight of the daemon")
            self._shown.stop()

    async def _work(self) -> None:
        if self._start:
            await asyncio.to_thread(self._start_daemon)
        await self._watch.run()

    def _start_daemon(self) -> None:
        """One that runs is adopted."""
        try:
            self._find()
        except NotThere:
            try:
                start_daemon(storage=self._storage)
            except (NotThere, OSError) as error:
                self._loop.call_soon_threadsafe(self._not_started, str(error))

    def _not_started(self, why: str) -> None:
        self._watch.change(replace(self._watch.seen, offline=why))
        self._watch.tell("Reflex did not start", why)

    def _find(self) -> Place:
        return find(storage=self._storage)

    def _clicked(self, action: Action) -> None:
        asyncio.run_coroutine_threadsafe(self._doing.do(action), self._loop)
