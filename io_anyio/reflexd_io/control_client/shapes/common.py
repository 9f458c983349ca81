"""What several endpoints give or take."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

# What the document says of values that the daemon judges in words of its own, with the place and the reason.
Elapsed = Annotated[float, Meta(extra_json_schema={"minimum": 0})]
"""Seconds that have gone by."""
EntryId = Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9a-f]{32}$"})]
TenantsName = Annotated[
    str, Meta(extra_json_schema={"pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "minLength": 1, "maxLength": 64})
]
"""Of one that is to be: not every such name may be given."""

Dialect = Literal[
    "chat",
    "completions",
    "count-tokens",
    "embeddings",
    "gemini",
    "gemini-stream",
    "messages",
    "ollama-chat",
    "ollama-generate",
    "responses",
]


class Wire(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the daemon takes: an unknown field is a slip of the asker's, and is told."""


class Told(Struct, frozen=True, kw_only=True):
    """What the daemon gives: a client of another version leaves out what it does not know."""


class Nothing(Wire, frozen=True, kw_only=True):
    """No query, or no body."""


class Done(Told, frozen=True, kw_only=True):
    """It was done."""

    message: str = ""
    """What was done, in words."""


class Fault(Told, frozen=True, kw_only=True):
    code: str
    message: str
    at: int | None = None
    """Where in the given text, in characters, if the fault is at a place of it."""


class Problem(Told, frozen=True, kw_only=True):
    """Every error of the control API."""

    error: Fault
