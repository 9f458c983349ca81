"""Tenancy: the tenants there are at one moment, by all that a request may say to be one's.

An immutable value: a change makes a new one, and requests under way keep theirs. A tenant has a name, which people
change, and an id, which is in its keys, its file's name and its keyring entries: given once and never to another, so
that a new tenant under an old name finds nothing of the old one's, and a rename moves nothing.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from reflexd_core.routing import Upstream

ANONYMOUS = "anon-"
"""How the ids of provider keys' own tenants begin."""

LONGEST = 64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    id: str
    name: str
    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
    """Its own ones, and those that it points elsewhere."""
    default_upstream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    id: str
    """By which it is named; says nothing of the token."""
    tenant: Tenant | None
    """None once it is revoked, with its tenant or by itself."""
    expires: float | None = None
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    active: Tenant
    by_name: Mapping[str, Tenant]
    tokens: Mapping[bytes, Token] = field(default_factory=dict)
    """By digest; revoked ones too, so that they can be told from unknown ones."""
    adopted: Mapping[str, Tenant] = field(default_factory=dict)
    """By the id of the key's own tenant."""


def name_fault(name: str) -> str | None:
    """What is wrong with a tenant's name, in words; None where nothing is."""
    if not name:
        return "a tenant's name must not be empty"
    if len(name) > LONGEST:
        return f"a tenant's name has at most {LONGEST} characters, and this one has {len(name)}"
    if not _NAME.fullmatch(name):
        return (
            f"{name!r} is no tenant's name: it begins with a letter or a digit (of ASCII) and goes on with those, "
            "'.', '_' and '-'"
        )
    if name.lower().startswith(ANONYMOUS):
        return f"names that begin with {ANONYMOUS!r} belong to keys that nobody has adopted"
    if _DEVICES.fullmatch(name):
        return f"{name!r} cannot be a file's name on Windows; choose another"
    return None


def unused_id(name: str, used: Collection[str]) -> str:
    """An id for a new tenant of this name: the name itself if no tenant ever had that.

    ``used``: every id there ever was. Ids that differ in case only would be one file on some systems.
    """
    taken = {each.lower() for each in used}
    found, number = name, 1
    while found.lower() in taken:
        number += 1
        mark = f".{number}"
        found = name[: LONGEST - len(mark)] + mark
    return found
