"""What every view needs of the application: to ask the daemon, to say what came of it, to copy, to page, to undo."""

import asyncio
import os
import shlex
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import time
from typing import TypeVar

import pyperclip
from textual.app import App, SuspendNotSupported
from textual.widget import Widget

from reflexd_io.control_client import Ask, NotThere, Refused
from reflexd_io.control_client.shapes.tenants import State
from reflexd_tui.pure.safe import block
from reflexd_tui.remembered import Remembered
from reflexd_tui.session import Session

T = TypeVar("T")
Undo = Callable[[], Awaitable[str]]
"""Takes something back; says what it did."""


class Host(App[None]):
    session: Session
    remembered: Remembered
    read_only: bool
    state: State | None = None
    """What the daemon said of itself last."""
    starts: bool
    """Whether it may start a daemon where none is."""
    purges: set[str]
    """Those of this TUI, by which others' are known."""
    _undo: tuple[float, Undo] | None = None

    def keep(self) -> None:
        """Write down what is remembered: a window that is closed says nothing before it goes."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        """Where agents are to point; a guess while no daemon was heard of."""
        return self.state.url if self.state is not None else "http://127.0.0.1:8080"

    @property
    def can_start(self) -> bool:
        return self.starts and not self.session.is_refused

    def now(self) -> float:
        """Unix seconds; a test puts a clock of its own here."""
        return time()

    async def ask(self, ask: Ask[T], *, quiet: bool = False) -> T | None:
        """The daemon's answer; None after a toast that says why there is none."""
        try:
            return await self.session.do(ask)
        except (NotThere, Refused) as error:
            if not quiet:
                self.fail(str(error))
            return None

    def say(self, text: str, *, title: str = "") -> None:
        self.notify(block(text), title=title, markup=False)

    def fail(self, text: str) -> None:
        self.notify(block(text), title="That did not work", severity="error", timeout=8, markup=False)

    def may_change(self, what: str) -> bool:
        """Whether this TUI may change anything; says so where it may not."""
        if self.read_only:
            self.notify(f"{what}: not in read-only mode (started with --read-only)", severity="warning", markup=False)
        return not self.read_only

    def can_undo(self, done: str, undo: Undo, until: float | None = None) -> None:
        """Say what was done, and that ``u`` takes it back (until that time, Unix seconds)."""
        self._undo = (until if until is not None else float("inf"), undo)
        self.notify(f"{block(done)} — u: undo", timeout=10, markup=False)

    async def action_undo(self) -> None:
        if self._undo is None or self._undo[0] < self.now():
            self._undo = None
            self.say("There is nothing to undo.")
            return
        (_, undo), self._undo = self._undo, None
        try:
            self.say(await undo())
        except (NotThere, Refused) as error:
            self.fail(str(error))

    def copy(self, text: str, what: str) -> None:
        """By the terminal's own way and by the desktop's: either may be deaf, and only the second says so."""
        self.copy_to_clipboard(text)
        self.run_worker(self._copy_beside(text, what), group="copy")

    async def _copy_beside(self, text: str, what: str) -> None:
        try:
            await asyncio.to_thread(pyperclip.copy, text)
        except (pyperclip.PyperclipException, OSError):
            self.say(
                f"Copied {what}, {len(text)} characters, if this terminal takes it: there is no clipboard program"
                " beside it (wl-copy, xclip, pbcopy)."
            )
        else:
            self.say(f"Copied {what}: {len(text)} characters.")

    def page(self, text: str, *, suffix: str = ".md", edit: bool = False) -> None:
        """Show it in the person's pager or editor, in place of this program."""
        program = os.environ.get("VISUAL") or os.environ.get("EDITOR") if edit else os.environ.get("PAGER")
        command = shlex.split(program or ("vi" if edit else "less"))
        descriptor, name = tempfile.mkstemp(prefix="reflex-", suffix=suffix)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text if edit else block(text))
            with self.suspend():
                subprocess.run([*command, name], check=False)  # noqa: S603 - the person's own choice
        except SuspendNotSupported:
            self.fail("This terminal cannot be handed to another program.")
        except OSError as error:
            self.fail(f"{command[0]}: {error.strerror or error}; set PAGER or EDITOR")
        finally:
            Path(name).unlink(missing_ok=True)
        self.refresh()


def host_of(widget: Widget) -> Host:
    """The application that the widget is part of."""
    app = widget.app
    assert isinstance(app, Host)  # noqa: S101 - no other is ever run
    return app
