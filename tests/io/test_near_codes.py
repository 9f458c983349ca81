"""Codes and the delta: a scan is as exact as int8 allows, and each scope sees its own vectors only."""

import numpy as np
import pytest

from reflexd_io.near import codes
from reflexd_io.near.codes import NOTHING, Found, best, encode, query_of, scan, together
from reflexd_io.near.delta import Delta, Row
from reflexd_io.near.vectors import pack, unpack
from support.meanings import Floats, Topics, random_vectors, reworded, scope_of


def _rows(vectors: Floats, scope: bytes, first: int = 1) -> list[Row]:
    return [(first + place, scope, pack(vector)) for place, vector in enumerate(vectors)]


@pytest.mark.parametrize("make", [random_vectors, Topics(20).vectors])
def test_codes_move_a_cosine_by_little(make: object) -> None:
    vectors = make(3000)  # type: ignore[operator]
    stored, scales = encode(vectors)
    for asked in reworded(vectors[:20]):
        query = query_of(pack(asked))
        error = np.abs(scan(stored, scales, query.codes, query.scale) - vectors @ asked)
        assert error.max() < 0.01


def test_a_row_without_direction_is_near_to_nothing() -> None:
    stored, scales = encode(np.zeros((1, 8), np.float32))
    query = query_of(pack(np.ones(8, np.float32)))
    assert scan(stored, scales, query.codes, query.scale).tolist() == [0.0]


def test_nothing_is_scanned_to_nothing() -> None:
    query = query_of(pack(np.ones(8, np.float32)))
    assert len(scan(np.empty((0, 8), np.int8), NOTHING.similarities, query.codes, query.scale)) == 0
    assert len(best(NOTHING.ids, NOTHING.similarities, 5).ids) == 0


@pytest.mark.parametrize("size", [1, 5, 6, 1000, 8192, 8193, 30_000])
@pytest.mark.parametrize("shape", ["any", "equal", "rising", "falling", "few"])
def test_the_best_are_the_best(size: int, shape: str) -> None:
    similarities = np.random.default_rng(size).random(size, np.float32)
    match shape:
        case "equal":
            similarities[:] = 0.5
        case "rising":
            similarities.sort()
        case "falling":
            similarities = np.sort(similarities)[::-1].copy()
        case "few":
            similarities = np.round(similarities, 1)
    ids = np.arange(size) + 7
    found = best(ids, similarities, 6)
    assert sorted(found.similarities) == sorted(np.sort(similarities)[-6:])
    assert len(set(found.ids.tolist())) == min(6, size)
    assert (similarities[found.ids - 7] == found.similarities).all()


def test_what_was_found_is_put_together() -> None:
    one = Found(np.array([1]), np.array([0.5], np.float32))
    assert together([one]) is one
    both = together([one, Found(np.array([2, 3]), np.array([0.1, 0.2], np.float32))])
    assert both.ids.tolist() == [1, 2, 3]


def test_packing_and_unpacking_keep_the_direction() -> None:
    vector = random_vectors(1)[0] * 42
    assert unpack(pack(vector)) @ vector == pytest.approx(42, rel=1e-3)


def test_a_delta_finds_each_scopes_own() -> None:
    delta = Delta(384)
    vectors = random_vectors(1500)
    for start in range(0, 1500, 100):  # in turn, so that places are scattered
        rows = _rows(vectors[start : start + 100], scope_of(start // 100 % 3), start)
        delta.add(rows)
    delta.add(_rows(random_vectors(1, seed=9), scope_of(9), 5000))
    assert len(delta) == 1501
    for asked in reworded(vectors[:30]):
        query = query_of(pack(asked))
        for number in range(3):
            own = [place for place in range(1500) if place // 100 % 3 == number]
            found = delta.search(scope_of(number), query, 20)
            right = set(np.array(own)[np.argsort(-(vectors[own] @ asked))[:4]].tolist())
            assert right <= set(found.ids.tolist()) <= set(own)
        assert delta.search(scope_of(9), query, 5).ids.tolist() == [5000]
        assert len(delta.search(scope_of(10), query, 5).ids) == 0


def test_a_delta_takes_no_other_dimension() -> None:
    delta = Delta(8)
    delta.add(_rows(random_vectors(3, 16), scope_of(1)))
    assert len(delta) == 0
    delta.add([*_rows(random_vectors(1, 16), scope_of(1)), *_rows(random_vectors(1, 8), scope_of(1), 9)])
    assert delta.search(scope_of(1), query_of(pack(random_vectors(1, 8)[0])), 5).ids.tolist() == [9]


def test_a_delta_takes_little_memory_beside_its_codes() -> None:
    delta = Delta(384)
    for number in range(20):
        delta.add(_rows(random_vectors(200, seed=number), scope_of(number), number * 200))
    taken = delta._codes.nbytes + delta._ids.nbytes + delta._scales.nbytes
    assert taken <= 2 * len(delta) * (384 + 8 + 4)
    assert codes._SAMPLE > 1024, "more than are ever wanted at once"
