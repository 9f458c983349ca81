"""Where the daemon is: by its runtime file, or by the address and token that somebody gave."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reflexd_io import runtime
from reflexd_io.control_client.ask import NotThere
from reflexd_io.settings import load

ADVICE = ": start one with `reflexd serve`"
"""Ends what is said where there is no daemon; a face that starts one itself leaves it out."""


@dataclass(frozen=True, slots=True)
class Place:
    url: str
    """``http://127.0.0.1:8080``, without a path."""
    token: str


def find(*, url: str | None = None, token: str | None = None, storage: Path | None = None) -> Place:
    """The running daemon. Raises `NotThere`, `ValueError` for an address that is none, and `BadSetting`.

    The runtime file is read anew each time: a daemon that was started again has another token.
    """
    if url is not None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address: expected one like http://127.0.0.1:8080")
        url = f"{parts.scheme}://{parts.netloc}"
    if url is not None and token is not None:
        return Place(url, token)
    folder = storage if storage is not None else load().storage_path
    running = runtime.read(folder)
    if running is None:
        raise NotThere(f"no Reflex daemon serves {folder}{ADVICE}")
    return Place(url or running.url, token or running.admin_token)
