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
from reflexd_tray import at_login, lacking, memory
from reflexd_tray.actions import Action
from reflexd_tray.doing import Doing
from reflexd_tray.model import Seen
from reflexd_tray.shown import NoTray, Shown
from reflexd_tray.watch import Watch

log = logging.getLogger("reflexd_tray")

_PANEL_AFTER = 20.0
"""Seconds."""


def main() -> None:
    args = parser().parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        with _single_instance():
            sys.exit(_Tray(args.storage_path, start=not args.no_start).run())
    except Timeout:
        sys.exit(_fail("reflex-tray runs already: its icon is on the desktop"))
    except OSError as error:
        sys.exit(_fail(str(error)))
    except NoTray as error:
        code = _fail(str(error))
        sys.stderr.flush()
        os._exit(code)  # pystray's own thread waits for a loop that never came, and would keep us for ever


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

    given = sys.platform != "linux" or os.access(os.environ.get("XDG_RUNTIME_DIR", ""), os.W_OK)
    # Without one of our own, platformdirs names a folder that anybody could have made.
    where = platformdirs.user_runtime_path if given else platformdirs.user_state_path
    folder = where("reflexd", appauthor=False, ensure_exists=True)
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
        self._lost = False

    def run(self) -> int:
        """Until somebody quits; the main thread's. Raises `NoTray`."""
        self._shown.run(self._thread.start)
        return 1 if self._lost else 0

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._work())
        except Exception:
            log.exception("the tray has lost sight of the daemon")
            self._lost = True
            self._shown.stop()

    async def _work(self) -> None:
        looking = asyncio.ensure_future(self._look_for_a_panel())
        if self._start:
            await asyncio.to_thread(self._start_daemon)
        await self._watch.run()
        looking.cancel()

    async def _look_for_a_panel(self) -> None:
        """Once, and only when a desktop that is starting has had time to start its panel."""
        await asyncio.sleep(_PANEL_AFTER)
        if await asyncio.to_thread(lacking.host) is False:
            self._watch.tell(
                "No panel shows the icon",
                "Reflex runs, but nothing here shows tray icons; GNOME wants its AppIndicator extension. Else "
                + lacking.ADVICE,
            )

    def _start_daemon(self) -> None:
        """One that runs is adopted."""
        try:
            self._find()
        except (NotThere, ValueError):
            try:
                start_daemon(storage=self._storage)
            except (NotThere, OSError, ValueError) as error:
                self._loop.call_soon_threadsafe(self._not_started, str(error))

    def _not_started(self, why: str) -> None:
        self._watch.change(replace(self._watch.seen, offline=why))
        self._watch.tell("Reflex did not start", why)

    def _find(self) -> Place:
        return find(storage=self._storage)

    def _clicked(self, action: Action) -> None:
        asyncio.run_coroutine_threadsafe(self._doing.do(action), self._loop)
