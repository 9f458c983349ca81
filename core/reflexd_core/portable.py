"""The portable profile: dates, working directories and git status masked in the key, where a tenant asks for it.

They do change answers, so by default they count, and an agent's first call misses after midnight and in another
folder. Whoever prefers hits over that switches this on (``portable``), and knows what it costs.
"""

import re

from reflexd_core.canonical import JsonObject
from reflexd_core.profiles import Profile
from reflexd_core.rewrites import Rule, each
from reflexd_core.rewrites_gemini import within

MASK = "\0masked"

_MASKED = re.compile(
    "|".join(
        (
            # None within another: a text of nothing but opening tags would else be searched to its end from each.
            r"<(?P<tag>env|environment_context|session_context)>(?:(?!<(?P=tag)>).)*?</(?P=tag)>",
            r"# currentDate\n[^\n]*",
            r"Today(?:'|\u2019)s date(?: is|:)[^\n]*",
            r"Current date: [^\n]*",
            r"The current month is [^\n.]*",
            r"(?:Primary working|Current working|Working) directory: [^\n]*",
            r"current working directory \([^()\n]*\)",  # Continue, in a tool's description
            r"file-based memory at `[^`\n]{0,4096}`",  # Claude Code: the folder is named after the working directory
            r"\*\*Private Project Memory\*\* \(`[^`\n]{0,4096}`\)",  # Gemini CLI, likewise
            r"gitStatus: .*\Z",
        )
    ),
    re.DOTALL,
)

_INSTRUCTING = ("system", "developer", "user")


def portable_rules(profile: Profile) -> tuple[tuple[str, Rule], ...]:
    return (("portable", mask),) if profile.portable else ()


def mask(body: JsonObject) -> JsonObject:
    """Instructions, what is not the assistant's in the conversation, and the descriptions of tools.

    ``$.system``, ``$.instructions``, ``$.messages[*]`` and ``$.input[*]`` of roles system, developer and user (the
    string, or the parts' ``text``), ``$.tools[*].description``, ``$.tools[*].function.description``; of Gemini's wire
    ``$.systemInstruction.parts[*].text``, ``$.contents[*].parts[*].text`` of the user's, and
    ``$.tools[*].functionDeclarations[*].description``.
    """
    body = _in_text(_in_parts(body, "system"), "instructions")
    body = within(body, "systemInstruction", lambda told: _in_parts(told, "parts"))
    body = each(body, "contents", lambda turn: _in_parts(turn, "parts") if turn.get("role") == "user" else turn)
    for turns in ("messages", "input"):
        body = each(body, turns, _in_turn)
    return each(body, "tools", _in_tool)


def _in_turn(turn: JsonObject) -> JsonObject:
    return _in_parts(turn, "content") if turn.get("role") in _INSTRUCTING else turn


def _in_tool(tool: JsonObject) -> JsonObject:
    tool = within(_described(tool), "function", _described)
    return each(tool, "functionDeclarations", _described)


def _described(tool: JsonObject) -> JsonObject:
    return _in_text(tool, "description")


def _in_parts(holder: JsonObject, field: str) -> JsonObject:
    return each(_in_text(holder, field), field, lambda part: _in_text(part, "text"))


def _in_text(holder: JsonObject, field: str) -> JsonObject:
    text = holder.get(field)
    if not isinstance(text, str) or MASK in text:  # it might come with a mask of its own
        return holder
    masked = _MASKED.sub(MASK, text)
    return holder if masked == text else {**holder, field: masked}
