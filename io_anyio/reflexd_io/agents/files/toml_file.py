"""TOML, edited with tomlkit, which keeps comments and layout."""

from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AbstractTable

from reflexd_io.agents.files.errors import CannotEdit


def read(text: str) -> Any:
    return _parsed(text).unwrap()


def put(text: str, path: tuple[str | int, ...], value: Any) -> str:
    document = _parsed(text)
    holder: Any = document
    *way, last = map(str, path)
    for place, step in enumerate(way):
        if step not in holder:
            # A table of tables needs no header of its own.
            holder[step] = tomlkit.table(is_super_table=place + 1 < len(way))
        holder = holder[step]
        if not isinstance(holder, AbstractTable | dict):
            raise CannotEdit(f"{step} is no table")
    holder[last] = value
    return tomlkit.dumps(document)


def drop(text: str, path: tuple[str | int, ...]) -> str:
    document = _parsed(text)
    *way, last = map(str, path)
    holders: list[Any] = [document]
    for step in way:
        holders.append(holders[-1][step])
    del holders[-1][last]
    for step, holder in zip(reversed(way), reversed(holders[:-1]), strict=True):
        if holder[step]:
            break
        del holder[step]
    return tomlkit.dumps(document)


def _parsed(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise CannotEdit(f"it is no TOML: {error}") from error
