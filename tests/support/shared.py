"""The folder of shared test data: protocol vectors, recorded provider traffic, prompts.

It lies beside the repository (``../shared/data``) or where ``REFLEX_SHARED`` says. It is too large to be kept in
the repository, so a test that needs it is skipped, with the reason, where it is absent.
"""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]


def shared_path(relative: str) -> Path:
    """A file or folder of the shared data. Skips the calling test where there is none."""
    folder = Path(os.environ.get("REFLEX_SHARED") or _REPOSITORY.parent / "shared" / "data")
    path = folder / relative
    if not path.exists():
        pytest.skip(f"{path} is absent; set REFLEX_SHARED to the folder of shared test data")
    return path


def shared_rows(relative: str) -> list[dict[str, Any]]:
    """The rows of a gzipped JSON Lines file."""
    with gzip.open(shared_path(relative), "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
