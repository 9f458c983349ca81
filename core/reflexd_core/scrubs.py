"""Scrubs: volatile lines of known agents' tool output, masked in the key.

Codex prints a random chunk id and the seconds a command took above each command's output, Qwen Code and Gemini CLI a
process group below it; without a scrub no request after a shell call is ever the same twice. Only the lines that the
agent itself wrote are masked: what the command printed may well hold lines that look like them, and those count. Each
scrub is a rule of its own, which a tenant can switch off.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from reflexd_core.canonical import JsonObject
from reflexd_core.rewrites import Rule, each
from reflexd_core.rewrites_gemini import within

MARK = "\0scrubbed"
"""Beside a masked text: which scrubs masked it. So a mask is never taken for a text that came with one in it."""


@dataclass(frozen=True, slots=True)
class Scrub:
    name: str
    heads: tuple[re.Pattern[str], ...] = ()
    """Each matches the output's beginning, and what is masked as its group ``drawn``; the first one counts."""
    tail: re.Pattern[str] | None = None
    """The same for its last line."""

    def found_in(self, text: str) -> tuple[int, int] | None:
        """Where what is masked begins and ends."""
        found = next((match for head in self.heads if (match := head.match(text))), None)
        if found is None and self.tail is not None:
            found = self.tail.search(text, max(len(text) - _TAIL, 0))
        return found.span("drawn") if found is not None else None

    def mask(self, holder: JsonObject, field: str) -> JsonObject:
        """``holder`` with the line in the text of ``field`` masked; itself where there is none."""
        text, marks = holder.get(field), holder.get(MARK)
        if not isinstance(text, str) or ("\0" in text and marks is None):
            return holder
        found = self.found_in(text)
        if found is None:
            return holder
        masked = f"{text[: found[0]]}\0{text[found[1] :]}"
        return {**holder, field: masked, MARK: [*(marks if isinstance(marks, list) else []), self.name]}


_TAIL = 256
"""Characters in which a last line is looked for."""

_CODEX_HEAD = r"(?:[A-Z][A-Za-z ]{0,40}: ?[^\n]*\n){0,4}?"

# Codex's own models run their commands from a script, which prints what the command gave as one JSON object.
_CODEX_SCRIPT = r"Script [a-z ]{1,40}\n"

CHUNK_ID = Scrub(
    "scrub-chunk-id",
    heads=(
        re.compile(_CODEX_HEAD + r"Chunk ID: (?P<drawn>[0-9a-f]{6})(?:\n|\Z)"),
        re.compile(r'\{"chunk_id":"(?P<drawn>[0-9a-f]{6})","wall_time_seconds":'),
    ),
)
WALL_TIME = Scrub(
    "scrub-wall-time",
    heads=(
        re.compile(_CODEX_HEAD + r"Wall time: (?P<drawn>[0-9.]+) seconds(?:\n|\Z)"),
        re.compile(_CODEX_SCRIPT + r"Wall time (?P<drawn>[0-9.]+) seconds\n"),
        re.compile(r'\{"chunk_id":"[0-9a-f\0]{1,6}","wall_time_seconds":(?P<drawn>[0-9.eE+-]{1,30})[,}]'),
    ),
)
PROCESS_GROUP = Scrub(
    "scrub-process-group",
    tail=re.compile(r"\nProcess Group PGID: (?P<drawn>[0-9]+)\s*(?:</untrusted_context>\s*)?\Z"),
)

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


def in_gemini(scrub: Scrub, body: JsonObject) -> JsonObject:
    """``$.contents[*].parts[*].functionResponse.response.output``."""

    def change(part: JsonObject) -> JsonObject:
        return within(part, "functionResponse", lambda answer: within(answer, "response", masked))

    def masked(response: JsonObject) -> JsonObject:
        return scrub.mask(response, "output")

    return each(body, "contents", lambda turn: each(turn, "parts", change))


def _in_field(scrub: Scrub, holder: JsonObject, field: str) -> JsonObject:
    return each(scrub.mask(holder, field), field, lambda part: scrub.mask(part, "text"))
