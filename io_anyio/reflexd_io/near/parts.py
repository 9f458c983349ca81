"""Parts: a large scope's vectors in files of their own, as a graph where one pays, else side by side.

A graph (HNSW, usearch) finds the nearest of 100,000 in 0.7 ms where a scan takes 1.8 ms, but only where vectors lie
in clusters, as those of real questions do: among 60,000 random ones it needs 79 ms for a recall of 0.99, a scan
1.1 ms. So each graph is tried when it is made: the smallest expansion that finds what a scan finds is kept with it,
and where none does in less time, the scan stays.

A part holds what its scope had with ids from ``first`` to ``last``, so nothing else need remember which those were.
It holds at most `LARGEST`, which bounds the memory that making one takes. A graph's time grows with the logarithm of
what it holds, so few large ones are quicker: a million vectors took 6.4 ms of CPU in eight graphs for a recall of
0.988, and take 2.2 in two for 0.997 (`tests/bench/near.py`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reflexd_io.near.codes import Codes, Found, Ids, Query, encode, scan
from reflexd_io.near.files import Unusable, draft, mapped
from reflexd_io.near.groups import Group, write_tail
from reflexd_io.near.vectors import Floats

LARGEST = 524_288
"""Vectors in a part; a daemon that makes its graph takes 395 MB."""
EXPANSIONS = (48, 96, 144, 192, 384, 768)
"""Candidates that a graph holds during a search; more find more, and take longer in proportion."""
RECALL = 0.994
"""Of the nearest that a scan finds, how many a graph must find to be kept."""

_PAYS = 256
"""Vectors that a scan sees in the time that a graph takes for one candidate more."""
_CONNECTIVITY = 16
_EXPANSION_ADD = 128
_FIRST_TRIAL = 16_384
"""Vectors after which a graph that has no prospects is given up."""
_TRIALS = 1024
_NEAREST = 5
_AMONG = 21
"""A graph is asked for that many to find the nearest five, as a search does (see `index`)."""
_NOISE = 0.5
"""How far a trial's question is from a stored one: a cosine of 0.89, as between rewordings."""
_STEP = 256
"""Vectors added between two looks at whether to go on: about 0.2 s."""

Rows = tuple[Ids, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    name: str
    count: int
    first: int
    last: int
    expansion: int
    """With which the graph is searched; 0 where there is none."""


class Part:
    """An open part. Raises `Unusable`, or `OSError`; the file must have been verified."""

    def __init__(self, folder: Path, facts: PartFacts, dimension: int) -> None:
        self.facts = facts
        self._graph: Any = None
        self._group: Group | None = None
        path = folder / facts.name
        if not facts.expansion:
            self._group = Group(mapped(path), 0, facts.count, dimension)
            return
        self._graph = _new_graph(dimension)
        try:
            self._graph.view(str(path))
        except RuntimeError as error:
            raise Unusable(f"{facts.name}: {error}") from error
        self._graph.expansion_search = facts.expansion

    def search(self, query: Query, count: int) -> Found:
        if self._group is not None:
            return self._group.search(query, count)
        return _search(self._graph, query.codes[0], count)


def make_part(folder: Path, blocks: Iterable[Rows], dimension: int, go_on: Callable[[], None]) -> PartFacts | None:
    """Write a part of these rows, whose ids ascend; None where there are none. ``go_on`` may raise, to stop it.

    Raises `OSError`.
    """
    with draft(folder) as flat, draft(folder) as graph:
        ids, scales = _spool(flat.path, blocks)
        if not len(ids):
            return None
        expansion = _make_graph(graph.path, flat.path, ids, scales, dimension, go_on)
        if expansion:
            name = graph.finish(".graph")
        else:
            with flat.path.open("ab") as file:
                write_tail(file, ids, scales)
            name = flat.finish(".flat")
        return PartFacts(name=name, count=len(ids), first=int(ids[0]), last=int(ids[-1]), expansion=expansion)


def _spool(path: Path, blocks: Iterable[Rows]) -> tuple[Ids, Floats]:
    """Write the codes, keep the rest."""
    ids: list[Ids] = [np.empty(0, np.int64)]
    scales: list[Floats] = [np.empty(0, np.float32)]
    with path.open("wb") as file:
        for block_ids, vectors in blocks:
            codes, block_scales = encode(vectors)
            file.write(codes.tobytes())
            ids.append(block_ids)
            scales.append(block_scales)
    return np.concatenate(ids), np.concatenate(scales)


def _make_graph(path: Path, flat: Path, ids: Ids, scales: Floats, dimension: int, go_on: Callable[[], None]) -> int:
    """The expansion with which the graph that was written is to be searched; 0 where none was, as it does not pay."""
    codes: Codes = np.frombuffer(mapped(flat), np.int8).reshape(len(ids), dimension)
    paying = [each for each in EXPANSIONS if each * _PAYS <= len(ids)]
    if not paying:
        return 0
    graph = _new_graph(dimension)
    expansion = 0
    for start in range(0, len(ids), _STEP):
        go_on()
        end = min(start + _STEP, len(ids))
        graph.add(ids[start:end], codes[start:end], threads=1)
        if end == len(ids) or start < _FIRST_TRIAL <= end:
            expansion = _try(graph, paying, codes[:end], ids[:end], scales[:end], go_on)
            if not expansion:
                return 0
    graph.save(str(path))
    return expansion


def _try(graph: Any, expansions: list[int], codes: Codes, ids: Ids, scales: Floats, go_on: Callable[[], None]) -> int:
    """The smallest of the expansions that finds enough; 0 where none does."""
    chance = np.random.default_rng(len(ids))
    stored = chance.choice(len(ids), min(_TRIALS, len(ids)), replace=False)
    noise = chance.standard_normal((len(stored), codes.shape[1]), dtype=np.float32) * (_NOISE / codes.shape[1] ** 0.5)
    asked, asked_scales = encode(codes[stored] * scales[stored, None] + noise)
    wanted = min(_NEAREST, len(ids))
    found = dict.fromkeys(expansions, 0)
    for row, scale in zip(asked, asked_scales, strict=True):
        go_on()
        similarities = scan(codes, scales, row[None], float(scale))
        worst = np.partition(similarities, len(ids) - wanted)[-wanted]  # not which: many may be equally near
        for expansion in expansions:
            graph.expansion_search = expansion
            places = np.searchsorted(ids, _search(graph, row, _AMONG).ids)
            found[expansion] += min(wanted, int((similarities[places] >= worst).sum()))
    return next((each for each in expansions if found[each] >= RECALL * wanted * len(asked)), 0)


def _search(graph: Any, codes: Codes, count: int) -> Found:
    matches = graph.search(codes, count, threads=1)
    return Found(matches.keys.astype(np.int64), (1 - matches.distances).astype(np.float32))


def _new_graph(dimension: int) -> Any:
    from reflexd_io import native  # noqa: PLC0415 - few tenants ever need it

    return native.usearch().Index(
        ndim=dimension,
        metric="cos",
        dtype="i8",
        connectivity=_CONNECTIVITY,
        expansion_add=_EXPANSION_ADD,
        enable_key_lookups=False,  # would hold a table of all ids in memory
    )
