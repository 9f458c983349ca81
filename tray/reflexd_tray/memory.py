"""What the tray remembers between starts: whether notifications are wanted."""

import json
from pathlib import Path

import platformdirs


def _path() -> Path:
    return platformdirs.user_config_path("reflexd", appauthor=False) / "tray.json"


def wants_notices(path: Path | None = None) -> bool:
    try:
        said = json.loads((path or _path()).read_text("utf-8"))
    except (OSError, ValueError):
        return True
    return not isinstance(said, dict) or said.get("notifications") is not False


def remember_notices(wanted: bool, path: Path | None = None) -> None:
    """Raises `OSError`."""
    path = path or _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"notifications": wanted}) + "\n", "utf-8")
