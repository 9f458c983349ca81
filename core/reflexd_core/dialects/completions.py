"""OpenAI's legacy completions: a text that is gone on with, so there is no question to compare by meaning.

Answers are watched as those of chat completions are; their choices hold ``text`` where those hold messages.
"""

from dataclasses import dataclass

from reflexd_core import rewrites
from reflexd_core.canonical import Json, JsonObject
from reflexd_core.dialects import chat_answer
from reflexd_core.dialects.base import Watch
from reflexd_core.dialects.chat import asks_usage
from reflexd_core.dialects.shared import WholeBody, decode, encode, integer, objects, openai_error, text, whole
from reflexd_core.profiles import OTHER, Profile
from reflexd_core.request import Form, Reading

RULES = (("drop-envelope", rewrites.drop_envelope),)


@dataclass(frozen=True, slots=True)
class Completions:
    name: str = "completions"
    path: str = "/completions"
    home: str | None = None
    keep_alive: bytes = b": keep-alive\n\n"

    def read(self, body: JsonObject, profile: Profile = OTHER) -> Reading:
        keyed, rules = rewrites.apply(RULES, body)
        form = Form.STREAM if body.get("stream") is True else Form.BODY
        return Reading(
            model=text(body.get("model")),
            form=form,
            wants_usage=form is Form.BODY or asks_usage(body),
            keyed=keyed,
            scoped=None,
            question=None,
            exact_only="completion",
            rules=rules,
            max_output=integer(body.get("max_tokens")),
            agent=profile.name,
        )

    def watch(self, form: Form) -> Watch:
        return chat_answer.StreamWatch() if form is Form.STREAM else WholeBody(chat_answer.verdict_of)

    def has_usage(self, recorded: Form, answer: bytes) -> bool:
        return chat_answer.usage_of(recorded, answer) is not None

    def replay(self, recorded: Form, answer: bytes, asked: Form, *, wants_usage: bool) -> bytes:
        if recorded is asked:
            return answer if asked is Form.BODY or wants_usage else chat_answer.without_usage(answer)
        if asked is Form.BODY:
            return encode(assemble(list(chat_answer.chunks_of(answer))))
        return chat_answer.in_chunks(disassemble(whole(answer), with_usage=wants_usage))

    def question_text(self, body: JsonObject) -> str:
        return text(body.get("prompt"))

    def answer_text(self, recorded: Form, answer: bytes) -> str:
        chunks = chat_answer.chunks_of(answer) if recorded is Form.STREAM else iter([decode(answer) or {}])
        return "\n".join(text(choice.get("text")) for choice in objects(assemble(list(chunks)).get("choices")))

    def error(self, status: int, message: str, code: str) -> bytes:
        return openai_error(status, message, code)


COMPLETIONS = Completions()


def assemble(chunks: list[JsonObject]) -> JsonObject:
    """The completion that the chunks of one stream amount to."""
    completion: JsonObject = {}
    choices: dict[int, JsonObject] = {}
    for chunk in chunks:
        completion |= {name: value for name, value in chunk.items() if value is not None or name not in completion}
        for piece in objects(chunk.get("choices")):
            index = integer(piece.get("index")) or 0
            choices[index] = _joined(choices[index], piece) if index in choices else piece
    completion.pop("obfuscation", None)  # padding, of one chunk each
    return {**completion, "choices": [choices[index] for index in sorted(choices)]}


def disassemble(completion: JsonObject, *, with_usage: bool) -> list[JsonObject]:
    """Chunks that amount to the completion: each choice's text, each choice's end, then the usage."""
    envelope = {name: value for name, value in completion.items() if name not in ("choices", "usage")}
    choices = objects(completion.get("choices"))
    ended: list[JsonObject] = [
        {"index": choice.get("index", 0), "text": "", "logprobs": None, "finish_reason": choice.get("finish_reason")}
        for choice in choices
    ]
    pieces: list[JsonObject] = [*({**choice, "finish_reason": None} for choice in choices), *ended]
    chunks: list[JsonObject] = [{**envelope, "choices": [piece]} for piece in pieces]
    if with_usage and completion.get("usage") is not None:
        chunks.append({**envelope, "choices": [], "usage": completion["usage"]})
    return chunks


def _joined(known: JsonObject, piece: JsonObject) -> JsonObject:
    joined = {**known, **{name: value for name, value in piece.items() if value is not None}}
    joined["text"] = text(known.get("text")) + text(piece.get("text"))
    joined["finish_reason"] = piece.get("finish_reason") or known.get("finish_reason")  # some say "" behind it
    match known.get("logprobs"), piece.get("logprobs"):
        case dict(before), dict(more):
            joined["logprobs"] = {name: _added(before.get(name), more.get(name)) for name in {**before, **more}}
        case _:
            pass
    return joined


def _added(before: Json, more: Json) -> Json:
    if isinstance(before, list) and isinstance(more, list):
        return [*before, *more]
    return before if more is None else more
