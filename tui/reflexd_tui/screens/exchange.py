"""One exchange: what was decided and why, and in what it differs from the request that it should have equalled."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from reflexd_io.control_client import calls
from reflexd_io.control_client.shapes.exchanges import ExchangeRow
from reflexd_tui.host import host_of
from reflexd_tui.judging import call_wrong
from reflexd_tui.pure import told, words
from reflexd_tui.pure.safe import short
from reflexd_tui.screens.detail import DetailScreen


class ExchangeScreen(DetailScreen):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("w", "wrong", "Wrong")]
    PANES: ClassVar[tuple[tuple[str, str], ...]] = (
        ("decision", "Decision"),
        ("diff", "Key diff"),
        ("question", "Question"),
    )

    def __init__(self, row: ExchangeRow) -> None:
        super().__init__()
        self.row = row

    async def load(self) -> None:
        host, row = host_of(self), self.row
        word = words.status(row.status, joined=row.joined, http_status=row.http_status)
        title = [(f"{word.symbol} {word.text}  ", word.colour), (short(row.question, 200) or row.model, "bold")]
        under = f"exchange {row.id} · {words.clock(row.at)} · tenant {row.tenant}"
        self.head([title, [(under + (f" · entry {row.entry[:12]}" if row.entry else ""), "muted")]])
        detail = await host.ask(calls.exchange(row.id), quiet=True)
        if detail is None:
            gone = "The daemon does not remember this exchange any more."
            self.put("decision", [[(gone, "muted")]])
            self.put("question", told.questions(row.question, None))
        else:
            self.path = detail.path
            self.put("decision", told.decision(detail))
            self.put("question", told.questions(detail.question or row.question, detail.stored_question))
        explained = await host.ask(calls.explain(row.id), quiet=True)
        nothing = "There is nothing to compare it with."
        self.put("diff", told.why(explained) if explained is not None else [[(nothing, "muted")]])
        missing = "No stored answer belongs to this exchange" + (f": {row.reason}." if row.reason else ".")
        await self.load_entry(row.entry, missing)

    async def action_wrong(self) -> None:
        await call_wrong(self, self.row)
