"""Trying a key: one call that costs nothing and that the provider answers only to whom it knows.

What the provider says of it is passed on in its own words, less the key, which some providers repeat.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import anyio
import msgspec

from reflexd_core.credentials import key_header
from reflexd_core.routing import Upstream
from reflexd_io.upstream import UpstreamClient, UpstreamUnreachable

LIMIT = 15.0
"""Seconds for the whole of it."""
_READ = 64 * 1024
_WORDS = 300
"""Characters of a provider's own words that are told."""

_WHERE = {"openrouter": "/key"}
"""Where ``/models`` is everybody's to read, so that a wrong key would pass; elsewhere that is what is asked."""
_AZURE = "/openai/models?api-version=2024-10-21"
_HEADERS = {"anthropic": [(b"anthropic-version", b"2023-06-01")]}

_TOKEN = re.compile(r"[^\s\"'`<>(){}\[\],;:=]{8,}")
"""What may be a key, or a part of one, in somebody's sentence."""


class Verdict(StrEnum):
    OK = "ok"
    REFUSED = "refused"
    """The provider does not take the key."""
    UNREACHABLE = "unreachable"
    UNCLEAR = "unclear"
    """It answered, and said nothing of the key: it is busy, broken, or has no such page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    verdict: Verdict
    status: int | None = None
    """Of HTTP, where there was an answer."""
    said: str


async def try_key(client: UpstreamClient, upstream: Upstream, key: str | None) -> Tried:
    """What the upstream says of the key, or of none where it needs none."""
    headers = [(b"Accept", b"application/json"), *_HEADERS.get(upstream.name, [])]
    if key is not None:
        headers.append(key_header(upstream, key))
    url = _url(upstream)
    with anyio.move_on_after(LIMIT):
        try:
            async with client.send("GET", url, headers, b"") as response:
                body = bytearray()
                async for chunk in response.chunks:
                    body += chunk
                    if len(body) >= _READ:
                        break
                return _judged(upstream, key, response.status, bytes(body))
        except UpstreamUnreachable as error:
            said = f"{upstream.name} cannot be reached at {upstream.base_url}: {without_key(str(error), key)}"
            return Tried(verdict=Verdict.UNREACHABLE, said=said)
    said = f"{upstream.name} at {upstream.base_url} did not answer within {LIMIT:.0f} s"
    return Tried(verdict=Verdict.UNREACHABLE, said=said)


def without_key(text: str, key: str | None) -> str:
    """The text, less the key and less any longer part of it."""
    if key is None:
        return text

    def masked(match: re.Match[str]) -> str:
        return "…" if match[0] in key or key in match[0] else match[0]

    return _TOKEN.sub(masked, text.replace(key, "…"))


def _url(upstream: Upstream) -> str:
    if upstream.name == "azure":
        return upstream.root + _AZURE
    return upstream.base_url + _WHERE.get(upstream.name, "/models")


def _judged(upstream: Upstream, key: str | None, status: int, body: bytes) -> Tried:
    if 200 <= status < 300:
        said = f"{upstream.name} takes this key" if key is not None else f"{upstream.name} answers without a key"
        return Tried(verdict=Verdict.OK, status=status, said=said)
    words = _one_line(without_key(_message(body) or body.decode("utf-8", "replace"), key))
    verdict = Verdict.REFUSED if status in (401, 403) else Verdict.UNCLEAR
    return Tried(verdict=verdict, status=status, said=words or f"{upstream.name} answered {status} without a word")


def _one_line(said: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in said).split())
    return line if len(line) <= _WORDS else line[: _WORDS - 1] + "…"


def _message(body: bytes) -> str:
    """``error.message``, ``error``, ``message`` or ``detail``: one of them is every provider's."""
    try:
        found: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return ""
    if isinstance(found, list) and found:  # Gemini wraps its errors
        found = found[0]
    if not isinstance(found, dict):
        return ""
    error = found.get("error")
    candidates = [
        error.get("message") if isinstance(error, dict) else error,
        found.get("message"),
        found.get("detail"),
    ]
    return next((text for text in candidates if isinstance(text, str) and text), "")
