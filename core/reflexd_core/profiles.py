"""Agent profiles: what is known of an agent's way of writing requests.

A profile is found by what the client says of itself (`PROFILE_HEADERS`), and for agents that only give their SDK's
name by how their system prompt opens. It names the words that the agent puts beside the person's, so that only the
person's are compared by meaning, and the volatile lines of its tools' output, which are left out of the key. What
is forwarded is never altered.

Measured with the programs themselves (Claude Code 2.1, Codex 0.169, OpenCode 1.18, Aider 0.86, Gemini CLI 0.61,
Qwen Code 0.15, Continue CLI 1.5, Cline CLI 3.0). A client that is not known loses nothing but these conveniences.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from reflexd_core.scrubs import CHUNK_ID, PROCESS_GROUP, SCRUBS, WALL_TIME, Scrub

PROFILE_HEADERS = ("user-agent", "x-title")
"""The headers that tell agents apart; OpenRouter's clients name themselves in the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    name: str = ""
    """Which agent; empty for every other client."""
    reminders: tuple[str, ...] = ()
    """Tags of blocks that the agent puts before or behind the person's words: ``<tag>…</tag>``."""
    notes: tuple[str, ...] = ()
    """How parts begin that are the agent's from their first to their last word."""
    wraps: tuple[str, ...] = ()
    """Tags of blocks that hold the person's words, the agent's standing around them."""
    prelude: str | None = None
    """What the assistant answers to the context that the agent makes up as a first turn."""
    repeats_system: bool = False
    """Whether the end of the system prompt is repeated behind the person's words."""
    scrubs: tuple[Scrub, ...] = ()
    portable: bool = False
    """Whether dates, working directories and git status are masked (see `portable`); the tenant's choice."""


OTHER = Profile()
CLAUDE_CODE = Profile(name="claude-code", reminders=("system-reminder",), wraps=("session", "user_input"))
CODEX = Profile(
    name="codex",
    reminders=("environment_context", "user_instructions"),
    notes=("# AGENTS.md instructions",),
    scrubs=(CHUNK_ID, WALL_TIME),
)
OPENCODE = Profile(name="opencode", reminders=("system-reminder",))
GEMINI_CLI = Profile(name="gemini-cli", reminders=("session_context",), scrubs=(PROCESS_GROUP,))
QWEN_CODE = Profile(
    name="qwen-code",
    reminders=("system-reminder",),
    prelude="Got it. Thanks for the context!",
    scrubs=(PROCESS_GROUP,),
)
AIDER = Profile(name="aider", repeats_system=True)
CONTINUE = Profile(name="continue")
CLINE = Profile(name="cline", reminders=("environment_details",), wraps=("task",))

PROFILES = (CLAUDE_CODE, CODEX, OPENCODE, AIDER, GEMINI_CLI, QWEN_CODE, CONTINUE, CLINE)

ANYBODY = Profile(
    reminders=tuple({tag: None for profile in PROFILES for tag in profile.reminders}),
    notes=tuple({note: None for profile in PROFILES for note in profile.notes}),
    wraps=("session",),
)
"""For showing a question to people, where nobody knows any more who asked."""

_AGENTS: tuple[tuple[re.Pattern[str], Profile], ...] = (
    (re.compile(r"claude-(cli|code)/"), CLAUDE_CODE),
    (re.compile(r"codex[_/-]|Codex "), CODEX),
    (re.compile(r"opencode/"), OPENCODE),
    (re.compile(r"GeminiCLI"), GEMINI_CLI),
    (re.compile(r"QwenCode/"), QWEN_CODE),
    (re.compile(r"[Aa]ider"), AIDER),
    (re.compile(r"Continue[/ ]"), CONTINUE),
    (re.compile(r"Cline"), CLINE),
)
"""How the ``User-Agent`` (or OpenRouter's ``X-Title``) begins."""

_OPENINGS: tuple[tuple[str, Profile], ...] = (
    ("Act as an expert software developer", AIDER),
    ("Act as an expert code analyst.", AIDER),
    ("Act as an expert architect engineer", AIDER),
    ("You are an agent in the Continue CLI", CONTINUE),
    ("You are Cline", CLINE),
)
"""How the system prompts of agents begin whose headers name their SDK alone."""


def profile_of(
    headers: Mapping[bytes, bytes], *, scrubs: frozenset[str] = frozenset(SCRUBS), portable: bool = False
) -> Profile:
    """The profile that a client's headers (by lower-case name) name, as its tenant wants it.

    ``scrubs``: the names of those that are applied.
    """
    return _profile_of(headers.get(b"user-agent", b""), headers.get(b"x-title", b""), scrubs, portable)


@lru_cache(maxsize=256)
def _profile_of(agent: bytes, title: bytes, scrubs: frozenset[str], portable: bool) -> Profile:
    said = (agent.decode("latin-1"), title.decode("latin-1"))
    found = next((known for text in said for opening, known in _AGENTS if opening.match(text)), OTHER)
    return replace(found, scrubs=tuple(one for one in found.scrubs if one.name in scrubs), portable=portable)


def settled(profile: Profile, system: str) -> Profile:
    """The profile once the system prompt is known too; headers that named an agent are believed."""
    if profile.name:
        return profile
    found = next((found for opening, found in _OPENINGS if system.startswith(opening)), None)
    return replace(found, portable=profile.portable) if found is not None else profile
