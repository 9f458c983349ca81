"""OpenAI chat completions: reading requests.

How an answer is watched and turned from one form into the other stands in `chat_answer`.
"""

from dataclasses import dataclass

from reflexd_core import questions, rewrites, scrubs
from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects import chat_answer
from reflexd_core.dialects.base import Watch
from reflexd_core.dialects.shared import (
    SAMPLING,
    WEB_SEARCH_LIFETIME,
    WholeBody,
    least,
    objects,
    offers_a_web_search,
    openai_error,
    sampling_of,
    text,
)
from reflexd_core.portable import portable_rules
from reflexd_core.profiles import ANYBODY, OTHER, Profile, settled
from reflexd_core.request import Form, Question, Reading

RULES: tuple[tuple[str, rewrites.Rule], ...] = (
    ("drop-envelope", rewrites.drop_envelope),
    ("drop-cache-control", rewrites.drop_cache_control),
    ("join-single-text", rewrites.join_single_text),
    ("rename-tool-calls", rewrites.rename_tool_calls),
)

LIMITS = ("max_completion_tokens", "max_tokens")
"""Left out of the scope too: the stored answer must fit the asker's limit instead."""
UNSCOPED = SAMPLING | set(LIMITS)

_SEARCH_FIELDS = ("web_search_options", "search_settings", "search_parameters", "enable_search")
"""How OpenAI, Groq, xAI and Qwen are told to look at the web first."""
_SEARCH_MODELS = ("search-preview", "search-api", "/compound", "compound-beta", "sonar")
"""What stands in the names of models that do so unasked: OpenAI's, Groq's, Perplexity's."""

_LEGACY = (
    "Reflex does not cache legacy function calling ({what}): use 'tools' and 'tool_choice' instead. "
    "To pass such requests on unchanged, start Reflex with REFLEX_LEGACY_FUNCTIONS=forward."
)


@dataclass(frozen=True, slots=True)
class ChatCompletions:
    name: str = "chat"
    path: str = "/chat/completions"
    home: str | None = None
    keep_alive: bytes = b": keep-alive\n\n"

    def read(self, body: JsonObject, profile: Profile = OTHER) -> Reading:
        system = questions.system_text(objects(body.get("messages")))
        profile = settled(profile, system)
        scrubbing = scrubs.rules(profile.scrubs, scrubs.in_chat)
        keyed, rules = rewrites.apply((*RULES, *scrubbing, *portable_rules(profile)), body)
        form = Form.STREAM if body.get("stream") is True else Form.BODY
        found = _question_of(keyed, profile, system)
        question = found if isinstance(found, questions.Found) else None
        return Reading(
            model=text(body.get("model")),
            form=form,
            wants_usage=form is Form.BODY or asks_usage(body),
            keyed=keyed,
            scoped=_scope_of(keyed, question) if question is not None else None,
            question=Question(text=question.text) if question is not None else None,
            exact_only=None if isinstance(found, questions.Found) else found,
            rules=rules,
            stateful=_stateful(body),
            refusal=_refusal(body),
            lifetime=WEB_SEARCH_LIFETIME if _searches_the_web(body) or _leans_on_the_provider(body) else None,
            earlier_turns=question is not None and question.earlier,
            sampling=sampling_of(keyed),
            max_output=least(*(body.get(name) for name in LIMITS)),
            agent=profile.name,
        )

    def watch(self, form: Form) -> Watch:
        return chat_answer.StreamWatch() if form is Form.STREAM else WholeBody(chat_answer.verdict_of)

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        return chat_answer.usage_of(recorded, answer) is not None

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        return chat_answer.replay(recorded, answer, asked, wants_usage=wants_usage)

    def question_text(self, body: JsonObject) -> str:
        return questions.last_said(objects(body.get("messages")), ANYBODY)

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        return chat_answer.text_of(recorded, answer)

    def error(self, status: int, message: str, code: str) -> bytes:
        return openai_error(status, message, code)


CHAT = ChatCompletions()


def asks_usage(body: JsonObject) -> bool:
    """OpenAI's way to ask, or OpenRouter's."""
    match body:
        case {"stream_options": {"include_usage": True}} | {"usage": {"include": True}}:
            return True
        case _:
            return False


def _refusal(body: JsonObject) -> str | None:
    for field in ("functions", "function_call"):
        if body.get(field) is not None:
            return _LEGACY.format(what=f"'{field}'")
    for message in objects(body.get("messages")):
        if message.get("role") == "function":
            return _LEGACY.format(what="role 'function'")
    return None


def _stateful(body: JsonObject) -> str | None:
    """What has state or side effects at the provider: never read from the cache, never stored."""
    for field in ("background", "conversation", "container"):
        if body.get(field):
            return field
    if any(tool.get("type") == "mcp" for tool in objects(body.get("tools"))):
        return "mcp-tool"
    return None


def _searches_the_web(body: JsonObject) -> bool:
    if any(body.get(field) not in (None, False) for field in _SEARCH_FIELDS):
        return True
    if any(plugin.get("id") == "web" for plugin in objects(body.get("plugins"))):
        return True
    if offers_a_web_search(body.get("tools")):
        return True
    model = text(body.get("model"))
    return model.endswith(":online") or any(mark in model for mark in _SEARCH_MODELS)


def _leans_on_the_provider(body: JsonObject) -> bool:
    """On what lies at the provider and changes there: a preset (OpenRouter), or the audio of the answer, to which the
    next turn refers by an id that is good for an hour."""
    modalities = body.get("modalities")
    speaks = isinstance(modalities, list) and "audio" in modalities
    return speaks or bool(body.get("preset")) or "@preset/" in text(body.get("model"))


def _question_of(keyed: JsonObject, profile: Profile, system: str) -> questions.Found | str:
    """The question, or why meaning is not compared."""
    messages = keyed.get("messages")
    turns = objects(messages)
    if not isinstance(messages, list) or not messages or len(turns) != len(messages):
        return "unknown-shape"
    found = questions.find(turns, profile, system)
    if isinstance(found, str):
        return found
    if keyed.get("n") not in (None, 1):
        return "several-choices"
    if keyed.get("logprobs") or keyed.get("top_logprobs"):
        return "logprobs"
    if keyed.get("tools") and (found.earlier or any(turn.get("role") == "tool" for turn in turns)):
        return "agent-turn"
    if any(turn.get("role") in ("tool", "function") for turn in turns):
        return "tool-results"
    return found


def _scope_of(keyed: JsonObject, question: questions.Found) -> JsonObject:
    turns: list[Json] = question.turns
    return {**{name: value for name, value in keyed.items() if name not in UNSCOPED}, "messages": turns}
