"""What a request asks, and its key: read once, since memory knows a byte-equal repeat again."""

from reflexd_core.canonical import JsonObject, Uncomparable, read_json
from reflexd_core.clients import client_of
from reflexd_core.credentials import Route
from reflexd_core.dialects.base import Dialect
from reflexd_core.keys import exact_key
from reflexd_core.policy import MIB, NO_DIRECTIVES, KeepRequest, Policy, decide
from reflexd_core.profiles import profile_of
from reflexd_core.request import Reading
from reflexd_core.routing import Target
from reflexd_io import codings
from reflexd_io.call import About
from reflexd_io.incoming import Request
from reflexd_io.memory import Known

CACHED_LIMIT = 64 * MIB
"""A cached dialect's body above this is relayed as it comes."""

SHOWN = 200
"""Characters of a question that people are shown in lists."""


def read(request: Request, target: Target, found: Route, dialect: Dialect, raw: bytes, policy: Policy) -> Known:
    """What a request asks, and its key. Raises `Uncomparable` and `Undecodable`."""
    profile = profile_of(request.raw_named, scrubs=policy.scrubs, portable=policy.portable)
    body = read_json(codings.decode(raw, request.named.get("content-encoding"), CACHED_LIMIT))
    if not isinstance(body, dict):
        raise Uncomparable("not a JSON object")
    reading = dialect.read(body, profile)
    key = exact_key(
        tenant=found.tenant,
        upstream=found.upstream.identity,
        dialect=dialect.name,
        path=target.path,
        query=target.query,
        headers=request.named,
        body=reading.keyed,
    )
    ask = decide(reading, dialect.name, key, NO_DIRECTIVES, policy)
    return Known(found, policy, reading.without_bodies(), ask, _about(request, dialect, body, reading, policy))


def _about(request: Request, dialect: Dialect, body: JsonObject, reading: Reading, policy: Policy) -> About:
    client = client_of(reading.agent, request.raw_named.get(b"user-agent", b""))
    if policy.keep_request is KeepRequest.NONE:
        return About(client)
    asked = reading.question.text if reading.question is not None else dialect.question_text(body)
    return About(client, asked[:SHOWN])
