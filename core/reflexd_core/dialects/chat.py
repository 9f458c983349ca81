"""OpenAI chat completions: reading requests.

How an answer is watched and turned from one form into the other stands in `chat_answer`.
"""

from dataclasses import dataclass

import msgspec

from reflexd_core import rewrites
from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects import chat_answer
from reflexd_core.dialects.base import Watch
from reflexd_core.request import Form, Question, Reading

RULES: tuple[tuple[str, rewrites.Rule], ...] = (
    ("drop-envelope", rewrites.drop_envelope),
    ("drop-cache-control", rewrites.drop_cache_control),
    ("join-single-text", rewrites.join_single_text),
    ("rename-tool-calls", rewrites.rename_tool_calls),
)

SAMPLING = frozenset(
    {"temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty", "repetition_penalty"}
)
"""Left out of the scope: a documented trade for more hits, which a tenant may refuse."""
LIMITS = ("max_completion_tokens", "max_tokens")
"""Left out of the scope too: the stored answer must fit the asker's limit instead."""
UNSCOPED = SAMPLING | set(LIMITS)

PLACEHOLDER = "\0question"
"""Stands in the scope where the question stood; no client can send it as text of its own by accident."""

WEB_SEARCH_LIFETIME = 600.0

_LEGACY = (
    "Reflex does not cache legacy function calling ({what}): use 'tools' and 'tool_choice' instead. "
    "To pass such requests on unchanged, start Reflex with REFLEX_LEGACY_FUNCTIONS=forward."
)


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    name: str = "chat"
    path: str = "/chat/completions"

    def read(self, body: JsonObject) -> Reading:
        keyed, rules = rewrites.apply(RULES, body)
        form = Form.STREAM if body.get("stream") is True else Form.BODY
        text, exact_only = _question_of(keyed)
        turns = _objects(keyed.get("messages"))
        asked = Question(text=text) if exact_only is None else None
        return Reading(
            model=_text(body.get("model")),
            form=form,
            wants_usage=form is Form.BODY or _asks_usage(body),
            keyed=keyed,
            scoped=_scope_of(keyed) if asked is not None else None,
            question=asked,
            exact_only=exact_only,
            rules=rules,
            stateful=_stateful(body),
            refusal=_refusal(body),
            lifetime=WEB_SEARCH_LIFETIME if _searches_the_web(body) else None,
            earlier_turns=asked is not None and any(turn.get("role") == "assistant" for turn in turns),
            sampling={name: value for name, value in keyed.items() if name in SAMPLING},
            max_output=_limit(body),
        )

    def watch(self, form: Form) -> Watch:
        return chat_answer.StreamWatch() if form is Form.STREAM else chat_answer.BodyWatch()

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        return chat_answer.usage_of(recorded, answer) is not None

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        return chat_answer.replay(recorded, answer, asked, wants_usage=wants_usage)

    def question_text(self, body: JsonObject) -> str:
        for turn in reversed(_objects(body.get("messages"))):
            if turn.get("role") == "user":
                return "\n".join(_texts(turn.get("content")))
        return ""

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        return chat_answer.text_of(recorded, answer)

    def error(self, status: int, message: str, code: str) -> bytes:
        kind = "invalid_request_error" if status < 500 else "server_error"
        return msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": code}})


CHAT = ChatCompletions()


def _asks_usage(body: JsonObject) -> bool:
    match body.get("stream_options"):
        case {"include_usage": True}:
            return True
        case _:
            return False


def _limit(body: JsonObject) -> int | None:
    """The least limit of output tokens that the request sets; one that is no number is met by no answer."""
    limits = [value for name in LIMITS if (value := body.get(name)) is not None]
    if not limits:
        return None
    return min(int(value) if isinstance(value, int | float) and value < 2**53 else 0 for value in limits)


def _refusal(body: JsonObject) -> str | None:
    for field in ("functions", "function_call"):
        if body.get(field) is not None:
            return _LEGACY.format(what=f"'{field}'")
    for message in _objects(body.get("messages")):
        if message.get("role") == "function":
            return _LEGACY.format(what="role 'function'")
    return None


def _stateful(body: JsonObject) -> str | None:
    """What has state or side effects at the provider: never read from the cache, never stored."""
    for field in ("background", "conversation", "container"):
        if body.get(field):
            return field
    if any(tool.get("type") == "mcp" for tool in _objects(body.get("tools"))):
        return "mcp-tool"
    return None


def _searches_the_web(body: JsonObject) -> bool:
    if body.get("web_search_options") is not None or body.get("search_settings") is not None:
        return True
    if any(plugin.get("id") == "web" for plugin in _objects(body.get("plugins"))):
        return True
    if any(_text(tool.get("type")).startswith("web_search") for tool in _objects(body.get("tools"))):
        return True
    model = _text(body.get("model"))
    return "search-preview" in model or model.endswith(":online") or "/compound" in model


def _question_of(keyed: JsonObject) -> tuple[str, str | None]:
    """The last user turn's text, and why meaning is not compared (None when it may be)."""
    messages = keyed.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        return "", "unknown-shape"
    turns = _objects(messages)
    last = turns[-1]
    if last.get("role") != "user":
        return "", "last-turn-not-the-users"
    text = _plain_text(last.get("content"))
    if text is None:
        return "", "not-plain-text"
    if not text.strip():
        return "", "empty-question"
    if keyed.get("n") not in (None, 1):
        return "", "several-choices"
    if keyed.get("logprobs") or keyed.get("top_logprobs"):
        return "", "logprobs"
    if keyed.get("tools") and any(turn.get("role") in ("assistant", "tool") for turn in turns):
        return "", "agent-turn"
    if any(turn.get("role") in ("tool", "function") for turn in turns):
        return "", "tool-results"
    return text, None


def _scope_of(keyed: JsonObject) -> JsonObject:
    scoped = {name: value for name, value in keyed.items() if name not in UNSCOPED}
    turns = _objects(keyed["messages"])
    masked: list[Json] = [*turns[:-1], {**turns[-1], "content": PLACEHOLDER}]
    scoped["messages"] = masked
    return scoped


def _plain_text(content: Json) -> str | None:
    """The text of a turn that is nothing but text, or None."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts: list[str] = []
    for part in content:
        match part:
            case {"type": "text", "text": str(text), **rest} if not rest:
                texts.append(text)
            case _:
                return None
    return "\n".join(texts)


def _texts(content: Json) -> list[str]:
    """Every text in a turn, whatever stands beside it."""
    if isinstance(content, str):
        return [content]
    return [text for part in _objects(content) if (text := _text(part.get("text")))]


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
