"""Files of pairs: what is read, from where, and how a line that cannot be used is named."""

import gzip
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reflexd_io.cli.pairs import BadPairs, LabelledPair, Pair, in_batches, read_labelled, read_pairs

ROWS: list[dict[str, Any]] = [{"a": "x", "b": "y"}, {"b": "ü", "a": "\ud800", "more": [1]}]
TEXT = "".join(f"{json.dumps(row)}\n" for row in ROWS)
PAIRS = [Pair("x", "y"), Pair("\ud800", "ü")]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TEXT.encode(), id="plain"),
        pytest.param(TEXT.encode().rstrip(), id="without a last line end"),
        pytest.param(TEXT.replace("\n", "\r\n").encode(), id="line ends of Windows"),
        pytest.param(b"\n" + TEXT.replace("\n", "\n \n").encode(), id="empty lines between"),
        pytest.param(b"\xef\xbb\xbf" + TEXT.encode(), id="a byte order mark"),
        pytest.param(gzip.compress(TEXT.encode()), id="gzip"),
        pytest.param(gzip.compress(TEXT[:20].encode()) + gzip.compress(TEXT[20:].encode()), id="two gzip members"),
    ],
)
def test_pairs_are_read(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pairs").write_bytes(content)  # whatever it is called
    assert list(read_pairs(str(tmp_path / "pairs"))) == PAIRS
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(content))))
    assert list(read_pairs("-")) == PAIRS


def test_an_empty_file_has_none(tmp_path: Path) -> None:
    for content in (b"", gzip.compress(b"")):
        (tmp_path / "pairs").write_bytes(content)
        assert list(read_pairs(str(tmp_path / "pairs"))) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "not JSON"),
        ('{"a": "x"', "not JSON"),
        ('["a", "b"]', "not a JSON object"),
        ("3", "not a JSON object"),
        ('{"a": "x"}', "no field b"),
        ('{"b": "x"}', "no field a"),
        ('{"a": 1, "b": "x"}', "a must be a text"),
        ('{"a": "x", "b": null}', "b must be a text"),
        ("[" * 100_000, "not JSON"),
        ("x" * 5_000_000, "longer than"),
    ],
)
def test_a_bad_line_is_named(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"a": "x", "b": "y"}\n\n' + line + '\n{"a": "x", "b": "y"}\n')
    read = read_pairs(str(path))
    assert next(read) == Pair("x", "y")
    with pytest.raises(BadPairs, match=said) as error:
        next(read)
    assert f"{path}, line 3" in str(error.value)
    assert len(str(error.value)) < 400


def test_bytes_that_are_no_text_are_a_bad_line(tmp_path: Path) -> None:
    (tmp_path / "pairs").write_bytes(b'{"a": "\xff", "b": "y"}\n')
    with pytest.raises(BadPairs, match="line 1"):
        list(read_pairs(str(tmp_path / "pairs")))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadPairs, match=r"none\.jsonl: No such file"):
        list(read_pairs(str(tmp_path / "none.jsonl")))
    with pytest.raises(BadPairs, match="directory"):
        list(read_pairs(str(tmp_path)))
    whole = gzip.compress((TEXT * 2000).encode())
    for torn in (whole[: len(whole) // 2], whole[:-12] + b"\0" * 12, whole[:60] + b"\xff" * 40):
        (tmp_path / "torn.gz").write_bytes(torn)
        with pytest.raises(BadPairs, match=r"torn\.gz"):
            list(read_pairs(str(tmp_path / "torn.gz")))


def test_labels(tmp_path: Path) -> None:
    path = tmp_path / "pairs"
    rows = [
        {"label": 1},
        {"label": 0, "unit": "u"},
        {"label": True, "group": 7},
        {"label": False, "unit": None},
        {"label": 1.0},
    ]
    path.write_text("".join(json.dumps({"a": "x", "b": "y", **row}) + "\n" for row in rows))
    assert list(read_labelled(str(path))) == [
        LabelledPair("x", "y", True, "#1", False),
        LabelledPair("x", "y", False, "u", True),
        LabelledPair("x", "y", True, "7", True),
        LabelledPair("x", "y", False, "#4", False),
        LabelledPair("x", "y", True, "#5", False),
    ]


@pytest.mark.parametrize("label", ['"1"', "2", "0.5", "null", "[1]", "-1"])
def test_a_label_says_yes_or_no(label: str, tmp_path: Path) -> None:
    (tmp_path / "pairs").write_text(f'{{"a": "x", "b": "y", "label": {label}}}\n')
    with pytest.raises(BadPairs, match="line 1: label must be 0 or 1"):
        list(read_labelled(str(tmp_path / "pairs")))
    (tmp_path / "pairs").write_text('{"a": "x", "b": "y"}\n')
    with pytest.raises(BadPairs, match="label"):
        list(read_labelled(str(tmp_path / "pairs")))


def test_batches_hand_on_what_came_before_a_bad_line() -> None:
    def numbers() -> Iterator[int]:
        yield from range(5)
        raise BadPairs("line 6")

    got: list[list[int]] = []
    with pytest.raises(BadPairs):
        got.extend(in_batches(numbers(), 2))
    assert got == [[0, 1], [2, 3], [4]]
    assert list(in_batches(iter(range(4)), 2)) == [[0, 1], [2, 3]]
    assert list(in_batches(iter(()), 2)) == []


def test_nothing_is_read_before_it_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "pairs"
    path.write_text('{"a": "x", "b": "y"}\n' * 10 + "nonsense\n")
    (first,) = next(in_batches(read_pairs(str(path)), 1))
    assert first == Pair("x", "y")
