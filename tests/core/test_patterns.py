"""Regular expressions match alike on every Python that Reflex runs on.

CPython before 3.11.5 (gh-106052; Debian 12 has 3.11.2) loses its place where the body of a possessive group or an
atomic one fails after it has begun to match: ``(?:[.]\\d++)*+`` swallows the dot of ``1.x``. So of what such a group
repeats only single characters may stand before the last part, and that last part must be able to match nothing.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

import reflexd_core

parse = importlib.import_module("re._parser").parse
_SINGLE = {"LITERAL", "NOT_LITERAL", "IN", "ANY"}
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


def patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes]]]:
    for found in pkgutil.walk_packages(reflexd_core.__path__, "reflexd_core."):
        for name, value in vars(importlib.import_module(found.name)).items():
            for each in _values(value):
                if isinstance(each, re.Pattern):
                    yield f"{found.name}.{name}", each


def _values(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, tuple | list) else (value,)


def at_risk(parsed: Any) -> bool:
    """Whether there is a group in it that older versions match wrongly. ``parsed``: what `re._parser` makes of it."""
    for operation, argument in parsed:
        name = str(operation)
        inner = _inner(name, argument)
        if name == "ATOMIC_GROUP" and any(_may_lose_its_place(body) for body in inner):
            return True
        if name == "POSSESSIVE_REPEAT" and any(_may_lose_its_place(body) for body in inner):
            return True
        if any(at_risk(body) for body in inner):
            return True
    return False


def _inner(name: str, argument: Any) -> list[Any]:
    if name in _REPEATS:
        return [argument[2]]
    if name == "ATOMIC_GROUP":
        return [argument]
    if name == "SUBPATTERN":
        return [argument[3]]
    if name == "BRANCH":
        return list(argument[1])
    return [argument[1]] if name in ("ASSERT", "ASSERT_NOT") else []


def _may_lose_its_place(body: Any) -> bool:
    items = list(body)
    if len(items) == 1 and str(items[0][0]) == "BRANCH":
        return any(_may_lose_its_place(each) for each in items[0][1][1])
    if len(items) == 1:
        return str(items[0][0]) not in _SINGLE and not _is_run(items[0])
    *before, last = items
    return any(str(operation) not in _SINGLE for operation, _ in before) or not _is_run(last, least=0)


def _is_run(item: Any, least: int = 1) -> bool:
    """A repeat of single characters that may be as short as ``least``."""
    operation, argument = item
    if str(operation) not in _REPEATS or argument[0] > least:
        return False
    inside = list(argument[2])
    return len(inside) == 1 and str(inside[0][0]) in _SINGLE


@pytest.mark.parametrize(
    ("pattern", "risky"),
    [
        (r"\w++\d*+", False),
        (r"(?:\\.[^\"]*+)*+", False),
        (r"(?:\\[^\"]*+)*+", False),
        (r"(?:[.]\d++)*+", True),
        (r"(?:[.]\d++)*", False),
        (r"(?:a|b++)++", False),
        (r"(?:'[^']+'|\S)++", True),
        (r"x(?P<name>(?:ab?c)++)", True),
        (r"(?>a+b)", True),
    ],
)
def test_what_is_at_risk_is_seen(pattern: str, risky: bool) -> None:
    assert at_risk(parse(pattern)) is risky


def test_no_pattern_is_at_risk() -> None:
    found = list(patterns())
    assert len(found) > 50
    assert [name for name, pattern in found if at_risk(parse(pattern.pattern, pattern.flags & ~re.DEBUG))] == []
