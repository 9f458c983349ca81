"""Ollama's own wire, ``/api/chat`` and ``/api/generate``: exact repeats only.

A stream is lines of JSON there, and the default. Nothing is left out of the key, ``stream`` neither, so either form
is a request of its own, and an answer is a body that is given back as it came.
"""

from dataclasses import dataclass

from reflexd_core import questions
from reflexd_core.canonical import JsonObject
from reflexd_core.dialects.base import Watch
from reflexd_core.dialects.shared import decode, encode, integer, objects, text
from reflexd_core.profiles import ANYBODY, OTHER, Profile
from reflexd_core.request import Form, Reading, Usage, Verdict

_WHOLE = ("", "stop", "length")
"""Reasons to be done after which there is an answer; older servers give none."""


@dataclass(frozen=True, slots=True)
class Ollama:
    name: str
    path: str
    home: str | None = "ollama"
    keep_alive: bytes = b""

    def read(self, body: JsonObject, profile: Profile = OTHER) -> Reading:
        return Reading(
            model=text(body.get("model")),
            form=Form.BODY,
            wants_usage=False,
            keyed=body,
            scoped=None,
            question=None,
            exact_only="exact-dialect",
            agent=profile.name,
        )

    def watch(self, form: Form) -> Watch:
        return _Lines()

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        return _usage_in(_last_of(answer)) is not None

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        return answer

    def question_text(self, body: JsonObject) -> str:
        return text(body.get("prompt")) or questions.last_said(objects(body.get("messages")), ANYBODY)

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        lines = [line for raw in answer.splitlines() if (line := decode(raw)) is not None]
        messages = [message for line in lines if isinstance(message := line.get("message"), dict)]
        return "".join([text(line.get("response")) for line in lines] + [text(m.get("content")) for m in messages])

    def error(self, status: int, message: str, code: str) -> bytes:
        return encode({"error": message})


OLLAMA_CHAT = Ollama("ollama-chat", "/api/chat")
OLLAMA_GENERATE = Ollama("ollama-generate", "/api/generate")


class _Lines:
    """Complete where the last line says that it is done."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def feed(self, chunk: bytes) -> bool:
        self._chunks.append(chunk)
        return False

    def verdict(self) -> Verdict:
        last = _last_of(b"".join(self._chunks))
        whole = last.get("done") is True and "error" not in last and text(last.get("done_reason")) in _WHOLE
        return Verdict(
            storable=whole,
            reason="complete" if whole else "unfinished",
            usage=_usage_in(last),
            model=text(last.get("model")) or None,
            exact_only=True,
        )


def _last_of(answer: bytes) -> JsonObject:
    return decode(answer.rstrip().rpartition(b"\n")[2]) or {}


def _usage_in(last: JsonObject) -> Usage | None:
    given = integer(last.get("eval_count"))
    return Usage(input=integer(last.get("prompt_eval_count")) or 0, output=given) if given is not None else None
