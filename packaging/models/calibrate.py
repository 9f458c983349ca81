"""Calibration: what the shipped verifier's logits mean, and the threshold, written into its manifest.

The curve is logistic over strict logit, loose logit and cosine, none of them with a negative weight; which of the
three count is decided by leaving out one data set at a time. It is fitted on a fifth of the calibration families,
and the threshold is chosen on the others by learn-then-test: down a fixed grid for as long as, at 95 % confidence, at
most `TARGET` of the families whose pairs reach the verifier would see a wrong answer (forms and guards speak before
it, and their pairs do not count). Neither split was trained on, nor is it measured.

It runs the shipped files through the code that serves (`reflexd_io.inference`), so what it fits is what is served.
"""

import json
import math
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import agree
import data
import numpy as np
from measuring import Scores, score_all
from numpy.typing import NDArray
from paths import WEIGHTS

from reflexd_core.meaning.calibration import Calibration, probability
from reflexd_core.meaning.guards import refusal
from reflexd_core.meaning.normal_form import normal_form
from reflexd_core.meaning.trials import Choice, Scored, choose_threshold

TARGET = 0.075
"""At 95 % confidence, so that about half of it is what is to be expected. Half of the calibration pairs are
near-misses written to deceive; less was supported only where next to nothing is served (see README.md)."""
BAND = 0.01
"""How far the backends may differ in probability, at least; more where `agree` finds more."""
FITTED = 0.2
"""Of the families: two numbers are fitted, which takes few, and every other one sharpens the test."""
FEATURES = ("strict", "loose", "cosine")

Rows = NDArray[np.float64]


def main() -> None:
    found = {name: score_all(pairs) for name, pairs in data.held_out("calibrate").items() if name != "quora"}
    to_fit = {name: scores.of(lambda unit: data.part_of("fit " + unit) < FITTED) for name, scores in found.items()}
    to_test = [scores.of(lambda unit: data.part_of("fit " + unit) >= FITTED) for scores in found.values()]
    used = choose_features(to_fit)
    calibration = fit(list(to_fit.values()), used)
    choice = threshold_of(to_test, calibration)
    for step in choice.steps:
        print(f"  {step.threshold}: {step.wrong.of} of {step.wrong.total}, bound {step.bound:.3f}")
    if choice.threshold is None:
        raise SystemExit("no threshold is supported by the calibration families: the verifier is not good enough")
    calibration = replace(calibration, threshold=choice.threshold)
    calibration = replace(calibration, band=max(BAND, round(agree.band(calibration, *agree.both()), 4)))
    path = WEIGHTS / "verifier.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["calibration"] = {name: getattr(calibration, name) for name in calibration.__dataclass_fields__}
    path.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", "utf-8")
    last = next(step for step in choice.steps if step.threshold == choice.threshold)
    print(f"features {', '.join(used)}: {calibration}")
    print(
        f"threshold {choice.threshold}: {last.wrong.of} of {last.wrong.total} families wrong, bound {last.bound:.3f}"
    )


def choose_features(sets: dict[str, Scores]) -> tuple[str, ...]:
    """The smallest choice whose log loss on data sets that it was not fitted on is within 1 % of the best."""
    losses: dict[tuple[str, ...], float] = {}
    for size in range(1, len(FEATURES) + 1):
        for used in combinations(FEATURES, size):
            if "strict" not in used:
                continue
            outside = [
                _loss(sets[left_out], fit([scores for name, scores in sets.items() if name != left_out], used))
                for left_out in sets
            ]
            losses[used] = sum(outside) / len(outside)
            print(f"  {', '.join(used):24} log loss {losses[used]:.4f} on data sets left out")
    best = min(losses.values())
    return next(used for used, loss in losses.items() if loss <= best * 1.01)


def fit(sets: list[Scores], used: tuple[str, ...]) -> Calibration:
    """Logistic regression with weights of at least 0, every data set and both labels counting alike."""
    rows = np.concatenate([_rows(scores, used) for scores in sets])
    labels = np.concatenate([scores.labels for scores in sets]).astype(np.float64)
    weights = np.concatenate([_balanced(scores.labels) / len(sets) for scores in sets])
    found = np.zeros(len(used) + 1)
    active = np.ones(len(found), bool)
    for _ in range(100):
        p = 1 / (1 + np.exp(-(rows @ found)))
        slope = (rows.T * weights) @ (p - labels) + 1e-4 * found
        curve = (rows.T * (weights * p * (1 - p))) @ rows + 1e-4 * np.eye(len(found))
        step = np.zeros(len(found))
        step[active] = np.linalg.solve(curve[np.ix_(active, active)], slope[active])
        found = found - step
        negative = found[:-1] < 0
        found[:-1][negative] = 0.0
        active[:-1] &= ~negative  # once it wanted to be negative it stays out: a fit that wants that has found noise
        if np.abs(step).max() < 1e-8:
            break
    named = dict(zip(used, found.tolist(), strict=False))
    return Calibration(
        strict=named.get("strict", 0.0),
        loose=named.get("loose", 0.0),
        cosine=named.get("cosine", 0.0),
        intercept=float(found[-1]),
        threshold=1.0,
    )


def threshold_of(sets: list[Scores], calibration: Calibration) -> Choice:
    trials = [
        Scored(score=score, label=bool(label), unit=pair.unit, pair=f"{pair.a}\0{pair.b}")
        for scores in sets
        for pair, label, score in zip(scores.pairs, scores.labels, probabilities(scores, calibration), strict=True)
        if reaches_the_verifier(pair)
    ]
    return choose_threshold(trials, target=TARGET)


def reaches_the_verifier(pair: data.Pair) -> bool:
    """Whether its score decides: neither equal in form nor refused by a guard."""
    form = normal_form(pair.a)
    return refusal(pair.a, pair.b) is None and (form is None or form != normal_form(pair.b))


def probabilities(scores: Scores, calibration: Calibration) -> list[float]:
    columns = zip(scores.strict.tolist(), scores.loose.tolist(), scores.cosine.tolist(), strict=True)
    return [probability(strict, loose, cosine, calibration) for strict, loose, cosine in columns]


def _loss(scores: Scores, calibration: Calibration) -> float:
    weights = _balanced(scores.labels).tolist()
    right = [
        p if label else 1 - p for p, label in zip(probabilities(scores, calibration), scores.labels, strict=True)
    ]
    return -sum(weight * math.log(max(p, 1e-9)) for weight, p in zip(weights, right, strict=True))


def _rows(scores: Scores, used: tuple[str, ...]) -> Rows:
    return np.stack([*(getattr(scores, name) for name in used), np.ones(len(scores.labels))], axis=1)


def _balanced(labels: NDArray[np.bool_]) -> Rows:
    share = labels.mean()
    return np.where(labels, 0.5 / share, 0.5 / (1 - share)) / len(labels)


if __name__ == "__main__":
    assert Path(WEIGHTS).is_dir(), "run export.py first"
    main()
