"""A tenant's policy in words, as config.toml and the control API have it.

The names of its settings, what each expects, and how it is read and told.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from reflexd_core.policy import MIB, KeepRequest, OnLeave, Policy, Semantic
from reflexd_core.scrubs import SCRUBS
from reflexd_core.tauq.served import Format, asked_format
from reflexd_io import values

LEAST_STORAGE = MIB
"""Bytes; what an empty file takes alone is a fifth of it."""


def _bytes(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not LEAST_STORAGE <= value <= 2**60:
        raise ValueError("no bytes")
    return value


def _format(value: object) -> Format:
    known = asked_format(value) if isinstance(value, str) else None
    if known is None:
        raise ValueError("no format")
    return known


POLICY: dict[str, tuple[str, str, Callable[[object], object]]] = {
    "caching": ("caching", "true or false", values.given_truth),
    "exact_lifetime": ("exact_lifetime", "seconds above 0 and at most 2**31", values.given_seconds),
    "on_leave": ("on_leave", "'cancel' or 'finish'", lambda value: OnLeave(str(value))),
    "semantic": ("semantic", "'off', 'shadow' or 'on'", lambda value: Semantic(str(value))),
    "semantic_lifetime": ("semantic_lifetime", "seconds above 0 and at most 2**31", values.given_seconds),
    "verify": ("verify", "true or false", values.given_truth),
    "threshold": ("own_threshold", "a number from 0 to 1", values.given_share),
    "similarity_threshold": ("similarity_threshold", "a number from 0 to 1", values.given_share),
    "audit_share": ("audit_share", "a number from 0 to 1", values.given_share),
    "match_sampling": ("match_sampling", "true or false", values.given_truth),
    "scrubs": ("scrubs", f"a list of {', '.join(map(repr, SCRUBS))}", lambda value: _names(value, SCRUBS)),
    "portable": ("portable", "true or false", values.given_truth),
    "keep_request": ("keep_request", "'full', 'question' or 'none'", lambda value: KeepRequest(str(value))),
    "storage_bytes": ("storage_bytes", f"a whole number from {LEAST_STORAGE} to 2**60", _bytes),
    "format": ("format", "'json', 'tauq', 'tauq-content' or 'tauq-envelope'", _format),
}
"""Setting of a tenant -> the policy's field, what is expected, and how the value is read (`ValueError`)."""


def read_policy(where: str, policy: Policy, table: Mapping[str, object]) -> Policy:
    """``policy`` with what the table changes. Raises `values.BadSetting`."""
    values.refuse_unknown(where, table, set(POLICY))
    for name, value in table.items():
        try:
            policy = with_setting(policy, name, value)
        except ValueError as error:
            raise values.BadSetting(f"config.toml: {where}.{error}") from None
    return policy


def with_setting(policy: Policy, name: str, value: object) -> Policy:
    """``policy`` with one known setting of another value. Raises `values.BadSetting`."""
    field_name, expected, read = POLICY[name]
    try:
        return _with_policy(policy, field_name, read(value))
    except ValueError:
        raise values.BadSetting(f"{name}={value!r}: expected {expected}") from None


def told(policy: Policy, name: str) -> object:
    """The setting's value as it is written in config.toml; None where it sets no limit."""
    value = getattr(policy, POLICY[name][0])
    if isinstance(value, frozenset):
        return sorted(value)
    return value.value if isinstance(value, StrEnum) else value


def _names(value: object, known: Collection[str]) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name in known for name in value):
        raise ValueError("not a list of such names")
    return frozenset(value)


def _with_policy(policy: Policy, name: str, value: Any) -> Policy:
    return replace(policy, **{name: value})
