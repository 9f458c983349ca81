"""Which questions may be compared by meaning: the word and its sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.meaning.eligibility import LIMIT, is_moment_bound, why_exact_only
from support.families import texts
from support.shared import shared_rows

MOMENT = [
    "What is the latest version of Node.js?",
    "latest stable release of Python",
    "node.js latest version",
    "what is the current price of gold",
    "bitcoin price",
    "What is today's weather in Paris?",
    "weather in Berlin tomorrow",
    "news about the election today",
    "What time is it in Tokyo?",
    "what day is today",
    "Who is the current president of France?",
    "who is currently the CEO of IBM?",
    "Who won the game last night?",
    "how many days until Christmas?",
    "what movies are playing tonight",
    "current exchange rate of the dollar",
    "Which is the most popular language right now?",
    "current time in Tokyo",
    "What's the current local time in the Bahamas?",
    "Will it rain tomorrow in London?",
    "Is it snowing in Oslo?",
    "what's the weather like",
    "is github down",
    "Is Slack down right now?",
    "Tesla stock price",
    "how much is Nvidia stock",
    "usd to eur",
    "JPY to INR",
    "What year is it?",
    "how many days to Christmas?",
    "dollars in euros",
    "gas prices",
    "What is the newest Python version?",
    "current java version",
]
PLACE = [
    "What does this file do?",
    "Explain this repo",
    "summarize the attached document",
    "fix my code above",
    "What is wrong with the code above?",
    "refactor my code",
    "review the tests",
    "what does this error mean?",
    "fix this bug in this function",
    "restaurants near me",
    "is it legal here?",
    "cheap hotels nearby",
    "where am I",
    "best schools in my area",
]
ONE_OFF = [
    "generate a uuid",
    "Please create a new GUID.",
    "I need a strong random password with 16 characters",
    "give me a 12 character password",
    "pick a random number between 1 and 10",
    "Tell me another joke!",
    "a random fun fact",
    "come up with 5 random usernames",
    "can you flip a coin for me",
    "roll two dice",
    "Roll a d20",
    "Throw a die",
    "tell me a few more riddles",
    "suggest some more names",
    "make me a passcode",
    "give me ten one-time codes",
    "surprise me",
]
LANGUAGE = [
    "Wie kann ich eine Liste sortieren?",
    "¿Cómo ordenar una lista?",
    "comment trier une liste dans Python avec une clé",
    "Как отсортировать список?",
    "如何排序列表",
    "リストを並べ替える方法",
    "come posso ordinare una lista della spesa",
    "как sort a list в Python",
]
FREE = [
    "How do I center a div?",
    "css centre div",
    "git undo last commit",
    "Now, how do I sort a list?",
    "today I learned about closures, what are they?",
    "How do I get today's date in Python?",
    "How do I print the current directory in bash?",
    "find the latest file in a directory",
    "latest row per group in SQL",
    "current user in Linux",
    "Is the current branch merged? git command",
    "How do I install the latest npm packages?",
    "What is the time complexity of quicksort?",
    "what does 'latest version of' mean in a Dockerfile",
    "explain `current price` in this sentence: `the current price`",
    "what does this error mean: TypeError: x is not a function",
    "What does this error mean? `ENOENT`",
    "Permission denied (publickey), how do I fix this error?",
    "Lost connection to MySQL server during query, what does this error mean?",
    "I have a Python script that fails; what is wrong with this script?",
    "sort my list",
    "How do I join my table with another?",
    "this in JavaScript",
    "what does this mean in Java",
    "here document in bash",
    "Who was the first president of the USA?",
    "flights from Los Angeles to Las Vegas",
    "la la land cast",
    "por vs para Spanish",
    'How do you say "Ich liebe dich" in English?',
    "Translate 你好 into English please, with pronunciation",
    "what is Θ(n)",
    "How do I use jest with TypeScript?",
    "current time in ruby",
    "upgrade npm to latest version",
    "install the latest Node release",
    "what is a stock price",
    "is localhost down the list",
    "convert usd to eur with a script",
    "will it rain clip art work in LaTeX",
    "rain sound effects",
    "what is the weather app made of",
    "generate a uuid in python",
    "how to generate a random password",
    "what is a uuid",
    "uuid vs guid",
    "uuid primary key performance",
    "train a random forest",
    "pick a random row of a table in SQL",
    "random access memory",
    "generate a password reset email",
    "create a new branch",
    "add another column to a table",
    "toss coin probability of two heads",
    "what's another word for happy",
]


@pytest.mark.parametrize(
    ("reason", "question"),
    [
        *(("moment-bound", question) for question in MOMENT),
        *(("refers-to-place", question) for question in PLACE),
        *(("one-off", question) for question in ONE_OFF),
        *(("language", question) for question in LANGUAGE),
        *((None, question) for question in FREE),
        *(("empty-question", question) for question in ("", "  ", "?!", "😀", "\0")),
        *(("control-characters", question) for question in ("a\0b", "ls\x1b[0m", "a\u202eb", "\ud800a")),
        ("question-too-long", "sort " * LIMIT),
    ],
)
def test_why_a_question_is_exact_only(reason: str | None, question: str) -> None:
    assert why_exact_only(question) == reason


def test_what_points_at_earlier_turns_is_fine_where_there_are_some() -> None:
    assert why_exact_only("What is wrong with the code above?", earlier_turns=True) is None
    assert why_exact_only("what does this error mean?", earlier_turns=True) is None
    assert why_exact_only("restaurants near me", earlier_turns=True) == "refers-to-place"
    assert why_exact_only("What is wrong with this code?\nprint(1") is None


@pytest.mark.parametrize("question", MOMENT)
def test_the_moment_is_told_alone_too(question: str) -> None:
    assert is_moment_bound(question)


@pytest.mark.parametrize("question", [*FREE, *PLACE, *LANGUAGE, ""])
def test_most_questions_hang_on_no_moment(question: str) -> None:
    assert not is_moment_bound(question)


def test_questions_of_families_stay_eligible() -> None:
    """They were written for being compared; the few left out do say *this file* or *this branch*."""
    found = [text for text in texts() if why_exact_only(text) is not None]
    assert len(found) <= 0.001 * len(texts())


def test_real_prompts_raise_no_false_alarm_of_the_moment() -> None:
    prompts = [row["prompt"] for row in shared_rows("prompts/arena_hard_questions.jsonl.gz")]
    assert sum(map(is_moment_bound, prompts)) <= 2  # of 1,250; one tells of a current price in a long text


@given(st.text())
def test_any_text_has_a_reason_or_none(text: str) -> None:
    assert why_exact_only(text) in {
        *(None, "empty-question", "question-too-long", "control-characters", "language", "moment-bound"),
        *("one-off", "refers-to-place"),
    }
    is_moment_bound(text)


@pytest.mark.parametrize(
    "unit",
    [
        "latest ",
        "a.",
        "today price ",
        "this ",
        "`",
        "'a ",
        "what ",
        "now ",
        "how many days ",
        "é",
        "the my ",
        "nearby ",
    ],
)
def test_no_text_makes_it_endless(unit: str) -> None:
    assert why_exact_only(unit * 100_000) in {"question-too-long", "empty-question"}
    why_exact_only((unit * LIMIT)[:LIMIT])
    is_moment_bound(unit * 100_000)
