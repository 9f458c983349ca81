"""Faults in words that may leave this machine: without the folders that an error of the system names."""

from pathlib import Path


def without_folders(text: str, *paths: Path | None) -> str:
    """The text with the last part alone of each of these paths."""
    for path in paths:
        if path is not None:
            text = text.replace(str(path), path.name)
    return text


def in_words(error: BaseException) -> str:
    """What the error says; of one that names a file only what was wrong with it."""
    if isinstance(error, OSError) and error.filename is not None:
        return error.strerror or type(error).__name__
    return str(error) or type(error).__name__
