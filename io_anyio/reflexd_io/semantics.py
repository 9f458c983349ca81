"""Semantics: performs the machine's commands between the exact tier and upstream, and tells what it heard.

The models are loaded beside everything else; until they are there, and wherever they or the store fail, the request
is forwarded. All that one question costs here together must fit a budget of time.

Decision: equal requests that search at the same time are not joined before Forwarding, since a follower would inherit
its leader's deadline and failures for a few milliseconds of work. What costs most is shared all the same: equal texts
and pairs in flight are computed once (`inference.batching`), and a twin's stored answer ends a search.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter, time

import anyio
import anyio.abc
import anyio.to_thread

from reflexd_core import commands as cmd
from reflexd_core import events as ev
from reflexd_core.entry import Pairing
from reflexd_core.policy import KeepRequest, Policy
from reflexd_io.asked import Asked, is_slow, read_asked
from reflexd_io.audits import Auditor
from reflexd_io.backlog import Backlog
from reflexd_io.call import Call
from reflexd_io.exchange import Exchange
from reflexd_io.ledger import Ledger
from reflexd_io.memory import Memory
from reflexd_io.models import Models
from reflexd_io.store import IndexNotReady, Store, StoreUnavailable
from reflexd_io.store.meaning import Meaning, Near
from reflexd_io.store.pairings import Alias

log = logging.getLogger(__name__)

CANDIDATES = 5
"""Nearest entries that guards look at; the verifier sees two of them at most."""

Hear = Callable[[ev.Event], None]
SearchCommand = cmd.SeekForm | cmd.Embed | cmd.SeekNear | cmd.Judge


class Semantics:
    def __init__(
        self,
        *,
        store: Store,
        memory: Memory,
        models: Models,
        backlog: Backlog,
        ledger: Ledger,
        tasks: anyio.abc.TaskGroup,
        budget: float,
    ) -> None:
        """``tasks`` outlives every connection: audits and promotions run in it. ``budget``: seconds a question."""
        self._store = store
        self._memory = memory
        self._models = models
        self._backlog = backlog
        self._tasks = tasks
        self._budget = budget
        self._auditor = Auditor(store, ledger)

    async def consider(self, exchange: Exchange) -> ev.Considered:
        """Look at the question's own words."""
        began, call = perf_counter(), exchange.call
        if is_slow(call):  # nobody else waits for it
            asked = await anyio.to_thread.run_sync(read_asked, call)
        else:
            asked = read_asked(call)
        exchange.search_until = anyio.current_time() + self._budget
        if asked is not None and asked.exact_only is None and not self._is_seen_whole(asked.question):
            asked.exact_only = "too-long"
        if asked is not None and asked.exact_only is None and call.policy.keep_request is KeepRequest.NONE:
            asked.exact_only = "request-not-kept"  # there is nothing stored that could be compared
        exchange.asked = asked
        exchange.timings[b"form"] = perf_counter() - began
        if asked is None:
            return ev.Considered(time(), "no-question")
        return ev.Considered(time(), asked.exact_only, asked.lifetime)

    def _is_seen_whole(self, question: str) -> bool:
        return not self._models.ready or self._models.fits(question)

    async def search(self, exchange: Exchange, command: SearchCommand) -> ev.Event:
        """What was found, or that it took too long or failed."""
        asked = exchange.asked
        assert asked is not None  # noqa: S101 - the machine seeks only what was considered
        found = self._stored_meanwhile(exchange)
        if found is not None:
            return found
        event: ev.Event = ev.DeadlinePassed(time())
        with anyio.move_on_after(exchange.search_until - anyio.current_time()):
            try:
                event = await self._search(exchange, asked, command)
            except IndexNotReady:
                event = ev.SeekFailed(time(), "index-not-ready")
            except StoreUnavailable as error:
                log.warning("the store cannot be searched, so the request is forwarded: %s", error)
                event = _failed(command, "store-unavailable")
            except Exception:  # whatever a model or an index does, it costs this hit and no more
                log.exception("comparing by meaning failed, so the request is forwarded")
                event = _failed(command, "model-failed")
        return self._stored_meanwhile(exchange) or event

    def _stored_meanwhile(self, exchange: Exchange) -> ev.ExactFound | None:
        """The same request was answered by upstream since this one came: nothing is left to be searched."""
        held = self._memory.get(exchange.call.ask.key or b"")
        if held is None or held.pairing is not None or held.facts.created < exchange.arrived:
            return None
        return ev.ExactFound(time(), held.facts)

    async def _search(self, exchange: Exchange, asked: Asked, command: SearchCommand) -> ev.Event:
        tenant, began = exchange.call.route.tenant, perf_counter()
        match command:
            case cmd.SeekForm():
                found = await self._store.find_form(tenant, asked.scope, asked.form)
                exchange.timings[b"form"] += perf_counter() - began
                if not found:
                    return ev.FormMissed(time())
                asked.stored[found[0].key] = found[0].question
                return ev.FormFound(time(), ev.Candidate(found[0].key, found[0].facts, None))
            case cmd.Embed():
                asked.vector = await self._models.embed(asked.question)
                exchange.timings[b"embed"] = perf_counter() - began
                if asked.vector is None:
                    asked.exact_only = "too-long"
                    return ev.EmbedFailed(time(), "too-long")
                return ev.Embedded(time())
            case cmd.SeekNear():
                candidates = await self._nearest(tenant, asked)
                exchange.timings[b"l2"] = perf_counter() - began
                return ev.CandidatesFound(time(), candidates)
            case cmd.Judge(candidates=candidates):
                judged = await self._judge(exchange, asked, candidates)
                exchange.timings[b"l3"] = perf_counter() - began
                return judged

    async def _nearest(self, tenant: str, asked: Asked) -> tuple[ev.Candidate, ...]:
        assert asked.vector is not None  # noqa: S101 - the machine seeks after embedding
        found = await self._store.nearest(
            tenant, asked.scope, asked.vector, CANDIDATES, model=self._models.embedding, form=asked.form
        )
        return tuple(self._candidate(near, asked) for near in found)

    def _candidate(self, near: Near, asked: Asked) -> ev.Candidate:
        asked.stored[near.key] = near.question
        refused = self._models.refusal(near.question, asked.question)
        if refused is None:
            return ev.Candidate(near.key, near.facts, near.similarity)
        return ev.Candidate(near.key, near.facts, near.similarity, f"guard-{refused.guard}", refused.words)

    async def _judge(self, exchange: Exchange, asked: Asked, candidates: tuple[ev.Candidate, ...]) -> ev.Judged:
        threshold = exchange.call.policy.threshold
        pairs = [((asked.stored[found.key], asked.question), found.similarity or 0.0) for found in candidates]
        scores = await self._models.verify(pairs)
        exchange.scores = {one.key: score.probability for one, score in zip(candidates, scores, strict=True)}
        best, found = max(zip(candidates, scores, strict=True), key=lambda item: item[1].probability)
        score, words = found.probability, tuple(tag.word for tag in found.tags)
        if score >= threshold:
            return ev.Judged(time(), best, score, "verified", best)
        return ev.Judged(time(), None, score, "below-threshold", best, words)

    def meaning_of(self, exchange: Exchange) -> Meaning | None:
        """What is stored of the question beside its answer; None where other wordings are never answered with it."""
        asked = exchange.asked
        if asked is None or asked.exact_only is not None:
            return None
        if asked.vector is None:
            self._backlog.note(exchange.call.route.tenant)
        try:
            return self._meaning(asked, exchange.call.policy)
        except ValueError as error:  # a vector that is none: the entry is kept all the same
            log.warning("an entry is compared exactly only: %s", error)
            return None

    def _meaning(self, asked: Asked, policy: Policy) -> Meaning:
        return Meaning(
            scope=asked.scope,
            question=asked.question,
            form=asked.form,
            vector=asked.vector,
            model=self._models.embedding if asked.vector is not None else None,
            expires=time() + policy.semantic_lifetime,
        )

    def promote(self, exchange: Exchange, promote: cmd.Promote) -> None:
        """After the entry was replayed: remember that it answers these words too."""
        asked, key, found = exchange.asked, exchange.call.ask.key, promote.candidate
        if asked is None or key is None or not exchange.call.ask.stores:
            return
        if self._memory.purged.since(exchange.call.mark, key, found.key, tenant=exchange.call.route.tenant):
            return  # what answered is gone by now
        pairing = Pairing(
            entry_key=found.key,
            score=promote.score,
            similarity=found.similarity,
            model=exchange.call.policy.rules,
            reason=promote.reason,
            at=time(),
        )
        newest = self._memory.get(found.key)
        if exchange.sought is not None and (newest is None or newest.facts == exchange.sought.facts):
            self._memory.put(key, replace(exchange.sought, pairing=pairing), exchange.call.route.tenant)
        alias = Alias(key=key, question=asked.question, form=asked.form, pairing=pairing)
        self._tasks.start_soon(self._remember, exchange.call, alias)

    async def _remember(self, call: Call, alias: Alias) -> None:
        try:
            kept = await self._store.promote(call.route.tenant, alias)
        except StoreUnavailable as error:
            log.warning("a pairing could not be remembered: %s", error)
            kept = False
        held = self._memory.get(alias.key)
        if not kept and held is not None and held.pairing == alias.pairing:
            self._memory.drop(alias.key)

    def audit(self, exchange: Exchange, audit: cmd.Audit) -> None:
        """The fresh answer is whole: compare it with the one that would have been served."""
        if exchange.asked is not None and exchange.fresh is not None and self._auditor.has_room:
            self._tasks.start_soon(self._auditor.compare, exchange.call, exchange.asked, exchange.fresh, audit)


def _failed(command: SearchCommand, why: str) -> ev.Event:
    match command:
        case cmd.SeekForm():
            return ev.FormFailed(time(), why)
        case cmd.Embed():
            return ev.EmbedFailed(time(), why)
        case cmd.SeekNear():
            return ev.SeekFailed(time(), why)
        case cmd.Judge():
            return ev.JudgeFailed(time(), why)
