"""What the TUI remembers between starts: theme, columns, filters, mouse. A file that cannot be read is as none."""

from pathlib import Path

import msgspec
import platformdirs

HISTORY = 50


class Remembered(msgspec.Struct, kw_only=True):
    theme: str = "reflex-dark"
    hidden: list[str] = []
    """Columns of the live feed that somebody took away."""
    hidden_entries: list[str] = []
    """Likewise of the entries."""
    filter: str = ""
    """Of the live feed, as it holds now."""
    filters: list[str] = []
    """Those that were entered, the last first."""
    search: str = ""
    """Of the entries, likewise."""
    searches: list[str] = []
    sort: str = "created"
    descending: bool = True
    mouse: bool = True

    def used(self, kept: list[str], text: str) -> None:
        """Put a line of input at the head of its history."""
        if text:
            kept[:] = [text, *(other for other in kept if other != text)][:HISTORY]


def path() -> Path:
    return platformdirs.user_config_path("reflexd", appauthor=False) / "tui.json"


def load(file: Path) -> Remembered:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Remembered)
    except (OSError, msgspec.MsgspecError):
        return Remembered()


def save(file: Path, remembered: Remembered) -> None:
    """Raises `OSError`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(remembered)))
    fresh.replace(file)
