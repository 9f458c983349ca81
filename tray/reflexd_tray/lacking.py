"""What a desktop lacks for an icon, in words that say what to install; nothing here knows pystray.

Linux alone has so many ways: bindings that are not there or not whole, GTK's own libraries, a display, a session bus,
and a panel that shows icons at all, which GNOME has only with an extension.
"""

import ctypes
import os
import re
import sys
from collections.abc import Callable
from importlib import import_module

BINDINGS = "python3-gi gir1.2-gtk-3.0 gir1.2-ayatanaappindicator3-0.1"
ADVICE = "use reflex-tui in a terminal, or the dashboard (`reflexd dashboard`)"
_NAMESPACE = re.compile(r"Namespace (\w+) not available")
_GTK = "libgtk-3.so.0"
_WATCHER = "org.kde.StatusNotifierWatcher"
"""Who holds this name on the session bus collects the icons of the newer kind."""


def desktop(platform: str = sys.platform) -> str | None:
    """Why no icon could be seen by whoever starts it; None where one could."""
    if platform != "linux":
        return None
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        return "there is no desktop here (neither DISPLAY nor WAYLAND_DISPLAY is set)"
    if os.geteuid() == 0 and os.environ.get("SUDO_UID", "0") != "0":
        return "sudo makes it root's, which would show and start root's Reflex and not yours; start it without"
    return None


def why(error: Exception, load: Callable[[str], object] = ctypes.CDLL) -> str:
    """What ``error``, raised by the bindings or by a backend, means to who wants an icon."""
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    if (missing := _NAMESPACE.search(str(error))) is not None:
        return f"GTK's bindings lack {missing[1]} here: install Debian's {BINDINGS}, or their like"
    if "dbus" in str(error).lower() or type(error).__module__.startswith("gi."):
        return f"there is no session bus ({said}): desktops start one, and so does `dbus-run-session reflex-tray`"
    if sys.platform == "linux" and not isinstance(error, ImportError):
        try:
            load(_GTK)
        except OSError as lacking:
            return f"GTK does not load here ({lacking}): install Debian's libgtk-3-0, or its like"
    return f"no icon can be had ({said})"


def host() -> bool | None:
    """Whether a panel is there that shows icons; None where that cannot be found out."""
    if sys.platform != "linux":
        return None
    newer, older = _newer_host(), _older_host()
    return True if newer or older else None if newer is None and older is None else False


def _newer_host() -> bool | None:
    try:
        gio, glib = import_module("gi.repository.Gio"), import_module("gi.repository.GLib")
        bus = gio.bus_get_sync(gio.BusType.SESSION, None)
        asked = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner")
        told = bus.call_sync(*asked, glib.Variant("(s)", (_WATCHER,)), None, 0, 1000, None)
        return bool(told.unpack()[0])
    except Exception:  # noqa: BLE001 - the bindings raise what they like, and this is only a hint
        return None


def _older_host() -> bool | None:
    """Who owns this selection takes icons as windows of their own (freedesktop.org's system tray protocol)."""
    if not os.environ.get("DISPLAY"):
        return None
    try:
        display = import_module("Xlib.display").Display()
        try:
            return bool(display.get_selection_owner(display.intern_atom("_NET_SYSTEM_TRAY_S0")))
        finally:
            display.close()
    except Exception:  # noqa: BLE001 - likewise
        return None
