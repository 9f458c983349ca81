"""Guards never refuse two questions of one normal form, so the form may be looked up before they are asked."""

from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.meaning.guards import refusal
from reflexd_core.meaning.normal_form import normal_form
from support.families import texts

LEAD_INS = ("", "Please ", "Hi, ", "can you tell me ", "Hello! Could you please explain ")
ENDS = ("", "?", " ?", ".", ", please", ". Thanks!", ", thank you")
WAYS = ("How do I ", "how can I ", "how to ", "What is the way to ", "How does one ")


def respelled(question: str, lead_in: str, end: str) -> list[str]:
    """The question in other ways that may or may not have its form."""
    body = question.rstrip("?. ")
    found = [lead_in + body + end, question.upper(), question.lower(), question.swapcase(), body.replace(" ", "   ")]
    found += [way + body[len("How do I ") :] for way in WAYS if body.startswith("How do I ")]
    for one, other in (
        ("JavaScript", "js"),
        ("folder", "directory"),
        ("color", "colour"),
        (" the ", " "),
        ("n't", " not"),
    ):
        found.append(body.replace(one, other))
    return found


def check(question: str, other: str) -> None:
    form = normal_form(question)
    if form is not None and form == normal_form(other):
        assert refusal(question, other) is None, (question, other)


def test_families_asked_in_other_ways() -> None:
    for number, text in enumerate(texts()[::30]):
        for other in respelled(text, LEAD_INS[number % len(LEAD_INS)], ENDS[number % len(ENDS)]):
            check(text, other)


WORDS = st.sampled_from(
    [
        "How",
        "how",
        "do",
        "I",
        "can",
        "one",
        "to",
        "please",
        "the",
        "a",
        "an",
        "Rust",
        "rust",
        "US",
        "us",
        "Go",
        "go",
        "in",
        "C",
        "c",
        "A",
        "x",
        "X",
        "C++",
        "C#",
        "js",
        "JavaScript",
        "vs",
        "versus",
        "colour",
        "color",
        "folder",
        "dir",
        "isn't",
        "is",
        "not",
        "`x`",
        '"y"',
        "3",
        "three",
        "-d",
        "-D",
        "é",
        "😀",
        "without",
        "more",
        "than",
        "before",
        "after",
        ".",
        "?",
        "!",
    ]
)
QUESTION = st.one_of(st.lists(WORDS, max_size=9).map(" ".join), st.text(alphabet="aA bB'\"`?.,é😀\n"))


@given(QUESTION, QUESTION, st.sampled_from(LEAD_INS), st.sampled_from(ENDS))
def test_any_words_asked_in_other_ways(question: str, other: str, lead_in: str, end: str) -> None:
    check(question, other)
    for respelling in respelled(question, lead_in, end):
        check(question, respelling)
