"""What every room says about one request: its form, and what a dialect read in it.

A `Reading` is made once per distinct body by a dialect. It says what the request asks, never what is to be done:
that is the machine's part.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from reflexd_core.canonical import JsonObject
from reflexd_core.meaning.literals import extract_literals


class Form(StrEnum):
    """How the client wants the answer: one entry serves both."""

    BODY = "body"
    STREAM = "stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The text of the last user turn, the only thing that is ever compared by meaning."""

    text: str

    @property
    def literals(self) -> tuple[str, ...]:
        """What must match exactly all the same, sorted, repeats kept (see `literals`).

        Found only when asked for: it takes longer than all the rest of a small request's key.
        """
        return extract_literals(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    model: str
    form: Form
    wants_usage: bool
    """Whether the answer the client expects carries token counts (always in a body, on request in a stream)."""
    keyed: JsonObject
    """The body after the rewrites: what the exact key is made of."""
    scoped: JsonObject | None
    """The body that must match exactly before meaning is compared; None where meaning is not compared."""
    question: Question | None
    exact_only: str | None
    """Why meaning is not compared; None when it may be."""
    rules: tuple[str, ...] = ()
    """Names of the rewrites that changed something, for the explanation."""
    stateful: str | None = None
    """Why neither reading nor storing is allowed (state or side effects at the provider); None otherwise."""
    refusal: str | None = None
    """Why Reflex itself refuses the request, in words for the client; None almost always."""
    lifetime: float | None = None
    """Seconds the answer may live at most, where the request itself shortens it (web search)."""
    earlier_turns: bool = False
    """Whether the question ends a conversation, whose turns the scope holds."""
    sampling: JsonObject | None = None
    """Sampling parameters, which the scope leaves out unless the tenant wants them matched."""
    max_output: int | None = None
    """The limit of output tokens; None where the request sets none."""
    agent: str = ""
    """The agent that asks, as its profile names it; empty for any other client."""

    def without_bodies(self) -> "Reading":
        """What may be remembered of a request beyond its own life: facts, no text."""
        return replace(self, keyed={}, scoped=None, question=None, sampling=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that an answer cost."""

    input: int
    output: int
    cached_input: int = 0
    """The part of ``input`` that the provider had cached itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a dialect says of an answer whose end was reached."""

    storable: bool
    reason: str
    """Why it is not storable, in one word or two; ``complete`` otherwise."""
    usage: Usage | None = None
    model: str | None = None
    exact_only: bool = False
    """Cut at a token limit, or a tool call: never an answer to another wording."""
