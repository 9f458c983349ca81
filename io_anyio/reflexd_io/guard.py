"""The guard: who may ask at all, and by what name.

Refused are other users of this machine, other machines where they have no business, pages of other origins, and names
that are not ours (DNS rebinding). What a client has to show besides, a token, is the route's to decide.
"""

import re

from reflexd_core.routing import Kind, Target
from reflexd_io.incoming import Request
from reflexd_io.peers import Peer
from reflexd_io.settings import Settings

_WELCOME_LIMIT = 64
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def authority(target: bytes) -> str | None:
    """The host that a request target in absolute form names; None of any other."""
    scheme, mark, rest = target.decode("latin-1").lower().partition("://")
    if not mark or scheme not in ("http", "https"):
        return None
    return re.split(r"[/?#]", rest, maxsplit=1)[0]


class Guard:
    def __init__(self, settings: Settings) -> None:
        self._origins = settings.allowed_origins
        own = {settings.bind_addr, f"[{settings.bind_addr}]"}
        self._hosts = _LOCAL_HOSTS | own | settings.allowed_hosts
        self._is_open = settings.is_open
        self._wants_tokens = settings.wants_tokens
        self._remote_admin = settings.remote_admin
        self._welcome: set[bytes] = set()

    def forbids(self, request: Request, peer: Peer, target: Target) -> str | None:
        """Why the request is not answered, in words; None where it may be."""
        if peer.fault is not None or not peer.is_local:
            reason = self._forbids_peer(peer, target)
            if reason is not None:
                return reason
        named = request.raw_named
        raw_host = named.get(b"host", b"localhost")
        is_plain = request.target.startswith(b"/") and b"origin" not in named and b"sec-fetch-site" not in named
        if is_plain and raw_host in self._welcome:
            return None
        host = raw_host.decode("latin-1").lower()
        if not self._is_ours(host, peer):
            return f"Host {host!r} is not a name of this Reflex; add it to allowed_hosts in config.toml."
        named_in_target = authority(request.target)  # which counts before Host (RFC 9112 section 3.2.2)
        if named_in_target is not None and not self._is_ours(named_in_target, peer):
            return f"{named_in_target!r} is not a name of this Reflex, which is no proxy for others."
        origin = request.named.get("origin", "").lower()
        if origin and origin not in self._origins and origin.partition("://")[2] != host:
            return f"Origin {origin!r} may not use this Reflex; add it to allowed_origins in config.toml."
        if not origin and request.named.get("sec-fetch-site") in ("cross-site", "same-site"):
            return "Pages of other sites may not use this Reflex."
        if len(self._welcome) < _WELCOME_LIMIT:
            self._welcome.add(raw_host)
        return None

    def trusts(self, peer: Peer) -> bool:
        """Whether this is our own user, on this machine: who may see how Reflex does without showing anything."""
        return peer.is_local and peer.fault is None

    def _forbids_peer(self, peer: Peer, target: Target) -> str | None:
        is_admin = target.kind in (Kind.ADMIN, Kind.DASHBOARD)
        if peer.fault is not None and (is_admin or not self._wants_tokens):  # a token says more than a user does
            return peer.fault
        if is_admin and not peer.is_local and not self._remote_admin:
            return "The control API is open on its own machine only; remote_admin in config.toml opens it to others."
        return None

    def _is_ours(self, host: str, peer: Peer) -> bool:
        """Whether it names us. An address cannot be rebound as names can, so the one that was reached is ours."""
        name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
        if name in self._hosts or host in self._hosts:
            return True
        return self._is_open and name.strip("[]") == peer.here
