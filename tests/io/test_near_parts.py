"""Parts of large scopes: a graph where it finds what a scan finds, a scan where it does not."""

from pathlib import Path

import numpy as np
import pytest

from reflexd_io.near import parts
from reflexd_io.near.codes import query_of
from reflexd_io.near.files import Unusable
from reflexd_io.near.parts import Part, PartFacts, Rows, make_part
from reflexd_io.near.vectors import pack
from support.meanings import Floats, Topics, random_vectors, reworded

DIMENSION = 48


def _blocks(vectors: Floats, first: int = 100) -> list[Rows]:
    starts = range(0, len(vectors), 700)
    return [
        (np.arange(first + start, first + min(start + 700, len(vectors))), vectors[start : start + 700])
        for start in starts
    ]


def _made(folder: Path, vectors: Floats) -> tuple[Part, PartFacts]:
    facts = make_part(folder, _blocks(vectors), DIMENSION, lambda: None)
    assert facts is not None
    assert [path.name for path in folder.iterdir()] == [facts.name]
    return Part(folder, facts, DIMENSION), facts


def _recall(part: Part, vectors: Floats) -> float:
    right = 0
    for asked in reworded(vectors[:100]):
        found = part.search(query_of(pack(asked)), 21).ids - 100
        worst = np.sort(vectors @ asked)[-5]
        right += (vectors[found] @ asked >= worst - 1e-6).sum()
    return float(right / 500)


@pytest.fixture(autouse=True)
def _small_parts_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_PAYS", 1)


def test_a_graph_that_takes_longer_than_a_scan_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_PAYS", 4000 // parts.EXPANSIONS[0] + 1)
    part, facts = _made(tmp_path, vectors := Topics(40, DIMENSION).vectors(4000))
    assert facts.expansion == 0
    assert _recall(part, vectors) == 1.0


def test_what_lies_in_topics_becomes_a_graph(tmp_path: Path) -> None:
    vectors = Topics(40, DIMENSION).vectors(4000)
    part, facts = _made(tmp_path, vectors)
    assert facts.expansion in parts.EXPANSIONS
    assert facts.name.endswith(".graph")
    assert (facts.count, facts.first, facts.last) == (4000, 100, 4099)
    assert _recall(part, vectors) >= 0.99


@pytest.mark.parametrize("first_trial", [1024, 100_000])
def test_what_no_graph_finds_is_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_trial: int) -> None:
    monkeypatch.setattr(parts, "EXPANSIONS", (1, 2))
    monkeypatch.setattr(parts, "_AMONG", 5)
    monkeypatch.setattr(parts, "_FIRST_TRIAL", first_trial)
    vectors = random_vectors(3000, DIMENSION)
    part, facts = _made(tmp_path, vectors)
    assert (facts.expansion, facts.count) == (0, 3000)
    assert facts.name.endswith(".flat")
    assert _recall(part, vectors) == 1.0


def test_a_harder_scope_is_searched_more_widely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "EXPANSIONS", (1, 1000))
    monkeypatch.setattr(parts, "_AMONG", 7)
    _, facts = _made(tmp_path, random_vectors(2000, DIMENSION))
    assert facts.expansion == 1000


def test_vectors_that_are_all_the_same_do_not_spoil_it(tmp_path: Path) -> None:
    vectors = np.repeat(random_vectors(1, DIMENSION), 1000, axis=0)
    part, _ = _made(tmp_path, vectors)
    found = part.search(query_of(pack(vectors[0])), 5)
    assert len(set(found.ids.tolist())) == 5
    assert found.similarities == pytest.approx([1] * 5, abs=0.02)


@pytest.mark.parametrize("count", [1, 3])
def test_a_part_may_be_small(tmp_path: Path, count: int) -> None:
    part, facts = _made(tmp_path, random_vectors(count, DIMENSION))
    assert facts.count == count
    found = part.search(query_of(pack(random_vectors(1, DIMENSION)[0])), 21)
    assert sorted(found.ids.tolist()) == list(range(100, 100 + count))


def test_no_rows_make_no_part(tmp_path: Path) -> None:
    assert make_part(tmp_path, [], DIMENSION, lambda: None) is None
    assert not list(tmp_path.iterdir())


class _Stop(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("after", [0, 1, 3, 20])
def test_making_one_can_be_stopped_and_leaves_nothing(tmp_path: Path, after: int) -> None:
    left = after

    def go_on() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Stop

    with pytest.raises(_Stop):
        make_part(tmp_path, _blocks(random_vectors(2000, DIMENSION)), DIMENSION, go_on)
    assert not list(tmp_path.iterdir())


def test_what_is_no_graph_is_not_opened(tmp_path: Path) -> None:
    facts = PartFacts(name="00.graph", count=5, first=1, last=5, expansion=48)
    (tmp_path / facts.name).write_bytes(b"no graph" * 10)
    with pytest.raises(Unusable):
        Part(tmp_path, facts, DIMENSION)
    with pytest.raises(ValueError, match="buffer"):
        Part(tmp_path, PartFacts(name="00.graph", count=500, first=1, last=500, expansion=0), DIMENSION)
