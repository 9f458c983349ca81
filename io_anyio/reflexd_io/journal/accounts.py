"""Accounts: all that is known of one exchange, from the journal and, where that knows too little, from the disk."""

from reflexd_io.control_client.shapes.exchanges import ExchangeDetail
from reflexd_io.feedback import Unknown
from reflexd_io.journal import Finished, Journal
from reflexd_io.journal.finished import LONGEST
from reflexd_io.journal.rows import detail_of
from reflexd_io.pairs import Pairs
from reflexd_io.store import Store, StoreUnavailable


class Accounts:
    def __init__(self, journal: Journal, store: Store, pairs: Pairs) -> None:
        self._journal = journal
        self._store = store
        self._pairs = pairs

    def find(self, name: str) -> Finished:
        """Raises `Unknown`."""
        found = self._journal.find(name)
        if found is None:
            raise Unknown(f"There is no exchange {name!r}, or it is too long ago.")
        return found

    async def detail(self, name: str) -> ExchangeDetail:
        """Raises `Unknown`."""
        found = self.find(name)
        question, stored = await self._questions(found)
        return detail_of(found, self._journal.row(found), question=question, stored_question=stored)

    async def _questions(self, found: Finished) -> tuple[str | None, str | None]:
        """What was asked, and what the entry that answered had been asked, if that was something else."""
        detail, key, replay = found.detail, found.key, found.replay
        asked = detail.question if detail is not None else None
        other = replay.key if replay is not None else None
        stored = detail.stored.get(other) if detail is not None and other is not None else None
        pair = self._pairs.find(key) if key is not None and other is not None else None
        if pair is not None and pair.entry_key == other:
            asked, stored = pair.asked, pair.stored
        if key is not None and (asked is None or len(asked) == LONGEST or (other is not None and stored is None)):
            try:
                read, read_stored = await self._store.questions(found.tenant, key)
            except StoreUnavailable:
                read = read_stored = None
            asked, stored = read or asked, stored or (read_stored if other is not None else None)
        return asked or found.about.question or None, stored
