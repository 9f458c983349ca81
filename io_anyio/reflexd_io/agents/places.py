"""Where an agent's configuration file lies for this user."""

from collections.abc import Mapping
from pathlib import Path

from reflexd_io.agents.table import File


def folder_of(file: File, environ: Mapping[str, str]) -> Path:
    moved = environ.get(file.moved_by) if file.moved_by else None
    if moved:
        return Path(moved).expanduser() / file.moved_to
    home = environ.get("HOME") or environ.get("USERPROFILE")
    return (Path(home) if home else Path.home()) / file.folder


def file_in(folder: Path, file: File) -> Path:
    """The first of its names that is there, links followed: what they lead to is edited, not the link."""
    found = next((folder / name for name in file.names if (folder / name).exists()), folder / file.names[0])
    return found.resolve()
