"""Commands: what is to be done for one exchange. Imperative; only the driver performs them."""

from dataclasses import dataclass
from enum import StrEnum

from reflexd_core.entry import EntryFacts
from reflexd_core.events import Candidate


class Status(StrEnum):
    """What the client is told (``X-Reflex-Status``)."""

    HIT_L1 = "hit-l1-exact"
    HIT_L2 = "hit-l2-semantic"
    HIT_L3 = "hit-l3-verified"
    MISS = "miss"
    BYPASS = "bypass"


@dataclass(frozen=True, slots=True)
class SeekExact:
    """Look the exact key up; answer with ExactFound, ExactMissed or ExactFailed."""


@dataclass(frozen=True, slots=True)
class Consider:
    """Look at the question's words: may it be compared by meaning? Answer with Considered."""


@dataclass(frozen=True, slots=True)
class SeekForm:
    """Look the question's normal form up in the scope; answer with FormFound, FormMissed or FormFailed."""


@dataclass(frozen=True, slots=True)
class Embed:
    """Make the question's vector; answer with Embedded or EmbedFailed."""


@dataclass(frozen=True, slots=True)
class SeekNear:
    """Find the nearest entries in the scope; answer with CandidatesFound or SeekFailed."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Verify the candidates; answer with Judged or JudgeFailed."""

    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """Send the entry in the asked form; answer with ReplayFinished, ReplayFailed or ClientLeft."""

    entry: EntryFacts
    status: Status
    similarity: float | None = None
    score: float | None = None
    reason: str = ""
    """Why an entry answers other words than its own."""
    key: bytes | None = None
    """The entry's exact key, where it is not the asker's."""


@dataclass(frozen=True, slots=True)
class Promote:
    """Remember the acceptance under the asker's exact key, so that the same words are answered at once next time."""

    candidate: Candidate
    score: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Audit:
    """Compare the fresh answer with the one that would have been served."""

    candidate: Candidate
    score: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Forward:
    """Call upstream; answer with ResponseStarted or UpstreamFailed."""

    status: Status
    reason: str
    similarity: float | None = None
    """Of the best candidate that was refused."""
    score: float | None = None
    words: tuple[str, ...] = ()
    """In which it was found to differ."""


@dataclass(frozen=True, slots=True)
class Relay:
    """Let the client have an answer from its first byte on, as it comes."""

    leader: int | None
    """Whose answer: a twin's, or the exchange's own (None)."""


@dataclass(frozen=True, slots=True)
class StopRecording:
    """Keep no more of the answer than the slowest reader needs; it has grown too large to be stored."""


@dataclass(frozen=True, slots=True)
class Admit:
    """Put the recorded answer into memory and onto disk, in this order and the first at once.

    Answer with Stored or StoreFailed once the disk has it.
    """

    entry: EntryFacts
    exact_only: bool
    """Never an answer to another wording."""


@dataclass(frozen=True, slots=True)
class CancelUpstream:
    """Give the upstream call up."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an error of Reflex's own, in the dialect's shape."""

    status: int
    code: str
    message: str
    retry: bool = False
    """Whether trying again may help; otherwise the client is told that it does not."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Break the client's connection off in mid-answer, as upstream did."""


Command = (
    SeekExact
    | Consider
    | SeekForm
    | Embed
    | SeekNear
    | Judge
    | Replay
    | Promote
    | Audit
    | Forward
    | Relay
    | StopRecording
    | Admit
    | CancelUpstream
    | Refuse
    | Cut
)
