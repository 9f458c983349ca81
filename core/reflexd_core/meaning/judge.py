"""The order of things for one pair, over what others have worked out. Forms first, since they need no model; then the
guards, which no score overrules; then the score."""

from dataclasses import dataclass

from reflexd_core.meaning.guards import Refusal, refusal
from reflexd_core.meaning.normal_form import normal_form

RULES = "5"
"""Changes whenever forms, guards or eligibility do: what was accepted under the old ones is judged again."""


@dataclass(frozen=True, slots=True)
class Ruling:
    accepted: bool
    reason: str
    """``normal-form``, ``verified``, ``below-threshold``, ``unscored``, ``blocked`` or ``guard-`` and its name."""
    guard: Refusal | None
    form_equal: bool


def decide(stored: str, asked: str, score: float | None, threshold: float, *, blocked: bool = False) -> Ruling:
    """Whether the answer stored for ``stored`` serves the one who asks ``asked``.

    ``score``: the verifier's probability, 0 to 1; None where it gave none, and then a form alone can accept.
    ``blocked``: somebody said that this pairing was wrong; that stands above everything.
    """
    form = normal_form(asked)
    form_equal = form is not None and form == normal_form(stored)
    if blocked:
        return Ruling(False, "blocked", None, form_equal)
    if form_equal:
        return Ruling(True, "normal-form", None, form_equal)
    guard = refusal(stored, asked)
    if guard is not None:
        return Ruling(False, f"guard-{guard.guard}", guard, form_equal)
    if score is None:
        return Ruling(False, "unscored", None, form_equal)
    if not score >= threshold:  # a NaN is below any threshold
        return Ruling(False, "below-threshold", None, form_equal)
    return Ruling(True, "verified", None, form_equal)
