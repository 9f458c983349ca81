"""Why an exchange missed, in one sentence: pure text from what the journal and the kept forms know."""

from reflexd_core.commands import Status
from reflexd_io.journal.finished import Finished
from reflexd_io.store.forms import Compared, Form

_HOW = {
    Status.HIT_L1: "It did not miss: an answer to exactly this request was stored.",
    Status.HIT_L2: "It did not miss: the answer to another wording was near enough.",
    Status.HIT_L3: "It did not miss: the answer to another wording was found to serve.",
}
_LEFT_OUT = {
    "x-bypass-cache": "its client said x-bypass-cache",
    "no-store": "its client said that nothing may be stored",
    "paused": "caching is off for the tenant",
    "not-comparable": "its body cannot be compared safely (malformed JSON, a duplicate key, a number out of range)",
    "too-large": "its body is too large to be compared",
    "internal-error": "something failed inside Reflex, which its log tells",
}
_UNFIT = {
    "expired": "The answer stored for exactly this request had expired.",
    "not-fresh-enough": "The stored answer would expire sooner than its client accepts (min-fresh).",
    "too-old": "The stored answer is older than its client accepts (max-age).",
    "usage-missing": "The stored answer lacks the token counts that its client asked for.",
    "semantic-off": "It had been answered in other words, and those are not compared any more.",
    "semantic-expired": "The answer to another wording is too old to serve any longer.",
    "judged-by-another": "It had been answered in other words, which other models judged than those of today.",
    "audit": "It would have been answered in other words; the audit drew it, to compare with a fresh answer.",
    "below-threshold": "It had been answered in other words, with a score below today's threshold.",
    "longer-than-asked": "The answer to another wording is longer than its client allows.",
}
_FAILED = {
    "store-unavailable": "The store could not be read.",
    "lookup-too-slow": "The disk did not answer in time.",
    "unreplayable": "The stored answer could not be read.",
    "no-cache": "Its client asked for a fresh answer (Cache-Control: no-cache).",
    "twin-failed": "An identical request was under way, and its answer broke off.",
    "twin-not-stored": "An identical request was under way, and its answer could not be kept.",
    "twin-too-slow": "An identical request was under way, and took too long.",
    "leader-failed": "An identical request was under way, and failed before its answer began.",
}


def why(found: Finished, compared: Compared | None, *, keeps: bool) -> str:
    """``keeps``: whether the tenant keeps whole requests, without which there is nothing to compare with."""
    if found.joined:
        return "It did not miss: it was answered together with an identical request that was under way."
    if found.status in _HOW:
        return _HOW[found.status]
    if found.outcome in ("refused", "not-cached") or (found.outcome == "passed" and found.http_status == 400):
        return f"Reflex answered it itself: {found.reason}."
    if found.status is Status.BYPASS:
        return f"The cache was left out: {_LEFT_OUT.get(found.reason, found.reason)}."
    if found.reason in _FAILED:
        return _FAILED[found.reason]
    unfit = found.detail.unfit if found.detail is not None else None
    if unfit is not None:
        return _UNFIT.get(unfit, f"What was stored for exactly this request did not serve: {unfit}.")
    if not found.stores:
        return (
            "Nothing was stored for exactly this request, nor is anything of it kept: it asked for that (no-store)."
        )
    return _from_forms(compared, keeps=keeps)


def _from_forms(compared: Compared | None, *, keeps: bool) -> str:
    if compared is None:
        if not keeps:
            return "The tenant does not keep whole requests, so there is nothing to compare it with."
        return "Its canonical form is not kept: nothing of this tenant was stored yet, or it is too long ago."
    nearest = compared.nearest
    if nearest is None:
        return "It is the first request of this client and dialect that is remembered."
    if nearest.key == compared.form.key:
        return _since_then(nearest)
    count = len(compared.differences) + compared.more
    places = "one place" if count == 1 else f"{count} places"
    return f"It differs from the nearest earlier request of the same client in {places}."


def _since_then(earlier: Form) -> str:
    """Exactly this request came before, and yet nothing was found."""
    kind, _, reason = earlier.outcome.partition(": ")
    if kind == "stored":
        return "An answer to exactly this request was stored, but has gone: it expired, was purged or made room."
    if kind == "replayed":
        return "Exactly this request was answered in other words before, and that answer has gone or been barred."
    if kind == "not-stored":
        return f"Exactly this request came before, but its answer was not stored: {reason}."
    if kind in ("left", "cut"):
        return "Exactly this request came before, but its answer broke off and so was not stored."
    return f"Exactly this request came before, but there was no answer to store: {earlier.outcome or 'it failed'}."
