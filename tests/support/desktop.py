"""A real desktop, as small as one can be: a display, a window manager, a panel with a tray, a session bus.

Debian's ``xvfb openbox tint2 xdotool x11-utils xclip imagemagick dbus-x11 python3-gi gir1.2-gtk-3.0``. pystray's GTK
backend needs GObject's bindings, which Debian has for its own Python: the tray takes them from there where the
versions are alike.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PROGRAMS = ("Xvfb", "openbox", "tint2", "xdotool", "xprop", "import", "dbus-run-session", "xclip")
BINDINGS = Path("/usr/lib/python3/dist-packages")
_PANEL = """\
panel_items = S
panel_size = 100% 48
panel_position = bottom center horizontal
panel_monitor = all
systray_padding = 4 4 4
systray_icon_size = 32
rounded = 0
background_color = #303036 100
panel_background_id = 1
wm_menu = 0
"""


def missing() -> str | None:
    """What a desktop here would lack, for a test that is skipped."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        return f"{', '.join(lacking)} not installed (see tests/support/desktop.py)"
    if not list((BINDINGS / "gi").glob(f"_gi.cpython-{sys.version_info.major}{sys.version_info.minor}-*")):
        return f"no GObject bindings for Python {sys.version_info.major}.{sys.version_info.minor} in {BINDINGS}"
    return None


@dataclass(slots=True)
class Desktop:
    environ: dict[str, str]
    folder: Path

    def run(self, *command: str) -> str:
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=True, timeout=20)
        return done.stdout

    def picture(self, name: str) -> Path:
        """All that the screen shows."""
        path = self.folder / f"{name}.png"
        self.run("import", "-window", "root", str(path))
        return path

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.run("xdotool", "mousemove", str(x), str(y), "sleep", "0.2", "click", str(button))

    def press(self, *keys: str) -> None:
        self.run("xdotool", "key", "--delay", "150", *keys)

    def spawn(self, command: list[str], log: Path) -> "subprocess.Popen[bytes]":
        with log.open("wb") as output:
            return subprocess.Popen(command, env=self.environ, stdout=output, stderr=output, stdin=subprocess.DEVNULL)


@contextmanager
def desktop(folder: Path, environ: dict[str, str]) -> Iterator[Desktop]:
    """A desktop of 1000 × 700 pixels with nothing on it but a panel; ends with its processes."""
    with ExitStack() as stack:
        display, read = _display(stack, environ)
        assert read
        environ = {**environ, "DISPLAY": display, "PYSTRAY_BACKEND": "gtk"}
        environ.pop("WAYLAND_DISPLAY", None)
        environ["DBUS_SESSION_BUS_ADDRESS"] = _bus(stack, environ)
        (folder / "tint2rc").write_text(_PANEL)
        stack.enter_context(_running(["openbox"], environ))
        shown = Desktop(environ, folder)
        until(lambda: "window id" in shown.run("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"))
        stack.enter_context(_running(["tint2", "-c", str(folder / "tint2rc")], environ))
        until(lambda: shown.run("xdotool", "search", "--class", "tint2"), 60.0)
        yield shown


def until(found: Callable[[], T], seconds: float = 20.0) -> T:
    """What ``found`` gives once it is true."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = found()
        except subprocess.CalledProcessError:
            value = None  # type: ignore[assignment]  # not there yet
        if value or time.monotonic() > deadline:
            assert value, "it did not come in time"
            return value
        time.sleep(0.1)


def _display(stack: ExitStack, environ: dict[str, str]) -> tuple[str, bool]:
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1000x700x24", "-nolisten", "tcp"],
        env=environ,
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(_end, server)
    os.close(writing)
    with os.fdopen(reading) as told:
        number = told.readline().strip()
    return f":{number}", bool(number)


def _bus(stack: ExitStack, environ: dict[str, str]) -> str:
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--print-address", "--nofork"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    stack.callback(_end, bus)
    assert bus.stdout is not None
    stack.callback(bus.stdout.close)
    return bus.stdout.readline().strip()


@contextmanager
def _running(command: list[str], environ: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        _end(process)


def _end(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
