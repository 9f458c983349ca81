"""Rewrites: differences between two requests that cannot change the answer, taken out of the key.

They touch the key only; what is forwarded stays byte for byte what came. Each rule is named, names its JSON
paths, and reaches nothing else: not a tool's input, its arguments, its output or its schema. A rule returns its
argument unchanged (the same object) when it did not apply, which is how the explanation knows what fired.
"""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet

from reflexd_core.canonical import Json, JsonObject

Rule = Callable[[JsonObject], JsonObject]

DROPPED = frozenset(
    {
        "client_metadata",
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "user",
    }
)
"""``drop-envelope``: top-level fields that say who asks or how the answer travels, not what is asked."""


_MARK = frozenset({"cache_control"})


def apply(rules: Iterable[tuple[str, Rule]], body: JsonObject) -> tuple[JsonObject, tuple[str, ...]]:
    """The body after all rules, and the names of those that changed it."""
    fired: list[str] = []
    for name, rule in rules:
        rewritten = rule(body)
        if rewritten is not body:
            fired.append(name)
            body = rewritten
    return body, tuple(fired)


def drop_envelope(body: JsonObject) -> JsonObject:
    """``$.stream``, ``$.user`` and the other fields of `DROPPED`.

    A ``stream`` that is neither true, false nor null stays: some providers read a 1 as true, and Reflex cannot tell.
    """
    return without(body, DROPPED if isinstance(body.get("stream"), bool | None) else DROPPED - {"stream"})


def drop_cache_control(body: JsonObject) -> JsonObject:
    """``$.messages[*].cache_control``, ``$.messages[*].content[*].cache_control``, ``$.tools[*].cache_control``.

    Marks for the provider's own prompt cache; agents move them on every turn.
    """
    body = each(body, "messages", without_mark)
    body = each(body, "messages", lambda message: each(message, "content", without_mark))
    return each(body, "tools", without_mark)


def join_single_text(body: JsonObject) -> JsonObject:
    """``$.messages[*].content``: one plain text part equals the string that it holds."""
    return each(body, "messages", lambda message: with_string(message, "content", "text"))


def rename_tool_calls(body: JsonObject) -> JsonObject:
    """``$.messages[*].tool_calls[*].id`` and ``$.messages[*].tool_call_id``, in order of appearance.

    The mapping is one to one, so which result answers which call still counts. Providers draw these ids at random.
    """
    names = Names()

    def rename_in(message: JsonObject) -> JsonObject:
        message = each(message, "tool_calls", lambda call: names.rename(call, "id"))
        return names.rename(message, "tool_call_id")

    return each(body, "messages", rename_in)


def without_mark(holder: JsonObject) -> JsonObject:
    return without(holder, _MARK)


def without(holder: JsonObject, names: AbstractSet[str]) -> JsonObject:
    """``holder`` less the fields of these names; itself where it has none of them."""
    if names.isdisjoint(holder):
        return holder
    return {name: value for name, value in holder.items() if name not in names}


class Names:
    """Tool-call ids renamed in order of appearance, one to one."""

    def __init__(self) -> None:
        self._new: dict[str, str] = {}

    def rename(self, holder: JsonObject, field: str) -> JsonObject:
        old = holder.get(field)
        if not isinstance(old, str):
            return holder
        new = self._new.setdefault(old, f"call#{len(self._new)}")
        return holder if new == old else {**holder, field: new}


def with_string(holder: JsonObject, field: str, kind: str) -> JsonObject:
    """``holder`` with one plain text part in ``field`` replaced by the string that it holds."""
    match holder.get(field):
        case [{"type": str(found), "text": str(text), **rest}] if found == kind and not rest:
            return {**holder, field: text}
        case _:
            return holder


def each(holder: JsonObject, field: str, change: Rule) -> JsonObject:
    """``holder`` with ``change`` applied to each object of the list ``field``; itself when nothing changed."""
    items = holder.get(field)
    if not isinstance(items, list):
        return holder
    changed: list[Json] | None = None
    for place, item in enumerate(items):
        new = change(item) if isinstance(item, dict) else item
        if new is not item:
            changed = list(items) if changed is None else changed
            changed[place] = new
    if changed is None:
        return holder
    return {**holder, field: changed}
