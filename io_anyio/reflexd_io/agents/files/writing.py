"""Reading and writing files of somebody else's: whole or not at all, with their mode and their line ends."""

import os
from pathlib import Path

from reflexd_io.agents.files.errors import CannotEdit


def as_it_was(path: Path) -> str | None:
    """The file's text, its line ends untouched; None where there is none. Raises `CannotEdit`, `OSError`."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise CannotEdit(f"{path} is no UTF-8 text") from error


def replace_text(path: Path, text: str) -> None:
    """All of it at once, with the mode of the file that was there; one that was not is its owner's alone."""
    fresh = path.with_name(f".{path.name}.reflex-new")
    fresh.unlink(missing_ok=True)
    create(fresh, text, like=path)
    fresh.replace(path)


def create(path: Path, text: str, *, like: Path) -> None:
    """A file that is not there yet, readable by whoever can read ``like``."""
    mode = like.stat().st_mode & 0o777 if like.exists() else 0o600
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - it is a descriptor
        file.write(text.encode())
        file.flush()
        os.fsync(descriptor)
    path.chmod(mode)


def remove(path: Path, folders: list[Path]) -> None:
    """The file, and those of the folders (the innermost first) that hold nothing else."""
    path.unlink(missing_ok=True)
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
