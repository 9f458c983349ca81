"""Rewrites for Gemini's wire; see `rewrites` for what all of them have in common."""

from reflexd_core.canonical import JsonObject
from reflexd_core.rewrites import Names, Rule, each


def rename_tool_calls(body: JsonObject) -> JsonObject:
    """``$.contents[*].parts[*].functionCall.id`` and ``….functionResponse.id``, in order of appearance.

    The mapping is one to one. Gemini CLI makes these ids of the clock.
    """
    names = Names()

    def rename_in(part: JsonObject) -> JsonObject:
        part = within(part, "functionCall", lambda call: names.rename(call, "id"))
        return within(part, "functionResponse", lambda answer: names.rename(answer, "id"))

    return each(body, "contents", lambda turn: each(turn, "parts", rename_in))


def within(holder: JsonObject, field: str, change: Rule) -> JsonObject:
    """``holder`` with ``change`` applied to the object in ``field``; itself when nothing changed."""
    inner = holder.get(field)
    if not isinstance(inner, dict):
        return holder
    changed = change(inner)
    return holder if changed is inner else {**holder, field: changed}
