"""Two runs of training side by side: what leaving something out did, on pairs that neither has seen.

``python packaging/models/compare_runs.py FOLDER OTHER [--kinds negation,value]`` prints, of the checkpoints in two
folders below the build folder, the average precision by set, and by kind of near-miss among the hand-written ones,
with a 95 % interval of the difference, resampled by component of questions (see `components`).
"""

import argparse
import random
from collections import defaultdict

import augment
import data
import numpy as np
import torch
from components import unseen
from examples import load_tokenizer
from measure import average_precision
from model import Verifier, base_encoder
from paths import BASE, BUILD, FAMILIES
from scoring import scores

MOST = 800
"""Pairs of one set that are scored."""
RESAMPLED = 400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs=2)
    parser.add_argument("--kinds", default="", help="kinds of near-misses that are told apart")
    parser.add_argument("--lexicons", default="", help="pairs in which a name of these stands are told apart")
    parser.add_argument("--templates", action="store_true", help="pairs of families with slots are told apart")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rng = random.Random(5)
    held_out = unseen(data.held_out("test"))
    sets = {name: rng.sample(pairs, min(MOST, len(pairs))) for name, pairs in held_out.items()}
    written = [pair for name, pairs in held_out.items() if name not in {"text2sql", "quora"} for pair in pairs]
    same = rng.sample([pair for pair in written if pair.strict == 1.0], MOST // 2)
    for kind in filter(None, args.kinds.split(",")):
        near = [pair for pair in written if pair.kind == kind and pair.strict == 0.0]
        sets[f"near-misses: {kind}"] = same + rng.sample(near, min(MOST // 2, len(near)))
    lexicons = frozenset(filter(None, args.lexicons.split(",")))
    if lexicons:
        sets[f"names: {', '.join(sorted(lexicons))}"] = _some(
            [pair for pair in written if augment.names_of(lexicons, (pair.a, pair.b))], rng
        )
    if args.templates:
        slotted = {text for each in data.read_families([FAMILIES]) if each.is_filled for text in each.texts()}
        sets["families with slots"] = _some([pair for pair in written if pair.a in slotted], rng)
    print(f"| set | pairs | AP, {args.runs[0]} | AP, {args.runs[1]} | difference (95 %) |\n|---|---|---|---|---|")
    verifiers = [_load(run) for run in args.runs]
    tokenizer = load_tokenizer()
    for name, pairs in sets.items():
        found = [scores(verifier, tokenizer, pairs)[0] for verifier in verifiers]
        one, other = (average_precision(strict, _labels(pairs)) for strict in found)
        low, high = _interval(pairs, *found)
        print(f"| {name} | {len(pairs)} | {one:.3f} | {other:.3f} | {other - one:+.3f} ({low:+.3f} to {high:+.3f}) |")


def _some(pairs: list[data.Pair], rng: random.Random) -> list[data.Pair]:
    return rng.sample(pairs, min(MOST, len(pairs)))


def _load(run: str) -> Verifier:
    verifier = Verifier(base_encoder(BASE))
    verifier.load_state_dict(torch.load(BUILD / run / "verifier.pt")["verifier"])
    return verifier


def _labels(pairs: list[data.Pair]) -> list[int]:
    return [int((pair.strict or 0) > 0.5) for pair in pairs]


def _interval(pairs: list[data.Pair], one: list[float], other: list[float]) -> tuple[float, float]:
    units: dict[str, list[int]] = defaultdict(list)
    for place, pair in enumerate(pairs):
        units[pair.unit].append(place)
    names, labels = sorted(units), _labels(pairs)
    chance = np.random.default_rng(3)
    apart = []
    for _ in range(RESAMPLED):
        places = [place for unit in chance.integers(len(names), size=len(names)) for place in units[names[unit]]]
        drawn = [labels[place] for place in places]
        if any(drawn):
            first, second = (average_precision([run[place] for place in places], drawn) for run in (one, other))
            apart.append(second - first)
    low, high = np.quantile(apart, [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
