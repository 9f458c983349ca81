"""Questions: the person's words told apart from the agent's, which stay in the scope."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.canonical import Json, JsonObject
from reflexd_core.profiles import AIDER, ANYBODY, CLAUDE_CODE, CLINE, CODEX, GEMINI_CLI, OTHER, QWEN_CODE, Profile
from reflexd_core.questions import PLACEHOLDER, Found, find, is_agents_turn, last_said, system_text

REMINDER = "<system-reminder>\nToday's date is 2026-11-21.\n</system-reminder>"
CONTEXT = "<environment_context>\n  <cwd>/work</cwd>\n</environment_context>"


def part(text: str, kind: str = "text") -> dict[str, Any]:
    return {"type": kind, "text": text}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if content and isinstance(content[0], str) else list(content)}


def asked(turns: list[JsonObject], profile: Profile = OTHER, system: str = "") -> tuple[str, list[Json]]:
    found = find(turns, profile, system)
    assert isinstance(found, Found), found
    return found.text, found.turns


@pytest.mark.parametrize("content", [("hi",), (part("hi"),), (part("hi", "input_text"),)])
def test_a_plain_turn_is_the_question(content: Any) -> None:
    assert asked([user(*content)]) == ("hi", [{"role": "user", "content": PLACEHOLDER}])


def test_several_plain_parts_are_one_question() -> None:
    assert asked([user(part("a"), part("b"))]) == ("a\nb", [{"role": "user", "content": PLACEHOLDER}])


def test_of_a_known_agents_parts_the_last_that_holds_words_is_the_question() -> None:
    parts = [part("Generate a title for this conversation:\n"), part("hi"), part(REMINDER)]
    masked = ["Generate a title for this conversation:\n", PLACEHOLDER, REMINDER]
    assert asked([user(*parts)], CLAUDE_CODE) == ("hi", [{"role": "user", "content": masked}])


def test_other_fields_of_the_turn_and_all_other_turns_stay() -> None:
    turns: Any = [user("a"), {"role": "assistant", "content": "b"}, {**user("c"), "name": "n"}]
    text, rest = asked(turns)
    assert (text, rest) == ("c", [*turns[:2], {"role": "user", "content": PLACEHOLDER, "name": "n"}])


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_may_stand_behind_the_question(role: str) -> None:
    behind = {"role": role, "content": "Agents: none."}
    assert asked([user("a"), behind]) == ("a", [{"role": "user", "content": PLACEHOLDER}, behind])


@pytest.mark.parametrize(
    ("turns", "why"),
    [
        ([], "last-turn-not-the-users"),
        ([{"role": "system", "content": "a"}], "last-turn-not-the-users"),
        ([user("a"), {"role": "assistant", "content": "b"}], "last-turn-not-the-users"),
        ([user("a"), {"type": "function_call_output", "output": "b"}], "last-turn-not-the-users"),
        ([user()], "empty-question"),
        ([user(" \n")], "empty-question"),
        ([{"role": "user"}], "not-plain-text"),
        ([user(part("a"), {"type": "image"})], "not-plain-text"),
        ([user({**part("a"), "citations": []})], "not-plain-text"),
        ([user({"type": "tool_result", "content": "a"})], "not-plain-text"),
        ([user({"type": "text", "text": 1})], "not-plain-text"),
        ([user(part("a", "output_text"))], "not-plain-text"),
        ([user({"text": "a"})], "not-plain-text"),
        ([user(f"a{PLACEHOLDER}")], "not-plain-text"),
        ([user(part(f"a{PLACEHOLDER}"))], "not-plain-text"),
    ],
)
def test_there_is_no_question_where_none_can_be_seen_whole(turns: list[JsonObject], why: str) -> None:
    assert find(turns, OTHER) == why


@pytest.mark.parametrize(
    ("profile", "content", "text", "scoped"),
    [
        pytest.param(
            CLAUDE_CODE, [part(REMINDER), part("hi")], "hi", [REMINDER, PLACEHOLDER], id="a part of its own"
        ),
        pytest.param(CLAUDE_CODE, [part("hi"), part(REMINDER)], "hi", [PLACEHOLDER, REMINDER], id="behind"),
        pytest.param(
            CLAUDE_CODE, f"{REMINDER}\n{REMINDER}hi", "hi", f"{REMINDER}\n{REMINDER}{PLACEHOLDER}", id="two"
        ),
        pytest.param(CLAUDE_CODE, f"hi\n{REMINDER}\n", "hi\n", f"{PLACEHOLDER}{REMINDER}\n", id="one string"),
        pytest.param(
            CLAUDE_CODE,
            [part("<system-reminder>cut"), part("hi")],
            "hi",
            ["<system-reminder>cut", PLACEHOLDER],
            id="cut",
        ),
        pytest.param(
            CLAUDE_CODE,
            "<session>\nSort a list\n</session>\n\nWrite the title.",
            "Sort a list",
            f"<session>\n{PLACEHOLDER}\n</session>\n\nWrite the title.",
            id="title call",
        ),
        pytest.param(
            CLAUDE_CODE,
            '<user_input id="1">hi</user_input>',
            "hi",
            f'<user_input id="1">{PLACEHOLDER}</user_input>',
            id="attribute",
        ),
        pytest.param(CODEX, [part(CONTEXT), part("hi")], "hi", [CONTEXT, PLACEHOLDER], id="codex"),
        pytest.param(
            CODEX,
            [part("# AGENTS.md instructions for /work\n\nBe brief."), part("hi")],
            "hi",
            ["# AGENTS.md instructions for /work\n\nBe brief.", PLACEHOLDER],
            id="AGENTS.md",
        ),
        pytest.param(
            GEMINI_CLI,
            [part("<session_context>a</session_context>"), part("hi")],
            "hi",
            ["<session_context>a</session_context>", PLACEHOLDER],
            id="gemini",
        ),
        pytest.param(CLINE, "<task>\nhi\n</task>", "hi", f"<task>\n{PLACEHOLDER}\n</task>", id="cline"),
        pytest.param(OTHER, f"{REMINDER}hi", f"{REMINDER}hi", PLACEHOLDER, id="nobody's reminder"),
        pytest.param(CODEX, f"{REMINDER}hi", f"{REMINDER}hi", PLACEHOLDER, id="another agent's reminder"),
    ],
)
def test_what_the_agent_said_is_no_part_of_the_question(
    profile: Profile, content: Any, text: str, scoped: Json
) -> None:
    assert asked([{"role": "user", "content": content}], profile) == (text, [{"role": "user", "content": scoped}])


def test_a_turn_that_is_all_the_agents_is_walked_over() -> None:
    text, rest = asked([user("hi"), user(part(CONTEXT))], CODEX)
    assert (text, rest) == ("hi", [user(PLACEHOLDER), user(part(CONTEXT))])
    assert find([user(part(CONTEXT))], CODEX) == "empty-question"
    assert find([{"role": "assistant", "content": "a"}, user(part(CONTEXT))], CODEX) == "empty-question"
    assert find([user({"type": "input_image"}), user(part(CONTEXT))], CODEX) == "not-plain-text"


RULES = "To suggest changes to a file you MUST return it whole.\n\nNever elide lines."
SYSTEM = f"Act as an expert software developer.\n\nBe kind.\n{RULES}"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (f"hi\n\n{RULES}", "hi"),
        (f"one\n\ntwo\n\n{RULES}", "one\n\ntwo"),
        ("hi\n\nNever elide files.", "hi\n\nNever elide files."),
        ("hi", "hi"),
        ("hi\n\n", "hi\n\n"),
    ],
)
def test_aiders_reminder_is_known_by_the_system_prompt(said: str, text: str) -> None:
    found, rest = asked([user(said)], AIDER, SYSTEM)
    assert found == text
    assert rest == [user(said.replace(text, PLACEHOLDER, 1))]
    assert asked([user(said)], OTHER, SYSTEM)[0] == said


PIECES = st.lists(st.sampled_from([REMINDER, CONTEXT, "hi", " ", "\n\n", RULES, "<system-reminder>", "</session>"]))


@given(PIECES, st.sampled_from([OTHER, CLAUDE_CODE, CODEX, AIDER, ANYBODY]))
def test_question_and_scope_together_are_all_that_was_said(pieces: list[str], profile: Profile) -> None:
    said = "".join(pieces)
    found = find([user(said)], profile, SYSTEM)
    if isinstance(found, Found):
        (turn,) = found.turns
        assert isinstance(turn, dict)
        assert str(turn["content"]).replace(PLACEHOLDER, found.text) == said
    else:
        assert found == "empty-question"


# ------------------------------------------------------------------------------------------------------ for people


@pytest.mark.parametrize(
    ("turns", "text"),
    [
        ([user("a")], "a"),
        ([user("a"), {"role": "assistant", "content": "b"}, user({"type": "tool_result", "content": "c"})], "a"),
        ([user(part(REMINDER), part("a"), {"type": "image"}, "x", {"text": "b"})], "a\nb"),
        ([user("a"), user(part(CONTEXT))], "a"),
        ([{"role": "user"}], ""),
        ([{"role": "system", "content": "a"}], ""),
        ([], ""),
    ],
)
def test_people_are_shown_what_the_person_last_said(turns: list[JsonObject], text: str) -> None:
    assert last_said(turns, ANYBODY) == text


def test_the_first_turn_may_instruct() -> None:
    assert system_text([{"role": "developer", "content": [part("a"), part("b")]}, user("c")]) == "a\nb"
    assert system_text([user("a")]) == system_text([]) == ""


def test_an_agents_made_up_first_turn_is_no_turn() -> None:
    prelude = {"role": "assistant", "content": "Got it. Thanks for the context!"}
    assert not is_agents_turn(prelude, QWEN_CODE)
    assert is_agents_turn(prelude, OTHER)
    assert is_agents_turn({"role": "assistant", "content": "Got it."}, QWEN_CODE)
    assert not is_agents_turn(user("a"), OTHER)


def test_thousands_of_blocks_and_blank_lines_are_no_trouble() -> None:
    """Each that was looked at with a copy of all the rest made seconds of it."""
    blocks = "<system-reminder></system-reminder>\n" * 20_000
    assert asked([user(f"{blocks}hi{blocks}")], CLAUDE_CODE)[0] == "\nhi"
    assert asked([user(" " * 300_000 + "hi" + "\n" * 300_000)], CLAUDE_CODE)[0].strip() == "hi"
    assert asked([user("hi" + "\n\na" * 100_000)], AIDER, "\n\nbe brief" * 10_000)[0].startswith("hi")
