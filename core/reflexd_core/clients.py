"""Clients: which agent or library asks, and in which session of its own, by what its headers say.

For people who look at what was asked; nothing is decided by it.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

_SESSIONS = (b"x-claude-code-session-id", b"session-id", b"session_id", b"x-session-id")
"""Headers by which agents name a session (Claude Code, Codex, OpenCode)."""
_LONGEST = 100

_STAINLESS = re.compile(r"(?:Async)?(?:Azure)?(OpenAI|Anthropic)/(Python|JS|Go|Java|Ruby)\b", re.IGNORECASE)
"""The official libraries: ``AsyncOpenAI/Python 2.20.0``."""
_PRODUCT = re.compile(r"[\w.+-]{1,40}")


def client_of(agent: str, user_agent: bytes) -> str:
    """The agent's name where a profile knows it, else the library's (``openai-python``, ``curl``); or empty."""
    return agent or _library(user_agent)


def session_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The agent's own session, where it tells one; ``headers`` by lower-case name."""
    for name in _SESSIONS:
        value = headers.get(name)
        if value:
            return value[:_LONGEST].decode("latin-1")
    return None


@lru_cache(maxsize=256)
def _library(user_agent: bytes) -> str:
    said = user_agent.decode("latin-1")
    official = _STAINLESS.match(said)
    if official is not None:
        return f"{official[1]}-{official[2]}".lower()
    product = _PRODUCT.match(said)
    return product[0].lower() if product is not None else ""
