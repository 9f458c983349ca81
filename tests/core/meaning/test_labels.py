"""Labels before a question: dropped only where the question says the same itself."""

import pytest

from reflexd_core.meaning.labels import without_label
from reflexd_core.meaning.normal_form import normal_form


@pytest.mark.parametrize(
    ("labelled", "plain"),
    [
        ("css: how to centre a div", "How do I center a div?"),
        ("CSS: how can I center a div?", "how to center a div"),
        ("git: how do I undo a git commit", "How can I undo a git commit?"),
        ("Python: how do I sort a list in Python?", "How do I sort a list in Python?"),
        ("Please, css: how to center a div", "How do I center a div?"),
    ],
)
def test_a_label_that_adds_nothing_changes_nothing(labelled: str, plain: str) -> None:
    assert normal_form(labelled) == normal_form(plain)


@pytest.mark.parametrize(
    ("labelled", "plain"),
    [
        ("tailwind: how to center a div", "How do I center a div?"),
        ("rust: how do I sort a list", "How do I sort a list?"),
        ("git: how do I undo the last commit", "How do I undo the last commit?"),
        ("css: how do I center text", "How do I center text?"),
        ("note: how do I write a note", "How do I write a note?"),
        ("c: how do I call C from Rust", "How do I call C from Rust?"),
        ("css:", "css"),
        ("css: div", "div"),
    ],
)
def test_a_label_that_says_more_stays(labelled: str, plain: str) -> None:
    assert normal_form(labelled) != normal_form(plain)


def test_only_the_first_word_is_a_label() -> None:
    words = ["in", "css:", "center", "a", "div"]
    assert without_label(words) == words
