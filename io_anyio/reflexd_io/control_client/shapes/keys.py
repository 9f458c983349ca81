"""Upstreams and their keys. A key's value goes in and never comes out."""

from typing import Literal

from reflexd_io.control_client.shapes.common import Told, Wire


class KeyRow(Told, frozen=True, kw_only=True):
    tenant: str
    upstream: str
    base_url: str
    entry: str = ""
    """The user name under which the keyring has it, beside the service ``reflexd``."""
    source: Literal["keyring", "environment", "none", "not needed", "no answer"]
    """``no answer``: the keyring is locked or denied it."""
    variable: str = ""
    """The environment variable that is used where there is no keyring."""
    hint: str = ""
    """The last four characters, of a key that is long enough for them to say little."""
    problem: str = ""
    """Why the keyring could not be asked, in words."""


class KeyList(Told, frozen=True, kw_only=True):
    keyring: str | None
    """The backend in use; None where there is none."""
    items: list[KeyRow]


class KeyQuery(Wire, frozen=True, kw_only=True):
    tenant: str | None = None
    """None: the active one."""


class NewKey(Wire, frozen=True, kw_only=True):
    key: str


class KeyTest(Told, frozen=True, kw_only=True):
    ok: bool
    verdict: Literal["ok", "refused", "unreachable", "unclear", "no key"]
    """``unclear``: it answered, and said nothing of the key (busy, broken, or without such a page)."""
    http_status: int | None = None
    message: str
    """In the provider's own words where it said any."""
