"""The portable profile: what it masks where a tenant asks for it, and that nobody else is touched."""

from dataclasses import replace
from typing import Any

import pytest

from reflexd_core.canonical import JsonObject
from reflexd_core.dialects import CHAT, MESSAGES, RESPONSES
from reflexd_core.portable import MASK, mask, portable_rules
from reflexd_core.profiles import OTHER


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("<env>\nWorking directory: /a\n</env> Go.", f"{MASK} Go."),
        ("<environment_context>\n<cwd>/a</cwd>\n</environment_context>", MASK),
        ("<session_context>a</session_context>b<session_context>c</session_context>", f"{MASK}b{MASK}"),
        ("# currentDate\nToday's date is 2026-11-21.\nGo.", f"{MASK}\nGo."),
        ("Today's date is 2026-11-21.\nGo.", f"{MASK}\nGo."),
        ("Today\u2019s date: Saturday\nGo.", f"{MASK}\nGo."),
        ("Current date: 2026-11-21\nGo.", f"{MASK}\nGo."),
        ("The current month is November 2026. Go.", f"{MASK}. Go."),
        ("Primary working directory: /a\nGo.", f"{MASK}\nGo."),
        ("in the current working directory (/a), so", f"in the {MASK}, so"),
        ("a file-based memory at `/a/-b/memory/`. It", f"a {MASK}. It"),
        ("- **Private Project Memory** (`/a/MEMORY.md`): It", f"- {MASK}: It"),
        ("Go.\ngitStatus: main\nM a.py\n", f"Go.\n{MASK}"),
        ("<env>open", "<env>open"),
        ("<env>a</environment_context>", "<env>a</environment_context>"),
        (f"Today's date is {MASK}", f"Today's date is {MASK}"),
        ("What is today's date?", "What is today's date?"),
    ],
)
def test_dates_directories_and_git_status_are_masked(text: str, masked: str) -> None:
    assert mask({"system": text}) == {"system": masked}


def test_instructions_turns_and_descriptions_are_looked_at_and_nothing_else() -> None:
    def body(said: str) -> dict[str, Any]:
        raw = "The current month is May"
        return {
            "system": [{"type": "text", "text": said}],
            "instructions": said,
            "messages": [
                {"role": "system", "content": said},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": said}, {"type": "tool_result", "content": raw}],
                },
                {"role": "assistant", "content": raw},
                {"role": "tool", "content": raw},
                {"role": ["user"], "content": raw},
            ],
            "input": [{"role": "developer", "content": said}, {"type": "function_call_output", "output": raw}],
            "tools": [
                {"description": said, "input_schema": {"description": raw}},
                {"function": {"description": said, "parameters": {"description": raw}}},
                {"function": "f"},
            ],
            "metadata": {"description": raw},
            "prompt": raw,
        }

    assert mask(body("The current month is May")) == body(MASK)
    clean: JsonObject = body("Go.")
    assert mask(clean) is clean


def test_only_the_asked_for_profile_is_portable() -> None:
    assert portable_rules(OTHER) == ()
    portable = replace(OTHER, portable=True)
    body: Any = {"messages": [{"role": "system", "content": "Today's date is A"}, {"role": "user", "content": "hi"}]}
    for dialect in (CHAT, MESSAGES):
        assert dialect.read(body).rules == ()
        reading = dialect.read(body, portable)
        assert reading.rules == ("portable",)
        assert reading.question is not None
        assert reading.question.text == "hi"
    responses: Any = {"input": body["messages"]}
    assert RESPONSES.read(responses, portable).rules == ("portable",)


def test_a_masked_question_can_still_be_asked() -> None:
    body: Any = {"messages": [{"role": "user", "content": "<env>a</env>hi"}]}
    question = CHAT.read(body, replace(OTHER, portable=True)).question
    assert question is not None
    assert question.text == f"{MASK}hi"


@pytest.mark.parametrize(
    "repeated",
    ["<env>", "<env><session_context>", "current working directory (", "file-based memory at `", "Today's date is "],
)
def test_thousands_of_openings_are_no_trouble(repeated: str) -> None:
    """Each that was searched to the text's end made minutes of it."""
    mask({"system": repeated * (300_000 // len(repeated))})


def test_the_innermost_block_is_masked() -> None:
    assert mask({"system": "<env>a<env>b</env>c</env>"}) == {"system": f"<env>a{MASK}c</env>"}
