"""Question families of packaging/models/families as labelled pairs: which two questions one answer serves."""

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "packaging" / "models" / "families"


@dataclass(frozen=True, slots=True)
class LabelledPair:
    family: str
    one: str
    other: str
    same: bool


def held_out(family: str) -> bool:
    """Half of the families, by name: the guards were written looking at the other half."""
    return hashlib.sha256(family.encode()).digest()[0] & 1 == 1


@cache
def rows() -> tuple[dict[str, Any], ...]:
    return tuple(
        json.loads(line)
        for path in sorted(FOLDER.glob("*.jsonl"))
        for line in path.read_text().splitlines()
        if line.strip()
    )


def texts() -> list[str]:
    """Every text of every family, slots filled in once."""
    return sorted({text for row in rows() for group in _groups(row) for text in group})


def pairs(*, of_held_out: bool) -> Iterator[LabelledPair]:
    """Every pair within a family."""
    for row in rows():
        if held_out(row["id"]) is of_held_out:
            groups = _groups(row)
            for group in groups:
                for one, other in combinations(group, 2):
                    yield LabelledPair(row["id"], one, other, same=True)
            for left, right in combinations(groups, 2):
                for one, other in product(left, right):
                    yield LabelledPair(row["id"], one, other, same=False)


def _groups(row: dict[str, Any]) -> list[list[str]]:
    """Texts of one meaning together, with one value for each slot, by any of its aliases."""
    rng = random.Random(row["id"])
    chosen = {name: rng.choice(values) for name, values in (row.get("slots") or {}).items()}

    def fill(text: str) -> str:
        for name, aliases in chosen.items():
            text = text.replace("{" + name + "}", rng.choice(aliases) if isinstance(aliases, list) else aliases)
        return text

    return [[fill(text) for text in group] for group in (row["same"], *(near["q"] for near in row["near"]))]
