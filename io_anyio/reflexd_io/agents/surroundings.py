"""Where an agent is started: its variables, its folder, and the files that it reads there beside its user's own.

A file that is not there, or that cannot be read, sets nothing: the agent itself says what is wrong with it.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reflexd_io.agents import files
from reflexd_io.agents.address import Address

Place = tuple[str, Any]
"""What a place is called, and what stands in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    environ: Mapping[str, str]
    folder: Path
    """In which it is started."""
    address: Address
    once: bool = False
    """Whether it is one run, by the variables and flags of ``reflexd run``, or goes by the file that was set up."""
    root: Path | None = None
    """Below which the system's own files lie; None for the system's."""

    @property
    def home(self) -> Path:
        named = self.environ.get("HOME") or self.environ.get("USERPROFILE")
        return Path(named) if named else Path.home()

    @property
    def project(self) -> Path | None:
        """The git repository's folder."""
        return next((folder for folder in self.upwards() if (folder / ".git").exists()), None)

    def upwards(self) -> Iterator[Path]:
        yield from (self.folder, *self.folder.parents)

    def system(self, linux: str, macos: str, windows: str) -> Path:
        """A folder of whoever keeps the machine, by the system's kind."""
        named = {"darwin": macos, "win32": windows}.get(sys.platform, linux)
        return Path(named) if self.root is None else self.root / linux.lstrip("/")

    def variables(self, *names: str) -> Place:
        """Those of the environment, as a place of their own."""
        return "the environment", {name: self.environ[name] for name in names if name in self.environ}

    def elsewhere(self, value: object, ours: str | None = None) -> str | None:
        """How to show a value that is not ``ours``, an URL that leads past Reflex where that is None; else None."""
        if ours is not None:
            return None if value == ours else f"{value}"
        url = f"{value}".strip()
        return None if self.address.is_here(url) else _without_secrets(url)

    def first(self, places: Iterable[Place], path: files.Path, ours: str | None = None) -> Iterator[str]:
        """What the first of the places says that has the setting at all, if it leads elsewhere."""
        for name, content in places:
            found = files.found(content, path)
            if found in (files.MISSING, None, ""):
                continue
            if (shown := self.elsewhere(found, ours)) is not None:
                yield f"{name} sets {'.'.join(map(str, path))} to {shown}"
            return


def place_of(path: Path, kind: str) -> Place:
    return f"{path}", content_of(path, kind)


def content_of(path: Path, kind: str) -> Any:
    try:
        return files.FORMATS[kind].read(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, files.CannotEdit):
        return {}


def members(content: Any, *path: str) -> dict[str, Any]:
    """The object at the path; empty where there is none."""
    found = files.found(content, path)
    return found if isinstance(found, dict) else {}


def _without_secrets(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
