"""What can be done to entries, from whichever screen: pin, lifetime, purge with a count first and undo afterwards."""

from datetime import datetime

import msgspec
from textual.widget import Widget

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.entries import EntryChange, EntryRow, Purge, Purged
from reflexd_tui.host import host_of
from reflexd_tui.pure import words
from reflexd_tui.pure.asks import seconds
from reflexd_tui.pure.filters import BadFilter
from reflexd_tui.pure.safe import short
from reflexd_tui.widgets.dialogs import Confirm, Prompt


async def toggle_pin(widget: Widget, row: EntryRow) -> EntryRow | None:
    host = host_of(widget)
    if not host.may_change("Pin"):
        return None
    changed = await host.ask(calls.change_entry(row.id, EntryChange(pinned=not row.pinned)))
    if changed is not None:
        host.say("Pinned: it stays until it is unpinned." if changed.pinned else "Unpinned.")
    return changed


async def change_lifetime(widget: Widget, name: str) -> EntryRow | None:
    """Ask for how long, and set it. To be run in a worker."""
    host = host_of(widget)
    if not host.may_change("TTL"):
        return None
    hint = "How long from now: 15min, 12h, 7d; empty: for ever."
    text = await host.push_screen_wait(Prompt("How long it may answer", hint, check=_fault))
    if text is None:
        return None
    left = seconds(text) if text.strip() else None
    changed = await host.ask(calls.change_entry(name, EntryChange(expires_in=left)))
    if changed is not None:
        host.say("It answers for ever." if left is None else f"It answers for {words.span(left)}.")
    return changed


def _fault(text: str) -> str | None:
    try:
        seconds(text or "1s")
    except BadFilter as error:
        return str(error)
    return None


async def purge_one(widget: Widget, row: EntryRow) -> bool:
    """At once, since it can be taken back."""
    host = host_of(widget)
    if not host.may_change("Purge"):
        return False
    done = await host.ask(calls.purge(Purge(ids=[row.id])))
    return done is not None and _told(widget, done)


async def purge_many(widget: Widget, what: Purge, title: str) -> bool:
    """After counting, and after being told to. To be run in a worker."""
    host = host_of(widget)
    if not host.may_change("Purge"):
        return False
    counted = await host.ask(calls.purge(_dry(what)))
    if counted is None:
        return False
    if not counted.count:
        host.say("There is nothing to purge.")
        return False
    lines = [f"{words.plural(counted.count, 'entry', 'entries')}, {words.size(counted.size)}", *_by_tenant(counted)]
    if counted.pinned:
        lines.append(f"{counted.pinned:,} of them pinned")
    lines.append("")
    lines += [f"  {short(row.question, 60) or row.model}" for row in counted.examples[:5]]
    if counted.count > len(counted.examples[:5]):
        lines.append(f"  … and {counted.count - len(counted.examples[:5]):,} more")
    lines += ["", "It can be undone for ten minutes."]
    if not await host.push_screen_wait(Confirm(title, lines, f"Purge {counted.count:,}")):
        return False
    # The dry run's word: what was stored since it counted is not purged unseen.
    done = await host.ask(calls.purge(msgspec.structs.replace(what, confirm=counted.confirm)))
    return done is not None and _told(widget, done)


def _dry(what: Purge) -> Purge:
    return msgspec.structs.replace(what, dry_run=True)


def _by_tenant(counted: Purged) -> list[str]:
    if len(counted.tenants) < 2:
        return [f"of tenant {name}" for name in counted.tenants]
    return [f"  {count:,} of {name}" for name, count in counted.tenants.items()]


def _told(widget: Widget, done: Purged) -> bool:
    host = host_of(widget)
    if done.purge is None:
        host.say("It had gone already.")
        return True
    purge = done.purge
    host.purges.add(purge)

    async def undo() -> str:
        restored = await host.session.do(calls.restore(purge))
        return words.restored(restored.count, restored.skipped)

    until = "" if done.undo_until is None else f" (until {datetime.fromtimestamp(done.undo_until):%H:%M})"
    host.can_undo(f"{words.plural(done.count, 'entry', 'entries')} purged{until}", undo, done.undo_until)
    return True
