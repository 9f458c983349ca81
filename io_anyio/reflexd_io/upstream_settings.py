"""``[upstreams.<name>]`` of config.toml and ``REFLEX_UPSTREAM_<NAME>_URL``: providers beside the known ones."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from reflexd_core.routing import PRESETS, UNADDRESSED, Upstream
from reflexd_io.values import BadSetting, is_loopback, read_url, refuse_unknown

VARIABLE = re.compile(r"REFLEX_UPSTREAM_([A-Z0-9_]+)_URL")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NAMES_HAVE = "names have letters, digits, '.', '_' and '-', 64 at most"


def read_upstream(name: str, table: Mapping[str, Any], known: Upstream | None) -> Upstream:
    """``known``: what there is of that name already. Raises `BadSetting`."""
    where = f"config.toml: upstreams.{name}"
    refuse_unknown(where, table, {"base_url", "key_env", "keyless"})
    if not _NAME.fullmatch(name):
        raise BadSetting(f"{where}: {_NAMES_HAVE}")
    known = known or _unknown(name)
    base_url, key_env = table.get("base_url", known.base_url), table.get("key_env", known.key_env)
    keyless = table.get("keyless", known.keyless or is_loopback(str(base_url)))
    if not isinstance(key_env, str) or not key_env:
        raise BadSetting(f"{where}.key_env={key_env!r}: expected the name of an environment variable")
    if not isinstance(keyless, bool):
        raise BadSetting(f"{where}.keyless={keyless!r}: expected true or false")
    return replace(known, base_url=read_url(f"{where}.base_url", base_url), key_env=key_env, keyless=keyless)


def with_urls(upstreams: Mapping[str, Upstream], environ: Mapping[str, str]) -> dict[str, Upstream]:
    """With the addresses that the environment gives. Raises `BadSetting`."""
    found = dict(upstreams)
    for variable, url in environ.items():
        match = VARIABLE.fullmatch(variable)
        if match and url:
            name = match.group(1).lower()
            known = found.get(name) or _unknown(name)
            base_url = read_url(variable, url)
            found[name] = replace(known, base_url=base_url, keyless=known.keyless or is_loopback(base_url))
    return found


def without_ourselves(upstreams: Mapping[str, Upstream], port: int, default_upstream: str) -> dict[str, Upstream]:
    """Less those on our own port. Raises `BadSetting` where one of them was meant.

    A local server's preset whose port was given to Reflex instead is not there, and simply drops out.
    """
    others = dict(upstreams)
    for name, upstream in upstreams.items():
        parts = urlsplit(upstream.base_url)
        theirs = parts.port or (443 if parts.scheme == "https" else 80)
        if not is_loopback(upstream.base_url) or theirs != port:
            continue
        if upstream != PRESETS.get(name) or name == default_upstream:
            raise BadSetting(
                f"upstream {name!r} is {upstream.base_url}, which is Reflex itself; change one of the two"
            )
        del others[name]
    return others


def _unknown(name: str) -> Upstream:
    """An upstream of which nothing was said yet but its name."""
    own = Upstream(name=name, base_url="", key_env=f"{name.upper().replace('-', '_')}_API_KEY")
    return UNADDRESSED.get(name, own)
