"""Audits: would the stored answer have done? Each is compared with a fresh one that was paid for anyway.

What is found is kept per tenant, with counts for ever, so that people see their own rate of false hits.
"""

import logging
from time import time

import anyio
import anyio.to_thread

from reflexd_core.commands import Audit as AuditCommand
from reflexd_core.dialects.base import Dialect
from reflexd_core.meaning.compare import compare
from reflexd_io.asked import Asked
from reflexd_io.call import Call
from reflexd_io.ledger import AUDITED, Ledger
from reflexd_io.memory import Answer
from reflexd_io.store import Store, StoreUnavailable
from reflexd_io.store.pairings import Audit, AuditVerdict

log = logging.getLogger(__name__)


MOST_WAITING = 64
"""Audits that wait for their turn; beyond them a hit is not compared."""
LARGEST = 256 * 1024
"""Bytes of an answer above which nothing is seen in it."""


class Auditor:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._waiting = 0
        self._limiter = anyio.CapacityLimiter(1)  # its own, so that no request waits for it

    @property
    def has_room(self) -> bool:
        return self._waiting < MOST_WAITING

    async def compare(self, call: Call, asked: Asked, fresh: Answer, audit: AuditCommand) -> None:
        """Compare the fresh answer with the candidate's, and keep the outcome. No failure of it matters to anyone."""
        key, tenant, found = call.ask.key, call.route.tenant, audit.candidate
        assert key is not None  # noqa: S101 - what has no key is never compared
        self._waiting += 1
        try:
            stored = await self._store.get(tenant, found.key)
            if stored is None:  # it went meanwhile
                return
            verdict = await anyio.to_thread.run_sync(_compared, call.dialect, stored, fresh, limiter=self._limiter)
            await self._store.add_audit(
                tenant,
                Audit(
                    entry_key=found.key,
                    asked_key=key,
                    stored=asked.stored[found.key],
                    asked=asked.question,
                    score=audit.score,
                    similarity=found.similarity,
                    model=call.policy.rules,
                    verdict=verdict,
                    at=time(),
                ),
            )
            self._ledger.note_beside(tenant, AUDITED + verdict.value)
        except StoreUnavailable as error:
            log.warning("an audit could not be kept: %s", error)
        except Exception:
            log.exception("an audit failed")
        finally:
            self._waiting -= 1


def _compared(dialect: Dialect, stored: Answer, fresh: Answer) -> AuditVerdict:
    if max(len(stored.recorded), len(fresh.recorded)) > LARGEST:
        return AuditVerdict.UNSURE
    old, new = (dialect.answer_text(each.facts.form, each.recorded) for each in (stored, fresh))
    return AuditVerdict(compare(old, new).agreement.value)
