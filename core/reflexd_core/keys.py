"""Exact key and scope: 32 bytes each, BLAKE3 over everything that must be the same.

Every part is framed by its length, so no two different sequences of parts feed the hash the same bytes.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from blake3 import blake3

from reflexd_core.canonical import JsonObject, canonicalize
from reflexd_core.credentials import CREDENTIAL_HEADERS, TOKEN_HEADER
from reflexd_core.profiles import PROFILE_HEADERS

RECIPE = b"reflex-key-1"
"""Changes whenever the recipe does: an old entry then simply is not found."""

KEYED_HEADERS = ("anthropic-version", "anthropic-beta", "openai-beta")
"""API versions, the only headers that change an answer."""

MEMO_HEADERS = tuple(
    name.encode()
    for name in (
        *KEYED_HEADERS,
        *CREDENTIAL_HEADERS,
        *PROFILE_HEADERS,
        TOKEN_HEADER,
        "x-reflex-tenant",
        "content-encoding",
    )
)
"""All headers that can change a request's route or key, or how it is read."""

UNKEYED_QUERY = frozenset({"beta", "alt", "key"})
"""``beta`` and ``alt`` say how the answer travels; ``key`` is a credential."""

_SECRET = re.compile(r"key|token|secret|password|signature|\Asig\Z", re.IGNORECASE)
"""In the names of what proxies and gateways take in a query in place of a header."""

_LISTS = frozenset({"anthropic-beta"})


def digest(*parts: bytes) -> bytes:
    """BLAKE3 over the parts, each framed by its length (a netstring without its comma); 32 bytes."""
    if not parts:
        return blake3(b"").digest()
    *short, last = parts  # the last is a whole body and is not copied
    framed = b"".join([b"%d:%s" % (len(part), part) for part in short])
    hasher = blake3(b"%s%d:" % (framed, len(last)))
    hasher.update(last)
    return hasher.digest()


def memo_key(target: bytes, headers: Mapping[bytes, bytes], pieces: Sequence[bytes]) -> bytes:
    """Names one byte-equal request; what it was found to mean may be remembered under it.

    ``target`` is the request target as it came, path and query; ``headers`` by lower-case name; ``pieces`` the body
    as it was read, cut anywhere.
    """
    parts = [target]
    for name in MEMO_HEADERS:
        value = headers.get(name)
        if value is not None:
            parts += (name, value)
    # Neither a target nor a header can hold a line feed, so the joined text has one reading only.
    hasher = blake3(b"%d\n%s\n" % (len(parts), b"\n".join(parts)))
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()


def exact_key(
    *,
    tenant: str,
    upstream: str,
    dialect: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: JsonObject,
) -> bytes:
    """The exact key of a request whose ``body`` went through the rewrites.

    ``headers`` by lower-case name. Raises `Uncomparable` where the body has no canonical form.
    """
    return digest(
        RECIPE,
        tenant.encode(),
        upstream.encode(),
        dialect.encode(),
        path.encode(),
        _query_part(query),
        *header_parts(headers),
        canonicalize(body),
    )


def scope_key(
    *,
    tenant: str,
    upstream: str,
    dialect: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    scoped: JsonObject,
) -> bytes:
    """The scope: like the exact key, over what stays when the question is taken out."""
    return digest(
        RECIPE + b"-scope",
        tenant.encode(),
        upstream.encode(),
        dialect.encode(),
        path.encode(),
        _query_part(query),
        *header_parts(headers),
        canonicalize(scoped),
    )


def covered(*, upstream: str, path: str, query: str, headers: Mapping[str, str]) -> JsonObject:
    """What an exact key covers beside tenant, dialect and body, for people who compare two requests.

    It is kept, so a secret of the query's is told by its digest alone.
    """
    return {
        "upstream": upstream,
        "path": path,
        "query": "&".join(f"{name}={_told(name, value)}" for name, value in _keyed_query(query)),
        "headers": dict(_keyed_headers(headers)),
    }


def _told(name: str, value: str) -> str:
    return f"({digest(value.encode())[:6].hex()})" if _SECRET.search(name) else value


def header_parts(headers: Mapping[str, str]) -> list[bytes]:
    return [f"{name}:{value}".encode() for name, value in _keyed_headers(headers)]


def _keyed_headers(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    keyed: list[tuple[str, str]] = []
    for name in KEYED_HEADERS:
        value = headers.get(name)
        if value is not None:
            settled = ",".join(sorted(item.strip() for item in value.split(","))) if name in _LISTS else value.strip()
            keyed.append((name, settled))
    return keyed


def _query_part(query: str) -> bytes:
    pairs = _keyed_query(query)
    return digest(*(text.encode() for pair in pairs for text in pair)) if pairs else b""


def _keyed_query(query: str) -> list[tuple[str, str]]:
    # Latin-1 reads every byte as itself; as UTF-8, all that is malformed would read alike. Only names are sorted:
    # the order of repeated fields may count.
    if not query:
        return []
    read = parse_qsl(query, keep_blank_values=True, encoding="latin-1")
    return sorted((pair for pair in read if pair[0] not in UNKEYED_QUERY), key=lambda pair: pair[0])
