"""What a whole store does, where pairs say little: ``python packaging/models/measure_store.py`` (some minutes).

Pairs that were written to deceive say what the judge is worth, not how often it is asked such things. Here a store is
filled, with one wording of each question, and asked questions it was not filled with, by the code of
`reflexd eval --cache-sim`: the nearest five, guards, the verifier on two, the best score serves.

- *near-misses and the right one*: the store holds every held-out family's own question, all its near-misses, and
  thousands of other families'; asked is another wording of that question, of which only one entry is right;
- *near-misses alone*: the same without any right one, so that whatever is served is wrong;
- *strangers*: one Quora question of each of thousands of components; asked is one of components that are not there.
  What is served is listed with ``--list``: components are not always what Quora's labels say, so it wants reading.
"""

import argparse
import random
from collections.abc import Iterator

import data
from measuring import models
from paths import FAMILIES, PAIRS

from reflexd_core.meaning.trials import Count, interval
from reflexd_io.cli.cache_sim import Labels, Shelf
from reflexd_io.cli.pairs import LabelledPair
from reflexd_io.inference import manifest
from reflexd_io.inference.judge import Judge
from reflexd_io.inference.manifest import WEIGHTS

OTHERS = 5_000
"""Questions of other families that are in the store too."""
STRANGERS = 20_000
ASKED = 5_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="print what was served wrongly")
    args = parser.parse_args()
    calibration = manifest.load(WEIGHTS, "verifier").calibration
    assert calibration is not None, "run calibrate.py first"
    judge = Judge(*models(), calibration)
    rng = random.Random(11)
    families = data.read_families([FAMILIES])
    labels = Labels([pair for family in families for texts in _classes(family) for pair in _pairs(texts)])
    held = [family for family in families if data.split_of(family) == "test" and len(family.same) > 1]
    others = [texts[0] for family in families if data.split_of(family) == "train" for texts in _classes(family)]
    near = [*(texts[0] for family in held for _, texts in family.near), *rng.sample(others, OTHERS)]
    asked = [rng.choice(family.same[1:]) for family in held]
    alone = [text for text in near if not any(labels.serves(text, question) for question in asked)]
    print("| store | entries | asked | served right | served wrong (95 %) | not served |\n|---|---|---|---|---|---|")
    for name, store, questions in (
        ("near-misses and the right one", [*(family.same[0] for family in held), *near], asked),
        ("near-misses alone", alone, asked),
        ("strangers", *_strangers(rng)),
    ):
        _row(name, judge, labels, store, questions, listed=args.list)


def _classes(family: data.Family) -> Iterator[list[str]]:
    return (texts for _, texts in family.classes())


def _pairs(texts: list[str]) -> Iterator[LabelledPair]:
    return (LabelledPair(texts[0], text, label=True, unit="", named=False) for text in texts[1:])


def _strangers(rng: random.Random) -> tuple[list[str], list[str]]:
    one_of: dict[str, data.Pair] = {}
    for pair in data.read_quora(PAIRS):
        one_of.setdefault(pair.unit, pair)
    held = [pair.a for pair in one_of.values() if data.quora_split(pair) == "test"]
    stored = [pair.a for pair in one_of.values() if data.quora_split(pair) != "test"]
    return rng.sample(stored, min(STRANGERS, len(stored))), rng.sample(held, min(ASKED, len(held)))


def _row(name: str, judge: Judge, labels: Labels, store: list[str], asked: list[str], *, listed: bool) -> None:
    shelf = Shelf(judge, list(dict.fromkeys(store)))
    found = [each for each in zip(shelf.serve(asked), asked, strict=True) if each[0] is not None]
    wrong = [(served, text) for served, text in found if served is not None and not labels.serves(served, text)]
    bounds = interval(Count(len(wrong), len(asked)))
    share = f"{len(wrong)} = {len(wrong) / len(asked):.2%} ({bounds.low:.2%}–{bounds.high:.2%})"
    print(
        f"| {name} | {len(shelf.questions)} | {len(asked)} | {len(found) - len(wrong)} | {share} "
        f"| {len(asked) - len(found)} |",
        flush=True,
    )
    if listed:
        for served, text in wrong:
            print(f"    {served!r} served {text!r}", flush=True)


if __name__ == "__main__":
    main()
