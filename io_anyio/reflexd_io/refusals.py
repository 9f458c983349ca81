"""What Reflex says where it refuses a request, in the words of the wire that it came by."""

from reflexd_core.dialects import BY_HOME
from reflexd_core.dialects.chat import CHAT
from reflexd_core.policy import MIB
from reflexd_core.routing import Target
from reflexd_io.http import Connection
from reflexd_io.own_headers import own_headers

OWN_LIMIT = MIB
"""A body sent to one of Reflex's own pages above this is refused; one that is refused is read on to here."""

SOON = (b"Retry-After", b"1")


async def refuse(
    connection: Connection,
    target: Target,
    status: int,
    code: str,
    message: str,
    *more: tuple[bytes, bytes],
) -> None:
    """An error of Reflex's own: shown at once by agents, which would retry a 401 or 503 for minutes."""
    await connection.drain_body(OWN_LIMIT)
    dialect = target.dialect or BY_HOME.get(target.home or "", CHAT)
    body = dialect.error(status, message, code)
    retry = [] if status >= 500 or status == 429 else [(b"x-should-retry", b"false")]
    await connection.respond(status, own_headers(body, *retry, *more), body)
