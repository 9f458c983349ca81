"""Tokens: nothing is cut or padded, marks in a text are text, and tokens find back to the characters."""

from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from reflexd_io.inference import tokens
from reflexd_io.inference.errors import CannotCompare, UnusableModel
from reflexd_io.inference.tokens import Tokens


@pytest.fixture(scope="module")
def ours(weights: Path) -> Tokens:
    return tokens.load(weights / "tokenizer.json", 256)


def test_a_long_text_is_counted_whole_and_refused(ours: Tokens) -> None:
    assert ours.read("word " * 254).count == 256
    assert len(ours.single("word " * 254)) == 256
    assert ours.read("word " * 255).count == 257
    with pytest.raises(CannotCompare, match="257 tokens"):
        ours.single("word " * 255)
    with pytest.raises(CannotCompare, match="257 tokens"):
        ours.pair("word " * 127, "word " * 127)


def test_texts_of_unlike_length_are_not_padded(ours: Tokens) -> None:
    assert [len(ours.single(text)) for text in ("a", "a b c")] == [3, 5]


@pytest.mark.parametrize(("cut", "pad"), [(True, False), (False, True)])
def test_a_tokenizer_that_cuts_or_pads_is_refused(cut: bool, pad: bool, weights: Path) -> None:
    tokenizer = Tokenizer.from_file(str(weights / "tokenizer.json"))
    if cut:
        tokenizer.enable_truncation(128)
    if pad:
        tokenizer.enable_padding(length=128)
    with pytest.raises(UnusableModel, match="cuts or pads"):
        Tokens(tokenizer, 256)


@pytest.mark.parametrize("text", ["", " ", "\n\t", "\0", "\0\0 \r"])
def test_a_text_of_nothing_cannot_be_compared(text: str, ours: Tokens) -> None:
    with pytest.raises(CannotCompare, match="nothing to compare"):
        ours.single(text)
    for pair in ((text, "a"), ("a", text), (text, text)):
        with pytest.raises(CannotCompare, match="nothing to compare"):
            ours.pair(*pair)


def test_100_kilobytes_are_refused_unread(ours: Tokens) -> None:
    for text in ("a" * 100_000, " " * 100_000, "é" * 100_000):
        with pytest.raises(CannotCompare, match="too long"):
            ours.read(text)


@pytest.mark.parametrize("text", ["\ud800", "a \udfff b"])
def test_half_a_character_is_no_text(text: str, ours: Tokens) -> None:
    with pytest.raises(CannotCompare, match="Unicode"):
        ours.single(text)


@pytest.mark.parametrize("mark", ["[SEP]", "[CLS]", "[PAD]", "[MASK]", "[UNK]"])
def test_marks_in_a_text_are_text(mark: str, ours: Tokens) -> None:
    ids = ours.single(f"what does {mark} mean").ids.tolist()
    assert ids[0] == 101
    assert ids[-1] == 102
    assert not {0, 100, 101, 102, 103} & set(ids[1:-1])
    assert not ours.read(f"what does {mark} mean").unknown


@pytest.mark.parametrize(
    ("text", "unknown"), [("∀x", True), ("🦀 or 🐍", True), ("启用", True), ("plain words", False)]
)
def test_what_reading_loses_is_told(text: str, unknown: bool, ours: Tokens) -> None:
    assert ours.read(text).unknown is unknown


def test_case_and_accents_are_lost_without_a_sign(ours: Tokens) -> None:
    """So whoever compares by meaning compares these raw."""
    for one, other in (("git branch -d", "git branch -D"), ("resume", "résumé")):
        assert ours.single(one).ids.tolist() == ours.single(other).ids.tolist()


def test_a_pair_says_whose_each_token_is(ours: Tokens) -> None:
    pair = ours.pair("sort up", "sort it down")
    assert pair.content.tolist() == [0, 1, 1, 0, 2, 2, 2, 0]
    assert pair.types.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert "sort it down"[slice(*pair.source.offsets[6])] == "down"


def test_padding_is_masked_out_of_a_batch(ours: Tokens) -> None:
    rows = tokens.padded([ours.single("a"), ours.single("a b c")])
    assert rows["mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert rows["content"].tolist() == [[0, 1, 0, 0, 0], [0, 1, 1, 1, 0]]
    assert (rows["ids"][0, 3:] == 0).all()
    assert all(matrix.dtype == np.int64 for matrix in rows.values())


def test_a_missing_or_broken_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableModel, match=r"none\.json: the tokenizer is missing"):
        tokens.load(tmp_path / "none.json", 256)
    (tmp_path / "torn.json").write_text('{"version": "1.0", "mod')
    with pytest.raises(UnusableModel, match=r"torn\.json: the tokenizer cannot be read"):
        tokens.load(tmp_path / "torn.json", 256)
