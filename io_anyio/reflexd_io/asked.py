"""Asked: what one request asks in words, read once it has missed the exact tier.

Reading it takes longer than a hit from memory does, so nobody does it before he must.
"""

from dataclasses import dataclass, field

from reflexd_core.canonical import JsonObject, Uncomparable, read_json
from reflexd_core.keys import scope_key
from reflexd_core.meaning.eligibility import is_moment_bound, why_exact_only
from reflexd_core.meaning.normal_form import normal_form
from reflexd_core.profiles import Profile, profile_of
from reflexd_core.request import Reading
from reflexd_io import codings
from reflexd_io.call import Call

MOMENT_LIFETIME = 600.0
"""Seconds that an answer lives whose question hangs on the moment."""

LIMIT = 4 * 1024 * 1024
"""Bytes of a body, content coding removed, above which its question is not looked for."""
SLOW = 256 * 1024
"""Bytes above which reading a body is left to a worker thread (1 ms)."""


@dataclass(slots=True, kw_only=True)
class Asked:
    """A question, and what is found out about it on the way."""

    question: str
    scope: bytes
    """What must match exactly before meaning may be compared, 32 bytes."""
    form: str
    """The normal form; empty where none can be trusted, and then it is not compared by meaning."""
    exact_only: str | None
    """Why it is not compared by meaning; None where it may be."""
    lifetime: float | None
    """Seconds its answer may live at most; None where its words set no limit."""
    vector: bytes | None = None
    """float16, little-endian, of unit length."""
    stored: dict[bytes, str] = field(default_factory=dict)
    """The questions of the candidates, by exact key."""


def read_asked(call: Call) -> Asked | None:
    """What the call asks; None where it asks nothing in words. Total: the call was read once already."""
    read = read_again(call)
    if read is None:
        return None
    body, reading = read
    if reading.question is None or reading.scoped is None:
        return _only_words(call.dialect.question_text(body), reading)
    question = reading.question.text
    form = normal_form(question)
    exact_only = why_exact_only(question, earlier_turns=reading.earlier_turns)
    if exact_only is None and form is None:
        exact_only = "no-normal-form"
    return Asked(
        question=question,
        scope=_scope(call, reading),
        form=form or "",
        exact_only=exact_only,
        lifetime=MOMENT_LIFETIME if is_moment_bound(question) else None,
    )


def read_again(call: Call) -> tuple[JsonObject, Reading] | None:
    """The call's body and what it asks, whole; None where it is too large for this, though not for the exact tier."""
    try:
        body = _body(call)
    except (codings.Undecodable, Uncomparable):
        return None
    return (body, call.dialect.read(body, _profile(call))) if body is not None else None


def is_slow(call: Call) -> bool:
    """Whether reading the call's body again would hold up everybody else: it is large, or may become so."""
    return "content-encoding" in call.request.named or sum(map(len, call.pieces)) > SLOW


def _only_words(question: str, reading: Reading) -> Asked:
    """A question whose answer is never another wording's, but whose words may shorten its life."""
    return Asked(
        question=question,
        scope=b"",
        form="",
        exact_only=reading.exact_only or "no-question",
        lifetime=MOMENT_LIFETIME if is_moment_bound(question) else None,
    )


def _profile(call: Call) -> Profile:
    return profile_of(call.request.raw_named, scrubs=call.policy.scrubs, portable=call.policy.portable)


def _body(call: Call) -> JsonObject | None:
    """Raises `Undecodable` where it is larger than `LIMIT`."""
    raw = call.raw()
    if len(raw) > LIMIT:
        return None
    body = read_json(codings.decode(raw, call.request.named.get("content-encoding"), LIMIT))
    return body if isinstance(body, dict) else None


def _scope(call: Call, reading: Reading) -> bytes:
    assert reading.scoped is not None  # noqa: S101 - the caller has looked
    scoped = reading.scoped
    if call.policy.match_sampling and reading.sampling:
        scoped = {"asked": scoped, "sampling": reading.sampling}
    return scope_key(
        tenant=call.route.tenant,
        upstream=call.route.upstream.identity,
        dialect=call.dialect.name,
        path=call.target.path,
        query=call.target.query,
        headers=call.request.named,
        scoped=scoped,
    )
