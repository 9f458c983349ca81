"""OpenAI chat completions: a stream's chunks as one completion, and one completion as a stream's chunks.

Decision: which strings are pieces to be joined and which are values to be replaced cannot be told from the wire.
OpenAI's own helper joins every string, so a provider that repeats ``role`` or ``channel`` in each chunk makes it
say ``assistantassistant``. Here the names of text fields are joined and everything else keeps its last value,
which is what the same providers send in their bodies.
"""

from copy import deepcopy

from reflexd_core.canonical import Json, JsonObject

TEXTS = frozenset(
    {
        "content",
        "refusal",
        "reasoning",
        "reasoning_content",
        "arguments",
        "text",
        "summary",
        "data",
        "signature",
    }
    | {"thinking", "transcript", "input"}
)
"""Fields whose strings come in pieces, at any depth of a delta."""

_LISTS_OF_VALUES = frozenset({"annotations", "content", "refusal", "token_ids"})
"""Lists whose entries only ever add up (log-probabilities, citations), unlike those with an ``index``."""

_FIRST_WINS = frozenset({"id", "created", "model"})
"""Who answered, as SDKs take it: from the first chunk that says so (groq/compound changes its id in every one,
Azure begins with an empty one)."""

_SPREAD = frozenset({"x_groq"})
"""Objects of which each chunk tells another part: who answers in the first, what it cost in the last."""

_CHUNK = "chat.completion.chunk"
_COMPLETION = "chat.completion"


def assemble(chunks: list[JsonObject]) -> JsonObject:
    """The completion that the chunks of one stream amount to."""
    completion: JsonObject = {}
    choices: dict[int, JsonObject] = {}
    for chunk in chunks:
        for name, value in chunk.items():
            known = completion.get(name)
            if name == "choices":
                _add_choices(choices, value)
            elif name in _SPREAD and isinstance(known, dict) and isinstance(value, dict):
                completion[name] = {**known, **value}
            elif name not in completion or (value is not None and not (name in _FIRST_WINS and completion[name])):
                completion[name] = value
    completion.pop("obfuscation", None)  # random padding against traffic analysis, of one chunk each
    completion["object"] = _COMPLETION
    completion["choices"] = [_finished(choices[index]) for index in sorted(choices)]
    return completion


def disassemble(completion: JsonObject, *, with_usage: bool) -> list[JsonObject]:
    """Chunks that amount to the completion: each choice's message, each choice's end, then the usage."""
    envelope = {name: value for name, value in completion.items() if name not in ("choices", "usage")}
    envelope["object"] = _CHUNK
    choices = completion.get("choices")
    chunks: list[JsonObject] = []
    ends: list[JsonObject] = []
    for choice in choices if isinstance(choices, list) else []:
        if not isinstance(choice, dict):
            continue
        rest = {name: value for name, value in choice.items() if name not in ("message", "finish_reason")}
        message = choice.get("message")
        delta = _delta_of(message) if isinstance(message, dict) else {}
        logprobs = rest.get("logprobs")
        if logprobs is not None:
            # OpenAI's own helper counts them twice where a choice other than the first begins with them, so each
            # choice begins with its role, as a provider's does.
            opening: JsonObject = {**rest, "logprobs": None, "delta": {"role": delta.get("role", "assistant")}}
            chunks.append({**envelope, "choices": [{**opening, "finish_reason": None}]})
            rest = {"index": choice.get("index", 0), "logprobs": logprobs}
            delta = {name: value for name, value in delta.items() if name != "role"}
        chunks.append({**envelope, "choices": [{**rest, "delta": delta, "finish_reason": None}]})
        end: JsonObject = {"index": choice.get("index", 0), "delta": {}}
        ends.append({**envelope, "choices": [{**end, "finish_reason": choice.get("finish_reason")}]})
    chunks += ends
    if with_usage and completion.get("usage") is not None:
        chunks.append({**envelope, "choices": [], "usage": completion["usage"]})
    return chunks


def _add_choices(choices: dict[int, JsonObject], value: Json) -> None:
    for piece in value if isinstance(value, list) else []:
        if not isinstance(piece, dict):
            continue
        index = piece.get("index", 0)
        if not isinstance(index, int):
            continue
        choice = choices.setdefault(index, {"index": index, "message": {}, "finish_reason": None})
        message = choice["message"]
        for name, part in piece.items():
            if name == "delta":
                if isinstance(part, dict) and isinstance(message, dict):
                    _merge(message, part)
            elif name == "message" and "delta" in piece:
                continue  # Perplexity repeats all that was said so far beside each delta
            elif name == "logprobs" and isinstance(part, dict):
                logprobs = choice.get("logprobs")
                choice["logprobs"] = _merge(logprobs if isinstance(logprobs, dict) else {}, part)
            elif name == "finish_reason" and not part and choice[name]:
                continue  # some say "" behind the reason too
            elif part is not None or name not in choice:
                choice[name] = part


def _merge(whole: JsonObject, piece: JsonObject) -> JsonObject:
    """Add one delta to what was merged so far, in place."""
    for name, part in piece.items():
        known = whole.get(name)
        if known is None:
            whole[name] = _merge_list([], name, part) if isinstance(part, list) else deepcopy(part)
        elif part is None:
            continue
        elif isinstance(known, str) and isinstance(part, str):
            whole[name] = known + part if name in TEXTS else part or known
        elif isinstance(known, dict) and isinstance(part, dict):
            _merge(known, part)
        elif isinstance(known, list) and isinstance(part, list):
            _merge_list(known, name, part)
        elif name == "content" and isinstance(known, str | list) and isinstance(part, str | list):
            whole[name] = _as_parts(known, part)
        else:
            whole[name] = part
    return whole


def _as_parts(known: str | list[Json], more: str | list[Json]) -> list[Json]:
    """Text and parts in one field, all as parts: Mistral sends ``""``, parts while it thinks, then plain strings."""
    match known, more:
        case [*before, {"type": "text", "text": str(said), **rest}], str() if not rest:
            return [*before, {"type": "text", "text": said + more}]
        case _:
            return [*_parts_of(known), *_parts_of(more)]


def _parts_of(content: str | list[Json]) -> list[Json]:
    if isinstance(content, list):
        return deepcopy(content)
    return [{"type": "text", "text": content}] if content else []


def _merge_list(known: list[Json], name: str, parts: list[Json]) -> list[Json]:
    """Entries with an ``index`` are pieces of the entry of that index (and type); others are appended."""
    for part in parts:
        twin = _twin(known, part) if name not in _LISTS_OF_VALUES and isinstance(part, dict) else None
        if twin is not None and isinstance(part, dict):
            if name == "executed_tools":  # groq repeats the whole entry with its results
                twin.update(part)
            else:
                _merge(twin, part)
        else:
            known.append(deepcopy(part))
    return known


def _twin(known: list[Json], part: JsonObject) -> JsonObject | None:
    index = part.get("index")
    if not isinstance(index, int):
        return None
    for entry in reversed(known):
        if isinstance(entry, dict) and entry.get("index") == index and _same_type(entry, part):
            return None if _is_another_call(entry, part) else entry
    return None


def _is_another_call(entry: JsonObject, part: JsonObject) -> bool:
    """Gemini gives parallel calls one index; a name beside another id begins a call of its own.

    An id alone tells nothing: some servers draw a new one for each piece.
    """
    match part.get("id"), part.get("function"):
        case str(drawn), {"name": str(name)}:
            return bool(drawn and name and entry.get("id")) and drawn != entry.get("id")
        case _:
            return False


def _same_type(entry: JsonObject, part: JsonObject) -> bool:
    first, second = entry.get("type"), part.get("type")
    return first is None or second is None or first == second


def _finished(choice: JsonObject) -> JsonObject:
    """A choice as a body shows it: tool calls carry no ``index``, and ``content`` is always there."""
    message = choice["message"]
    if isinstance(message, dict):
        message.setdefault("role", "assistant")
        message.setdefault("content", None)
        calls = message.get("tool_calls")
        if isinstance(calls, list):
            message["tool_calls"] = [_without_index(call) for call in _by_index(calls)]
    choice.setdefault("logprobs", None)
    return choice


def _by_index(calls: list[Json]) -> list[Json]:
    def place(call: Json) -> int:
        index = call.get("index") if isinstance(call, dict) else None
        return index if isinstance(index, int) else len(calls)

    return sorted(calls, key=place)


def _without_index(call: Json) -> Json:
    if not isinstance(call, dict):
        return call
    return {name: value for name, value in call.items() if name != "index"}


def _delta_of(message: JsonObject) -> JsonObject:
    calls = message.get("tool_calls")
    if not isinstance(calls, list):
        return message
    indexed: list[Json] = []
    for place, call in enumerate(calls):
        indexed.append({**call, "index": place} if isinstance(call, dict) else call)
    return {**message, "tool_calls": indexed}
