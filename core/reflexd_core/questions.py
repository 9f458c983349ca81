"""Questions: what the person typed in the last user turn, and that turn without it.

Agents put words of their own around the person's: reminders, the environment, instructions of the project. By the
agent's profile they are told apart. Only the person's words are the question; all that was taken out stays where it
stood, in the scope, and must match exactly.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.profiles import Profile

PLACEHOLDER = "\0question"
"""Stands in the scope where the question stood; no client can send it as text of its own by accident."""

_TEXTS = ("text", "input_text")
"""Part types that are plain text, by whichever dialect's name."""

_PIECE = 256
"""Characters that are looked at at a time, so that many blocks on end do not mean as many copies of all the rest."""

_INSTRUCTING = ("system", "developer")
"""Roles that may stand behind the person's turn without taking the word (Claude Code puts one there)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    text: str
    turns: list[Json]
    """All turns, with `PLACEHOLDER` in the question's place."""
    earlier: bool
    """Whether the assistant had the word before."""


def find(turns: list[JsonObject], profile: Profile, system: str = "") -> Found | str:
    """The question of a conversation, or why there is none that could be compared."""
    place = next((n for n in range(len(turns) - 1, -1, -1) if turns[n].get("role") not in _INSTRUCTING), -1)
    if place < 0 or turns[place].get("role") != "user":
        return "last-turn-not-the-users"
    while True:
        content = turns[place].get("content")
        if not _is_plain(content):
            return "not-plain-text"
        text, masked = _told_apart(content, profile, system)
        if text.strip():
            rest: list[Json] = [*turns[:place], {**turns[place], "content": masked}, *turns[place + 1 :]]
            return Found(text=text, turns=rest, earlier=any(is_agents_turn(turn, profile) for turn in turns))
        if place == 0 or turns[place - 1].get("role") != "user":
            return "empty-question"
        place -= 1  # all of this turn was the agent's; Codex gives its context a turn of its own


def last_said(turns: list[JsonObject], profile: Profile) -> str:
    """What the person last said, for people who browse, whatever else stands in that turn."""
    for turn in reversed(turns):
        if turn.get("role") == "user":
            said = "\n".join(text for part in _texts(turn.get("content")) if (text := _split(part, profile)[1]))
            if said.strip():
                return said
    return ""


def system_text(turns: list[JsonObject]) -> str:
    """What the conversation's first turn instructs; empty where it is somebody's who speaks."""
    if turns and turns[0].get("role") in _INSTRUCTING:
        return "\n".join(_texts(turns[0].get("content")))
    return ""


def is_agents_turn(turn: JsonObject, profile: Profile) -> bool:
    """Whether the assistant had the word here: not where an agent only makes up its context as a first turn."""
    return turn.get("role") == "assistant" and not (profile.prelude and turn.get("content") == profile.prelude)


def _is_plain(content: Json) -> bool:
    """Whether the turn is nothing but text."""
    if isinstance(content, str):
        return PLACEHOLDER not in content
    if not isinstance(content, list):
        return False
    return all(isinstance(part, dict) and _is_plain_part(part) for part in content)


def _is_plain_part(part: JsonObject) -> bool:
    match part:
        case {"type": str(kind), "text": str(text), **rest}:
            return kind in _TEXTS and not rest and PLACEHOLDER not in text
        case _:
            return False


def _told_apart(content: Json, profile: Profile, system: str) -> tuple[str, Json]:
    """The person's words in a plain turn, and the turn's content without them.

    Of a known agent's parts only the last that holds any: OpenCode asks for titles in one before it.
    """
    spoken: list[str] = []
    kept: list[Json] = []
    for text in reversed([*_texts(content)]):
        before, said, after = _split(text, profile, system)
        if not said.strip() or (spoken and profile.name):
            kept.append(text)
        elif before or after or PLACEHOLDER not in kept:
            kept.append(before + PLACEHOLDER + after)
            spoken.append(said)
        else:
            spoken.append(said)
    kept.reverse()
    return "\n".join(reversed(spoken)), kept[0] if len(kept) == 1 else kept


def _split(text: str, profile: Profile, system: str = "") -> tuple[str, str, str]:
    """The agent's words before the person's, the person's, the agent's behind them."""
    if any(text.startswith(note) for note in profile.notes):
        return text, "", ""
    for tag in profile.wraps:
        wrapped = re.match(rf"\s*<{tag}\b[^>]*>\n?(?P<said>.*?)\n?</{tag}>", text, re.DOTALL)
        if wrapped is not None:
            start, end = wrapped.span("said")
            return text[:start], text[start:end], text[end:]
    start, end = 0, len(text)
    for tag in profile.reminders:
        start, end = _without_blocks(text, start, end, tag)
    if profile.repeats_system:
        end = _before_repetition(text, end, system)
    return text[:start], text[start:end], text[end:]


def _without_blocks(text: str, start: int, end: int, tag: str) -> tuple[int, int]:
    """Where the person's words begin and end once the blocks of this tag at both ends are off."""
    opening, closing = f"<{tag}>", f"</{tag}>"
    while text.startswith(opening, _behind_space(text, start), end):
        found = text.find(closing, start, end)
        start = found + len(closing) if found >= 0 else end  # without an end all of it is the agent's
    while text.endswith(closing, start, _before_space(text, end)):
        found = text.rfind(opening, start, end)
        end = found if found >= 0 else start
    return start, end


def _behind_space(text: str, start: int) -> int:
    while (piece := text[start : start + _PIECE]) and not (rest := piece.lstrip()):
        start += len(piece)
    return start + len(piece) - len(rest) if piece else start


def _before_space(text: str, end: int) -> int:
    while (piece := text[max(0, end - _PIECE) : end]) and not (rest := piece.rstrip()):
        end -= len(piece)
    return end - len(piece) + len(rest) if piece else end


def _before_repetition(text: str, end: int, system: str) -> int:
    """Where the end of the system prompt is repeated behind a blank line; ``end`` where it is not.

    Aider appends its reminder to the person's words and to the system prompt alike.
    """
    place = text.find("\n\n", max(0, end - len(system) - 2), end)  # more than all of it cannot be its end
    while place >= 0 and place + 2 < end:
        if system.endswith(text[place + 2 : end]):
            return place
        place = text.find("\n\n", place + 1, end)
    return end


def _texts(content: Json) -> Iterator[str]:
    """Every text in a turn, whatever stands beside it."""
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and isinstance(text := part.get("text"), str):
            yield text
