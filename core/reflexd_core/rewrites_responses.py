"""Rewrites of the OpenAI responses dialect; what a rule is, see `rewrites`."""

from reflexd_core.canonical import JsonObject
from reflexd_core.rewrites import DROPPED, Names, each, with_string, without

_ENVELOPE = DROPPED - {"store"}
_STATUS = frozenset({"status"})
_DRAWN = _STATUS | {"id"}

_METADATA = "internal_chat_message_metadata_passthrough"
_TURN = frozenset({"create_time", "turn_id"})

_NAMED_BY_ID = "local_shell_call_output"
"""The output that names the call it answers in ``id``, where all others have ``call_id``."""


def drop_envelope(body: JsonObject) -> JsonObject:
    """As in chat completions, but ``$.store`` stays: absent means true, and the answer's id is worth more then."""
    return without(body, _ENVELOPE if isinstance(body.get("stream"), bool | None) else _ENVELOPE - {"stream"})


def drop_turn_metadata(body: JsonObject) -> JsonObject:
    """``$.input[*].internal_chat_message_metadata_passthrough``: its ``create_time`` and ``turn_id``.

    Codex puts it on every item where its own provider is asked. What else may stand there counts.
    """

    def change(item: JsonObject) -> JsonObject:
        told = item.get(_METADATA)
        if not isinstance(told, dict) or _TURN.isdisjoint(told):
            return item
        kept = without(told, _TURN)
        return {**item, _METADATA: kept} if kept else without(item, {_METADATA})

    return each(body, "input", change)


def drop_item_ids(body: JsonObject) -> JsonObject:
    """``$.input[*].id`` and ``$.input[*].status``, which say when and by whom an item was made.

    Not of an ``item_reference``, nor of any other item that holds nothing but its id (stored reasoning, a stored
    image): there it is what the provider looks up.
    """

    def change(item: JsonObject) -> JsonObject:
        if item.get("type") == _NAMED_BY_ID:
            return without(item, _STATUS)
        return item if _is_reference(item) else without(item, _DRAWN)

    return each(body, "input", change)


def join_single_text(body: JsonObject) -> JsonObject:
    """``$.input[*].content``: one plain ``input_text`` part equals the string that it holds."""
    return each(body, "input", lambda item: with_string(item, "content", "input_text"))


def rename_calls(body: JsonObject) -> JsonObject:
    """``$.input[*].call_id``, in order of appearance; of a local shell's output the ``id``, which names its call."""
    names = Names()

    def change(item: JsonObject) -> JsonObject:
        field = "id" if item.get("type") == _NAMED_BY_ID else "call_id"
        return names.rename(item, field)

    return each(body, "input", change)


RULES = (
    ("drop-envelope", drop_envelope),
    ("drop-turn-metadata", drop_turn_metadata),
    ("drop-item-ids", drop_item_ids),
    ("join-single-text", join_single_text),
    ("rename-tool-calls", rename_calls),
)


def _is_reference(item: JsonObject) -> bool:
    if item.get("type") == "item_reference":
        return True
    return not any(value and name not in ("id", "status", "type") for name, value in item.items())
