"""The only file that knows pystray: it shows what `model` says and hands clicks on as actions.

pystray 0.19.5, read and run: importing it chooses the backend and fails with whatever that raises (`ImportError`,
Xlib's errors without a display); its AppIndicator and macOS backends have no click of their own, so everything is in
the menu; its Xorg backend has neither menus nor notifications and never asks the X server for button presses, so not
even the click arrives: it is refused, with advice. ``run`` owns the main thread. Menus are rebuilt as a whole, which
would close one that is open, so they are only when something in them has changed.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from reflexd_tray import bindings, lacking, model
from reflexd_tray import icon as drawing
from reflexd_tray.actions import Action
from reflexd_tray.model import Item, Seen
from reflexd_tray.notices import Notice

if TYPE_CHECKING:
    import pystray

log = logging.getLogger(__name__)

NAME = "reflex"
_SIZE = 64
"""Pixels; hosts make it smaller, and on a screen of high density they need them all."""
_CHOSEN = "PYSTRAY_BACKEND"
"""What pystray reads to be told its backend."""
_NOTICE = 250
"""Characters of a notification that Windows shows."""


class NoTray(Exception):  # noqa: N818 - it says what the desktop has
    """This desktop can show no icon; the message says what to do instead."""


class Shown:
    """The icon on the desktop."""

    def __init__(self, clicked: Callable[[Action], None]) -> None:
        """``clicked`` is called in the desktop's thread and must not block. Raises `NoTray`."""
        _check()
        import pystray  # noqa: PLC0415 - see `_check`

        self._clicked = clicked
        self._seen = Seen()
        self._items: tuple[Item, ...] = ()
        self._look: model.Look | None = None
        self._lock = threading.Lock()
        self._running = self._stopping = False
        picture = drawing.draw(model.Look.OFFLINE, _SIZE)
        self._icon = pystray.Icon(NAME, picture, "Reflex", pystray.Menu(self._menu))

    @property
    def has_radio(self) -> bool:
        return self._icon.HAS_MENU_RADIO

    @property
    def can_notify(self) -> bool:
        return self._icon.HAS_NOTIFICATION

    def run(self, started: Callable[[], None]) -> None:
        """Show the icon until `stop`; blocks, and must be called in the main thread."""

        def set_up(icon: "pystray.Icon") -> None:
            icon.visible = True
            with self._lock:
                self._running = True
            started()

        try:
            self._icon.run(set_up)
        except Exception as error:
            if self._stopping:  # GTK's backend takes a notification back at its end, whoever shows those may be gone
                log.debug("the icon did not go quietly: %s", error)
                return
            raise NoTray(f"{lacking.why(error)}; {lacking.ADVICE}") from error

    def stop(self) -> None:
        self._stopping = True
        self._icon.stop()

    def show(self, seen: Seen) -> None:
        """From any thread."""
        with self._lock:
            self._seen = seen
            if not self._running:
                return
            now = _now()
            look, items, title = model.look(seen), model.menu(seen, now), model.title(seen, now)
            if look is not self._look:
                self._look = look
                self._icon.icon = drawing.draw(look, _SIZE)
            self._icon.title = title
            if items != self._items and not self._is_open():
                self._items = items
                self._icon.update_menu()

    def _is_open(self) -> bool:
        """Whether somebody has the menu before them, where that can be known: a new one would close it.

        What has changed meanwhile is shown with the next thing that is heard.
        """
        menu = getattr(self._icon, "_menu_handle", None)
        return menu is not None and bool(menu.get_mapped())

    def notify(self, notice: Notice) -> None:
        """From any thread; where the desktop has no notifications the log keeps it."""
        log.warning("%s: %s", notice.title, notice.text)
        if not self.can_notify:
            return
        try:
            self._icon.notify(notice.text[:_NOTICE], notice.title)
        except Exception:
            log.exception("the desktop did not take a notification")

    def _menu(self) -> "Iterator[pystray.MenuItem]":
        return map(self._made, model.menu(self._seen, _now()))

    def _made(self, item: Item) -> "pystray.MenuItem":
        import pystray  # noqa: PLC0415 - see `_check`

        if item is model.SEPARATOR:
            return pystray.Menu.SEPARATOR
        text = item.text.replace("&", "&&") if sys.platform == "win32" else item.text
        act = pystray.Menu(*map(self._made, item.children)) if item.children else self._act(item.action)
        checked = item.checked
        return pystray.MenuItem(
            text,
            act,
            checked=None if checked is None else lambda _: checked,
            radio=item.radio and self.has_radio,
            default=item.default,
            enabled=item.enabled,
        )

    def _act(self, action: Action | None) -> "Callable[[pystray.Icon, pystray.MenuItem], object] | None":
        if action is None:
            return None
        return lambda _icon, _item: self._clicked(action)


def _check() -> None:
    """Import pystray for the first time, which connects to the desktop. Raises `NoTray`."""
    if (reason := lacking.desktop()) is not None:
        raise NoTray(f"{reason}; {lacking.ADVICE}")
    bindings.lend()
    try:
        backend = _backend()
    except Exception as error:
        raise NoTray(f"{lacking.why(error)}; {lacking.ADVICE}") from error
    if backend.endswith("_xorg"):
        raise NoTray(
            "only pystray's Xorg backend is to be had here, which shows an icon that hears no click. Install GTK's "
            f"bindings (Debian: {lacking.BINDINGS}); else {lacking.ADVICE}"
        )


def _backend() -> str:
    """The module of the backend that pystray chose; it goes on to its next one after an `ImportError` alone.

    Where the bindings know no AppIndicator they say `ValueError`, and GTK's own icon, which some panels show, does.
    """
    try:
        import pystray  # noqa: PLC0415
    except ValueError:
        if _CHOSEN in os.environ:
            raise
        os.environ[_CHOSEN] = "gtk"
        try:
            import pystray  # noqa: PLC0415
        finally:
            del os.environ[_CHOSEN]
    return pystray.Icon.__module__


def _now() -> datetime:
    return datetime.now()  # noqa: DTZ005 - the system's own zone, which `astimezone` would freeze at today's offset
