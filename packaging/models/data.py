"""Training and measuring data: families and shared pairs read into labelled pairs, split so that nothing leaks.

A *family* is one intent with texts that one answer serves (`same`) and near-misses (`near`); see families/README.md.
A pair's labels: `strict` answers the question that Reflex asks (would the stored answer, unchanged, fully satisfy the
asker?), `loose` what Quora or MRPC call a duplicate. Either may be None (unknown) or between 0 and 1 (a soft label).

The split is by family, and whole fields are held out beside single families; Quora is split by connected component
of its questions, text-to-SQL by domain.
"""

import gzip
import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from paths import FAMILIES, PAIRS

HELD_OUT_FIELDS = frozenset(
    {"rust", "terraform", "mongodb", "laravel", "kotlin", "kubernetes", "cooking", "tax", "regex", "powershell"}
)
"""Fields of which no family is trained on: the test says how a field that nobody wrote for will do."""

OWN_SETS = {"sqlq": "database questions", "swaps": "word order", "life": "medical and everyday"}
"""Files of families that are measured by themselves; all others are programming."""

HELD_OUT_DOMAINS = frozenset({"academic", "imdb", "yelp"})
"""Text-to-SQL domains that are never trained on."""


@dataclass(frozen=True, slots=True)
class Pair:
    a: str
    b: str
    strict: float | None
    loose: float | None = None
    weight: float = 1.0
    source: str = ""
    unit: str = ""
    """What a confidence interval counts as one: the family, or the question component."""
    kind: str = ""


@dataclass(slots=True)
class Family:
    id: str
    field: str
    same: list[str]
    near: list[tuple[str, list[str]]] = field(default_factory=list)
    source: str = ""
    """The file that it stands in."""

    @property
    def is_filled(self) -> bool:
        """Whether it was made from a template with slots."""
        return "@" in self.id

    def texts(self) -> list[str]:
        return [text for _, texts in self.classes() for text in texts]

    def classes(self) -> list[tuple[str, list[str]]]:
        """Texts by meaning: the family's own first, then each near-miss."""
        return [("same", self.same), *self.near]


def part_of(name: str) -> float:
    """A number in [0, 1) that belongs to the name for ever."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=7).digest(), "big") / 2**56


def split_of(family: Family) -> str:
    """``train``, ``calibrate`` or ``test``: by its file where that was written to calibrate, else by field and id."""
    if family.source.startswith("calibration"):
        return "calibrate"
    if family.field in HELD_OUT_FIELDS:
        return "test"
    place = part_of(family.id.partition("@")[0])
    return "test" if place < 0.10 else "calibrate" if place < 0.18 else "train"


def read_families(folders: Iterable[Path]) -> list[Family]:
    """Every family, slots filled in: each value makes a family of its own, and other values its near-misses."""
    found: list[Family] = []
    for path in sorted(path for folder in folders for path in folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            if line.strip():
                made = _filled(json.loads(line))
                for family in made:
                    family.source = path.stem
                found += made
    return found


def _filled(row: dict) -> list[Family]:
    near = [(item["kind"], list(item["q"])) for item in row["near"]]
    slots = row.get("slots") or {}
    if not slots:
        return [Family(row["id"], row["field"], list(row["same"]), near)]
    families = []
    rng = random.Random(row["id"])
    combos = [{name: rng.choice(values) for name, values in slots.items()} for _ in range(4)]
    for number, chosen in enumerate(combos):

        def fill(text: str, chosen: dict = chosen) -> str:
            for name, aliases in chosen.items():
                spelled = rng.choice(aliases) if isinstance(aliases, list) else aliases
                text = text.replace("{" + name + "}", str(spelled))
            return text

        family = Family(f"{row['id']}@{number}", row["field"], [fill(text) for text in row["same"]])
        family.near = [(kind, [fill(text) for text in texts]) for kind, texts in near]
        slotted = [text for text in row["same"] if "{" in text]
        others = [
            {**chosen, name: value}
            for name, values in slots.items()
            for value in values
            if value != chosen[name] and all(text.count("{" + name + "}") for text in row["same"])
        ]
        for other in rng.sample(others, min(2, len(others))):
            if slotted:
                family.near.append(
                    ("value", [fill(text, other) for text in rng.sample(slotted, min(2, len(slotted)))])
                )
        families.append(family)
    return families


def all_pairs(family: Family) -> Iterator[Pair]:
    """Each pair that the family labels, once."""
    classes = family.classes()
    unit = family.id.partition("@")[0]
    for i, (kind, texts) in enumerate(classes):
        for x in range(len(texts)):
            for y in range(x + 1, len(texts)):
                yield Pair(texts[x], texts[y], 1.0, source="families", unit=unit, kind=kind if i else "same")
        for other_kind, others in classes[i + 1 :]:
            for text in texts:
                for other in others:
                    yield Pair(
                        text, other, 0.0, source="families", unit=unit, kind=other_kind if i == 0 else "between"
                    )


def measured_pairs(family: Family, rng: random.Random) -> Iterator[Pair]:
    """A balanced sample for measuring: positives of every class, as many negatives against the family's own texts."""
    everything = list(all_pairs(family))
    positives = [pair for pair in everything if pair.strict == 1.0]
    negatives = [pair for pair in everything if pair.strict == 0.0 and pair.kind != "between"]
    yield from rng.sample(positives, min(8, len(positives)))
    yield from rng.sample(negatives, min(8, len(negatives)))


def rows(path: Path) -> Iterator[dict]:
    with gzip.open(path, "rt") as lines:
        for line in lines:
            yield json.loads(line)


def read_quora(folder: Path) -> list[Pair]:
    """Quora pairs; ``unit`` is the connected component of their questions."""
    raw: list[tuple[str, str, int]] = []
    for name in ("gptcache_qqp.jsonl.gz", "qqp_train.jsonl.gz"):
        raw += [(row["a"].strip(), row["b"].strip(), row["label"]) for row in rows(folder / name)]
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        while (above := parent.setdefault(text, text)) != text:
            parent[text] = parent[above]
            text = parent[text]
        return text

    for a, b, _ in raw:
        parent[root(a)] = root(b)
    pairs = []
    for a, b, label in raw:
        if a and b:
            strict, weight = (0.8, 0.3) if label else (0.0, 0.6)
            pairs.append(Pair(a, b, strict, float(label), weight, "quora", root(a)))
    return pairs


def quora_split(pair: Pair) -> str:
    place = part_of(pair.unit)
    return "test" if place < 0.04 else "calibrate" if place < 0.05 else "train"


def read_mrpc(folder: Path) -> list[Pair]:
    return [
        Pair(r["a"], r["b"], 0.6 if r["label"] else 0.0, float(r["label"]), 0.3, "mrpc", str(n))
        for n, r in enumerate(rows(folder / "mrpc_train.jsonl.gz"))
    ]


def sql_split(domain: str, row: dict) -> str:
    """Whole domains are held out, and of the largest but one two query shapes in five."""
    if domain in HELD_OUT_DOMAINS:
        return "test"
    shapes = [re.sub(r'"[^"]*"|[0-9]+', "?", row[name]) for name in ("sql_a", "sql_b")]
    if domain == "advising" and any(part_of(shape) < 0.4 for shape in shapes):
        return "test"
    return "train"


def read_sql(folder: Path) -> list[tuple[str, Pair]]:
    """(split, pair)."""
    found = []
    for n, row in enumerate(rows(folder / "text2sql.jsonl.gz")):
        if row.get("suspect"):
            continue
        label = float(row["label"])
        pair = Pair(
            row["a"].strip(), row["b"].strip(), 0.97 if label else 0.0, None, 0.8, "text2sql", f"sql{n}", row["kind"]
        )
        found.append((sql_split(row["domain"], row), pair))
    return found


def read_checklist(folder: Path, cap: int = 100) -> list[Pair]:
    """At most ``cap`` rows of a test."""
    tests: dict[str, list[dict]] = defaultdict(list)
    for name in ("checklist_mft_pairs.jsonl.gz", "checklist_dir_pairs.jsonl.gz"):
        for row in rows(folder / name):
            tests[row["test"]].append(row)
    rng = random.Random(3)
    pairs = []
    for test, members in sorted(tests.items()):
        pairs += [
            Pair(row["a"], row["b"], 0.95 if row["label"] else 0.0, None, 0.5, "checklist", test)
            for row in rng.sample(members, min(cap, len(members)))
        ]
    return pairs


def read_entity_edits(folder: Path, cap: int) -> list[Pair]:
    found = [(row["a"], row["b"]) for row in rows(folder / "checklist_entity_edit_pairs.jsonl.gz")]
    random.Random(5).shuffle(found)
    return [Pair(a, b, 0.0, 0.0, 0.5, "entity-edit", a) for a, b in found[:cap]]


def read_bash(folder: Path) -> list[list[str]]:
    """Descriptions of one command each; commands with a single description too."""
    return [
        [text.strip() for text in row["descriptions"] if text.strip()]
        for row in rows(folder / "nl2bash_commands.jsonl.gz")
    ]


def read_mock(folder: Path) -> list[Pair]:
    return [
        Pair(row["origin"], row["similar"], 0.9, 1.0, 0.5, "mock", str(n))
        for n, row in enumerate(rows(folder / "gptcache_mock.jsonl.gz"))
    ]


def held_out(split: str) -> dict[str, list[Pair]]:
    """Everything that is measured, by data set; ``split`` is ``calibrate`` or ``test``."""
    rng = random.Random(11)
    found: dict[str, list[Pair]] = {}
    for family in read_families([FAMILIES]):
        if split_of(family) == split:
            name = OWN_SETS.get(family.source, "programming")
            found.setdefault(name, []).extend(measured_pairs(family, rng))
    if split == "test":
        found["text2sql"] = [pair for part, pair in read_sql(PAIRS) if part == "test"]
    found["quora"] = [replace(pair, strict=pair.loose) for pair in read_quora(PAIRS) if quora_split(pair) == split]
    return found
