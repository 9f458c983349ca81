"""Where an agent's configuration file lies for this user."""

from collections.abc import Mapping
from pathlib import Path

from reflexd_io.agents.table import File


def folder_of(file: File, environ: Mapping[str, str]) -> Path:
    for name, below in file.moved_by:
        if moved := environ.get(name):
            return Path(moved).expanduser() / below
    home = environ.get("HOME") or environ.get("USERPROFILE")
    return (Path(home) if home else Path.home()) / file.folder


def file_in(folder: Path, file: File) -> Path:
    """The first of its names that is there, links followed: what they lead to is edited, not the link."""
    found = next((folder / name for name in file.names if (folder / name).exists()), folder / file.names[0])
    return found.resolve()
