"""What real agents sent, twice over: repeated runs share their keys, different scenarios do not.

The captures hold long texts shortened, with their length; so two that differ only inside of one look equal here.
"""

import gzip
import json
from collections import defaultdict
from typing import Any

import pytest

from reflexd_core.canonical import read_json
from reflexd_core.keys import exact_key
from reflexd_core.profiles import PROFILES, profile_of
from reflexd_core.request import Reading
from reflexd_core.routing import read_target
from reflexd_core.scrubs import SCRUBS
from support.shared import shared_path

REPEATED = {
    ("claude-code/run1", "claude-code/run2"): 1,
    ("claude-code/git_run1", "claude-code/git_run2"): 1,
    ("claude-code/tool_turn_run1", "claude-code/tool_turn_run2"): 2,
    ("codex/run1", "codex/run2"): 2,
    ("opencode/tool_run1", "opencode/tool_run2"): 3,
    ("opencode/anthropic_run1", "opencode/anthropic_run2"): 2,
    ("opencode/openai_responses_run1", "opencode/openai_responses_run2"): 2,
    ("qwen-code/tool_run1", "qwen-code/tool_run2"): 2,
    ("aider/openai_run1", "aider/openai_run2"): 1,
    ("gemini-cli/run1", "gemini-cli/run2"): 1,
    ("llm/run1", "llm/run2"): 1,
    ("continue-cli/tool_run1", "continue-cli/tool_run2"): 2,
    ("cline-cli/tool_run1", "cline-cli/tool_run2"): 2,
}
"""Runs of one scenario, and how many requests each made."""


def requests(scenario: str) -> list[dict[str, Any]]:
    """The requests of a run that go to a cached dialect, less those that only try again after an error."""
    with gzip.open(shared_path(f"captures/{scenario}.json.gz"), "rt", encoding="utf-8") as file:
        captured = json.load(file)["requests"]
    found = []
    for request in captured:
        is_known = read_target(request["method"], request["path"]).dialect is not None
        if is_known and isinstance(request["body"], dict):
            found.append(request)
    return found


def read(request: dict[str, Any], *, scrubs: frozenset[str] = frozenset(SCRUBS)) -> tuple[bytes, Reading]:
    """Key and reading, as the gateway comes by them."""
    target = read_target(request["method"], request["path"])
    headers = {name.lower(): value for name, value in request["headers"]}
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    body = read_json(json.dumps(request["body"]).encode())
    assert target.dialect is not None
    assert isinstance(body, dict)
    reading = target.dialect.read(body, profile_of(raw, scrubs=scrubs))
    key = exact_key(
        tenant="t",
        upstream="u",
        dialect=target.dialect.name,
        path=target.path,
        query=target.query,
        headers=headers,
        body=reading.keyed,
    )
    return key, reading


@pytest.mark.parametrize("pair", REPEATED, ids=lambda pair: pair[0])
def test_a_run_that_is_repeated_asks_for_the_same_keys(pair: tuple[str, str]) -> None:
    first, second = ([read(request)[0] for request in requests(run)] for run in pair)
    assert len(first) == len(second) == REPEATED[pair]
    assert sorted(first) == sorted(second)  # OpenCode sends its title call beside the first turn
    assert len(set(first)) == len(first)


def test_all_repeated_requests_that_were_captured_are_here() -> None:
    assert sum(REPEATED.values()) == 22


def test_as_sent_codex_never_repeats_itself() -> None:
    first, second = ([request["body"] for request in requests(f"codex/run{n}")] for n in (1, 2))
    assert all(one != other for one, other in zip(first, second, strict=True))


def test_without_its_scrubs_codex_misses_after_each_command() -> None:
    first, second = ([read(each, scrubs=frozenset())[0] for each in requests(f"codex/run{n}")] for n in (1, 2))
    assert (first[0] == second[0], first[1] == second[1]) == (True, False)


def test_different_requests_share_no_key() -> None:
    """Whatever shares a key is equal once ids, marks and the envelope are looked away from."""
    seen: dict[bytes, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for path in sorted(shared_path("captures").glob("*/*.json.gz")):
        scenario = f"{path.parent.name}/{path.name.removesuffix('.json.gz')}"
        for request in requests(scenario):
            seen[read(request)[0]].append((scenario, request))
    assert sum(map(len, seen.values())) > 130
    assert len(seen) > 60
    for same in seen.values():
        told = {json.dumps(_told(request["body"]), sort_keys=True) for _, request in same}
        assert len(told) == 1, [scenario for scenario, _ in same]


def _told(value: Any) -> Any:
    """All texts, names and settings of a request, less what differs between equal requests: written for this test."""
    if isinstance(value, dict):
        return {name: _told(inner) for name, inner in value.items() if name not in _DRAWN}
    if isinstance(value, list):
        blocks = [block for block in value if "x-anthropic-billing-header" not in str(block)[:60]]
        texts = [block for block in blocks if isinstance(block, dict) and {"type", "text"} >= block.keys() - _DRAWN]
        if len(texts) == len(blocks) == 1 and "text" in texts[0]:
            return texts[0]["text"]
        return [_told(inner) for inner in blocks]
    if isinstance(value, str) and value.startswith("Chunk ID: "):
        return value.split("\n", 2)[-1]
    return value.partition("\nProcess Group PGID: ")[0] if isinstance(value, str) else value


_DRAWN = {
    *("id", "call_id", "tool_use_id", "tool_call_id", "status", "signature", "cache_control", "metadata"),
    *("client_metadata", "prompt_cache_key", "stream", "stream_options", "store", "user"),
}


def test_agents_are_known_and_their_questions_are_what_was_typed() -> None:
    questions = {
        scenario: [
            (reading.agent, reading.question.text) for _, reading in map(read, requests(scenario)) if reading.question
        ]
        for scenario in (
            *("claude-code/run1", "claude-code/longer_prompt_with_title_call", "codex/run1", "opencode/tool_run1"),
            *(
                "qwen-code/tool_run1",
                "aider/openai_run1",
                "continue-cli/tool_run1",
                "cline-cli/tool_run1",
                "llm/run1",
            ),
            *("claude-code/tool_turn_run1", "opencode/anthropic_run1", "opencode/openai_responses_run1"),
        )
    }
    said = "hello there friend how are you doing"
    assert questions["claude-code/run1"] == [("claude-code", "hi")]
    assert questions["claude-code/longer_prompt_with_title_call"] == [("claude-code", said)] * 2
    assert questions["claude-code/tool_turn_run1"] == [("claude-code", "run echo")]
    assert questions["codex/run1"] == [("codex", "run echo")]
    assert questions["qwen-code/tool_run1"] == [("qwen-code", "run echo")]
    assert questions["continue-cli/tool_run1"] == [("continue", "run echo")]
    assert questions["cline-cli/tool_run1"] == [("cline", "run echo please")]
    assert questions["llm/run1"] == [("", "hi")]
    for scenario in ("opencode/anthropic_run1", "opencode/openai_responses_run1"):
        assert set(questions[scenario]) == {("opencode", "hi")}
    # Aider's reminder is shortened in the capture, in the system prompt elsewhere than in the question.
    assert [agent for agent, _ in questions["aider/openai_run1"]] == ["aider"]
    assert {agent for asked in questions.values() for agent, _ in asked} <= {profile.name for profile in PROFILES} | {
        ""
    }
