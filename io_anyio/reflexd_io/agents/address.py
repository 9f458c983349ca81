"""The address that agents are given: the daemon's, with the tenant and upstream that were asked for in its path.

A client that talks to another provider already (an ``apiBase`` of its own) goes on doing so through Reflex, under
``/u/<upstream>``, if Reflex knows that provider; to one that Reflex does not know nothing is changed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from reflexd_core.routing import PRESETS, Upstream
from reflexd_io import runtime
from reflexd_io.settings import Settings

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    url: str
    """``http://127.0.0.1:8080``, without a path."""
    running: bool
    upstreams: Mapping[str, Upstream]
    tenant: str | None = None
    upstream: str | None = None

    @property
    def origin(self) -> str:
        tenant = f"/t/{quote(self.tenant, safe='')}" if self.tenant else ""
        upstream = f"/u/{quote(self.upstream, safe='')}" if self.upstream else ""
        return self.url + tenant + upstream

    def is_here(self, url: str) -> bool:
        """Whether it leads to this daemon, by whatever name of loopback."""
        try:
            mine, other = urlsplit(self.url), urlsplit(url)
            same = (mine.scheme, mine.port) == (other.scheme, other.port)
        except ValueError:
            return False
        return same and (mine.hostname == other.hostname or {mine.hostname, other.hostname} <= _LOOPBACK)

    def filled(self, template: str, *, quoted: bool = False) -> str:
        """A template of the table's. ``quoted``: it goes into JSON or TOML, between quotes."""
        values = {"{origin}": self.origin, "{v1}": f"{self.origin}/v1"}
        for mark, value in values.items():
            template = template.replace(mark, json.dumps(value)[1:-1] if quoted else value)
        return template

    def instead_of(self, found: object, template: str, home: str) -> str | None:
        """What takes the place of the base URL that was found; None where it leads to nobody whom Reflex knows."""
        if not isinstance(found, str) or not found.strip():
            return self.filled(template)
        url = found.strip().rstrip("/")
        if url == self.url or url.startswith(f"{self.url}/"):
            return self.filled(template)
        for upstream in (*self.upstreams.values(), *PRESETS.values()):
            if url in (upstream.base_url, upstream.root) and upstream.name in self.upstreams:
                there = self if upstream.name == home or self.upstream else replace(self, upstream=upstream.name)
                return there.filled(template)
        return None


def address_of(settings: Settings, tenant: str | None = None, upstream: str | None = None) -> Address:
    """Where the daemon of these settings is, or will be. A port of 0 is unknown until it runs: see `Address.url`."""
    running = runtime.read(settings.storage_path)
    held = running is not None and runtime.is_held(settings.storage_path)
    host = f"[{settings.bind_addr}]" if ":" in settings.bind_addr else settings.bind_addr
    return Address(
        url=running.url if running is not None and held else f"http://{host}:{settings.port}",
        running=held,
        upstreams=settings.upstreams,
        tenant=tenant,
        upstream=upstream,
    )
