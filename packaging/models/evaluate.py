"""The tables of packaging/models/README.md: every held-out set, judged by the code that serves.

``python packaging/models/evaluate.py`` prints Markdown: each method beside the others, what is served at other base
rates, and whether a score means what it says. What counts as one trial is the connected component of questions (see
`components`). ``--dump FOLDER`` writes the sets as JSONL for `reflexd judge` and `reflexd eval` instead.
"""

import argparse
import json
import random
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

import data
from components import unseen
from measuring import models

from reflexd_core.meaning.curves import average_precision, calibration_error, recall_at, reliability
from reflexd_core.meaning.trials import BASE_RATES, Count, Scored, interval, precision_at, wrong_among
from reflexd_io.inference import manifest
from reflexd_io.inference.judge import Judge, Judged
from reflexd_io.inference.manifest import WEIGHTS

MOST = 2400
"""Pairs of one set that are judged, drawn from all of it."""
COMMON_COSINE = 0.90
"""A threshold that others ship."""
Rows = list[tuple[data.Pair, Judged]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dump", type=Path)
    args = parser.parse_args()
    rng = random.Random(11)
    everything = data.held_out("test")
    sets = {name: rng.sample(pairs, min(MOST, len(pairs))) for name, pairs in unseen(everything).items()}
    if args.dump is not None:
        _dump(args.dump, sets)
        return
    calibration = manifest.load(WEIGHTS, "verifier").calibration
    assert calibration is not None, "run calibrate.py first"
    judge = Judge(*models(), calibration)
    found = {}
    for name, pairs in sets.items():
        found[name] = list(zip(pairs, judge.judge([(pair.a, pair.b) for pair in pairs]), strict=True))
    _table(
        "set|pairs (components), of|cosine AP|cosine ≥ 0.90: precision, recall|normal form: found, wrong|verifier AP"
        "|R@0.90|R@0.95|without guards: precision, recall|as served: precision, recall|by component (95 %)",
        (_methods(name, rows, len(everything[name]), calibration.needed) for name, rows in found.items()),
    )
    _table(
        "set|" + "|".join(f"{rate:.0%}" for rate in BASE_RATES),
        (_at_base_rates(name, rows) for name, rows in found.items()),
    )
    own = [row for name, rows in found.items() if name not in {"text2sql", "quora"} for row in rows]
    _reliability("hand-written families", own)
    _reliability("text2sql", found["text2sql"])


def _methods(name: str, rows: Rows, before: int, needed: float) -> list[str]:
    labels = [_same(pair) for pair, _ in rows]
    cosine = [judged.similarity if judged.similarity is not None else -1.0 for _, judged in rows]
    scores = [judged.score for _, judged in rows]
    forms = [pair for pair, judged in rows if judged.reason == "normal-form"]
    served = [pair for pair, judged in rows if judged.accepted]
    return [
        name,
        f"{len(rows)} ({len({pair.unit for pair, _ in rows})}), {before}",
        f"{average_precision(cosine, labels) or 0.0:.3f}",
        _accepted([pair for pair, judged in rows if (judged.similarity or 0.0) >= COMMON_COSINE], sum(labels)),
        f"{sum(map(_same, forms))}, {sum(not _same(pair) for pair in forms)}",
        f"{average_precision(scores, labels) or 0.0:.3f}",
        f"{recall_at(scores, labels, 0.90) or 0.0:.2f}",
        f"{recall_at(scores, labels, 0.95) or 0.0:.2f}",
        _accepted([pair for pair, judged in rows if judged.score >= needed], sum(labels)),
        _accepted(served, sum(labels)),
        _by_component(served),
    ]


def _accepted(pairs: Sequence[data.Pair], positives: int) -> str:
    right = sum(map(_same, pairs))
    return f"{right / len(pairs):.3f}, {right / positives:.2f}" if pairs else "–, 0.00"


def _by_component(served: Sequence[data.Pair]) -> str:
    """One accepted pair of each component is drawn."""
    wrong = wrong_among((Scored(1.0, _same(pair), pair.unit, f"{pair.a}\0{pair.b}") for pair in served), 1.0)
    if not wrong.total:
        return "–"
    bounds = interval(Count(wrong.total - wrong.of, wrong.total))
    return f"{wrong.total - wrong.of} of {wrong.total} ({bounds.low:.3f}–{bounds.high:.3f})"


def _at_base_rates(name: str, rows: Rows) -> list[str]:
    """Rates from all pairs, intervals from one pair of either label a component."""
    exact, drawn = (
        [Count(sum(judged.accepted for _, judged in part), len(part)) for part in _by_label(some)]
        for some in (rows, _one_of_each(rows))
    )
    cells = [name]
    for rate in BASE_RATES:
        point, bounds = precision_at(rate, *exact).precision, precision_at(rate, *drawn).interval
        cells.append(f"{'–' if point is None else f'{point:.3f}'} ({bounds.low:.2f}–{bounds.high:.2f})")
    return cells


def _by_label(rows: Rows) -> tuple[Rows, Rows]:
    return [row for row in rows if _same(row[0])], [row for row in rows if not _same(row[0])]


def _one_of_each(rows: Rows) -> Rows:
    ordered = sorted(rows, key=lambda row: blake2b(f"{row[0].a}\0{row[0].b}".encode(), digest_size=8).digest())
    return list({(row[0].unit, _same(row[0])): row for row in ordered}.values())


def _reliability(name: str, rows: Rows) -> None:
    table = reliability([judged.score for _, judged in rows], [_same(pair) for pair, _ in rows])
    print(f"{name}, {len(rows)} pairs: scores are {calibration_error(table) or 0.0:.3f} from the truth on average\n")
    _table(
        "score|pairs|mean score|truly the same (95 %)",
        (
            [
                f"{row.low:.1f}–{row.high:.1f}",
                str(row.right.total),
                f"{row.score or 0.0:.2f}",
                f"{row.right.rate or 0.0:.2f} ({row.interval.low:.2f}–{row.interval.high:.2f})",
            ]
            for row in table
            if row.right.total
        ),
    )


def _same(pair: data.Pair) -> bool:
    return (pair.strict or 0) > 0.5


def _table(head: str, rows: Iterable[list[str]]) -> None:
    columns = head.split("|")
    print("| " + " | ".join(columns) + " |")
    print("|---" * len(columns) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
    print()


def _dump(folder: Path, sets: dict[str, list[data.Pair]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, pairs in sets.items():
        rows = [
            {"a": pair.a, "b": pair.b, "label": int(_same(pair)), "unit": pair.unit, "kind": pair.kind}
            for pair in pairs
        ]
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name.replace(' ', '-')}.jsonl").write_text(lines, "utf-8")


if __name__ == "__main__":
    main()
