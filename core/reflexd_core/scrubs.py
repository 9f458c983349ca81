"""Scrubs: volatile lines of known agents' tool output, masked in the key.

Codex prints a random chunk id and the seconds a command took above each command's output, Qwen Code a process group
below it; without a scrub no request after a shell call is ever the same twice. Only the lines that the agent itself
wrote are masked: what the command printed may well hold lines that look like them, and those count. Each scrub is a
rule of its own, which a tenant can switch off.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from reflexd_core.canonical import JsonObject
from reflexd_core.rewrites import Rule, each

MARK = "\0scrubbed"
"""Beside a masked text: which scrubs masked it. So a mask is never taken for a text that came with one in it."""


@dataclass(frozen=True, slots=True)
class Scrub:
    name: str
    line: re.Pattern[str]
    """What is masked, between a group ``before`` and a group ``after``."""

    def mask(self, holder: JsonObject, field: str) -> JsonObject:
        """``holder`` with the line in the text of ``field`` masked; itself where there is none."""
        text, marks = holder.get(field), holder.get(MARK)
        if not isinstance(text, str) or ("\0" in text and marks is None):
            return holder
        masked = self.line.sub("\\g<before>\0\\g<after>", text, count=1)
        if masked == text:
            return holder
        return {**holder, field: masked, MARK: [*(marks if isinstance(marks, list) else []), self.name]}


_CODEX_HEAD = r"\A(?P<before>(?:[A-Z][A-Za-z ]{0,40}: ?[^\n]*\n){0,4}?"

CHUNK_ID = Scrub("scrub-chunk-id", re.compile(_CODEX_HEAD + r"Chunk ID: )[0-9a-f]{6}(?P<after>\n|\Z)"))
WALL_TIME = Scrub("scrub-wall-time", re.compile(_CODEX_HEAD + r"Wall time: )[0-9.]+(?P<after> seconds(?:\n|\Z))"))
PROCESS_GROUP = Scrub("scrub-process-group", re.compile(r"(?P<before>\nProcess Group PGID: )\d+(?P<after>\s*\Z)"))

SCRUBS = {scrub.name: scrub for scrub in (CHUNK_ID, WALL_TIME, PROCESS_GROUP)}

Walk = Callable[[Scrub, JsonObject], JsonObject]
"""A dialect's way to its tool outputs."""


def rules(scrubs: tuple[Scrub, ...], walk: Walk) -> tuple[tuple[str, Rule], ...]:
    return tuple((scrub.name, partial(walk, scrub)) for scrub in scrubs)


def in_chat(scrub: Scrub, body: JsonObject) -> JsonObject:
    """``$.messages[*].content`` of role ``tool``: a string, or text parts."""

    def change(message: JsonObject) -> JsonObject:
        return _in_field(scrub, message, "content") if message.get("role") == "tool" else message

    return each(body, "messages", change)


def in_messages(scrub: Scrub, body: JsonObject) -> JsonObject:
    """``$.messages[*].content[*].content`` of type ``tool_result``: a string, or text parts."""

    def change(block: JsonObject) -> JsonObject:
        return _in_field(scrub, block, "content") if block.get("type") == "tool_result" else block

    return each(body, "messages", lambda message: each(message, "content", change))


def in_responses(scrub: Scrub, body: JsonObject) -> JsonObject:
    """``$.input[*].output`` of types that end in ``_output``: a string, or text parts."""

    def change(item: JsonObject) -> JsonObject:
        kind = item.get("type")
        is_output = isinstance(kind, str) and kind.endswith("_output")
        return _in_field(scrub, item, "output") if is_output else item

    return each(body, "input", change)


def _in_field(scrub: Scrub, holder: JsonObject, field: str) -> JsonObject:
    return each(scrub.mask(holder, field), field, lambda part: scrub.mask(part, "text"))
