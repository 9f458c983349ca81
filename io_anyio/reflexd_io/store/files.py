"""Files: what of a tenant's lies on the disk, and taking it away."""

from contextlib import suppress
from pathlib import Path
from shutil import rmtree

SUFFIXES = ("-wal", "-shm", "")
"""Of the parts of a SQLite database; the file itself goes last, so that what is left of it is seen."""


def remove(folder: Path, tenant: str) -> None:
    """The tenant's database and its index. Raises `OSError`. Blocks.

    An index that is being written just now may be left; the next start finds that it is nobody's.
    """
    for suffix in SUFFIXES:
        with suppress(FileNotFoundError):
            (folder / f"{tenant}.sqlite3{suffix}").unlink()
    rmtree(folder / f"{tenant}.near", ignore_errors=True)
