"""A person's word on an answer to other words: it was wrong, and that can be taken back."""

from textual.widget import Widget

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.exchanges import ExchangeRow
from reflexd_tui.host import host_of


async def call_wrong(view: Widget, row: ExchangeRow) -> None:
    """The answer of this exchange was wrong: end its pairing, with undo."""
    host = host_of(view)
    if not host.may_change("Wrong"):
        return
    if row.entry is None or row.status not in ("hit-l3-verified", "hit-l2-semantic"):
        host.say("Only an answer to other words can be called wrong; purge the entry (d) if its answer is bad.")
        return
    entry = row.entry
    ended = await host.ask(calls.wrong(entry, row.id))
    if ended is None:
        return

    async def undo() -> str:
        await host.session.do(calls.not_wrong(entry, row.id))
        return "The pairing holds again, and its label is gone."

    host.can_undo("This wording is never answered with that entry again, and it is kept as a label", undo)
