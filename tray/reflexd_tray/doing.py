"""Actions performed: what a click does. Changes show at once and are taken back where the daemon refuses them."""

import logging
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import assert_never

import anyio.to_thread
import pyperclip

from reflexd_io.control_client import NotThere, Refused, calls, command, start_daemon
from reflexd_io.control_client.shapes.tenants import Mode
from reflexd_tray import actions as act
from reflexd_tray import at_login, memory, model, terminal
from reflexd_tray.actions import Action
from reflexd_tray.watch import Watch

log = logging.getLogger(__name__)


class Doing:
    def __init__(self, watch: Watch, *, storage: Path | None, leave: Callable[[], None]) -> None:
        """``leave`` takes the icon away."""
        self._watch = watch
        self._storage = storage
        self._leave = leave

    async def do(self, action: Action) -> None:
        """Never raises: what failed is told as a notification."""
        before = self._watch.seen
        try:
            await self._do(action)
        except (NotThere, Refused, OSError, ValueError, terminal.NoTerminal, pyperclip.PyperclipException) as error:
            self._watch.change(replace(self._watch.seen, state=before.state))
            self._watch.tell("That did not work", str(error))
        except Exception as error:
            log.exception("an action failed")
            self._watch.tell("That did not work", f"{type(error).__name__}: {error}")

    async def _do(self, action: Action) -> None:
        watch = self._watch
        match action:
            case act.Toggle():
                paused = watch.seen.state is not None and not watch.seen.state.caching
                watch.change(model.toggled(watch.seen))
                await watch.client.do(calls.resume() if paused else calls.pause())
                await watch.refresh()
            case act.Pause(seconds=seconds):
                await watch.client.do(calls.pause(seconds=seconds))
                await watch.refresh()
            case act.PauseUntilTomorrow():
                seconds = model.until_tomorrow(datetime.now())  # noqa: DTZ005 - the system's own midnight
                await watch.client.do(calls.pause(seconds=seconds))
                await watch.refresh()
            case act.UseMode(mode=mode):
                await watch.client.do(calls.set_mode(Mode(mode=mode)))
                await watch.refresh()
            case act.UseTenant(name=name):
                await watch.client.do(calls.use_tenant(name))
                await watch.refresh()
            case act.Copy(text=text, what=what):
                await anyio.to_thread.run_sync(pyperclip.copy, text)
                watch.tell("Copied", f"{what[:1].upper()}{what[1:]} is in the clipboard.")
            case act.OpenDashboard(exchange=exchange):
                where = ("--exchange", exchange) if exchange is not None else ()
                await self._run("dashboard", *where)
            case act.OpenTerminal(program=program, arguments=arguments):
                wanted = command(program, *arguments, *self._where())
                terminal.run(wanted if program == "reflex-tui" else terminal.held(wanted))
            case act.StartAtLogin(wanted=wanted):
                at_login.switch(wanted)
                watch.change(replace(watch.seen, at_login=at_login.is_on()))
            case act.Notify(wanted=wanted):
                memory.remember_notices(wanted)
                watch.change(replace(watch.seen, notify=wanted))
            case act.StartServer():
                watch.change(replace(watch.seen, offline="starting"))
                await anyio.to_thread.run_sync(lambda: start_daemon(storage=self._storage))
            case act.Quit():
                self._leave()
            case act.QuitAndStop():
                await self._run("stop")
                self._leave()
            case _:
                assert_never(action)

    async def _run(self, *arguments: str) -> None:
        """One of the command line's commands, which says on stderr what failed."""
        wanted = command("reflexd", *arguments, *self._where())
        done = await anyio.to_thread.run_sync(
            lambda: subprocess.run(wanted, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
        )
        if done.returncode:
            raise ValueError(done.stderr.strip() or f"`reflexd {arguments[0]}` ended with {done.returncode}")

    def _where(self) -> tuple[str, ...]:
        return ("--storage-path", str(self._storage)) if self._storage is not None else ()
