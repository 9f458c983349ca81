"""The judge: what is asked of the models, in which order reasons come, and what is never compared."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from reflexd_core.by_meaning import FLOOR
from reflexd_core.meaning.calibration import Calibration, probability
from reflexd_io.inference.errors import InferenceFailed
from reflexd_io.inference.judge import GREY, WINDOW, Judge
from reflexd_io.inference.ports import Judgement, Pair
from support.judging import CALIBRATION, WordEmbedder, WordVerifier, word_judge
from support.models import needs_models

SORT = "how do i sort a list in python"
SORTED = "sort list python"


def _judge(pair: Pair, logit: float) -> tuple[Judge, WordVerifier]:
    verifier = WordVerifier({pair: logit})
    return Judge(WordEmbedder(), verifier, CALIBRATION), verifier


@pytest.mark.parametrize(
    ("logit", "accepted", "reason"),
    [(4.0, True, "verified"), (-4.0, False, "below-threshold"), (0, False, "below-threshold")],
)
def test_the_score_decides_where_nothing_else_does(logit: float, accepted: bool, reason: str) -> None:
    judge, _ = _judge((SORT, SORTED), logit)
    (judged,) = judge.judge([(SORT, SORTED)])
    assert (judged.accepted, judged.reason, judged.guard) == (accepted, reason, None)
    assert judged.score == pytest.approx(probability(logit, logit, 0, CALIBRATION))
    assert judged.similarity is not None
    assert 0.5 < judged.similarity < 1


def test_a_form_or_a_guard_decides_first_and_the_score_is_told_all_the_same() -> None:
    judge = word_judge({(SORT, "Please sort"): 9.0})
    pairs = [
        (SORT, "How do I sort a list in Python?"),
        ("sort a list descending in python", "sort a list ascending in python"),
    ]
    equal, near = judge.judge(pairs)
    assert (equal.accepted, equal.reason, equal.guard) == (True, "normal-form", None)
    assert (near.accepted, near.reason, near.guard) == (False, "guard-opposite", "opposite")
    assert set(near.words) == {"descending", "ascending"}
    assert 0 < near.score < 1
    assert near.similarity is not None
    assert near.similarity > 0.7


def test_what_is_not_near_is_not_served_whatever_its_score() -> None:
    """Serving never asks the verifier about it; its score is told all the same."""
    pair = ("sort list x", "center div css")
    judge = word_judge({pair: 9.0, pair[::-1]: 9.0})
    (judged,) = judge.judge([pair])
    assert judged.similarity is not None
    assert judged.similarity < FLOOR
    assert (judged.accepted, judged.reason) == (False, "nothing-near")
    assert judged.score > 0.99


def test_the_band_counts_against_the_candidate() -> None:
    pair, logit = (SORT, SORTED), 3.0
    score = probability(logit, logit, 0, CALIBRATION)
    for band, accepted in ((0.0, True), (0.04, True), (0.06, False)):
        calibration = Calibration(strict=1.0, threshold=0.9, band=band)
        judge = Judge(WordEmbedder(), WordVerifier({pair: logit, pair[::-1]: logit}), calibration)
        assert (score >= calibration.needed) is accepted
        assert judge.judge([pair])[0].accepted is accepted


def test_near_the_threshold_the_pair_is_read_in_both_orders() -> None:
    pair = (SORT, SORTED)
    for logit, turned, accepted in ((2.3, 1.5, False), (2.0, 3.0, True), (2.3, 2.3, True)):
        verifier = WordVerifier({pair: logit, pair[::-1]: turned})
        (judged,) = Judge(WordEmbedder(), verifier, CALIBRATION).judge([pair])
        assert verifier.asked == [[pair], [pair[::-1]]]
        assert judged.accepted is accepted
        mean = (logit + turned) / 2
        assert judged.score == pytest.approx(probability(mean, mean, 0, CALIBRATION))


@pytest.mark.parametrize("logit", [5.0, 0.0, -3.0])
def test_elsewhere_one_order_is_enough(logit: float) -> None:
    judge, verifier = _judge((SORT, SORTED), logit)
    judge.judge([(SORT, SORTED)])
    assert abs(probability(logit, logit, 0, CALIBRATION) - CALIBRATION.needed) >= GREY
    assert verifier.asked == [[(SORT, SORTED)]]


def test_a_question_is_compared_whole_or_not_at_all() -> None:
    judge = word_judge()
    whole, longer = " ".join(["word"] * WINDOW), " ".join(["word"] * (WINDOW + 1))
    assert judge.fits(whole)
    assert not judge.fits(longer)
    judged = judge.judge([(whole, whole), (whole, longer), (longer, whole), (longer, longer)])
    assert [each.reason for each in judged] == ["normal-form", *["too-long"] * 3]
    assert [each.accepted for each in judged] == [True, False, False, False]
    assert all(
        each.similarity == pytest.approx(1, abs=1e-3) and each.score > 0.9 for each in judged
    )  # told, not used


def test_what_no_model_can_hold_has_no_similarity() -> None:
    judge, far = word_judge(), "word " * 600
    (judged,) = judge.judge([(SORT, far)])
    assert (judged.reason, judged.accepted, judged.similarity, judged.score) == ("too-long", False, None, 0.0)
    assert judge.judge([(SORT, "x" * 20_000)])[0].reason == "too-long"


@pytest.mark.parametrize("question", ["", "   ", "\n\t", "\ud800", "a\udfff b"])
def test_what_cannot_be_read_is_never_compared(question: str) -> None:
    judge = word_judge()
    for pair in ((question, SORT), (SORT, question), (question, question)):
        (judged,) = judge.judge([pair])
        assert (judged.reason, judged.accepted, judged.score) == ("unreadable", False, 0.0)
    assert judge.unfit(question) == "unreadable"


@pytest.mark.parametrize(
    ("stored", "asked", "refused"),
    [
        ("what is blorp", "what is blimp", True),
        ("what is blorp", "what is", True),
        ("what is blorp", "tell: what is blorp in python", True),  # the colon is read with its word
        ("blorp what is", "what is the blorp", False),
    ],
)
def test_unknown_words_must_be_the_same_as_typed(stored: str, asked: str, refused: bool) -> None:
    """To the models they all look alike."""
    judge = word_judge({(stored, asked): 9.0, (asked, stored): 9.0})
    (judged,) = judge.judge([(stored, asked)])
    assert (judged.guard == "unreadable") is refused
    assert judged.accepted is not refused
    assert (judge.refusal(stored, asked) is not None) is refused


def test_a_model_with_a_smaller_window_narrows_it() -> None:
    judge = Judge(WordEmbedder(max_tokens=64), WordVerifier(max_tokens=24), CALIBRATION)
    assert judge.fits("word " * 10)
    assert not judge.fits("word " * 11)
    (judged,) = judge.judge([("word " * 40, "word")])
    assert (judged.reason, judged.similarity) == ("too-long", None)


def test_many_pairs_keep_their_order_and_each_question_is_embedded_once() -> None:
    embedder, verifier = WordEmbedder(), WordVerifier()
    judge = Judge(embedder, verifier, CALIBRATION)
    pairs = [(SORT, f"sort {word}") for word in ("x", "y", "", "z", "word " * 200, "w")] * 40
    judged = judge.judge(pairs)
    assert len(judged) == len(pairs)
    assert judged[:6] == judged[6:12]
    assert judged[:6] == [judge.judge([pair])[0] for pair in pairs[:6]]
    assert [each.reason for each in judged[:6]].count("too-long") == 1
    embedded = [text for texts in embedder.asked[:1] for text in texts]
    assert len(embedded) == len(set(embedded)) == 7
    assert max(map(len, verifier.asked)) <= 64
    assert judge.judge([]) == []


def test_one_thread_at_a_time_asks_a_model() -> None:
    busy: list[int] = []

    class Watched(WordVerifier):
        def judge(self, pairs: list[Pair]) -> list[Judgement]:  # type: ignore[override]
            busy.append(1)
            assert len(busy) == 1
            made = super().judge(pairs)
            busy.pop()
            return made

    judge = Judge(WordEmbedder(), Watched(), CALIBRATION)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: judge.judge([(SORT, SORTED)] * 10), range(40)))
    assert all(judged == found[0] for judged in found)


def test_a_model_that_breaks_is_not_hidden() -> None:
    judge = word_judge({(SORT, SORTED): float("nan")})
    with pytest.raises(InferenceFailed, match="not a number"):
        judge.judge([(SORT, SORTED)])


@needs_models
def test_the_shipped_models_judge() -> None:
    from reflexd_io.inference import shipped

    judge = Judge(shipped.embedder("cpu"), shipped.verifier("cpu"), CALIBRATION)
    pairs = [
        ("How do I center a div?", "how do i centre a div"),
        ("Sort a list descending in Python", "Sort a list ascending in Python"),
        ("git branch -d topic", "git branch -D topic"),
        ("What is 😀?", "What is 😁?"),
        ("How do I boil an egg?", "How do I mount a USB drive in Linux?"),
        ("\0", "\0"),
    ]
    judged = judge.judge(pairs)
    assert [each.accepted for each in judged[1:]] == [False] * 5
    assert judged[0].reason == "normal-form"
    assert [each.guard for each in judged[1:4]] == ["opposite", "flag", "raw"]
    assert judged[4].score < 0.5
    assert judged[4].similarity is not None
    assert judged[4].similarity < 0.5
    alone = [judge.judge([pair])[0] for pair in pairs]
    for together, single in zip(judged, alone, strict=True):
        assert together.accepted is single.accepted
        assert together.score == pytest.approx(single.score, abs=0.01)
