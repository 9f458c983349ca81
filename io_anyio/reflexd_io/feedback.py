"""Feedback: what people and audits say of hits by meaning, and what follows from it.

"Wrong" ends a pairing for good: the entry never answers that wording again, and the pair is kept as a label that
`reflexd tune` learns from.
"""

from time import time

from reflexd_core.entry import entry_id
from reflexd_core.meaning.normal_form import normal_form
from reflexd_core.meaning.trials import Count, interval
from reflexd_io.control_client.shapes.exchanges import AuditExample, Audits, Interval, WrongPairing
from reflexd_io.journal import Journal
from reflexd_io.ledger import WRONG, Ledger
from reflexd_io.memory import Memory
from reflexd_io.pairs import Pair, Pairs
from reflexd_io.store import Store
from reflexd_io.store.pairings import Audit, AuditVerdict, Label
from reflexd_io.tenants.registry import Registry

EXAMPLES = 10
_WRONG = "wrong"
"""A label's source: a person said so."""


class Unknown(Exception):  # noqa: N818 - it says what the thing is
    """What was named is not there; the message says so in words."""


class Feedback:
    def __init__(
        self,
        *,
        store: Store,
        memory: Memory,
        journal: Journal,
        pairs: Pairs,
        registry: Registry,
        ledger: Ledger,
    ) -> None:
        self._store = store
        self._memory = memory
        self._journal = journal
        self._pairs = pairs
        self._registry = registry
        self._ledger = ledger

    async def wrong(self, entry: str, exchange: str) -> WrongPairing:
        """The answer was wrong: end the pairing. Raises `Unknown`, `StoreUnavailable`."""
        tenant, key, pair = await self._paired(entry, exchange)
        self._memory.bar([key])  # before anything is waited for
        ended = await self._store.block(tenant, pair.entry_key, pair.form)
        self._memory.bar([*ended, key])
        label = Label(a=pair.stored, b=pair.asked, label=False, source=_WRONG, at=time(), score=pair.score)
        await self._store.add_label(tenant, label)
        self._ledger.note_beside(tenant, WRONG)
        return self._told(entry, tenant, pair)

    async def not_wrong(self, entry: str, exchange: str) -> WrongPairing:
        """Take `wrong` back, label and all: the wording is judged anew when it is next asked. Raises as `wrong`."""
        tenant, _, pair = await self._paired(entry, exchange)
        if not await self._store.unblock(tenant, pair.entry_key, pair.form):
            raise Unknown(f"Exchange {exchange!r} was not called wrong.")
        await self._store.forget_label(tenant, pair.stored, pair.asked, _WRONG)
        self._ledger.note_beside(tenant, WRONG, -1)
        return self._told(entry, tenant, pair)

    async def _paired(self, entry: str, exchange: str) -> tuple[str, bytes, Pair]:
        """The exchange's tenant, its exact key, and what it was answered with. Raises `Unknown`."""
        asked = self._journal.find(exchange)
        if asked is None or asked.key is None or asked.replay is None or asked.replay.key is None:
            raise Unknown(f"No exchange {exchange!r} was answered in other words than its own lately.")
        pair = self._pairs.find(asked.key) or await self._stored_pair(asked.tenant, asked.key)
        if pair is None:
            raise Unknown(f"Exchange {exchange!r} has no pairing any more: nothing is left to take back.")
        if entry_id(pair.entry_key) != entry:
            raise Unknown(f"Exchange {exchange!r} was not answered by entry {entry}.")
        return asked.tenant, asked.key, pair

    def _told(self, entry: str, tenant: str, pair: Pair) -> WrongPairing:
        shown = self._registry.name_of(tenant)
        return WrongPairing(entry=entry, tenant=shown, stored=pair.stored, asked=pair.asked, score=pair.score)

    async def _stored_pair(self, tenant: str, key: bytes) -> Pair | None:
        """What the disk knows of a pairing that was judged before the last start."""
        found = await self._store.pairing(tenant, key)
        if found is None:
            return None
        form = normal_form(found.asked) or ""
        return Pair(found.pairing.entry_key, found.stored, found.asked, form, found.pairing.score)

    async def audits(self, tenant: str) -> Audits:
        """What became of a tenant's compared hits, with examples of those that differed. Empty: the active one's.

        Raises `changes.Unfit` where nobody is called so.
        """
        shown = tenant or self._registry.tenancy.active.name
        tenant = self._registry.known(shown)
        counts = await self._store.audit_counts(tenant)
        different, unsure = counts[AuditVerdict.DIFFERENT], counts[AuditVerdict.UNSURE]
        total = counts[AuditVerdict.SAME] + different + unsure
        examples = await self._store.audits(tenant, EXAMPLES, AuditVerdict.DIFFERENT)
        return Audits(
            tenant=shown,
            compared=total,
            same=counts[AuditVerdict.SAME],
            different=different,
            unsure=unsure,
            different_share=_share(different, total),
            different_or_unsure_share=_share(different + unsure, total),
            examples=[_example(audit) for audit in examples],
        )


def _share(count: int, total: int) -> Interval | None:
    """None without any."""
    if not total:
        return None
    bounds = interval(Count(count, total))
    return Interval(share=count / total, low=bounds.low, high=bounds.high)


def _example(audit: Audit) -> AuditExample:
    return AuditExample(
        entry=entry_id(audit.entry_key),
        stored=audit.stored,
        asked=audit.asked,
        score=audit.score,
        similarity=audit.similarity,
        at=audit.at,
    )
