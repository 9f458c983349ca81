"""Entries: what is known of a stored answer, and whether it suits one asker."""

from dataclasses import dataclass

from reflexd_core.policy import Ask
from reflexd_core.request import Form, Usage


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
