"""What the trainer sees: an endless, shuffled stream of groups of pairs.

A *group* shares an anchor: one pair that is the same and near-misses of it, so that a margin between them can be
asked for. Sources are mixed by weight; every text may be augmented on its way (see `augment`).
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import augment
from data import Family, Pair

Group = list[Pair]
Source = Callable[[random.Random], Group]


def family_source(families: list[Family], neighbours: dict[str, list[str]]) -> Source:
    """``neighbours``: texts of other families that look like a text, by text."""
    usable = [family for family in families if len(family.same) > 1 and family.near]

    def draw(rng: random.Random) -> Group:
        family = rng.choice(usable)
        doubles = [texts for _, texts in family.near if len(texts) > 1]
        if doubles and rng.random() < 0.25:
            a, b = rng.sample(rng.choice(doubles), 2)
            wrong = [
                rng.choice(family.same),
                rng.choice([t for _, ts in family.near for t in ts if t not in (a, b)] or family.same),
            ]
        else:
            a, b = rng.sample(family.same, 2)
            wrong = [rng.choice(texts) for _, texts in rng.sample(family.near, min(2, len(family.near)))]
        group = [_pair(a, b, 1.0)]
        group += [_pair(rng.choice((a, b)), text, 0.0) for text in wrong]
        if rng.random() < 0.25 and neighbours.get(a):
            group.append(_pair(a, rng.choice(neighbours[a]), 0.0, weight=0.7))
        if rng.random() < 0.3 and (swapped := augment.slot_swap(a, b, rng, conflict=True)):
            group.append(_pair(*swapped, 0.0))
        if rng.random() < 0.2 and len(wrong) > 1 and wrong[0] != wrong[1]:
            group.append(_pair(wrong[0], wrong[1], 0.0))
        return group

    return draw


def mined_source(triples: list[Group]) -> Source:
    """Groups that an earlier round of the model got wrong."""
    return lambda rng: list(rng.choice(triples))


def pair_source(pairs: list[Pair], count: int = 3, swaps: float = 0.0) -> Source:
    """Single pairs; with ``swaps``, now and then a text against itself with two names exchanged."""

    def draw(rng: random.Random) -> Group:
        group = [rng.choice(pairs) for _ in range(count)]
        if rng.random() < swaps:
            text = rng.choice(group).a
            if swapped := augment.name_swap(text, rng):
                group.append(Pair(text, swapped, 0.05, 0.1, 0.7, "name-swap"))
                group.append(Pair(text, augment.noisy(text, rng), 1.0, 1.0, 0.4, "noise"))
        return group

    return draw


def bash_source(commands: list[list[str]], neighbours: dict[str, list[str]]) -> Source:
    several = [texts for texts in commands if len(texts) > 1]

    def draw(rng: random.Random) -> Group:
        a, b = rng.sample(rng.choice(several), 2)
        group = [Pair(a, b, 0.9, None, 0.6, "nl2bash")]
        others = neighbours.get(a, [])
        return group + [Pair(a, text, 0.03, None, 0.7, "nl2bash") for text in rng.sample(others, min(2, len(others)))]

    return draw


def stream(sources: list[tuple[float, Source, bool]], rng: random.Random) -> Iterator[tuple[Group, bool]]:
    """Groups for ever, and whether a margin is asked for within each."""
    weights = [weight for weight, _, _ in sources]
    while True:
        _, source, margin = rng.choices(sources, weights)[0]
        yield [_augmented(pair, rng) for pair in source(rng)], margin


def _augmented(pair: Pair, rng: random.Random) -> Pair:
    a, b = pair.a, pair.b
    if rng.random() < 0.15 and (swapped := augment.slot_swap(a, b, rng, conflict=False)):
        a, b = swapped
    if rng.random() < 0.22:
        a = augment.noisy(a, rng)
    if rng.random() < 0.22:
        b = augment.noisy(b, rng)
    if rng.random() < 0.5:
        a, b = b, a
    return replace(pair, a=a, b=b)


def _pair(a: str, b: str, strict: float, weight: float = 1.0) -> Pair:
    return Pair(a, b, strict, None, weight, "families")
