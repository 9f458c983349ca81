"""Formats: an answer from the cache in the notation that its client (``x-reflex-format``) or its tenant asked for.

Only whole bodies are ever written anew. A stream, and whatever comes from the provider just now, goes out as it
comes, since it would have to be held back. Either way the client is told what it got.
"""

import anyio.to_thread

from reflexd_core.headers import HeaderList
from reflexd_core.request import Form
from reflexd_core.tauq.served import Format, Served, asked_format, serve
from reflexd_io.asked import read_asked
from reflexd_io.call import Call

_ASKED = b"x-reflex-format"
LARGEST = 512 * 1024
"""Bytes of a body above which it stays JSON: writing Tauq takes a quarter of a second of CPU for each MiB."""

_TOLD = b"X-Reflex-Format"

Headers = list[tuple[bytes, bytes]]


def asks(call: Call) -> bool:
    """Whether the request names a format, or its tenant another one than JSON; the request's own word counts."""
    return _ASKED in call.request.raw_named or call.policy.format is not Format.JSON


async def in_format(call: Call, body: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """The answer and its headers as the client gets them, for a call that `asks` for a format."""
    served = await anyio.to_thread.run_sync(_served, call, body)  # several milliseconds for a few kilobytes
    told = (_TOLD, served.told.encode())
    if served.body is body:
        return body, [*headers, told]
    length = (b"content-length", str(len(served.body)).encode())
    return served.body, [*[header for header in headers if header[0].lower() != length[0]], length, told]


def told_of_relayed(call: Call) -> HeaderList:
    """What a client that asked for a format is told of an answer that comes from the provider."""
    return [(_TOLD, f"{Format.JSON}; relayed".encode())] if asks(call) else []


def _served(call: Call, body: bytes) -> Served:
    named = call.request.named.get(_ASKED.decode())
    asked = call.policy.format if named is None else asked_format(named)
    if asked is Format.JSON:
        return Served(body, Format.JSON)
    if call.ask.form is Form.STREAM:
        return Served(body, f"{Format.JSON}; stream")
    if len(body) > LARGEST:
        return Served(body, f"{Format.JSON}; too-large")
    words = read_asked(call) if asked is Format.ENVELOPE else None
    return serve(body, asked, words.question if words is not None else "")
