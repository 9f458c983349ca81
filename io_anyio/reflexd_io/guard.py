"""The guard: requests that pages of other origins send, or that came by names that are not ours (DNS rebinding)."""

from reflexd_io.incoming import Request
from reflexd_io.settings import Settings

_WELCOME_LIMIT = 64
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


class Guard:
    def __init__(self, settings: Settings) -> None:
        self._origins = settings.allowed_origins
        own = {settings.bind_addr, f"[{settings.bind_addr}]"}
        self._hosts = _LOCAL_HOSTS | own | settings.allowed_hosts
        self._welcome: set[bytes] = set()

    def forbids(self, request: Request) -> str | None:
        """Why the request is not answered, in words; None where it may be."""
        named = request.raw_named
        raw_host = named.get(b"host", b"localhost")
        if raw_host in self._welcome and b"origin" not in named and b"sec-fetch-site" not in named:
            return None
        host = raw_host.decode("latin-1").lower()
        name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
        if name not in self._hosts and host not in self._hosts:
            return f"Host {host!r} is not a name of this Reflex; add it to allowed_hosts in config.toml."
        origin = request.named.get("origin", "").lower()
        if origin and origin not in self._origins and origin.partition("://")[2] != host:
            return f"Origin {origin!r} may not use this Reflex; add it to allowed_origins in config.toml."
        if not origin and request.named.get("sec-fetch-site") in ("cross-site", "same-site"):
            return "Pages of other sites may not use this Reflex."
        if len(self._welcome) < _WELCOME_LIMIT:
            self._welcome.add(raw_host)
        return None
