"""The journal: what was asked lately and what became of it, for people who look.

One record for each exchange of a cached dialect, under the name that its client was told (``X-Reflex-Exchange``).
A ring: the oldest goes first, and its details go before it does. Hits from memory are noted as a handful of
references and made whole once somebody reads them.
"""

import itertools
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter, time

from reflexd_core.clients import client_of, session_of
from reflexd_core.commands import Replay
from reflexd_core.dialects.base import Dialect
from reflexd_core.prices import Prices
from reflexd_core.profiles import profile_of
from reflexd_core.routing import Target
from reflexd_io.call import About, Call
from reflexd_io.control_client.shapes.events import ExchangeEvent, StoredEvent
from reflexd_io.control_client.shapes.exchanges import ExchangeRow
from reflexd_io.events import Events
from reflexd_io.exchange import Exchange
from reflexd_io.incoming import Request
from reflexd_io.journal.finished import Finished, Hit, Passed, finished
from reflexd_io.journal.rows import row_of

__all__ = ["Finished", "Journal", "Passed"]

KEPT = 10_000
DETAILED = 1_000
"""Those whose details are kept too, not counting hits from memory, which have hardly any."""


class Journal:
    def __init__(self, events: Events, prices: Prices, name_of: Callable[[str], str] = str) -> None:
        """``name_of``: what people call a tenant; the records know its id."""
        self.name_of = name_of
        self._events = events
        self._prices = prices
        self._prefix = secrets.token_hex(3)
        self._numbers = itertools.count(1)
        self._records: OrderedDict[int, Hit | Finished] = OrderedDict()
        self._detailed: deque[int] = deque()

    def open(self) -> int:
        """The number of one more exchange."""
        return next(self._numbers)

    def name(self, number: int) -> str:
        """What its client is told."""
        return f"{self._prefix}-{number:x}"

    def note_hit(self, call: Call, replay: Replay, began: float, sought: float) -> None:
        """A hit for which no exchange was opened. ``began``: `time.perf_counter` seconds."""
        took = perf_counter() - began
        session = session_of(call.request.raw_named)
        self._keep(
            Hit(
                call.number,
                time() - took,
                took,
                sought,
                call.route,
                call.target.path,
                call.dialect.name,
                call.ask,
                call.reading,
                call.about,
                session,
                replay,
            )
        )

    def note(self, exchange: Exchange) -> None:
        """An exchange whose client is done with."""
        self._detailed.append(exchange.id)
        if len(self._detailed) > DETAILED:
            self._drop_detail(self._detailed.popleft())
        self._keep(finished(exchange, session_of(exchange.call.request.raw_named)))

    def note_end(self, number: int, outcome: str) -> None:
        """What became of an exchange after its client was done with."""
        found = self._records.get(number)
        if isinstance(found, Finished):
            found.outcome = outcome

    def note_stored(self, tenant: str, entry: str) -> None:
        """An answer is safe on disk."""
        self._events.publish(StoredEvent(entry=entry, tenant=self.name_of(tenant), at=time()))

    def note_passed(
        self, passed: Passed, request: Request, target: Target, dialect: Dialect, http_status: int
    ) -> None:
        """A request that was only passed on, or refused before it was read."""
        agent = profile_of(request.raw_named).name
        about = About(client_of(agent, request.raw_named.get(b"user-agent", b"")))
        session = session_of(request.raw_named)
        self._keep(passed.whole(target.path, dialect.name, about, session, http_status))

    def forget_tenant(self, tenant: str) -> None:
        """After calling this, nobody is shown what the tenant, by id, has asked."""
        for number, record in list(self._records.items()):
            if (record.route.tenant if isinstance(record, Hit) else record.tenant) == tenant:
                del self._records[number]

    def find(self, name: str) -> Finished | None:
        """The exchange that its client knows by this name."""
        prefix, _, number = name.partition("-")
        try:
            return self._whole(int(number, 16)) if prefix == self._prefix else None
        except ValueError:
            return None

    def row(self, found: Finished) -> ExchangeRow:
        """The exchange as a line of a list."""
        return row_of(found, self.name(found.number), self._prices, self.name_of(found.tenant))

    def newest(self, behind: int | None = None) -> Iterator[Finished]:
        """Those that finished last first; behind number ``behind`` only, where that is still there.

        The journal may go on growing meanwhile.
        """
        numbers = list(self._records)
        if behind is not None:
            numbers = numbers[: numbers.index(behind)] if behind in self._records else []
        for number in reversed(numbers):
            found = self._whole(number)
            if found is not None:
                yield found

    def _whole(self, number: int) -> Finished | None:
        found = self._records.get(number)
        if isinstance(found, Hit):
            found = self._records[number] = found.whole()
        return found

    def _keep(self, record: Hit | Finished) -> None:
        self._records[record.number] = record
        if len(self._records) > KEPT:
            self._records.popitem(last=False)
        self._events.publish(partial(self._event, record.number))

    def _drop_detail(self, number: int) -> None:
        found = self._records.get(number)
        if isinstance(found, Finished):
            found.detail = None

    def _event(self, number: int) -> ExchangeEvent | None:
        found = self._whole(number)
        return ExchangeEvent(exchange=self.row(found)) if found is not None else None
