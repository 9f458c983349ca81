"""Events: what was heard of one exchange. Past tense; ``at`` is Unix seconds, read by whoever heard it."""

from dataclasses import dataclass

from reflexd_core.entry import EntryFacts, Pairing
from reflexd_core.policy import Ask
from reflexd_core.request import Verdict


@dataclass(frozen=True, slots=True)
class RequestArrived:
    at: float
    ask: Ask


@dataclass(frozen=True, slots=True)
class ExactFound:
    at: float
    entry: EntryFacts
    pairing: Pairing | None = None
    """Why the entry answers this request, where it is another request's."""


@dataclass(frozen=True, slots=True)
class ExactMissed:
    at: float


@dataclass(frozen=True, slots=True)
class ExactFailed:
    at: float
    why: str


@dataclass(frozen=True, slots=True)
class Considered:
    """The question itself was looked at."""

    at: float
    exact_only: str | None
    """Why its words forbid comparing it by meaning; None when they do not."""
    lifetime: float | None = None
    """Seconds its answer may live at most, where its words shorten that."""


@dataclass(frozen=True, slots=True)
class FormFound:
    """An entry in the scope has the same normal form."""

    at: float
    candidate: "Candidate"


@dataclass(frozen=True, slots=True)
class FormMissed:
    at: float


@dataclass(frozen=True, slots=True)
class FormFailed:
    at: float
    why: str


@dataclass(frozen=True, slots=True)
class Embedded:
    at: float


@dataclass(frozen=True, slots=True)
class EmbedFailed:
    at: float
    why: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored question near the asked one."""

    key: bytes
    """The entry's exact key."""
    entry: EntryFacts
    similarity: float | None
    """Cosine, -1 to 1; None where the normal form was enough."""
    refusal: str | None = None
    """The guard that refuses it, if one does."""
    words: tuple[str, ...] = ()
    """Those that it refuses for."""


@dataclass(frozen=True, slots=True)
class CandidatesFound:
    at: float
    candidates: tuple[Candidate, ...]
    """Best first; empty when nothing in the scope is near."""


@dataclass(frozen=True, slots=True)
class SeekFailed:
    at: float
    why: str


@dataclass(frozen=True, slots=True)
class Judged:
    at: float
    accepted: Candidate | None
    score: float | None
    """The verifier's calibrated probability for the best candidate, 0 to 1."""
    reason: str
    best: Candidate | None = None
    """The candidate that the score is of."""
    words: tuple[str, ...] = ()
    """Those in which the verifier sees the best candidate differ."""


@dataclass(frozen=True, slots=True)
class JudgeFailed:
    at: float
    why: str


@dataclass(frozen=True, slots=True)
class ReplayFinished:
    at: float


@dataclass(frozen=True, slots=True)
class ReplayFailed:
    """The entry's bytes could not be had or turned; nothing was sent to the client yet."""

    at: float
    why: str


@dataclass(frozen=True, slots=True)
class TwinFound:
    """An identical request is in flight and may be joined."""

    at: float
    leader: int
    same_form: bool
    started: bool
    """Whether the leader's answer has begun to come."""


@dataclass(frozen=True, slots=True)
class TwinStarted:
    at: float


@dataclass(frozen=True, slots=True)
class TwinEnded:
    """The leader's answer came to its regular end."""

    at: float
    entry: EntryFacts | None
    """The entry it became, if it was stored."""


@dataclass(frozen=True, slots=True)
class TwinFailed:
    """The leader's answer broke off after its first byte."""

    at: float


@dataclass(frozen=True, slots=True)
class Promoted:
    """The leader failed before its first byte and this exchange takes its place."""

    at: float


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    at: float
    status: int


@dataclass(frozen=True, slots=True)
class ChunkArrived:
    at: float
    size: int


@dataclass(frozen=True, slots=True)
class AnswerCompleted:
    """The dialect's own end was seen, in bytes that the client does not have yet."""

    at: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """The response ended properly but there is nothing to store (an error, an unknown content)."""

    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class UpstreamFailed:
    at: float
    status: int
    """What to tell the client if it has nothing yet: 502, 504, or 400 where Reflex itself cannot go on."""
    why: str
    """In words, for the client."""


@dataclass(frozen=True, slots=True)
class Stored:
    at: float


@dataclass(frozen=True, slots=True)
class StoreFailed:
    at: float
    why: str


@dataclass(frozen=True, slots=True)
class ClientLeft:
    at: float
    followers: int = 0
    """How many others still read this exchange's answer."""


@dataclass(frozen=True, slots=True)
class FollowersLeft:
    """The last follower left; this exchange's own client had left before."""

    at: float


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    at: float


Event = (
    RequestArrived
    | ExactFound
    | ExactMissed
    | ExactFailed
    | Considered
    | FormFound
    | FormMissed
    | FormFailed
    | Embedded
    | EmbedFailed
    | CandidatesFound
    | SeekFailed
    | Judged
    | JudgeFailed
    | ReplayFinished
    | ReplayFailed
    | TwinFound
    | TwinStarted
    | TwinEnded
    | TwinFailed
    | Promoted
    | ResponseStarted
    | ChunkArrived
    | AnswerCompleted
    | ResponseEnded
    | UpstreamFailed
    | Stored
    | StoreFailed
    | ClientLeft
    | FollowersLeft
    | DeadlinePassed
)
