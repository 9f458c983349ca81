"""Proxies: which one the environment names for an address, as httpcore wants it."""

from functools import lru_cache
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2 as httpcore


class UnusableProxy(Exception):  # noqa: N818 - it says what the proxy is
    """The environment names a proxy that Reflex cannot use; the message says what would do."""


def proxy_for(url: str) -> str | None:
    """The URL of the proxy that requests to ``url`` go through; None where they go straight."""
    parts = urlsplit(url)
    return _proxy_of(parts.scheme, parts.hostname or "")


@lru_cache(maxsize=256)
def _proxy_of(scheme: str, host: str) -> str | None:
    """``HTTPS_PROXY`` and its kin, ``NO_PROXY`` and the system's settings; never for loopback."""
    if host in ("localhost", "127.0.0.1", "::1") or proxy_bypass(host):
        return None
    proxy = getproxies().get(scheme)
    if not proxy:
        return None
    kind, mark, address = proxy.rpartition("://")
    return f"{kind.lower() if mark else 'http'}://{address}"


def proxy_at(url: str) -> httpcore.Proxy:
    """The proxy of that URL. Raises `UnusableProxy`, which never quotes it: it may hold a password."""
    kind = url.partition("://")[0]
    if kind not in ("http", "https"):  # SOCKS takes another library
        raise UnusableProxy(
            f"the environment names a {kind} proxy, and Reflex knows HTTP proxies only; set HTTPS_PROXY to an "
            "http:// address, or NO_PROXY for this upstream"
        )
    try:
        parts = urlsplit(url)
        auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        bare = f"{kind}://{parts.netloc.rpartition('@')[2]}"
        if not parts.hostname or parts.port == 0:
            raise ValueError
        return httpcore.Proxy(bare, auth=auth)
    except ValueError:  # a port that is none, half an IPv6 address
        raise UnusableProxy("the proxy that the environment names has an address that is none") from None
