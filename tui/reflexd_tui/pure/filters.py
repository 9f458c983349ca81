"""The language of the Live view's filter: a line of words, each of which must hold.

``status:hit tenant:work model:gpt-4o* >50ms -client:codex "centre a div"``: a field and its value, ``|`` between
values of which one must hold, ``-`` or ``!`` before what must not hold, comparisons for numbers, and anything else is
looked for in the question. A fault is told with its place, so that it can be shown there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reflexd_io.control_client.shapes.exchanges import ExchangeRow

Test = Callable[[ExchangeRow], bool]


class BadFilter(ValueError):  # noqa: N818 - it says what the filter is
    """It cannot be read; ``at`` is the character."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Filter:
    text: str
    tests: tuple[Test, ...]

    def holds(self, row: ExchangeRow) -> bool:
        return all(test(row) for test in self.tests)

    def __bool__(self) -> bool:
        return bool(self.tests)


EVERYTHING = Filter("", ())
PLACEHOLDER = "status:hit tenant:work model:gpt-4o* >50ms -client:codex words"

_TOKEN = re.compile(r'\s*(?P<not>[-!]?)(?:(?P<field>[a-z]+):)?(?P<value>"(?:[^"]*)"?|\S+)')
_NUMBER = re.compile(r"(?P<how><=|>=|<|>|=|)(?P<number>\d+(?:\.\d+)?)(?P<unit>[a-zA-Z]*)")
_BARE = re.compile(r"[<>]=?\s*\d")

_TEXTS: dict[str, Callable[[ExchangeRow], str]] = {
    "tenant": lambda row: row.tenant,
    "model": lambda row: row.model,
    "client": lambda row: row.client,
    "dialect": lambda row: row.dialect,
    "reason": lambda row: row.reason,
    "session": lambda row: row.session or "",
    "entry": lambda row: row.entry or "",
    "id": lambda row: row.id,
    "form": lambda row: row.form,
}
_NUMBERS: dict[str, tuple[Callable[[ExchangeRow], float | None], dict[str, float]]] = {
    "ms": (lambda row: row.ms, {"": 1, "ms": 1, "s": 1000}),
    "first": (lambda row: row.first_byte_ms, {"": 1, "ms": 1, "s": 1000}),
    "http": (lambda row: row.http_status, {"": 1}),
    "tok": (lambda row: (row.input_tokens or 0) + (row.output_tokens or 0), {"": 1, "k": 1000}),
    "saved": (lambda row: row.saved_tokens, {"": 1, "k": 1000}),
}
_STATUSES = {
    "hit": lambda row: row.status.startswith("hit") or row.joined,
    "exact": lambda row: row.status == "hit-l1-exact",
    "l1": lambda row: row.status == "hit-l1-exact",
    "verified": lambda row: row.status == "hit-l3-verified",
    "l3": lambda row: row.status == "hit-l3-verified",
    "similar": lambda row: row.status == "hit-l2-semantic",
    "l2": lambda row: row.status == "hit-l2-semantic",
    "miss": lambda row: row.status == "miss" and not row.joined,
    "bypass": lambda row: row.status == "bypass",
    "joined": lambda row: row.joined,
    "error": lambda row: row.http_status >= 400,
}
FIELDS = ("status", *_TEXTS, *_NUMBERS)


def read(text: str) -> Filter:
    """Raises `BadFilter`."""
    tests: list[Test] = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise BadFilter("this cannot be read", at)
        start, value = found.start("value"), found["value"]
        if found["field"] is None and _BARE.match(text, start):
            value, end = _comparison(text, start)
            test = _number("ms", value, start)
        else:
            end = found.end()
            test = _test(found["field"], _unquoted(value, start), found.start("field"), start)
        tests.append(_negated(test) if found["not"] else test)
        at = end
    return Filter(text.strip(), tuple(tests))


def _comparison(text: str, start: int) -> tuple[str, int]:
    """``> 50ms`` may be written with a space."""
    found = re.compile(r"([<>]=?)\s*(\S+)").match(text, start)
    assert found is not None  # noqa: S101 - `_BARE` has matched there
    return found[1] + found[2], found.end()


def _unquoted(value: str, at: int) -> str:
    if not value.startswith('"'):
        return value
    if len(value) < 2 or not value.endswith('"'):
        raise BadFilter("the quotation mark is not closed", at)
    return value[1:-1]


def _test(field: str | None, value: str, field_at: int, at: int) -> Test:
    if field is None:
        wanted = value.casefold()
        return lambda row: wanted in row.question.casefold()
    if field == "status":
        return _any([_status(part, at) for part in value.split("|")])
    if field in _TEXTS:
        return _any([_text(field, part) for part in value.split("|")])
    if field in _NUMBERS:
        return _number(field, value, at)
    raise BadFilter(f"there is no field {field!r}; there are {', '.join(FIELDS)}", field_at)


def _any(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)


def _negated(test: Test) -> Test:
    return lambda row: not test(row)


def _status(value: str, at: int) -> Test:
    found = _STATUSES.get(value.casefold())
    if found is None:
        raise BadFilter(f"there is no status {value!r}; there are {', '.join(_STATUSES)}", at)
    return found


def _text(field: str, value: str) -> Test:
    given, pattern = _TEXTS[field], value.casefold()
    if not set(pattern) & set("*?["):
        pattern = f"*{pattern}*"
    return lambda row: fnmatchcase(given(row).casefold(), pattern)


def _number(field: str, value: str, at: int) -> Test:
    given, units = _NUMBERS[field]
    found = _NUMBER.fullmatch(value)
    if found is None or found["unit"].lower() not in units:
        told = ", ".join(unit for unit in units if unit)
        raise BadFilter(f"expected a number{f' ({told})' if told else ''} such as >=50", at)
    limit, how = float(found["number"]) * units[found["unit"].lower()], found["how"] or "="

    def holds(row: ExchangeRow) -> bool:
        number = given(row)
        if number is None:
            return False
        match how:
            case "<":
                return number < limit
            case "<=":
                return number <= limit
            case ">":
                return number > limit
            case ">=":
                return number >= limit
            case _:
                return number == limit

    return holds
