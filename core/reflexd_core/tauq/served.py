"""Answers in Tauq, for the clients that asked for it: what becomes of one answer's body.

Only what is text for a person or a program to read is ever written anew: never an answer with tool calls, since
clients take those apart, nor one whose text something else points into (logprobs, citations). The answer stays a body
of its own API: SDKs parse it as ever and find Tauq where the text was. The shape of the body says which API it is.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from reflexd_core.canonical import Json, JsonObject, Uncomparable, read_json
from reflexd_core.tauq.writer import Inexpressible, encode


class Format(StrEnum):
    """What a client may ask for with ``x-reflex-format``."""

    JSON = "json"
    """The answer as it is."""
    CONTENT = "tauq-content"
    """The answer's text as Tauq, where it is JSON and Tauq is shorter; also asked for as ``tauq``."""
    ENVELOPE = "tauq-envelope"
    """One text instead of all: Tauq of ``{semantic_request, response}``, the question and the answer's whole body."""


@dataclass(frozen=True, slots=True)
class Served:
    body: bytes
    told: str
    """The value of ``X-Reflex-Format``: a `Format`, and behind ``json`` why it is not Tauq."""


@dataclass(frozen=True, slots=True)
class _Text:
    """Where a text stands in an answer."""

    holder: JsonObject
    key: str
    text: str


def asked_format(header: str) -> Format | None:
    """What ``x-reflex-format`` asks for; None where it cannot be read."""
    asked = header.strip().lower()
    if asked == "tauq":
        return Format.CONTENT
    try:
        return Format(asked or Format.JSON)
    except ValueError:
        return None


def serve(body: bytes, asked: Format | None, question: str) -> Served:
    """A whole answer, not a stream, in the format that was asked for (None: what could not be read).

    Total: what cannot be written anew is served as it is, and ``told`` says why. Of several texts all become Tauq
    or none does, so that a client knows what it has.
    """
    if asked is None:
        return _as_it_is(body, "unreadable-format")
    if asked is Format.JSON:
        return Served(body, Format.JSON)
    try:
        answer = read_json(body)
        texts = _texts_of(answer)
        if not isinstance(answer, dict) or texts is None:
            return _as_it_is(body, "not-plain-text")
        if not texts:
            return _as_it_is(body, "no-text")
        if asked is Format.ENVELOPE:
            answer = _with_only(answer, encode({"semantic_request": question, "response": answer}))
        elif not _made_shorter(texts):
            return _as_it_is(body, "not-shorter")
        return Served(msgspec.json.encode(answer), asked)
    except (Uncomparable, Inexpressible, UnicodeEncodeError):
        return _as_it_is(body, "inexpressible")


def _made_shorter(texts: list[_Text]) -> bool:
    """Write every text as Tauq where it stands; False, and nothing is written, if that does not shorten each."""
    written = [text for place in texts if (text := _shorter(place.text)) is not None]
    if len(written) < len(texts):
        return False
    for place, text in zip(texts, written, strict=True):
        place.holder[place.key] = text
    return True


def _as_it_is(body: bytes, why: str) -> Served:
    return Served(body, f"{Format.JSON}; {why}")


def _shorter(text: str) -> str | None:
    """The text as Tauq, if it is a JSON list or object and takes fewer bytes so."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        written = encode(read_json(text.encode()))
    except (Uncomparable, Inexpressible):
        return None
    return written if len(written.encode()) < len(text.encode()) else None


def _texts_of(answer: Json) -> list[_Text] | None:
    """Every text of an answer; None where it holds anything else than texts and what was thought before them."""
    match answer:
        case {"choices": [*choices]}:
            return _joined([_of_choice(choice) for choice in choices])
        case {"type": "message", "content": [*blocks]}:  # Anthropic messages
            return _joined([_of_part(block) for block in blocks])
        case {"object": "response", "output": [*items]}:  # OpenAI responses
            return _joined([_of_item(item) for item in items])
        case _:
            return None


def _of_choice(choice: Json) -> list[_Text] | None:
    """Chat completions, and completions before them."""
    match choice:
        case {"logprobs": _} if isinstance(choice, dict) and choice["logprobs"] is not None:
            return None
        case {"message": dict() as message}:
            burdened = any(message.get(name) for name in ("tool_calls", "function_call", "annotations", "audio"))
            return None if burdened else _of_holder(message, "content")
        case {"text": str()} if isinstance(choice, dict):
            return _of_holder(choice, "text")
        case _:
            return None


def _of_item(item: Json) -> list[_Text] | None:
    match item:
        case {"type": "reasoning"}:
            return []
        case {"type": "message", "content": [*parts]}:
            return _joined([_of_part(part) for part in parts])
        case _:
            return None


def _of_part(part: Json) -> list[_Text] | None:
    match part:
        case {"type": "thinking" | "redacted_thinking" | "refusal"}:
            return []
        case {"type": "text" | "output_text"} if isinstance(part, dict):
            pointed_into = any(part.get(name) for name in ("citations", "annotations", "logprobs"))
            return None if pointed_into else _of_holder(part, "text")
        case _:
            return None


def _of_holder(holder: JsonObject, key: str) -> list[_Text] | None:
    match holder.get(key):
        case str(text):
            return [_Text(holder, key, text)]
        case None:
            return []
        case _:
            return None


def _joined(found: list[list[_Text] | None]) -> list[_Text] | None:
    texts: list[_Text] = []
    for some in found:
        if some is None:
            return None
        texts += some
    return texts


def _with_only(answer: JsonObject, text: str) -> JsonObject:
    """The answer's body with one text instead of all that it says."""
    match answer:
        case {"choices": [dict() as first, *_]}:
            choice: JsonObject = {"index": 0, "finish_reason": first.get("finish_reason"), "logprobs": None}
            said: JsonObject = {"role": "assistant", "content": text}
            return {**answer, "choices": [choice | ({"text": text} if "text" in first else {"message": said})]}
        case {"content": _}:
            return {**answer, "content": [{"type": "text", "text": text}]}
        case _:
            part: JsonObject = {"type": "output_text", "text": text, "annotations": []}
            item: JsonObject = {"type": "message", "id": "msg_tauq", "role": "assistant", "status": "completed"}
            return {**answer, "output": [{**item, "content": [part]}]}
