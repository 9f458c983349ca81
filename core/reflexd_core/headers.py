"""Headers: what is passed on, what is kept with an answer, and what explains an answer to the client."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from reflexd_core.commands import Status
from reflexd_core.policy import CONTROL_HEADERS
from reflexd_core.tokens import PREFIX, is_token

HeaderList = Sequence[tuple[bytes, bytes]]
"""Names as they came (any case) and values, in order."""

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""RFC 9110 section 7.6.1; what ``Connection`` names besides is found at run time."""

REPLAYED = frozenset(
    {
        b"content-type",
        b"openai-organization",
        b"openai-processing-ms",
        b"openai-version",
        b"request-id",
        b"x-request-id",
    }
)
"""Kept with an answer. Never cookies or rate limits, which belong to the moment."""

_CONTROL = frozenset(name.encode() for name in CONTROL_HEADERS)
_TOKEN = PREFIX.encode()
_OURS = frozenset({b"host", b"expect", b"content-length"})

_STATUS_BYTES = {status: status.value.encode() for status in Status}

_FORWARD_REASON = {"no-cache": "request", "expired": "stale"}
"""RFC 9211 ``fwd`` values for our reasons; any other miss is ``uri-miss``, which says that nothing fitted."""


def to_upstream(headers: HeaderList, *, withheld: Collection[str]) -> list[tuple[bytes, bytes]]:
    """The request headers that are passed on; Host and framing are the caller's to add. ``withheld``: lower case.

    A token of ours stays here in whatever header it came.
    """
    dropped = HOP_BY_HOP | _CONTROL | _OURS | _named_by_connection(headers)
    dropped |= {name.encode() for name in withheld}
    return [(name, value) for name, value in headers if name.lower() not in dropped and not _holds_token(value)]


def _holds_token(value: bytes) -> bool:
    return _TOKEN in value and is_token(value.decode("latin-1").strip())


def to_client(headers: HeaderList) -> list[tuple[bytes, bytes]]:
    """The response headers that are passed on, less framing."""
    dropped = HOP_BY_HOP | _named_by_connection(headers) | {b"content-length"}
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def kept(headers: HeaderList) -> list[tuple[bytes, bytes]]:
    """The response headers that are stored with the answer, names in lower case."""
    return [(lower, value) for name, value in headers if (lower := name.lower()) in REPLAYED]


def value_of(headers: HeaderList, name: bytes) -> bytes | None:
    """The first value of a header; ``name`` in lower case."""
    return next((value for found, value in headers if found.lower() == name), None)


def by_name(headers: HeaderList) -> dict[str, str]:
    """Lower-case names to values, repeats joined by a comma (RFC 9110 section 5.3)."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def accepts_coding(accept_encoding: str, coding: str) -> bool:
    """Whether a client that sent this ``Accept-Encoding`` can read this ``Content-Encoding`` (RFC 9110, 12.5.3).

    Saying nothing counts as reading plain bytes only: a client that decodes does say so.
    """
    weights: dict[str, bool] = {}
    for item in accept_encoding.lower().split(","):
        name, _, weight = item.partition(";")
        weights[name.strip()] = weight.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    named = [name.strip() for name in coding.lower().split(",")]
    return all(weights.get(name, weights.get("*", False)) for name in named if name not in ("", "identity"))


def explain_hit(
    status: Status, entry: str, age: float, ttl: float | None, timings: Mapping[bytes, float]
) -> list[tuple[bytes, bytes]]:
    """What a client is told of an answer from the store. ``age`` and ``ttl`` in seconds, timings in seconds."""
    return [
        (b"X-Reflex-Status", _STATUS_BYTES[status]),
        (b"X-Reflex-Entry", entry.encode()),
        (b"Age", b"%d" % max(0, age)),
        (b"Cache-Status", b"reflex; hit" if ttl is None else b"reflex; hit; ttl=%d" % ttl),
        (b"Server-Timing", server_timing(timings)),
    ]


def explain_forward(status: Status, reason: str, *, collapsed: bool, timings: Mapping[bytes, float]) -> HeaderList:
    """What a client is told of an answer that came from upstream."""
    forward = "bypass" if status is Status.BYPASS else _FORWARD_REASON.get(reason, "uri-miss")
    shared = "; collapsed" if collapsed else ""
    return (
        (b"X-Reflex-Status", status.value.encode()),
        (b"X-Reflex-Reason", reason.encode("latin-1", "replace")),
        (b"Cache-Status", f"reflex; fwd={forward}{shared}".encode()),
        *([(b"Server-Timing", server_timing(timings))] if timings else []),
    )


def server_timing(timings: Mapping[bytes, float]) -> bytes:
    """One metric for each tier that was asked, milliseconds (W3C Server Timing)."""
    return b", ".join([b"%s;dur=%.2f" % (name, seconds * 1000) for name, seconds in timings.items()])


def _named_by_connection(headers: HeaderList) -> frozenset[bytes]:
    values: Iterable[bytes] = (value for name, value in headers if name.lower() == b"connection")
    return frozenset(item.strip().lower() for value in values for item in value.split(b","))
