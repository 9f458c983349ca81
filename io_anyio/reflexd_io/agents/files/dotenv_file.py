"""Files of ``NAME=value`` lines, which several agents read into their environment."""

import re
from typing import Any

from reflexd_io.agents.files.errors import CannotEdit

_LINE = re.compile(
    r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"
    r"(\"[^\"\r\n]*\"|'[^'\r\n]*'|[^\r\n]*?)[ \t]*(?:(?<=[ \t])#[^\r\n]*)?\r?\n?"
)
"""Name, value, and perhaps a comment."""


def read(text: str) -> dict[str, str]:
    lines = (_LINE.fullmatch(line) for line in text.splitlines(keepends=True))
    return {line[1]: _plain(line[2]) for line in lines if line}


def put(text: str, path: tuple[str | int, ...], value: Any) -> str:
    name = _name(path)
    lines = text.splitlines(keepends=True)
    for place, line in enumerate(lines):
        if (known := _LINE.fullmatch(line)) and known[1] == name:
            behind = line[known.end(2) :]
            lines[place] = f"{line[: known.start(2)]}{value}{' ' * behind.startswith('#')}{behind}"
            return "".join(lines)
    ending = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{ending}{name}={value}\n"


def drop(text: str, path: tuple[str | int, ...]) -> str:
    name = _name(path)
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not ((known := _LINE.fullmatch(line)) and known[1] == name))


def _name(path: tuple[str | int, ...]) -> str:
    (name,) = path
    if not isinstance(name, str):
        raise CannotEdit("there are no lists in it")
    return name


def _plain(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
