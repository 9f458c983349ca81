"""What may be said of tenants: each a pure function from one document to the next. What may not be raises `Unfit`.

config.toml *defines*: a tenant that stands in it is there, keeps its name and cannot be taken away but there. What
is said at run time stands *over* it: a tenant's settings win over config.toml's until they are taken back, and the
active tenant that was chosen last, here or there, is the active one.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from reflexd_core.policy import Policy
from reflexd_core.routing import Upstream
from reflexd_core.tenancy import ANONYMOUS, name_fault, unused_id
from reflexd_core.tokens import HINT, digest_of, make_token
from reflexd_io import values
from reflexd_io.policy_settings import POLICY, with_setting
from reflexd_io.settings import DEFAULT_TENANT, Settings
from reflexd_io.tenants.document import (
    Document,
    KeptChoice,
    KeptPause,
    KeptTenant,
    KeptToken,
    ModeName,
)

Change = Callable[[Document], Document]

_ANONYMOUS_ID = re.compile(rf"{ANONYMOUS}[0-9a-f]{{32}}")
LONGEST_PAUSE = 366 * 86_400.0
LONGEST_NAME = 100
MOST_TOKENS = 1000
"""Of one tenant, revoked ones not counted."""


class Unfit(Exception):  # noqa: N818 - it says what the change is
    """A change that cannot be made; the message says why and what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """``unknown`` and the like; the control API gives each its status."""


def with_configured(document: Document, settings: Settings, used: Collection[str]) -> Document:
    """The document with an id for each of config.toml's tenants, and for those that once stood in it.

    ``used``: ids that have files. A file that no tenant here ever had is of its name's, from before the registry.
    """
    tenants = dict(document.tenants)
    names = {kept.name for kept in tenants.values() if not kept.removed}
    ids = {each.lower() for each in tenants}
    left = [each for each in used if name_fault(each) is None and each.lower() not in ids]
    for name in [*settings.tenants, *left]:
        if name not in names:
            free = name if name.lower() not in ids else unused_id(name, [*tenants, *used])
            tenants[free] = KeptTenant(name=name)
            names.add(name)
            ids.add(free.lower())
    return msgspec.structs.replace(document, tenants=tenants)


def defined(document: Document, settings: Settings) -> dict[str, KeptTenant]:
    """By id, the tenants that there are."""
    return {
        each: kept
        for each, kept in document.tenants.items()
        if not kept.removed and (kept.made or kept.name in settings.tenants)
    }


def id_of(document: Document, name: str) -> str:
    """Of a tenant by name, be it defined or only left over. Raises `Unfit`."""
    for each, kept in document.tenants.items():
        if kept.name == name and not kept.removed:
            return each
    raise Unfit("unknown", f"There is no tenant {name!r}.")


def why_closed(document: Document, tenant: str) -> str | None:
    """Why nothing may be taken in for the tenant of this id; None where it may be.

    An id that nobody has here might become somebody's, who would find what was put there.
    """
    if tenant.startswith(ANONYMOUS):
        return None if _ANONYMOUS_ID.fullmatch(tenant) else f"{tenant!r} is no provider key's own tenant"
    kept = document.tenants.get(tenant)
    if kept is None:
        return f"there is no tenant {tenant!r} here: `reflexd tenants add {tenant}` makes one"
    return f"tenant {tenant!r} was removed" if kept.removed else None


def add(document: Document, settings: Settings, name: str, *, now: float, used: Collection[str]) -> Document:
    """A new tenant, or one back that config.toml has no longer, with its entries."""
    namesake = _namesake(document, name)
    if namesake is not None:
        kept = document.tenants[namesake]
        if kept.name != name or namesake in defined(document, settings):
            raise _taken(kept.name, name)
        return _with_tenant(document, namesake, msgspec.structs.replace(kept, made=True, created=now))
    tenant = KeptTenant(name=name, made=True, created=now)
    return _with_tenant(document, unused_id(name, [*document.tenants, *used]), tenant)


def rename(document: Document, settings: Settings, name: str, to: str) -> Document:
    tenant = id_of(document, name)
    if name in settings.tenants:
        raise Unfit("configured", f"Tenant {name!r} stands in config.toml and keeps its name as long as it does.")
    if name == to:
        return document
    namesake = _namesake(document, to, itself=tenant)
    if namesake is not None:
        raise _taken(document.tenants[namesake].name, to)
    return _with_tenant(document, tenant, msgspec.structs.replace(document.tenants[tenant], name=to, made=True))


def remove(document: Document, settings: Settings, name: str, *, active: str, force: bool) -> Document:
    """Without the tenant, or, where it stands in config.toml, without all that was said of it at run time."""
    tenant = id_of(document, name)
    kept = document.tenants[tenant]
    if not force and name == DEFAULT_TENANT:
        raise Unfit("refused", "The default tenant is always there; force only takes everything out of it.")
    if not force and tenant == active:
        raise Unfit("refused", f"Tenant {name!r} is the active one: switch to another first, or force it.")
    if not force and name in settings.tenants:
        raise Unfit(
            "configured",
            f"Tenant {name!r} stands in config.toml and comes from there: take [tenants.{name}] out of it. "
            "Force only takes everything out of it.",
        )
    gone = name not in settings.tenants
    tokens = {
        digest: msgspec.structs.replace(token, ended=True, revoked=True) if token.tenant == tenant else token
        for digest, token in document.tokens.items()
    }
    document = msgspec.structs.replace(
        _with_tenant(document, tenant, KeptTenant(name=kept.name, removed=gone)),
        tokens=tokens,
        adopted={key: adopter for key, adopter in document.adopted.items() if adopter != tenant},
        pauses={paused: pause for paused, pause in document.pauses.items() if paused != tenant},
    )
    if gone and tenant == active:
        default = id_of(document, DEFAULT_TENANT)
        document = use(document, default, configured=settings.active_tenant)
    return document


def use(document: Document, tenant: str, *, configured: str) -> Document:
    """Make it the active one. ``configured``: the one that the settings name."""
    return msgspec.structs.replace(document, active=KeptChoice(tenant=tenant, instead_of=configured))


def set_policy(document: Document, tenant: str, given: Mapping[str, Any]) -> Document:
    """Settings of its policy by name; None takes one back. All or nothing."""
    settings = dict(document.tenants[tenant].settings)
    for name, value in given.items():
        try:
            values.refuse_unknown("policy", [name], set(POLICY))
            if value is not None:
                with_setting(Policy(), name, value)
        except values.BadSetting as error:
            raise Unfit("bad_setting", str(error)) from error
        if value is None:
            settings.pop(name, None)
        else:
            settings[name] = value
    return _with_tenant(document, tenant, msgspec.structs.replace(document.tenants[tenant], settings=settings))


def set_upstreams(
    document: Document, tenant: str, *, urls: Mapping[str, str], default: str | None, known: Mapping[str, Upstream]
) -> Document:
    """Its own upstreams, all of them, and the one that it goes to by default. ``known``: everybody's."""
    readable: dict[str, str] = {}
    for name, url in urls.items():
        if name_fault(name) is not None:
            raise Unfit("bad_setting", f"{name!r} cannot be an upstream's name")
        try:
            readable[name] = values.read_url(f"upstream {name!r}", url)
        except values.BadSetting as error:
            raise Unfit("bad_setting", str(error)) from error
    if default is not None and default not in known and default not in readable:
        raise Unfit(
            "unknown", f"There is no upstream {default!r}; there are: {', '.join(sorted({*known, *readable}))}."
        )
    kept = document.tenants[tenant]
    changed = msgspec.structs.replace(kept, upstreams=readable, default_upstream=default)
    return _with_tenant(document, tenant, changed)


def issue(
    document: Document, tenant: str, *, secret: bytes, name: str, expires_in: float | None, now: float
) -> tuple[Document, str]:
    """A new token. ``secret``: 32 random bytes."""
    if len(name) > LONGEST_NAME or not (name.isprintable() or not name):
        raise Unfit("bad_name", f"A token's name has at most {LONGEST_NAME} characters that can be shown.")
    if expires_in is not None and not 0 < expires_in <= values.LONGEST:
        raise Unfit(
            "bad_time", f"expires_in={expires_in}: expected seconds above 0 and at most 2**31, or none at all"
        )
    if sum(kept.tenant == tenant and not kept.ended for kept in document.tokens.values()) >= MOST_TOKENS:
        raise Unfit("refused", f"A tenant has at most {MOST_TOKENS} tokens: revoke some first.")
    token = make_token(secret)
    digest = digest_of(token)
    kept = KeptToken(
        id=digest.hex()[:12],
        tenant=tenant,
        name=name,
        hint=token[-HINT:],
        created=now,
        expires=None if expires_in is None else now + expires_in,
    )
    return msgspec.structs.replace(document, tokens={**document.tokens, digest.hex(): kept}), token


def revoke(document: Document, tenant: str, token: str) -> Document:
    """``token``: its id, or the name that only one has."""
    found = [
        digest
        for digest, kept in document.tokens.items()
        if kept.tenant == tenant and not kept.revoked and token in (kept.id, kept.name)
    ]
    if len(found) > 1:
        raise Unfit("ambiguous", f"{len(found)} tokens are named {token!r}: say which by its id.")
    if not found:
        raise Unfit("unknown", f"Tenant {document.tenants[tenant].name!r} has no token {token!r}.")
    ended = msgspec.structs.replace(document.tokens[found[0]], ended=True, revoked=True)
    return msgspec.structs.replace(document, tokens={**document.tokens, found[0]: ended})


def adopt(document: Document, tenant: str, key: str, *, seen: Collection[str]) -> Document:
    """From now on the provider key's requests are the tenant's. ``seen``: keys that there are, by their own tenants.

    What its own tenant has stored stays there, since a tenant is in every key: it is found again after `give_up`.
    """
    if key not in seen and key not in document.adopted:
        raise Unfit("unknown", f"No key {key!r} was seen here: `reflexd tenants keys` lists those that were.")
    adopter = document.adopted.get(key)
    if adopter is not None and adopter != tenant:
        raise Unfit(
            "taken", f"Tenant {document.tenants[adopter].name!r} has adopted this key: let it give it up first."
        )
    return msgspec.structs.replace(document, adopted={**document.adopted, key: tenant})


def give_up(document: Document, tenant: str, key: str) -> Document:
    if document.adopted.get(key) != tenant:
        raise Unfit("unknown", f"Tenant {document.tenants[tenant].name!r} has not adopted {key!r}.")
    adopted = {each: adopter for each, adopter in document.adopted.items() if each != key}
    return msgspec.structs.replace(document, adopted=adopted)


def pause(document: Document, tenant: str, seconds: float | None, *, now: float) -> Document:
    if seconds is not None and not 0 < seconds <= LONGEST_PAUSE:
        raise Unfit("bad_time", f"seconds={seconds}: expected more than 0 and at most a year, or none: until resumed")
    kept = KeptPause(seconds=seconds, until=None if seconds is None else now + seconds)
    return msgspec.structs.replace(document, pauses={**document.pauses, tenant: kept})


def resume(document: Document, tenant: str) -> Document:
    pauses = {each: kept for each, kept in document.pauses.items() if each != tenant}
    return msgspec.structs.replace(document, pauses=pauses)


def set_mode(document: Document, mode: ModeName) -> Document:
    return msgspec.structs.replace(document, mode=mode)


def _with_tenant(document: Document, tenant: str, kept: KeptTenant) -> Document:
    return msgspec.structs.replace(document, tenants={**document.tenants, tenant: kept})


def _namesake(document: Document, name: str, *, itself: str | None = None) -> str | None:
    """The id of a tenant that has this name already, be it in capitals. Raises `Unfit` for what is no name."""
    fault = name_fault(name)
    if fault is not None:
        raise Unfit("bad_name", f"{fault[0].upper()}{fault[1:]}.")
    for each, kept in document.tenants.items():
        if not kept.removed and each != itself and kept.name.lower() == name.lower():
            return each
    return None


def _taken(there: str, name: str) -> Unfit:
    return Unfit(
        "taken",
        f"There is a tenant {there!r} already" + ("." if there == name else ", whose name differs in case only."),
    )
