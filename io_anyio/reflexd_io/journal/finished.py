"""What is remembered of a finished exchange: facts and short texts, never a body, an answer or a credential."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter, time

from reflexd_core import events as ev
from reflexd_core.commands import Replay, Status
from reflexd_core.credentials import Route
from reflexd_core.entry import EntryFacts, unpaired, unsuitable
from reflexd_core.policy import Ask, KeepRequest
from reflexd_core.request import Form, Reading, Usage
from reflexd_io.call import About
from reflexd_io.exchange import Exchange, TierName

LONGEST = 4096
"""Characters of a question that are remembered."""

HITS = frozenset({Status.HIT_L1, Status.HIT_L2, Status.HIT_L3})


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """How an exchange was decided."""

    heard: tuple[tuple[TierName, ev.Event], ...]
    """What each tier said, in order; tiers by the names of `control_client.shapes.exchanges.Tier`."""
    unfit: str | None = None
    """Why what lay under the exact key did not answer."""
    timings: Mapping[bytes, float]
    """Seconds by tier, as in ``Server-Timing``."""
    upstream: float | None = None
    """Seconds until the provider's answer began; None where it was not called, or did not answer."""
    called: bool = False
    """Whether the provider was."""
    question: str | None = None
    """None where nobody looked at its words, or the tenant keeps none."""
    stored: Mapping[bytes, str]
    """The candidates' questions, by exact key."""
    scores: Mapping[bytes, float] = field(default_factory=dict)
    """What the verifier thought of candidates, by exact key."""
    exact_only: str | None = None
    """Why meaning was not compared."""
    threshold: float | None = None


@dataclass(slots=True, kw_only=True)
class Finished:
    number: int
    at: float
    """When it came, Unix seconds."""
    took: float
    """Seconds."""
    first_byte: float | None = None
    """Seconds until the first byte of the answer."""
    tenant: str
    upstream: str
    dialect: str
    path: str
    about: About
    session: str | None
    form: Form
    model: str
    key: bytes | None
    stores: bool = True
    """Whether anything of it might be stored, as far as its client and its own content go."""
    rules: tuple[str, ...]
    """Rewrites and scrubs that fired."""
    status: Status
    joined: bool = False
    http_status: int
    reason: str
    entry: EntryFacts | None = None
    replay: Replay | None = None
    similarity: float | None = None
    score: float | None = None
    words: tuple[str, ...] = ()
    usage: Usage | None = None
    """What the answer cost, be it now or when it was stored."""
    outcome: str = ""
    """How it ended, as the machine says (`states.Done`); empty while it has not."""
    detail: Detail | None = None
    """Dropped before the rest is."""

    @property
    def is_saved(self) -> bool:
        """Whether the provider was spared a call."""
        return self.status in HITS or self.joined


@dataclass(slots=True)  # not frozen: that would take four times as long to make
class Hit:
    """A hit for which no exchange was opened, as it is noted: nothing but references."""

    number: int
    at: float
    took: float
    sought: float
    """Seconds that the exact tier took."""
    route: Route
    path: str
    dialect: str
    ask: Ask
    reading: Reading | None
    about: About
    session: str | None
    replay: Replay

    def whole(self) -> Finished:
        replay = self.replay
        return Finished(
            number=self.number,
            at=self.at,
            took=self.took,
            first_byte=self.took,
            tenant=self.route.tenant,
            upstream=self.route.upstream.name,
            dialect=self.dialect,
            path=self.path,
            about=self.about,
            session=self.session,
            form=self.ask.form,
            model=self.ask.model,
            key=self.ask.key,
            rules=self.reading.rules if self.reading is not None else (),
            status=replay.status,
            http_status=200,
            reason=replay.reason,
            entry=replay.entry,
            replay=replay,
            similarity=replay.similarity,
            score=replay.score,
            usage=replay.entry.usage,
            outcome="replayed",
            detail=Detail(
                heard=(("exact", ev.ExactFound(self.at, replay.entry)),), timings={b"l1": self.sought}, stored={}
            ),
        )


@dataclass(slots=True)
class Passed:
    """A request of a cached dialect on its way through the gateway. With a reason: it was only passed on, or refused
    before it was read, and no exchange was opened for it."""

    number: int
    began: float
    """`time.perf_counter` seconds."""
    reason: str = ""
    route: Route | None = None

    def whole(self, path: str, dialect: str, about: About, session: str | None, http_status: int) -> Finished:
        took = perf_counter() - self.began
        return Finished(
            number=self.number,
            at=time() - took,
            took=took,
            tenant=self.route.tenant if self.route is not None else "",
            upstream=self.route.upstream.name if self.route is not None else "",
            dialect=dialect,
            path=path,
            about=about,
            session=session,
            form=Form.BODY,
            model="",
            key=None,
            rules=(),
            status=Status.BYPASS,
            http_status=http_status,
            reason=self.reason,
            outcome="passed",
        )


def finished(exchange: Exchange, session: str | None) -> Finished:
    """What an exchange was, whose client is done with."""
    call, forward, replay = exchange.call, exchange.forward, exchange.replay
    ended = perf_counter()
    if replay is not None:
        reason, similarity, score = replay.reason, replay.similarity, replay.score
    elif forward is not None:
        reason, similarity, score = forward.reason, forward.similarity, forward.score
    else:
        reason, similarity, score = "coalesced" if exchange.joined else "", None, None
    entry = exchange.entry
    usage = entry.usage if entry is not None else exchange.usage
    return Finished(
        number=exchange.id,
        at=exchange.arrived,
        took=ended - exchange.began,
        first_byte=exchange.first_byte - exchange.began if exchange.first_byte is not None else None,
        tenant=call.route.tenant,
        upstream=call.route.upstream.name,
        dialect=call.dialect.name,
        path=call.target.path,
        about=call.about,
        session=session,
        form=call.ask.form,
        model=call.ask.model,
        key=call.ask.key,
        stores=call.ask.stores,
        rules=call.reading.rules if call.reading is not None else (),
        status=exchange.status,
        joined=exchange.joined,
        http_status=exchange.http_status,
        reason=exchange.refused or reason,
        entry=entry,
        replay=replay,
        similarity=similarity,
        score=score,
        words=forward.words if forward is not None else (),
        usage=usage,
        detail=_detail(exchange),
    )


def _detail(exchange: Exchange) -> Detail:
    call, asked = exchange.call, exchange.asked
    keeps = call.policy.keep_request is not KeepRequest.NONE
    called, answered = exchange.called, exchange.answered
    return Detail(
        heard=tuple(exchange.heard),
        unfit=next((why for _, event in exchange.heard if (why := _unfit(event, exchange)) is not None), None),
        timings=exchange.timings,
        upstream=answered - called if called is not None and answered is not None else None,
        called=called is not None,
        question=asked.question[:LONGEST] if asked is not None and keeps else None,
        stored={key: text[:LONGEST] for key, text in asked.stored.items()} if asked is not None and keeps else {},
        exact_only=(asked.exact_only if asked is not None else None) or call.ask.exact_only,
        scores=exchange.scores,
        threshold=call.policy.threshold if call.policy.compares else None,
    )


def _unfit(event: ev.Event, exchange: Exchange) -> str | None:
    if not isinstance(event, ev.ExactFound):
        return None
    ask, policy = exchange.call.ask, exchange.call.policy
    if event.pairing is not None:
        return unpaired(event.pairing, event.entry, ask, policy, event.at)
    return unsuitable(event.entry, ask, event.at)
