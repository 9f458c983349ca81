"""The order of things for one pair: block, form, guards, score."""

import math

from reflexd_core.meaning.guards import Refusal
from reflexd_core.meaning.judge import Ruling, decide

DIV = "How do I center a div?"


def test_equal_forms_need_no_score() -> None:
    assert decide(DIV, "how to centre a div", None, 0.9) == Ruling(True, "normal-form", None, True)
    assert decide(DIV, "how to centre a div", 0.0, 0.9) == Ruling(True, "normal-form", None, True)


def test_a_guard_stands_above_the_score() -> None:
    ruling = decide("sort a list ascending", "sort a list descending", 1.0, 0.9)
    assert ruling == Ruling(False, "guard-opposite", Refusal("opposite", ("ascending", "descending")), False)


def test_the_score_decides_what_is_left() -> None:
    asked = "css: div in the middle"
    assert decide(DIV, asked, 0.95, 0.9) == Ruling(True, "verified", None, False)
    assert decide(DIV, asked, 0.9, 0.9) == Ruling(True, "verified", None, False)
    assert decide(DIV, asked, 0.89, 0.9) == Ruling(False, "below-threshold", None, False)


def test_no_score_and_a_broken_one_accept_nothing() -> None:
    asked = "css: div in the middle"
    assert decide(DIV, asked, None, 0.9) == Ruling(False, "unscored", None, False)
    assert decide(DIV, asked, math.nan, 0.9).reason == "below-threshold"
    assert decide(DIV, asked, 0.9, math.nan).reason == "below-threshold"


def test_a_blocked_pairing_is_never_accepted() -> None:
    assert decide(DIV, DIV, 1.0, 0.5, blocked=True) == Ruling(False, "blocked", None, True)


def test_texts_without_a_form_are_not_one_by_form() -> None:
    assert decide("😀", "😀", None, 0.9) == Ruling(False, "unscored", None, False)
