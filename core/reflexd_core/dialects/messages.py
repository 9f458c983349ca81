"""Anthropic messages: reading requests.

How an answer is watched and turned from one form into the other stands in `messages_answer`.
"""

from dataclasses import dataclass

from reflexd_core import questions, rewrites, rewrites_messages, scrubs
from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects import messages_answer
from reflexd_core.dialects.base import Watch
from reflexd_core.dialects.shared import (
    SAMPLING,
    WEB_SEARCH_LIFETIME,
    WholeBody,
    encode,
    least,
    objects,
    offers_a_web_search,
    sampling_of,
    text,
)
from reflexd_core.portable import portable_rules
from reflexd_core.profiles import ANYBODY, OTHER, Profile, settled
from reflexd_core.request import Form, Question, Reading

UNSCOPED = SAMPLING | {"max_tokens"}


@dataclass(frozen=True, slots=True)
class Messages:
    name: str = "messages"
    path: str = "/messages"
    home: str | None = "anthropic"
    keep_alive: bytes = b'event: ping\ndata: {"type": "ping"}\n\n'

    def read(self, body: JsonObject, profile: Profile = OTHER) -> Reading:
        system = _system_text(body)
        profile = settled(profile, system)
        scrubbing = scrubs.rules(profile.scrubs, scrubs.in_messages)
        keyed, rules = rewrites.apply((*rewrites_messages.RULES, *scrubbing, *portable_rules(profile)), body)
        found = _question_of(keyed, profile, system)
        question = found if isinstance(found, questions.Found) else None
        return Reading(
            model=text(body.get("model")),
            form=Form.STREAM if body.get("stream") is True else Form.BODY,
            wants_usage=True,
            keyed=keyed,
            scoped=_scope_of(keyed, question) if question is not None else None,
            question=Question(text=question.text) if question is not None else None,
            exact_only=None if isinstance(found, questions.Found) else found,
            rules=rules,
            stateful=_stateful(body),
            lifetime=WEB_SEARCH_LIFETIME if offers_a_web_search(body.get("tools")) else None,
            earlier_turns=question is not None and question.earlier,
            sampling=sampling_of(keyed),
            max_output=least(body.get("max_tokens")),
            agent=profile.name,
        )

    def watch(self, form: Form) -> Watch:
        return messages_answer.StreamWatch() if form is Form.STREAM else WholeBody(messages_answer.verdict_of)

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        return messages_answer.usage_of(recorded, answer) is not None

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        return messages_answer.replay(recorded, answer, asked)

    def question_text(self, body: JsonObject) -> str:
        return questions.last_said(objects(body.get("messages")), ANYBODY)

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        return messages_answer.text_of(recorded, answer)

    def error(self, status: int, message: str, code: str) -> bytes:
        return encode({"type": "error", "error": {"type": _error_type(status), "message": message}})


MESSAGES = Messages()


def _error_type(status: int) -> str:
    match status:
        case 404:
            return "not_found_error"
        case 504:
            return "timeout_error"
        case _:
            return "invalid_request_error" if status < 500 else "api_error"


def _stateful(body: JsonObject) -> str | None:
    """What has state or side effects at the provider: never read from the cache, never stored."""
    if body.get("container"):
        return "container"
    if body.get("mcp_servers") or any(
        text(tool.get("type")).startswith("mcp") for tool in objects(body.get("tools"))
    ):
        return "mcp-tool"
    return None


def _system_text(body: JsonObject) -> str:
    match body.get("system"):
        case str(said):
            return said
        case system:
            return "\n".join(text(block.get("text")) for block in objects(system))


def _question_of(keyed: JsonObject, profile: Profile, system: str) -> questions.Found | str:
    """The question, or why meaning is not compared."""
    messages = keyed.get("messages")
    turns = objects(messages)
    if not isinstance(messages, list) or not messages or len(turns) != len(messages):
        return "unknown-shape"
    found = questions.find(turns, profile, system)
    if isinstance(found, str):
        return found
    if keyed.get("tools") and found.earlier:
        return "agent-turn"
    blocks = [block for turn in turns for block in objects(turn.get("content"))]
    if any(text(block.get("type")).endswith("tool_result") for block in blocks):
        return "tool-results"
    return found


def _scope_of(keyed: JsonObject, question: questions.Found) -> JsonObject:
    turns: list[Json] = question.turns
    return {**{name: value for name, value in keyed.items() if name not in UNSCOPED}, "messages": turns}
