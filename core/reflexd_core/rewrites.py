"""Rewrites: differences between two requests that cannot change the answer, taken out of the key.

They touch the key only; what is forwarded stays byte for byte what came. Each rule is named, names its JSON
paths, and reaches nothing else: not a tool's input, its arguments, its output or its schema. A rule returns its
argument unchanged (the same object) when it did not apply, which is how the explanation knows what fired.
"""

from collections.abc import Callable, Iterable

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
    dropped = DROPPED if isinstance(body.get("stream"), bool | None) else DROPPED - {"stream"}
    if dropped.isdisjoint(body):
        return body
    return {name: value for name, value in body.items() if name not in dropped}


def drop_cache_control(body: JsonObject) -> JsonObject:
    """``$.messages[*].cache_control``, ``$.messages[*].content[*].cache_control``, ``$.tools[*].cache_control``.

    Marks for the provider's own prompt cache; agents move them on every turn.
    """
    body = _each(body, "messages", _without_mark)
    body = _each(body, "messages", lambda message: _each(message, "content", _without_mark))
    return _each(body, "tools", _without_mark)


def join_single_text(body: JsonObject) -> JsonObject:
    """``$.messages[*].content``: one plain text part equals the string that it holds."""
    return _each(body, "messages", _with_string_content)


def rename_tool_calls(body: JsonObject) -> JsonObject:
    """``$.messages[*].tool_calls[*].id`` and ``$.messages[*].tool_call_id``, in order of appearance.

    The mapping is one to one, so which result answers which call still counts. Providers draw these ids at random.
    """
    names: dict[str, str] = {}

    def rename(holder: JsonObject, field: str) -> JsonObject:
        old = holder.get(field)
        if not isinstance(old, str):
            return holder
        new = names.setdefault(old, f"call#{len(names)}")
        return holder if new == old else {**holder, field: new}

    def rename_in(message: JsonObject) -> JsonObject:
        message = _each(message, "tool_calls", lambda call: rename(call, "id"))
        return rename(message, "tool_call_id")

    return _each(body, "messages", rename_in)


def _without_mark(holder: JsonObject) -> JsonObject:
    if "cache_control" not in holder:
        return holder
    return {name: value for name, value in holder.items() if name != "cache_control"}


def _with_string_content(message: JsonObject) -> JsonObject:
    match message.get("content"):
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return {**message, "content": text}
        case _:
            return message


def _each(holder: JsonObject, field: str, change: Rule) -> JsonObject:
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
