"""Headers of what Reflex itself says: its pages, its errors, its control API. Not of what comes from a provider.

A browser that is led to one of them shall not guess that it is a page of another kind, frame it, run anything in it,
or tell others that it was there.
"""

from reflexd_core.headers import HeaderList

JSON = "application/json"
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""What a page without scripts and styles may load."""


def own_headers(
    body: bytes, *more: tuple[bytes, bytes], content_type: str = JSON, policy: str = NOTHING
) -> list[tuple[bytes, bytes]]:
    """Of a whole answer. ``policy``: what a page may load (Content-Security-Policy)."""
    return [
        (b"Content-Type", content_type.encode()),
        (b"Content-Length", b"%d" % len(body)),
        *guarding(policy),
        *more,
    ]


def guarding(policy: str = NOTHING) -> HeaderList:
    """Without the length, for an answer that goes out piece by piece."""
    return [
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Content-Security-Policy", policy.encode()),
        (b"X-Frame-Options", b"DENY"),
        (b"Referrer-Policy", b"no-referrer"),
        (b"Cross-Origin-Resource-Policy", b"same-origin"),
    ]
