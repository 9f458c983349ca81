"""Tuning: a calibration fitted to the user's own labels, kept beside his answers and read at the next start.

``calibration.json`` in the storage folder, mode 0600. It belongs to one verifier: under another it means nothing and
is left alone.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

import msgspec

from reflexd_core.meaning.calibration import Calibration

log = logging.getLogger(__name__)

NAME = "calibration.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    verifier: str
    """The fingerprint of the verifier that it was fitted for."""
    calibration: Calibration
    labels: int
    """How many pairs it was fitted to."""
    at: float
    """Unix seconds."""


def read(storage: Path) -> Tuned | None:
    """What was tuned last; None where nothing was, or where it cannot be read, which is logged."""
    path = storage / NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Tuned)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.error("%s cannot be read, so the model's own calibration holds: %s", path, error)
        return None


def write(storage: Path, tuned: Tuned) -> None:
    """Raises `OSError`."""
    path = storage / NAME
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(tuned), indent=1))
    fresh.replace(path)


def forget(storage: Path) -> bool:
    """Back to the model's own calibration; whether there was another."""
    path = storage / NAME
    there = path.exists()
    path.unlink(missing_ok=True)
    return there
