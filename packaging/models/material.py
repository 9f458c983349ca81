"""Material: which sources a run of training draws from, with what weights, and the held-out pairs that watch it."""

import json
import random
from dataclasses import dataclass, field
from pathlib import Path

import augment
import data
import sampling
from paths import BUILD, FAMILIES, PAIRS
from scoring import neighbours_of
from tokenizers import Tokenizer

WATCHED = 600
"""Held-out pairs of each kind that are scored on the way."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """How often each source is drawn from, in relation to the others."""

    families: float = 0.62
    quora: float = 0.2
    bash: float = 0.06
    sql: float = 0.06
    other: float = 0.03
    mined: float = 0.25


@dataclass(slots=True)
class Material:
    sources: list[tuple[float, sampling.Source, bool]] = field(default_factory=list)
    """Weight, source, and whether its groups ask for a margin."""
    watched: dict[str, list[data.Pair]] = field(default_factory=dict)


def gather(
    tokenizer: Tokenizer,
    mixture: Mixture,
    *,
    without_quora: bool,
    mined: Path | None,
    without_kinds: frozenset[str] = frozenset(),
    without_lexicons: frozenset[str] = frozenset(),
    without_templates: bool = False,
) -> Material:
    """``mined``: groups that an earlier round got wrong; what is left out is, to see what it costs.

    Kinds of near-misses; families in which a name of a lexicon stands, and swaps of such; families with slots.
    """
    augment.forget(without_lexicons)
    material = Material()
    add = material.sources.append
    families = data.read_families([FAMILIES])
    trained = [
        family
        for family in families
        if data.split_of(family) == "train"
        and not (without_templates and family.is_filled)
        and not augment.names_of(without_lexicons, family.texts())
    ]
    for family in trained:
        family.near = [(kind, texts) for kind, texts in family.near if kind not in without_kinds]
    near = neighbours_of([family.same[:2] for family in trained], tokenizer, BUILD, skip=0.88)
    bash = data.read_bash(PAIRS)
    near_bash = neighbours_of(bash, tokenizer, BUILD, skip=0.93)
    sql = data.read_sql(PAIRS)
    add((mixture.families, sampling.family_source(trained, near), True))
    add((mixture.bash, sampling.bash_source(bash, near_bash), True))
    add((mixture.sql, sampling.pair_source([pair for split, pair in sql if split == "train"]), False))
    add((mixture.other, sampling.pair_source(data.read_checklist(PAIRS) + data.read_mock(PAIRS)), False))
    add((mixture.other, sampling.pair_source(data.read_mrpc(PAIRS), swaps=0.7), False))
    if not without_quora:
        quora = [pair for pair in data.read_quora(PAIRS) if data.quora_split(pair) == "train"]
        add((mixture.quora, sampling.pair_source(quora, swaps=0.25), False))
        add((mixture.quora * 0.08, sampling.pair_source(data.read_entity_edits(PAIRS, 6000), swaps=0.5), False))
    if mined is not None:
        groups = [[data.Pair(**pair) for pair in group] for group in json.loads(mined.read_text())]
        add((mixture.mined, sampling.mined_source(groups), True))
    rng = random.Random(11)
    material.watched = {
        name: rng.sample(pairs, min(WATCHED, len(pairs))) for name, pairs in data.held_out("test").items()
    }
    return material
