"""The formats of configuration files: each read whole, and edited in place, so that comments and layout stay.

What is added has the line ends of the file, where those are all alike. An edit is checked by reading its result: if
it says anything else than the old text with that one setting changed, it is refused (`CannotEdit`) and nothing is
written.
"""

import itertools
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from reflexd_io.agents.files import dotenv_file, json_file, toml_file, yaml_file
from reflexd_io.agents.files.errors import CannotEdit

Path = tuple[str | int, ...]

__all__ = ["FORMATS", "MISSING", "CannotEdit", "Format", "Path", "drop", "found", "put"]

MISSING = object()


@dataclass(frozen=True, slots=True)
class Format:
    read: Callable[[str], Any]
    """The whole content; an empty text is an empty object."""
    put: Callable[[str, Path, Any], str]
    """The text with a setting added or replaced. A number at a path's end that is the list's length appends."""
    drop: Callable[[str, Path], str]
    """The text without a setting that it has, and without the objects that are left empty."""


FORMATS = {
    "toml": Format(toml_file.read, toml_file.put, toml_file.drop),
    "json": Format(json_file.read, json_file.put, json_file.drop),
    "yaml": Format(yaml_file.read, yaml_file.put, yaml_file.drop),
    "dotenv": Format(dotenv_file.read, dotenv_file.put, dotenv_file.drop),
}


def put(kind: str, text: str, path: Path, value: Any) -> str:
    """Raises `CannotEdit`."""
    known = FORMATS[kind]
    try:
        wanted = _with(deepcopy(known.read(text)), path, value)
    except (TypeError, IndexError, KeyError):
        raise CannotEdit(f"{path[0]} is not what it is expected to be") from None
    return _checked(known, _with_its_line_ends(text, lambda plain: known.put(plain, path, value)), wanted)


def drop(kind: str, text: str, path: Path) -> str:
    """Raises `CannotEdit`."""
    known = FORMATS[kind]
    wanted = _without(deepcopy(known.read(text)), path)
    return _checked(known, _with_its_line_ends(text, lambda plain: known.drop(plain, path)), wanted)


def found(content: Any, path: Path) -> Any:
    """What stands at the path, or `MISSING`."""
    for step in path:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return content


def _with_its_line_ends(text: str, edit: Callable[[str], str]) -> str:
    """The edited text; the formats' editors know line feeds alone."""
    plain = text.replace("\r\n", "\n")
    if "\r\n" not in text or text.count("\r\n") != plain.count("\n"):
        return edit(text)
    return edit(plain).replace("\n", "\r\n")


def _checked(known: Format, text: str, wanted: Any) -> str:
    try:
        right = known.read(text) == wanted
    except CannotEdit:
        right = False
    if not right:
        raise CannotEdit("it is written in a way that cannot be edited safely")
    return text


def _with(content: Any, path: Path, value: Any) -> Any:
    holder = content
    for step, after in itertools.pairwise(path):
        if isinstance(step, str) and isinstance(holder, dict) and holder.get(step) is None:
            holder[step] = [] if isinstance(after, int) else {}
        holder = holder[step]
    if isinstance(path[-1], int) and isinstance(holder, list) and path[-1] == len(holder):
        holder.append(value)
    else:
        holder[path[-1]] = value
    return content


def _without(content: Any, path: Path) -> Any:
    *way, last = path
    holders = [content]
    for step in way:
        holders.append(holders[-1][step])
    del holders[-1][last]
    for step, holder, inner in zip(reversed(way), reversed(holders[:-1]), reversed(holders[1:]), strict=True):
        if inner:
            break
        del holder[step]
    return content
