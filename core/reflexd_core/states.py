"""States: what one exchange is doing. Gerunds; they hold counters and ids, never an answer's bytes."""

from dataclasses import dataclass

from reflexd_core.commands import Audit, Status
from reflexd_core.policy import Ask


@dataclass(frozen=True, slots=True)
class Arriving:
    """The request is being read."""


@dataclass(frozen=True, slots=True)
class SeekingExact:
    ask: Ask


@dataclass(frozen=True, slots=True)
class Considering:
    """Not in the exact tier; the question's words are looked at."""

    ask: Ask
    reason: str
    """Why the exact tier had nothing."""
    searches: bool = True
    """Whether another wording's answer may be looked for; else only the words matter, for what is stored."""


@dataclass(frozen=True, slots=True)
class SeekingForm:
    ask: Ask


@dataclass(frozen=True, slots=True)
class Embedding:
    ask: Ask


@dataclass(frozen=True, slots=True)
class SeekingNear:
    ask: Ask


@dataclass(frozen=True, slots=True)
class Judging:
    ask: Ask


@dataclass(frozen=True, slots=True)
class Waiting:
    """Joined to a twin in flight: its bytes are relayed as they come, or its end is waited for."""

    ask: Ask
    leader: int
    same_form: bool
    started: bool


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Upstream was called; nothing came yet."""

    ask: Ask
    status: Status
    client_here: bool = True
    audit: Audit | None = None
    """The hit that was not served, to be compared with what comes."""


@dataclass(frozen=True, slots=True)
class Relaying:
    """Upstream's answer is coming."""

    ask: Ask
    http_status: int
    size: int = 0
    """Bytes that came so far."""
    recording: bool = True
    client_here: bool = True
    audit: Audit | None = None


@dataclass(frozen=True, slots=True)
class Replaying:
    ask: Ask
    status: Status


@dataclass(frozen=True, slots=True)
class Storing:
    """The answer is in memory and on its way to the client; the disk is still writing."""


@dataclass(frozen=True, slots=True)
class Done:
    outcome: str
    """How it ended, in a word or two: ``replayed``, ``stored``, ``not-stored: …``, ``refused``, ``left`` …"""


State = (
    Arriving
    | SeekingExact
    | Considering
    | SeekingForm
    | Embedding
    | SeekingNear
    | Judging
    | Waiting
    | Forwarding
    | Relaying
    | Replaying
    | Storing
    | Done
)
