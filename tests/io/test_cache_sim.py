"""The simulated cache: what it serves, and how each asked question is counted."""

import json
from pathlib import Path

import numpy as np
import pytest

from reflexd_io.cli import cache_sim
from reflexd_io.cli.cache_sim import Labels, Shelf, simulate
from reflexd_io.cli.pairs import LabelledPair, read_labelled
from support.judging import word_judge

SORT, DIV = "how do i sort a list in python", "how do i center a div in css"


def _pair(a: str, b: str, label: bool) -> LabelledPair:
    return LabelledPair(a, b, label, f"{a}|{b}", False)


def test_each_question_is_counted_once() -> None:
    asked = {
        "sort list python": 9.0,  # right
        "center div css": -9.0,  # missed
        "sort a list python in x": 9.0,  # wrong: its own label says so
        "how do i center a word": 9.0,  # wrong: served by what no label speaks of
        "make a word of x": -9.0,  # refused
    }
    judge = word_judge({(stored, b): logit for b, logit in asked.items() for stored in (SORT, DIV, "y z w")})
    pairs = [
        _pair(SORT, "sort list python", True),
        _pair(DIV, "center div css", True),
        _pair(SORT, "sort a list python in x", False),
        _pair("y z w", "how do i center a word", False),
        _pair("y z w", "make a word of x", False),
        _pair(SORT, "How do I sort a list in Python?", True),  # right, by its form
    ]
    found = simulate(judge, iter(pairs))
    assert (found.stored, found.asked) == (3, 6)
    assert (found.right, found.missed, found.refused) == (2, 1, 1)
    assert found.wrong == 2
    assert found.precision == pytest.approx(2 / 4)
    assert found.recall == pytest.approx(2 / 3)
    assert found.false_hits_per_1000 == pytest.approx(2000 / 6)


def test_nothing_asked_has_no_rates() -> None:
    found = simulate(word_judge(), iter(()))
    assert (found.precision, found.recall, found.false_hits_per_1000) == (None, None, 0.0)


def test_labels_speak_by_way_of_others() -> None:
    labels = Labels([_pair("a", "b", True), _pair("c", "b", True), _pair("c", "d", False), _pair("e", "f", True)])
    assert labels.serves("a", "b") is True
    assert labels.serves("a", "c") is True  # both serve b
    assert labels.serves("c", "d") is False
    assert labels.serves("a", "d") is None
    assert labels.serves("a", "f") is None
    assert labels.serves("x", "x") is True
    assert labels.servable("b")
    assert not labels.servable("d")
    contrary = Labels([_pair("a", "b", True), _pair("c", "b", True), _pair("a", "c", False)])
    assert contrary.serves("a", "c") is False  # what is said of the pair itself outranks the rest


def test_the_verifier_sees_two_of_what_the_guards_leave() -> None:
    stored = [f"sort list in python {word}" for word in ("descending", "x", "y", "z", "w")]
    judge = word_judge()
    shelf = Shelf(judge, stored)
    before = len(judge.verifier.asked)  # type: ignore[attr-defined]
    shelf.serve(["sort list in python ascending"])
    asked = [pair for pairs in judge.verifier.asked[before:] for pair in pairs]  # type: ignore[attr-defined]
    assert len(set(map(frozenset, asked))) == 2
    assert all("descending" not in a + b for a, b in asked)


def test_the_best_of_two_answers() -> None:
    logits = {("sort list x", "sort list z"): 3.0, ("sort list y", "sort list z"): 5.0}
    judge = word_judge(logits | {(b, a): logit for (a, b), logit in logits.items()})
    assert Shelf(judge, ["sort list x", "sort list y"]).serve(["sort list z"]) == ["sort list y"]
    assert Shelf(judge, ["sort list x"]).serve(["sort list z"]) == ["sort list x"]
    assert Shelf(judge, []).serve(["sort list z"]) == [None]


def test_what_is_not_seen_whole_is_neither_stored_nor_served() -> None:
    long = "word " * 120
    judge = word_judge()
    shelf = Shelf(judge, [long, "", "x y"])
    assert shelf.questions == ["x y"]
    assert shelf.serve([long, "", "x y"]) == [None, None, "x y"]


def test_the_nearest_are_the_nearest_over_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_sim, "_BLOCK", 3)
    rng = np.random.default_rng(1)
    words = ["sort", "list", "python", "rust", "div", "css", "make", "word"]
    stored = sorted({" ".join(rng.choice(words, 4).tolist()) for _ in range(40)})
    judge = word_judge()
    shelf = Shelf(judge, stored)
    asked = ["sort list css make", "div word rust rust"]
    for found, vector in zip(shelf._nearest(asked), judge.embed(asked), strict=True):
        cosines = judge.embed(stored) @ vector
        best = np.sort(cosines)[::-1][:5]
        assert [cosine for _, cosine in found] == pytest.approx(best.tolist(), abs=1e-6)
        assert [cosines[place] for place, _ in found] == pytest.approx(best.tolist(), abs=1e-6)


def test_a_file_is_simulated_as_its_lines_are(tmp_path: Path) -> None:
    (tmp_path / "pairs").write_text(json.dumps({"a": "x y", "b": "x  y?", "label": 1}) + "\n")
    found = simulate(word_judge(), read_labelled(str(tmp_path / "pairs")))
    assert (found.right, found.asked) == (1, 1)
