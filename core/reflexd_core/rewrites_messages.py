"""Rewrites of the Anthropic messages dialect; what a rule is, see `rewrites`.

The provider's own marks, the client's attribution, and ids that are drawn at random are not part of what is asked.
"""

from reflexd_core.canonical import JsonObject
from reflexd_core.rewrites import Names, drop_envelope, each, with_string, without, without_mark

BILLING = "x-anthropic-billing-header:"
"""How the line begins in which Claude Code says its version and a hash of the conversation's first words."""

_SIGNATURE = frozenset({"signature"})


def drop_cache_control(body: JsonObject) -> JsonObject:
    """``$.cache_control``, and of ``$.system[*]``, ``$.tools[*]``, ``$.messages[*].content[*]``.

    Claude Code moves the mark to the last block on every turn.
    """
    body = each(each(without_mark(body), "system", without_mark), "tools", without_mark)
    return each(body, "messages", lambda message: each(message, "content", without_mark))


def drop_billing_header(body: JsonObject) -> JsonObject:
    """``$.system[0]`` where it is one line that begins with `BILLING`; the provider takes it out by its place too."""
    match body.get("system"):
        case [{"type": "text", "text": str(text), **rest}, *others] if not rest:
            line = text.rstrip("\n")
            return {**body, "system": others} if line.startswith(BILLING) and "\n" not in line else body
        case _:
            return body


def drop_signatures(body: JsonObject) -> JsonObject:
    """``$.messages[*].content[*].signature`` of thinking that is told in words.

    Beside empty thinking the signature is all that is told, and counts.
    """

    def change(block: JsonObject) -> JsonObject:
        told = block.get("type") == "thinking" and isinstance(block.get("thinking"), str) and block["thinking"]
        return without(block, _SIGNATURE) if told else block

    return each(body, "messages", lambda message: each(message, "content", change))


def join_single_text(body: JsonObject) -> JsonObject:
    """``$.system`` and ``$.messages[*].content``: one plain text block equals the string that it holds."""
    body = with_string(body, "system", "text")
    return each(body, "messages", lambda message: with_string(message, "content", "text"))


def rename_tool_uses(body: JsonObject) -> JsonObject:
    """Of ``$.messages[*].content[*]``: ``id`` of tool uses, ``tool_use_id`` of their results, ``caller.tool_id``."""
    names = Names()

    def change(block: JsonObject) -> JsonObject:
        kind = block.get("type")
        if not isinstance(kind, str):
            return block
        if kind.endswith("tool_result"):
            return names.rename(block, "tool_use_id")
        if not kind.endswith("tool_use"):
            return block
        block, caller = names.rename(block, "id"), block.get("caller")
        renamed = names.rename(caller, "tool_id") if isinstance(caller, dict) else caller
        return block if renamed is caller else {**block, "caller": renamed}

    return each(body, "messages", lambda message: each(message, "content", change))


RULES = (
    ("drop-envelope", drop_envelope),
    ("drop-cache-control", drop_cache_control),
    ("drop-billing-header", drop_billing_header),
    ("drop-signatures", drop_signatures),
    ("join-single-text", join_single_text),
    ("rename-tool-calls", rename_tool_uses),
)
