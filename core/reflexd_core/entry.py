"""Entries: what is known of a stored answer, and whether it suits one asker."""

from dataclasses import dataclass

from reflexd_core.keys import digest
from reflexd_core.policy import Ask, Policy, Semantic
from reflexd_core.request import Form, Usage

NORMAL_FORM = "normal-form"
"""The reason of an acceptance for which no model was asked: both questions have the same normal form."""
DAY = 86_400.0
"""Seconds for which one draw of the audit holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFacts:
    """All that decisions need; the answer's bytes stay with whoever keeps them."""

    id: str
    dialect: str
    model: str
    form: Form
    """The form in which it was recorded."""
    created: float
    """Unix seconds."""
    expires: float | None
    has_usage: bool
    asked_usage: bool
    """Whether the recorded request asked for usage (only then can usage chunks be more than was asked for)."""
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Why an entry answers a request that is not its own: judged once, remembered under the asker's exact key."""

    entry_key: bytes
    """The exact key of the entry that answers."""
    score: float | None
    """The verifier's probability; None where the normal forms were equal."""
    similarity: float | None
    """Cosine; None where no vector was needed."""
    model: str
    """The fingerprint of the models that judged."""
    reason: str
    at: float
    """Unix seconds."""


def entry_id(key: bytes) -> str:
    """The public name of the entry under an exact key: half of its hex digits name it beyond doubt."""
    return key[:16].hex()


def unsuitable(entry: EntryFacts, ask: Ask, at: float) -> str | None:
    """Why the entry cannot answer the ask at this time; None when it can."""
    if entry.expires is not None and at + ask.min_fresh >= entry.expires:
        return "expired" if at >= entry.expires else "not-fresh-enough"
    if ask.max_age is not None and at - entry.created > ask.max_age:
        return "too-old"
    if ask.wants_usage and not entry.has_usage and not (entry.asked_usage and entry.form is ask.form):
        return "usage-missing"  # where it was asked for in this form and did not come, it would not come now
    return None


def unsuitable_by_meaning(entry: EntryFacts, ask: Ask, policy: Policy, at: float) -> str | None:
    """Why the entry cannot answer an ask in other words than its own; None when it can."""
    unfit = unsuitable(entry, ask, at)
    if unfit is not None:
        return unfit
    if at - entry.created >= policy.semantic_lifetime:
        return "semantic-expired"
    if ask.max_output is not None and (entry.usage is None or entry.usage.output > ask.max_output):
        return "longer-than-asked"
    return None


def unpaired(pairing: Pairing, entry: EntryFacts, ask: Ask, policy: Policy, at: float) -> str | None:
    """Why a pairing that was found good once does not hold now; None when it does."""
    if ask.exact_only is not None:
        return ask.exact_only
    if not policy.compares or policy.semantic is not Semantic.ON:
        return "semantic-off"
    if pairing.model != policy.rules:
        return "judged-by-another"
    if is_drawn(ask, policy, at):
        return "audit"
    if not _still_good_enough(pairing, policy):
        return "below-threshold"
    return unsuitable_by_meaning(entry, ask, policy, at)


def is_drawn(ask: Ask, policy: Policy, at: float) -> bool:
    """Whether the audit wants this ask's answer made anew, if it would be answered by meaning.

    The digest of exact key and day is uniform, so its last bytes are the draw; what may not be stored cannot be
    compared.
    """
    if not ask.stores or ask.key is None or policy.audit_share <= 0.0:
        return False
    day = int(at // DAY).to_bytes(8, signed=True)
    return int.from_bytes(digest(ask.key, day)[-4:]) < policy.audit_share * 2**32


def _still_good_enough(pairing: Pairing, policy: Policy) -> bool:
    if pairing.score is not None:
        return policy.verify and pairing.score >= policy.threshold
    if pairing.reason == NORMAL_FORM:
        return True
    return not policy.verify and (pairing.similarity or 0.0) >= policy.similarity_threshold
