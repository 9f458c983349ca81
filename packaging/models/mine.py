"""Mining: the pairs of the training families that a checkpoint gets wrong, as groups for the next round.

``python mine.py --model build/two/verifier.pt --out build/mined.json``. A group is a pair that is the same, the one
of its family that scored lowest, with the near-misses that scored highest; families without a mistake are left out.
"""

import argparse
import json
import random
from dataclasses import asdict
from pathlib import Path

import data
import torch
from examples import load_tokenizer
from model import Verifier, base_encoder
from paths import BASE, FAMILIES
from scoring import scores

POSITIVES, NEGATIVES = 5, 14
"""Pairs of a family that are scored."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most", type=int, default=2400, help="families that are looked at")
    args = parser.parse_args()
    torch.set_num_threads(2)
    rng = random.Random(17)
    families = [f for f in data.read_families([FAMILIES]) if data.split_of(f) == "train"]
    rng.shuffle(families)
    asked: list[data.Pair] = []
    owners: list[int] = []
    for number, family in enumerate(families[: args.most]):
        pairs = list(data.all_pairs(family))
        same = [p for p in pairs if p.strict == 1.0]
        near = [p for p in pairs if p.strict == 0.0]
        for pair in rng.sample(same, min(POSITIVES, len(same))) + rng.sample(near, min(NEGATIVES, len(near))):
            asked.append(pair)
            owners.append(number)
    verifier = Verifier(base_encoder(BASE))
    verifier.load_state_dict(torch.load(args.model)["verifier"])
    strict, _ = scores(verifier, load_tokenizer(), asked)
    groups = []
    for number in range(min(args.most, len(families))):
        mine = [(score, pair) for score, pair, owner in zip(strict, asked, owners, strict=True) if owner == number]
        same = sorted(((s, p) for s, p in mine if p.strict == 1.0), key=lambda item: item[0])
        near = sorted(((s, p) for s, p in mine if p.strict == 0.0), key=lambda item: -item[0])
        if not same or not near or same[0][0] > near[0][0] + 2.0:
            continue
        group = [p for _, p in same[:2]] + [p for s, p in near[:3] if s > same[0][0] - 2.0]
        groups.append([asdict(pair) for pair in group])
    args.out.write_text(json.dumps(groups))
    print(f"{len(groups)} of {min(args.most, len(families))} families hold a mistake; {len(asked)} pairs scored")


if __name__ == "__main__":
    main()
