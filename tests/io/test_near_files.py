"""An index's files: what was written is found, and nothing else is ever mapped."""

import errno
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reflexd_io.near import base, files
from reflexd_io.near.base import Base, Coded, whole, write_base
from reflexd_io.near.codes import encode, query_of
from reflexd_io.near.files import Unusable, Verified, draft, name_of, tidy
from reflexd_io.near.vectors import pack
from support.meanings import MODEL, Floats, random_vectors, scope_of

DIMENSION = 16


def _coded(scope: bytes, vectors: Floats, first: int = 1) -> Coded:
    codes, scales = encode(vectors)
    return Coded(scope, codes, np.arange(first, first + len(vectors)), scales)


def _written(folder: Path, sizes: dict[bytes, int]) -> tuple[bytes, dict[bytes, tuple[int, Floats]]]:
    """A base of scopes of these sizes; its token, and each scope's first id and vectors."""
    held: dict[bytes, tuple[int, Floats]] = {}
    first = 1
    for number, scope in enumerate(sorted(sizes)):
        held[scope] = (first, random_vectors(sizes[scope], DIMENSION, number))
        first += sizes[scope]
    groups = (_coded(scope, vectors, start) for scope, (start, vectors) in held.items())
    return write_base(folder, groups, {}, model=MODEL, dimension=DIMENSION, upto=first - 1), held


def _opened(folder: Path, token: bytes) -> Base:
    return Base(folder, token, Verified())


@given(st.dictionaries(st.binary(min_size=32, max_size=32), st.integers(1, 40), max_size=30))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_scope_is_found_and_no_other(tmp_path: Path, sizes: dict[bytes, int]) -> None:
    token, held = _written(tmp_path, sizes)
    opened = _opened(tmp_path, token)
    assert opened.footer.rows == sum(sizes.values())
    assert opened.footer.scopes == len(sizes)
    query = query_of(pack(random_vectors(1, DIMENSION, 99)[0]))
    for scope, (first, vectors) in held.items():
        found = opened.search(scope, query, 50)
        assert sorted(found.ids.tolist()) == list(range(first, first + len(vectors)))
        exact = vectors[found.ids - first] @ query.exact
        assert np.abs(exact - found.similarities).max() < 0.02
        beside = bytes([*scope[:-1], scope[-1] ^ 1])
        if beside not in held:
            assert len(opened.search(beside, query, 50).ids) == 0
    for scope in (b"\x00" * 32, b"\xff" * 32):
        assert scope in held or len(opened.search(scope, query, 5).ids) == 0


def test_the_same_base_has_the_same_name(tmp_path: Path) -> None:
    first, _ = _written(tmp_path, {scope_of(1): 5})
    second, _ = _written(tmp_path, {scope_of(1): 5})
    other, _ = _written(tmp_path, {scope_of(1): 6})
    assert first == second != other
    assert {path.name for path in tmp_path.iterdir()} == {name_of(first), name_of(other)}


@pytest.mark.parametrize("place", [0, 10, 100, -1, -20, -100])
def test_a_file_with_a_wrong_byte_is_unusable(tmp_path: Path, place: int) -> None:
    token, _ = _written(tmp_path, {scope_of(1): 5, scope_of(2): 3})
    path = tmp_path / name_of(token)
    damaged = bytearray(path.read_bytes())
    damaged[place] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(Unusable, match="damaged"):
        _opened(tmp_path, token)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 36, 100])
def test_a_file_that_was_cut_is_unusable(tmp_path: Path, size: int) -> None:
    token, _ = _written(tmp_path, {scope_of(1): 5})
    os.truncate(tmp_path / name_of(token), size)
    with pytest.raises(Unusable):
        _opened(tmp_path, token)


@pytest.mark.parametrize("content", [b"", b"x", b"\x00\x00\x00\x00", b"{}\x02\x00\x00\x00", b"\xff" * 40])
def test_a_file_that_is_whole_and_no_base_is_unusable(tmp_path: Path, content: bytes) -> None:
    with draft(tmp_path) as file:
        if os.name == "posix":
            assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
        file.path.write_bytes(content)
        name = file.finish(".base")
    with pytest.raises(Unusable):
        _opened(tmp_path, files.token_of(name))


def test_a_file_of_another_format_is_unusable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "VERSION", 2)
    token, _ = _written(tmp_path, {scope_of(1): 5})
    monkeypatch.undo()
    with pytest.raises(Unusable, match="version 2"):
        _opened(tmp_path, token)


def test_a_file_that_is_not_there_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="No such file"):
        _opened(tmp_path, b"x" * 16)


def test_a_file_is_looked_at_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token, _ = _written(tmp_path, {scope_of(1): 5})
    path = tmp_path / name_of(token)
    looked: list[Path] = []
    digest_of = files._digest_of
    monkeypatch.setattr(files, "_digest_of", lambda path: (looked.append(path), digest_of(path))[1])
    verified = Verified()
    for _ in range(3):
        verified.check(path)
    assert looked == [path]
    os.utime(path, ns=(1, 1))
    verified.check(path)
    assert len(looked) == 2


def test_a_draft_that_was_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), draft(tmp_path) as file:  # noqa: PT012 - it is about what comes after
        file.path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "full")
    with draft(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_base_that_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> object:
        yield _coded(scope_of(1), random_vectors(5, DIMENSION))
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        write_base(tmp_path, failing(), {}, model=MODEL, dimension=DIMENSION, upto=5)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is mapped cannot be deleted there")
def test_what_is_open_can_be_searched_when_its_file_has_gone(tmp_path: Path) -> None:
    token, held = _written(tmp_path, {scope_of(1): 5})
    opened = _opened(tmp_path, token)
    (tmp_path / "older.base").write_bytes(b"x")
    (tmp_path / "left.tmp").write_bytes(b"x")
    tidy(tmp_path, {"kept"})
    assert not list(tmp_path.iterdir())
    query = query_of(pack(held[scope_of(1)][1][2]))
    found = opened.search(scope_of(1), query, 1)
    assert found.ids.tolist() == [3]
    tidy(tmp_path / "absent", set())


def test_pieces_of_a_scope_are_put_together_in_order() -> None:
    pieces = [_coded(scope_of(1), random_vectors(count, 8, count), first) for count, first in ((2, 1), (3, 10))]
    assert whole(pieces[:1]) is pieces[0]
    joined = whole(pieces)
    assert joined.ids.tolist() == [1, 2, 10, 11, 12]
    assert joined.codes.shape == (5, 8)
    assert (joined.scales[2:] == pieces[1].scales).all()
