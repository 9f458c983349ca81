"""Exchanges: what was asked lately and what became of it."""

from typing import Annotated, Literal

from msgspec import Meta

from reflexd_io.control_client.shapes.common import Dialect, Told, Wire


class ExchangeRow(Told, frozen=True, kw_only=True):
    """One exchange as a line of the live feed."""

    id: str
    """What ``X-Reflex-Exchange`` told the client."""
    at: float
    """When it arrived."""
    tenant: str
    client: str
    """The agent or library by its headers (``claude-code``, ``codex``, ``openai-python`` …), or empty."""
    dialect: str
    model: str
    form: Literal["body", "stream"]
    status: str
    """``hit-l1-exact``, ``hit-l3-verified``, ``hit-l2-semantic``, ``miss`` or ``bypass``."""
    joined: bool = False
    """Answered with a twin's answer that was under way."""
    http_status: int = 200
    reason: str = ""
    ms: float
    """From the request's head to the end of its answer."""
    first_byte_ms: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    saved_tokens: int = 0
    saved_dollars: float | None = None
    """None where the model's price is not known; 0 where nothing was saved."""
    question: str = ""
    """The beginning of what the person typed, 200 characters at most; as it came, control characters included."""
    entry: str | None = None
    """The entry that answered, or that the answer became."""
    session: str | None = None
    """The agent's own session, where it tells one."""


class Tier(Told, frozen=True, kw_only=True):
    name: Literal["exact", "form", "embed", "near", "judge", "upstream"]
    ms: float
    outcome: str
    """``found``, ``nothing``, ``refused``, ``failed`` …"""


class CandidateRow(Told, frozen=True, kw_only=True):
    entry: str
    question: str
    similarity: float | None = None
    score: float | None = None
    guard: str | None = None
    """The guard that refused it."""
    words: list[str] = []
    """In which the two questions were found to differ."""
    accepted: bool = False


class ExchangeDetail(Told, frozen=True, kw_only=True):
    """All that is known of one exchange."""

    row: ExchangeRow
    path: str
    upstream: str
    tiers: list[Tier] = []
    rules: list[str] = []
    """Rewrites and scrubs that fired while its key was made, by name."""
    exact_only: str | None = None
    """The eligibility rule for which meaning was not compared."""
    candidates: list[CandidateRow] = []
    similarity: float | None = None
    score: float | None = None
    threshold: float | None = None
    question: str | None = None
    """Whole; None where the tenant keeps none."""
    stored_question: str | None = None
    """Of the entry that answered, where that was another's."""
    pairing: bool = False
    """Whether another wording's answer was given, which may be called wrong."""


class Difference(Told, frozen=True, kw_only=True):
    path: str
    """A JSON path such as ``$.messages[3].content``, or ``header anthropic-beta``, ``query``, ``path`` …"""
    kind: Literal["changed", "added", "removed"]
    before: str | None = None
    """JSON, shortened."""
    after: str | None = None


class Explained(Told, frozen=True, kw_only=True):
    """Why an exchange missed: how it differs from the nearest earlier request of the same agent."""

    exchange: str
    nearest: str | None = None
    """The earlier exchange; None where there is none to compare with."""
    nearest_at: float | None = None
    same_key: bool = False
    why: str
    """In one sentence."""
    differences: list[Difference] = []
    more: int = 0
    """Differences beyond those listed."""
    rules: list[str] = []
    nearest_rules: list[str] = []


class ExchangeQuery(Wire, frozen=True, kw_only=True):
    tenant: str | None = None
    status: (
        Literal["hit", "hit-l1-exact", "hit-l3-verified", "hit-l2-semantic", "coalesced", "miss", "bypass"] | None
    ) = None
    """``hit``: all kinds of hits."""
    dialect: Dialect | None = None
    model: str | None = None
    client: str | None = None
    text: str | None = None
    min_ms: float | None = None
    cursor: str | None = None
    limit: Annotated[int, Meta(extra_json_schema={"minimum": 1, "maximum": 1000})] = 100


class ExchangePage(Told, frozen=True, kw_only=True):
    items: list[ExchangeRow]
    """The newest first."""
    next: str | None = None
    """Cursor of the page behind this; None at the end."""


class WrongOf(Wire, frozen=True, kw_only=True):
    exchange: str
    """The asking exchange, by ``X-Reflex-Exchange``."""


class WrongPairing(Told, frozen=True, kw_only=True):
    entry: str
    tenant: str
    stored: str
    asked: str
    score: float | None = None


class Interval(Told, frozen=True, kw_only=True):
    """A share with its 95 % interval."""

    share: float
    low: float
    high: float


class AuditExample(Told, frozen=True, kw_only=True):
    entry: str
    stored: str
    asked: str
    score: float | None = None
    similarity: float | None = None
    at: float


class AuditQuery(Wire, frozen=True, kw_only=True):
    tenant: str = ""
    """Empty: the active one."""


class Audits(Told, frozen=True, kw_only=True):
    """What became of a tenant's compared hits by meaning.

    The comparison sees little and says "unsure" whenever it does, so the share of wrong answers lies somewhere
    between the two that are told, and no single rate is.
    """

    tenant: str
    compared: int
    same: int
    different: int
    unsure: int
    different_share: Interval | None = None
    different_or_unsure_share: Interval | None = None
    examples: list[AuditExample] = []
