"""Request parts: a request cut where conversations repeat themselves, so that each part is stored once.

An agent sends its whole history each turn: 100 turns at 190 KB are 19 MB, of which all but the last message was
there the turn before.
"""

from dataclasses import dataclass

from blake3 import blake3

from reflexd_core.canonical import Json, JsonObject, Uncomparable, canonicalize, read_json

LISTS = ("messages", "input", "contents")
"""Fields whose items are parts of their own."""

WHOLES = ("tools", "system", "instructions")
"""Fields that are one part each."""

_ENVELOPE = ""


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    """``messages`` for an item of that list, ``tools`` for that field, empty for all the rest."""
    hash: bytes
    """BLAKE3 of ``body``, 32 bytes."""
    body: bytes
    """Canonical JSON."""


def split_request(body: JsonObject) -> list[Part]:
    """The request as parts; `join_request` gives an equal request back. Raises `Uncomparable`."""
    parts: list[Part] = []
    envelope: JsonObject = {}
    for name, value in body.items():
        if name in LISTS and isinstance(value, list):
            envelope[name] = []
            parts += [_part(name, item) for item in value]
        elif name in WHOLES:
            parts.append(_part(name, value))
        else:
            envelope[name] = value
    return [_part(_ENVELOPE, envelope), *parts]


def join_request(parts: list[tuple[str, bytes]]) -> JsonObject:
    """The request of which these are the parts (name and body, in order). Raises `Uncomparable`."""
    request: JsonObject = {}
    items: dict[str, list[Json]] = {}
    for name, body in parts:
        value = read_json(body)
        if name == _ENVELOPE:
            if not isinstance(value, dict):
                raise Uncomparable("the envelope is not an object")
            request = value
            for listed in LISTS:
                if isinstance(request.get(listed), list):  # the list's place; a value that is no list stands as it is
                    items[listed] = []
        elif name in items:
            items[name].append(value)
        else:
            request[name] = value
    return {**request, **items}


def _part(name: str, value: Json) -> Part:
    body = canonicalize(value)
    return Part(name, blake3(body).digest(), body)
