"""Gemini's own wire: ``generateContent`` and ``streamGenerateContent`` as server-sent events, exact repeats only.

The model and the form stand in the path, so each form is a dialect of its own and an answer is given back as it came.
"""

from dataclasses import dataclass

from reflexd_core import questions, rewrites, rewrites_gemini, scrubs
from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects.base import Watch
from reflexd_core.dialects.shared import (
    WEB_SEARCH_LIFETIME,
    WholeBody,
    decode,
    encode,
    events_of,
    integer,
    is_nothing,
    objects,
    text,
)
from reflexd_core.portable import portable_rules
from reflexd_core.profiles import ANYBODY, OTHER, Profile
from reflexd_core.request import Form, Reading, Usage, Verdict
from reflexd_core.sse import SseEvent, SseReader

RULES: tuple[tuple[str, rewrites.Rule], ...] = (("rename-tool-calls", rewrites_gemini.rename_tool_calls),)

_WEB_TOOLS = frozenset(
    {"googleSearch", "googleSearchRetrieval", "urlContext", "googleMaps", "enterpriseWebSearch"}
    | {"google_search", "google_search_retrieval", "url_context", "google_maps", "enterprise_web_search"}
    | {"fileSearch", "file_search", "retrieval"}
)
"""Tools by which the provider looks at what is so just now, on the web or in a store, in either spelling."""

_MCP = frozenset({"mcpServers", "mcp_servers"})

_WHOLE = ("STOP", "MAX_TOKENS")
"""Reasons to finish that are the model's own; all others are a filter's or a failure's."""


@dataclass(frozen=True, slots=True)
class GenerateContent:
    name: str
    path: str
    form: Form
    home: str | None = "gemini"
    keep_alive: bytes = b""

    def read(self, body: JsonObject, profile: Profile = OTHER) -> Reading:
        scrubbing = scrubs.rules(profile.scrubs, scrubs.in_gemini)
        keyed, rules = rewrites.apply((*RULES, *scrubbing, *portable_rules(profile)), body)
        return Reading(
            model="",
            form=self.form,
            wants_usage=False,
            keyed=keyed,
            scoped=None,
            question=None,
            exact_only="exact-dialect",
            rules=rules,
            stateful="mcp-tool" if any(not _MCP.isdisjoint(tool) for tool in objects(body.get("tools"))) else None,
            lifetime=WEB_SEARCH_LIFETIME if _looks_at_the_web(body) else None,
            agent=profile.name,
        )

    def watch(self, form: Form) -> Watch:
        return (
            _StreamWatch()
            if form is Form.STREAM
            else WholeBody(lambda body: _judge([body], says=_says_anything(body)))
        )

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        return any(_usage_in(chunk) is not None for chunk in _chunks_of(recorded, answer))

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        if recorded is not asked:
            raise ValueError("recorded in the other form")
        return answer

    def question_text(self, body: JsonObject) -> str:
        turns: list[JsonObject] = [{**turn, "content": turn.get("parts")} for turn in objects(body.get("contents"))]
        return questions.last_said(turns, ANYBODY)

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        return "".join(text(part.get("text")) for chunk in _chunks_of(recorded, answer) for part in _parts_of(chunk))

    def error(self, status: int, message: str, code: str) -> bytes:
        kind = "INVALID_ARGUMENT" if status < 500 else "UNAVAILABLE"
        return encode({"error": {"code": status, "message": message, "status": kind}})


GEMINI = GenerateContent("gemini", ":generateContent", Form.BODY)
GEMINI_STREAM = GenerateContent("gemini-stream", ":streamGenerateContent", Form.STREAM)


class _StreamWatch:
    """Complete where the stream ended of itself and every candidate had finished; no event says so before."""

    def __init__(self) -> None:
        self._reader = SseReader()
        self._chunks: list[JsonObject] = []
        self._unreadable = self._says = False

    def feed(self, chunk: bytes) -> bool:
        for event in self._reader.feed(chunk):
            self._look(event)
        return False

    def verdict(self) -> Verdict:
        for event in self._reader.finish():
            self._look(event)
        if self._unreadable:
            return Verdict(storable=False, reason="unreadable")
        return _judge(self._chunks, says=self._says)

    def _look(self, event: SseEvent) -> None:
        if is_nothing(event):
            return
        data = decode(event.data)
        if data is None:
            self._unreadable = True
        else:
            self._says = self._says or _says_anything(data)
            self._chunks.append({name: value for name, value in data.items() if name != "candidates"})
            ends: list[Json] = [{**candidate, "content": None} for candidate in objects(data.get("candidates"))]
            self._chunks[-1]["candidates"] = ends


def _says_anything(chunk: JsonObject) -> bool:
    """Thoughts are none of it: Gemini CLI asks again where nothing else came."""
    spoken = (part for part in _parts_of(chunk) if not part.get("thought"))
    return any(value for part in spoken for name, value in part.items() if name != "thoughtSignature")


def _judge(chunks: list[JsonObject], *, says: bool) -> Verdict:
    reasons: dict[int, str] = {}
    for candidate in (candidate for chunk in chunks for candidate in objects(chunk.get("candidates"))):
        index = integer(candidate.get("index")) or 0
        reasons[index] = text(candidate.get("finishReason")) or reasons.get(index, "")
    fault = None
    if any(chunk.get("error") is not None for chunk in chunks):
        fault = "error-event"
    elif any(isinstance(told := chunk.get("promptFeedback"), dict) and told.get("blockReason") for chunk in chunks):
        fault = "content-filter"
    elif not reasons or "" in reasons.values():
        fault = "unfinished"
    elif any(reason not in _WHOLE for reason in reasons.values()):
        fault = "content-filter"
    elif not says and "MAX_TOKENS" not in reasons.values():
        fault = "empty"
    return Verdict(
        storable=fault is None,
        reason=fault or "complete",
        usage=next((usage for chunk in reversed(chunks) if (usage := _usage_in(chunk)) is not None), None),
        model=next((model for chunk in chunks if (model := text(chunk.get("modelVersion")))), None),
        exact_only=True,
    )


def _looks_at_the_web(body: JsonObject) -> bool:
    return any(not _WEB_TOOLS.isdisjoint(tool) for tool in objects(body.get("tools")))


def _chunks_of(recorded: Form, answer: bytes) -> list[JsonObject]:
    datas = [event.data for event in events_of(answer)] if recorded is Form.STREAM else [answer]
    return [chunk for data in datas if (chunk := decode(data)) is not None]


def _parts_of(chunk: JsonObject) -> list[JsonObject]:
    contents = [candidate.get("content") for candidate in objects(chunk.get("candidates"))]
    return [part for content in contents if isinstance(content, dict) for part in objects(content.get("parts"))]


def _usage_in(chunk: JsonObject) -> Usage | None:
    match chunk.get("usageMetadata"):
        case {"promptTokenCount": int(taken), **rest}:
            given = (integer(rest.get("candidatesTokenCount")) or 0) + (integer(rest.get("thoughtsTokenCount")) or 0)
            return Usage(input=taken, output=given, cached_input=integer(rest.get("cachedContentTokenCount")) or 0)
        case _:
            return None
