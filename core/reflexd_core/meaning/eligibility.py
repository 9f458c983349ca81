"""Which questions may be compared by meaning at all, by their own words. The rest is exact-only, with the reason that
the client is told."""

from reflexd_core.meaning.fresh import wants_another
from reflexd_core.meaning.language import speaks_another_language
from reflexd_core.meaning.moment import hangs_on_the_moment, prose
from reflexd_core.meaning.normal_form import UNTRUSTED
from reflexd_core.meaning.place import points_at_what_is_not_there

LIMIT = 1_000
"""Characters. A verifier's window is 96 tokens for a question, about 450 characters of English; the exact count is
taken where the tokenizer is."""
_MOMENT_LIMIT = 16_384
"""Characters in which a word of the moment is looked for: such an answer is short-lived in the exact tier too."""


def why_exact_only(question: str, *, earlier_turns: bool = False) -> str | None:
    """Why no other wording's answer may serve; None where one may.

    ``earlier_turns``: the question ends a conversation, whose turns match exactly, so it may point at them.
    """
    if not any(map(str.isalnum, question[:LIMIT])):
        return "empty-question"
    if len(question) > LIMIT:
        return "question-too-long"
    if UNTRUSTED.search(question) is not None:
        return "control-characters"
    text = prose(question)
    if speaks_another_language(text):
        return "language"
    if hangs_on_the_moment(text):
        return "moment-bound"
    if wants_another(text):
        return "one-off"
    brings = "\n" in question.strip() or earlier_turns
    return "refers-to-place" if points_at_what_is_not_there(text, brings=brings) else None


def is_moment_bound(question: str) -> bool:
    """Whether the answer is stale within minutes, however it is found."""
    return hangs_on_the_moment(prose(question[:_MOMENT_LIMIT]))
