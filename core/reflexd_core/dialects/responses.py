"""OpenAI responses: reading requests.

How an answer is watched and turned from one form into the other stands in `responses_answer`.

Decision: a request with ``previous_response_id`` may be answered exactly, never by meaning. The provider answers it
only if it stored that response itself, so an answer that was given proves it; and the id is part of the key.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reflexd_core import questions, rewrites, rewrites_responses, scrubs
from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects import responses_answer
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

UNSCOPED = SAMPLING | {"max_output_tokens"}

_OFFERED = "additional_tools"
"""The item in which Codex offers its own models their tools, where others have ``$.tools``."""
_TALK = ("message", "reasoning", _OFFERED)
"""Item types of a conversation in which no tool was called; a message may leave its type out."""


@dataclass(frozen=True, slots=True)
class Responses:
    name: str = "responses"
    path: str = "/responses"
    home: str | None = None
    keep_alive: bytes = b""
    """None: only data events keep Codex waiting, and there is none that says nothing."""

    def read(self, body: JsonObject, profile: Profile = OTHER) -> Reading:
        system = text(body.get("instructions")) or questions.system_text(objects(body.get("input")))
        profile = settled(profile, system)
        scrubbing = scrubs.rules(profile.scrubs, scrubs.in_responses)
        keyed, rules = rewrites.apply((*rewrites_responses.RULES, *scrubbing, *portable_rules(profile)), body)
        found = _question_of(keyed, profile, system)
        offered: list[Json] = [*_tools_of(body)]
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
            stateful=_stateful(body, offered),
            lifetime=WEB_SEARCH_LIFETIME if offers_a_web_search(offered) else None,
            earlier_turns=question is not None and question.earlier,
            sampling=sampling_of(keyed),
            max_output=least(body.get("max_output_tokens")),
            agent=profile.name,
        )

    def watch(self, form: Form) -> Watch:
        return responses_answer.StreamWatch() if form is Form.STREAM else WholeBody(responses_answer.verdict_of)

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        return responses_answer.usage_of(recorded, answer) is not None

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        return responses_answer.replay(recorded, answer, asked)

    def question_text(self, body: JsonObject) -> str:
        given = body.get("input")
        return given if isinstance(given, str) else questions.last_said(objects(given), ANYBODY)

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        return responses_answer.text_of(recorded, answer)

    def error(self, status: int, message: str, code: str) -> bytes:
        return openai_error(status, message, code)


RESPONSES = Responses()


def _tools_of(body: JsonObject) -> Iterator[JsonObject]:
    """Wherever they are offered: in ``$.tools``, in an item of the input's, and within a namespace of either."""
    waiting = objects(body.get("tools"))
    for item in objects(body.get("input")):
        waiting += objects(item.get("tools"))
    while waiting:
        tool = waiting.pop()
        yield tool
        waiting += objects(tool.get("tools"))


def _stateful(body: JsonObject, offered: list[Json]) -> str | None:
    """What has state or side effects at the provider: never read from the cache, never stored."""
    for field in ("background", "conversation"):
        if body.get(field):
            return field
    for tool in objects(offered):
        if tool.get("type") == "mcp":
            return "mcp-tool"
        place = tool.get("environment")
        if isinstance(tool.get("container"), str) or (isinstance(place, dict) and place.get("container_id")):
            return "container"
    match body.get("prompt"):
        case {"id": str(), **rest} if not rest.get("version"):
            return "prompt-template"  # whatever its newest version says at the moment
        case _:
            return None


def _question_of(keyed: JsonObject, profile: Profile, system: str) -> questions.Found | str:
    """The question, or why meaning is not compared."""
    given = keyed.get("input")
    items = objects([{"role": "user", "content": given}] if isinstance(given, str) else given)
    if not items or (isinstance(given, list) and len(items) != len(given)):
        return "unknown-shape"
    found = questions.find(items, profile, system)
    if isinstance(found, str):
        return found
    if keyed.get("previous_response_id"):
        return "earlier-response"
    if _wants_logprobs(keyed):
        return "logprobs"
    if any(item.get("type", "message") not in _TALK for item in items):
        return "tool-results"
    if found.earlier and (keyed.get("tools") or any(item.get("type") == _OFFERED for item in items)):
        return "agent-turn"
    return found


def _wants_logprobs(keyed: JsonObject) -> bool:
    include = keyed.get("include")
    asked = include if isinstance(include, list) else []
    return bool(keyed.get("top_logprobs")) or any("logprobs" in text(name) for name in asked)


def _scope_of(keyed: JsonObject, question: questions.Found) -> JsonObject:
    items: list[Json] = question.turns
    return {**{name: value for name, value in keyed.items() if name not in UNSCOPED}, "input": items}
