"""The registry's file: what was said of tenants while the daemon ran, as ``control.json`` in the storage folder.

One JSON document, mode 0600, replaced as a whole and synced before anything counts as done: a crash leaves the one
before or the one after. It is a few kilobytes and changes when a person says so, and the daemon alone writes it (it
holds the folder's lock). It holds no key and no token: of tokens their digests, of provider keys their salted hashes.

A damaged file stops the start, since going on without it would lift pauses and forget what a tenant must not do.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from reflexd_io.runtime import replace_private

FILE = "control.json"
EVERYBODY = ""
"""In place of a tenant's id: of all of them."""

ModeName = Literal["normal", "exact", "shadow"]


class KeptTenant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    made: bool = False
    """At run time, so that it is there whether config.toml names it or not."""
    created: float = 0.0
    removed: bool = False
    """Only its id is left, which is never given again."""
    settings: dict[str, Any] = {}
    """Of its policy, by their names in config.toml, over which they win."""
    upstreams: dict[str, str] = {}
    """Base URLs by name."""
    default_upstream: str | None = None


class KeptToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    tenant: str
    name: str = ""
    hint: str
    created: float
    expires: float | None = None
    used: float | None = None
    ended: bool = False
    """Revoked, or expired once: a clock that is set back brings nothing back."""
    revoked: bool = False


class KeptPause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    seconds: float | None = None
    until: float | None = None


class KeptChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tenant is active, as chosen at run time."""

    tenant: str
    instead_of: str
    """What the settings said then: when they say something else, they have been changed later and win."""


class Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Literal[1] = 1
    tenants: dict[str, KeptTenant] = {}
    """By id."""
    tokens: dict[str, KeptToken] = {}
    """By digest, in hex."""
    adopted: dict[str, str] = {}
    """Ids of provider keys' own tenants, and of the tenants that have adopted them."""
    pauses: dict[str, KeptPause] = {}
    """By tenant, and of `EVERYBODY`."""
    active: KeptChoice | None = None
    mode: ModeName = "normal"


def load(storage: Path) -> Document:
    """An empty one where there is none. Raises `OSError` where it cannot be used; the message says what to do."""
    path = storage / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Document)
    except FileNotFoundError:
        return Document()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise OSError(
            f"{path} is damaged or of a newer version ({error}): restore it from a backup, or move it away, with "
            "which tenants made at run time, their policies, tokens and pauses are forgotten"
        ) from error


def save(storage: Path, document: Document) -> None:
    """Raises `OSError`; the file is then as it was. Blocks until it is safe."""
    written = msgspec.json.format(msgspec.json.encode(document), indent=1)
    replace_private(storage / FILE, written)
