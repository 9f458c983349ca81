"""The table of packaging/models/README.md: every held-out set, judged by the code that serves.

``python packaging/models/evaluate.py`` prints Markdown. `cosine` and `normal form` stand alone beside the verifier
without and with guards, so that each can be seen for what it brings. ``--dump FOLDER`` writes the sets as JSONL for
`reflexd judge` and `reflexd eval` instead.
"""

import argparse
import json
import random
from pathlib import Path

import data
from measuring import models

from reflexd_core.meaning.curves import average_precision, recall_at
from reflexd_core.meaning.trials import Count, interval
from reflexd_io.inference import manifest
from reflexd_io.inference.judge import Judge, Judged
from reflexd_io.inference.manifest import WEIGHTS

MOST = 2400
"""Pairs of one set that are judged, drawn from all of it."""
COLUMNS = (
    "set",
    "pairs",
    "cosine AP",
    "verifier AP",
    "R@0.90",
    "R@0.95",
    "normal form: found, wrong",
    "verifier alone: precision, recall",
    "as served: precision (95 % interval), recall",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dump", type=Path)
    args = parser.parse_args()
    rng = random.Random(11)
    sets = {name: rng.sample(pairs, min(MOST, len(pairs))) for name, pairs in data.held_out("test").items()}
    if args.dump is not None:
        _dump(args.dump, sets)
        return
    calibration = manifest.load(WEIGHTS, "verifier").calibration
    assert calibration is not None, "run calibrate.py first"
    judge = Judge(*models(), calibration)
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    for name, pairs in sets.items():
        judged = judge.judge([(pair.a, pair.b) for pair in pairs])
        labels = [(pair.strict or 0) > 0.5 for pair in pairs]
        print(_row(name, judged, labels, calibration.needed))


def _row(name: str, judged: list[Judged], labels: list[bool], needed: float) -> str:
    cosine = [each.similarity if each.similarity is not None else -1.0 for each in judged]
    scores = [each.score if each.score is not None else 0.0 for each in judged]
    forms = [label for each, label in zip(judged, labels, strict=True) if each.reason == "normal-form"]
    alone = [label for score, label in zip(scores, labels, strict=True) if score >= needed]
    served = [label for each, label in zip(judged, labels, strict=True) if each.accepted]
    bounds = interval(Count(sum(served), len(served))) if served else None
    cells = [
        name,
        str(len(labels)),
        f"{average_precision(cosine, labels) or 0.0:.3f}",
        f"{average_precision(scores, labels) or 0.0:.3f}",
        f"{recall_at(scores, labels, 0.90) or 0.0:.2f}",
        f"{recall_at(scores, labels, 0.95) or 0.0:.2f}",
        f"{sum(forms)}, {len(forms) - sum(forms)}",
        _precision_recall(alone, sum(labels)),
        _precision_recall(served, sum(labels), f" ({bounds.low:.3f}–{bounds.high:.3f})" if bounds else ""),
    ]
    return "| " + " | ".join(cells) + " |"


def _precision_recall(accepted: list[bool], positives: int, bounds: str = "") -> str:
    if not accepted:
        return "–, 0.00"
    return f"{sum(accepted) / len(accepted):.3f}{bounds}, {sum(accepted) / positives:.2f}"


def _dump(folder: Path, sets: dict[str, list[data.Pair]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, pairs in sets.items():
        rows = [
            {"a": pair.a, "b": pair.b, "label": int((pair.strict or 0) > 0.5), "unit": pair.unit, "kind": pair.kind}
            for pair in pairs
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name.replace(' ', '-')}.jsonl").write_text(lines, "utf-8")


if __name__ == "__main__":
    main()
