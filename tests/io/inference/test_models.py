"""The ports over any backend: faults become one kind of error, and tags become the words they stand for."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from reflexd_io.inference import tokens
from reflexd_io.inference.errors import CannotCompare, InferenceFailed
from reflexd_io.inference.models import LocalEmbedder, LocalVerifier, Outputs
from reflexd_io.inference.ports import Embedder, Facts, Verifier
from reflexd_io.inference.tokens import Encoded, Tokens

FACTS = Facts(
    backend="cpu", device="none", model="scripted", dtype="float32", dimension=2, fingerprint="0", max_tokens=256
)


@pytest.fixture(scope="module")
def ours(weights: Path) -> Tokens:
    return tokens.load(weights / "tokenizer.json", 256)


def judging(ours: Tokens, *outputs: object) -> Verifier:
    return LocalVerifier(lambda _: [tuple(np.asarray(output, np.float32) for output in outputs)], ours, FACTS)


def test_tags_become_words_pieces_of_one_word_count_once(ours: Tokens) -> None:
    # [CLS] un ##bel ##ie ##va ##bly slow [SEP] un ##bel ##ie ##va ##bly fast [SEP]
    tags = [9, -1, 2, -1, -1, -1, 1, 9, -1, -1, -1, -1, -1, 3, 9]
    (judgement,) = judging(ours, -4.0, 1.5, tags).judge([("unbelievably slow", "Unbelievably FAST")])
    assert (judgement.strict, judgement.loose) == (-4.0, 1.5)
    assert [(tag.side, tag.start, tag.end, tag.word, tag.logit) for tag in judgement.tags] == [
        (1, 13, 17, "FAST", 3.0),
        (0, 0, 12, "unbelievably", 2.0),
        (0, 13, 17, "slow", 1.0),
    ]


def test_tagged_words_that_touch_are_shown_as_one(ours: Tokens) -> None:
    # [CLS] branch - d [SEP] branch - d [SEP]
    (judgement,) = judging(ours, 0.0, 0.0, [0, -1, 1, 2, 0, -1, -1, -1, 0]).judge([("branch -D", "branch -d")])
    assert [(tag.word, tag.logit) for tag in judgement.tags] == [("-D", 2.0)]


def test_a_model_without_tags_has_none(ours: Tokens) -> None:
    (judgement,) = judging(ours, 1.0, 1.0).judge([("a", "b")])
    assert judgement.tags == ()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_fails(bad: float, ours: Tokens) -> None:
    for outputs in ((bad, 0.0, [0.0] * 5), (0.0, bad, [0.0] * 5), (0.0, 0.0, [0.0, bad, 0.0, 0.0, 0.0])):
        with pytest.raises(InferenceFailed, match="not a number"):
            judging(ours, *outputs).judge([("a", "b")])
    embedder: Embedder = LocalEmbedder(lambda _: [(np.array([1.0, bad], np.float32),)], ours, FACTS)
    with pytest.raises(InferenceFailed, match="not a number"):
        embedder.embed(["a"])


def test_whatever_a_backend_raises_is_one_kind_of_error(ours: Tokens) -> None:
    def broken(_: Sequence[Encoded]) -> list[Outputs]:
        raise MemoryError("no more")

    with pytest.raises(InferenceFailed, match="MemoryError: no more"):
        LocalEmbedder(broken, ours, FACTS).embed(["a"])
    with pytest.raises(InferenceFailed, match="MemoryError: no more"):
        LocalVerifier(broken, ours, FACTS).judge([("a", "b")])


def test_nothing_asked_is_nothing_computed(ours: Tokens) -> None:
    def never(_: Sequence[Encoded]) -> list[Outputs]:
        raise AssertionError

    assert LocalEmbedder(never, ours, FACTS).embed([]).shape == (0, 2)
    assert LocalVerifier(never, ours, FACTS).judge([]) == []
    with pytest.raises(CannotCompare):
        LocalEmbedder(never, ours, FACTS).embed([""])
