"""Price tables as they are read: the one that ships inside, and the user's own lines in config.toml.

``[prices."my-model-*"]`` has ``input``, ``output``, and where they are known ``cached_input`` and ``as_of``. A cached
token costs what any other does unless a line says otherwise.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from reflexd_core.prices import Price, Prices
from reflexd_io import values

_NUMBERS = ("input", "output", "cached_input")
_DEAREST = 100_000.0
"""Dollars a million tokens; what is dearer was meant for another unit."""
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?")


def read_prices(table: Mapping[str, object]) -> Prices:
    """The shipped table with the user's lines before it. Raises `values.BadSetting`."""
    return Prices([_price(f"prices.{pattern}", pattern, line, "") for pattern, line in table.items()], shipped())


@cache
def shipped() -> tuple[Price, ...]:
    text = resources.files("reflexd_io").joinpath("prices.toml").read_text("utf-8")
    return tuple(
        _price(pattern, pattern, line, str(group["as_of"]))
        for group in tomllib.loads(text).values()
        for pattern, line in group.items()
        if pattern != "as_of"
    )


def _price(where: str, pattern: str, line: object, as_of: str) -> Price:
    where = f"config.toml: {where}"
    if not isinstance(line, Mapping):
        raise values.BadSetting(f"{where}: expected a table with input and output, dollars a million tokens")
    values.refuse_unknown(where, line, {*_NUMBERS, "as_of"})
    if not pattern.strip("*") or pattern != pattern.strip():
        raise values.BadSetting(f"{where}: expected a model's name, in which '*' stands for any characters")
    for name in ("input", "output"):
        if name not in line:
            raise values.BadSetting(f"{where}.{name}: is missing: dollars a million tokens")
    numbers = {name: _dollars(f"{where}.{name}", line[name]) for name in _NUMBERS if name in line}
    when = line.get("as_of", as_of)
    if not isinstance(when, str) or (when and not _MONTH.fullmatch(when)):
        raise values.BadSetting(f"{where}.as_of={when!r}: expected a date such as '2025-06' or '2025-06-30'")
    cached = numbers.get("cached_input", numbers["input"])
    return Price(pattern=pattern, input=numbers["input"], output=numbers["output"], cached_input=cached, as_of=when)


def _dollars(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _DEAREST:
        raise values.BadSetting(f"{where}={value!r}: expected dollars a million tokens, from 0 to {_DEAREST:,.0f}")
    return float(value)
