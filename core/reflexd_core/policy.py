"""Policy: what a tenant allows, what a request's headers ask for, and what follows from both.

Reading and storing are decided here, once, as an `Ask`; the machine only carries it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reflexd_core.request import Form, Reading
from reflexd_core.scrubs import SCRUBS
from reflexd_core.tauq.served import Format

MIB = 1024 * 1024
DAY = 86_400.0


class OnLeave(StrEnum):
    """What happens upstream when the last client has left."""

    CANCEL = "cancel"
    FINISH = "finish"


class Semantic(StrEnum):
    """What becomes of a hit by meaning."""

    OFF = "off"
    """Meaning is not compared."""
    SHADOW = "shadow"
    """It is forwarded all the same, and the fresh answer compared with the one that would have been served."""
    ON = "on"


class KeepRequest(StrEnum):
    """What is kept of a request beside its answer."""

    FULL = "full"
    QUESTION = "question"
    """What the person typed, and nothing else of it."""
    NONE = "none"
    """Not a word: then meaning cannot be compared either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A tenant's rules. Immutable: a change is a new policy, and exchanges under way keep theirs."""

    caching: bool = True
    """False is pass-through: everything is forwarded, nothing read or stored."""
    exact_lifetime: float | None = None
    """Seconds an entry lives; None is for ever (until storage needs the room)."""
    on_leave: OnLeave = OnLeave.CANCEL
    semantic: Semantic = Semantic.ON
    judge: str = ""
    """The fingerprint of the models that compare meaning; empty where there are none, and then nothing is."""
    threshold: float = 1.0
    """The least score at which a verified candidate answers."""
    own_threshold: float | None = None
    """The tenant's wish for it; None is the verifier's own."""
    verify: bool = True
    """False turns L3 off: then similarity alone decides, and the client is told ``hit-l2-semantic``."""
    similarity_threshold: float = 0.98
    """The least cosine at which a candidate answers without L3."""
    semantic_lifetime: float = 7 * DAY
    """Seconds after which an entry no longer answers other wordings than its own."""
    audit_share: float = 0.05
    """Of the would-be hits by meaning, those that are forwarded all the same and compared, for ever."""
    match_sampling: bool = False
    """Whether temperature and its like must match before meaning is compared."""
    scrubs: frozenset[str] = frozenset(SCRUBS)
    """Names of the scrubs that are applied to the tool output of agents whose they are."""
    portable: bool = False
    """Whether dates, working directories and git status are left out of the key (`portable`)."""
    keep_request: KeepRequest = KeepRequest.FULL
    storage_bytes: int | None = None
    """What the tenant's files may take, the least recently used entries going first; None is the install's limit."""
    format: Format = Format.JSON
    """The notation of answers from the cache for requests that ask for none (``x-reflex-format``)."""
    record_limit: int = 16 * MIB
    """Bytes of an answer above which recording and joining stop and the rest is only relayed."""
    join_silence: float = 30.0
    """Seconds without a byte after which nobody joins a leader any more."""

    @property
    def rules(self) -> str:
        """By what an acceptance was found good: one that was found so by other rules is not taken on trust."""
        return f"{self.judge}+sampling" if self.match_sampling else self.judge

    @property
    def compares(self) -> bool:
        """Whether meaning is compared at all."""
        return self.judge != "" and self.semantic is not Semantic.OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    """What a request's own headers ask of the cache (RFC 9111 meaning)."""

    bypass: str | None = None
    """Why the cache is to be left out of it entirely."""
    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    max_age: float | None = None
    min_fresh: float = 0.0
    lifetime: float | None = None
    """``x-cache-ttl``, seconds."""
    exact: bool = False
    """``x-reflex-tiers: exact``."""
    retry: bool = False
    """The client says that this is another attempt (``x-stainless-retry-count``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request as the machine sees it: which entry it could use, and what it allows."""

    key: bytes | None
    """The exact key; None where the request cannot be compared."""
    dialect: str
    model: str
    form: Form
    wants_usage: bool
    reads: bool
    stores: bool
    joins: bool
    reason: str
    """Why the cache is left out (``bypass``), or empty."""
    only_if_cached: bool = False
    max_age: float | None = None
    min_fresh: float = 0.0
    lifetime: float | None = None
    """Seconds the answer may live; None is for ever."""
    exact_only: str | None = None
    has_question: bool = False
    """Whether there is a question that might be compared by meaning, which its words may still forbid."""
    max_output: int | None = None
    """The asker's limit of output tokens; an answer to another wording must fit it."""
    refusal: str | None = None

    @property
    def bypasses(self) -> bool:
        return not self.reads and not self.stores


CONTROL_HEADERS = frozenset(
    {
        "x-reflex-tenant",
        "x-bypass-cache",
        "x-cache-ttl",
        "x-reflex-tiers",
        "x-reflex-format",
        "x-reflex-token",
    }
)
"""Request headers that speak to Reflex; none of them is forwarded."""


DIRECTIVE_HEADERS = frozenset({b"x-bypass-cache", b"x-cache-ttl", b"x-reflex-tiers", b"cache-control"})
RETRY_HEADER = b"x-stainless-retry-count"
NO_DIRECTIVES = Directives()


def has_directives(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the headers (by lower-case name) say anything to the cache; most requests say nothing."""
    return not DIRECTIVE_HEADERS.isdisjoint(headers) or headers.get(RETRY_HEADER, b"0") != b"0"


def read_directives(headers: Mapping[str, str]) -> Directives:
    """What the headers (by lower-case name) ask for.

    A directive of Reflex's own that cannot be read leaves the cache out: an answer must never rest on a guess,
    and the client must never get an error that the provider did not send. RFC 9111 section 4.2.1 says the same
    of an unreadable ``Cache-Control``.
    """
    cache_control = headers.get("cache-control")
    tiers = headers.get("x-reflex-tiers", "").strip().lower()
    lifetime = _seconds(headers.get("x-cache-ttl"))
    asked = _cache_control(cache_control) if cache_control else {}
    only_if_cached = "only-if-cached" in asked
    if _is_true(headers.get("x-bypass-cache")):
        return Directives(bypass="x-bypass-cache", only_if_cached=only_if_cached)
    if tiers not in ("", "exact"):
        return Directives(bypass="unreadable x-reflex-tiers", only_if_cached=only_if_cached)
    if lifetime is _UNREADABLE:
        return Directives(bypass="unreadable x-cache-ttl", only_if_cached=only_if_cached)
    max_age, min_fresh = _seconds(asked.get("max-age")), _seconds(asked.get("min-fresh"))
    return Directives(
        no_cache="no-cache" in asked or max_age is _UNREADABLE or min_fresh is _UNREADABLE,
        no_store="no-store" in asked or lifetime == 0,
        only_if_cached=only_if_cached,
        max_age=max_age,
        min_fresh=min_fresh or 0.0,
        lifetime=lifetime,
        exact=tiers == "exact",
        retry=headers.get("x-stainless-retry-count", "0").strip() not in ("", "0"),
    )


WITH_A_QUESTION = frozenset({None, "several-choices", "logprobs"})
"""Why meaning is not compared although there is one question, whose words may still shorten its answer's life."""


def decide(reading: Reading, dialect: str, key: bytes, directives: Directives, policy: Policy) -> Ask:
    """The `Ask` of a request that was read and has a key."""
    bypass = directives.bypass or reading.stateful or (None if policy.caching else "paused")
    reads = bypass is None and not directives.no_cache
    stores = bypass is None and not directives.no_store
    plain = directives.max_age is None and not directives.retry and not directives.only_if_cached
    lifetimes = [
        seconds for seconds in (directives.lifetime or policy.exact_lifetime, reading.lifetime) if seconds is not None
    ]
    return Ask(
        key=key,
        dialect=dialect,
        model=reading.model,
        form=reading.form,
        wants_usage=reading.wants_usage,
        reads=reads,
        stores=stores,
        joins=reads and stores and plain,
        reason=bypass or ("" if reads or stores else "no-store"),
        only_if_cached=directives.only_if_cached,
        max_age=directives.max_age,
        min_fresh=directives.min_fresh,
        lifetime=min(lifetimes) if lifetimes else None,
        exact_only="asked" if directives.exact else reading.exact_only,
        has_question=reading.exact_only in WITH_A_QUESTION,
        max_output=reading.max_output,
        refusal=reading.refusal,
    )


def pass_through(reason: str, form: Form = Form.BODY) -> Ask:
    """The `Ask` of a request that Reflex cannot or must not compare."""
    return Ask(
        key=None,
        dialect="",
        model="",
        form=form,
        wants_usage=False,
        reads=False,
        stores=False,
        joins=False,
        reason=reason,
    )


_UNREADABLE = -1.0


def _seconds(text: str | None) -> float | None:
    """RFC 9111 delta-seconds; `_UNREADABLE` for anything else."""
    if text is None:
        return None
    text = text.strip().strip('"')
    return float(min(int(text), 2**31)) if text.isascii() and text.isdigit() and len(text) < 16 else _UNREADABLE


def _is_true(text: str | None) -> bool:
    return text is not None and text.strip().lower() not in ("", "0", "false", "no", "off")


def _cache_control(text: str) -> dict[str, str]:
    asked: dict[str, str] = {}
    for item in text.split(","):
        name, _, value = item.strip().partition("=")
        asked[name.strip().lower()] = value
    return asked
