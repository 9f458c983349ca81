"""Accounts: all that is known of one exchange, from the journal and, where that knows too little, from the disk."""

import logging
from time import time

import anyio

from reflexd_core.differences import Difference, Path, json_path, shown
from reflexd_core.policy import KeepRequest
from reflexd_io.control_client.shapes.exchanges import Difference as Told
from reflexd_io.control_client.shapes.exchanges import ExchangeDetail, Explained
from reflexd_io.feedback import Unknown
from reflexd_io.journal import Finished, Journal
from reflexd_io.journal.finished import LONGEST
from reflexd_io.journal.rows import detail_of
from reflexd_io.journal.why import why
from reflexd_io.pairs import Pairs
from reflexd_io.policies import Policies
from reflexd_io.store import Store, StoreUnavailable
from reflexd_io.store.forms import Compared

log = logging.getLogger(__name__)

SETTLING = 1.0
"""Seconds after an exchange in which its form may still be on its way to the disk."""


class Accounts:
    def __init__(self, *, journal: Journal, store: Store, pairs: Pairs, policies: Policies) -> None:
        self._journal = journal
        self._store = store
        self._pairs = pairs
        self._policies = policies

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

    async def explain(self, name: str) -> Explained:
        """Why it missed, and how it differs from the nearest request before it. Raises `Unknown`."""
        found = self.find(name)
        keeps = self._policies.of(found.tenant).keep_request is KeepRequest.FULL
        is_kept = found.stores and found.replay is None and not found.joined
        compared = await self._compared(found, name, keeps=keeps) if is_kept else None
        nearest = compared.nearest if compared is not None else None
        return Explained(
            exchange=name,
            nearest=nearest.exchange if nearest is not None else None,
            nearest_at=nearest.at if nearest is not None else None,
            same_key=nearest is not None and nearest.key == found.key,
            why=why(found, compared, keeps=keeps),
            differences=[_told(*one) for one in compared.differences] if compared is not None else [],
            more=compared.more if compared is not None else 0,
            rules=list(found.rules),
            nearest_rules=list(nearest.rules) if nearest is not None else [],
        )

    async def _compared(self, found: Finished, name: str, *, keeps: bool) -> Compared | None:
        try:
            while True:
                compared = await self._store.compare(found.tenant, name)
                if compared is not None or not keeps or time() - found.at - found.took > SETTLING:
                    return compared
                await anyio.sleep(SETTLING / 10)  # its form is written just now
        except StoreUnavailable as error:
            log.warning("the forms of earlier requests cannot be read: %s", error)
            return None

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


def _told(where: str, difference: Difference) -> Told:
    before, after = shown(difference)
    path = json_path(difference.path) if where == "body" else _beside(difference.path)
    return Told(path=path, kind=difference.kind.value, before=before, after=after)


def _beside(path: Path) -> str:
    """``path``, ``query``, ``upstream`` or ``header anthropic-beta``."""
    what, *name = map(str, path)
    return f"header {name[0]}" if what == "headers" and name else what
