"""Entries into a file that `reflexd cache import` takes: as they are stored, and whole or not at all."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

from textual.widget import Widget

from reflexd_io.control_client import NotThere, Refused, calls
from reflexd_io.control_client.shapes.entries import ExportQuery
from reflexd_tui.host import Host, host_of
from reflexd_tui.pure import words
from reflexd_tui.widgets.dialogs import Confirm, Prompt

_HINT = "`reflexd cache import` takes it back, here or elsewhere."


async def export(widget: Widget, chosen: Sequence[str]) -> None:
    """Ask where to, and write these entries there. To be run in a worker."""
    host = host_of(widget)
    title = f"Export {words.plural(len(chosen), 'entry', 'entries')} to"
    answer = await host.push_screen_wait(Prompt(title, _HINT, value=str(Path.home() / "reflex-entries.jsonl")))
    if not answer:
        return
    place = Path(answer.replace("~", str(Path.home()), 1) if answer.startswith("~") else answer)
    if await asyncio.to_thread(place.exists):
        if not await asyncio.to_thread(place.is_file):
            host.fail(f"{place} is there, and is no file.")  # a device would be replaced by one
            return
        over = Confirm("Write over it?", [f"{place} is there already."], "Write over it")
        if not await host.push_screen_wait(over):
            return
    try:
        written = await _write(host, chosen, place)
    except (NotThere, Refused) as error:
        host.fail(f"Nothing was written: {error}")
    except OSError as error:
        host.fail(f"{place}: {error.strerror or error}")
    else:
        gone = len(chosen) - written
        missing = f"; {gone} had gone meanwhile" if gone else ""
        host.say(f"{words.plural(written, 'entry', 'entries')} written to {place}{missing}.")


async def _write(host: Host, chosen: Sequence[str], place: Path) -> int:
    """Gives how many were there to be written. A file that is cut would look like a whole one."""
    unfinished = place.with_name(f"{place.name}.part")
    written = 0
    try:
        with await asyncio.to_thread(_private, unfinished) as file:
            for target in calls.export_targets(ExportQuery(), chosen):
                async with aclosing(host.session.download(target)) as pieces:
                    async for piece in pieces:
                        await asyncio.to_thread(file.write, piece)
                        written += piece.count(b"\n")
        await asyncio.to_thread(unfinished.replace, place)
    finally:
        await asyncio.to_thread(unfinished.unlink, missing_ok=True)
    return written


def _private(path: Path) -> BinaryIO:
    """A new file that its owner alone can read, whatever lay there: what it is to hold is somebody's text."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
