"""What is said of a request, and what may be remembered of it."""

from dataclasses import replace

from reflexd_core.request import Form, Question, Reading


def test_only_facts_are_remembered_of_a_request() -> None:
    reading = Reading(
        model="m",
        form=Form.STREAM,
        wants_usage=True,
        keyed={"messages": ["secret"]},
        scoped={"messages": ["secret"]},
        question=Question(text="secret"),
        exact_only=None,
        rules=("drop-envelope",),
        stateful="container",
        refusal="no",
        lifetime=600.0,
    )
    assert reading.without_bodies() == replace(reading, keyed={}, scoped=None, question=None)
    assert "secret" not in repr(reading.without_bodies())


def test_a_question_finds_its_literals_when_asked() -> None:
    assert Question(text="Is port 8080 open in `a.py`?").literals == ("8080", "a.py")
