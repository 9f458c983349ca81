"""Profiles: which agent asks, by what it says of itself."""

from dataclasses import replace

import pytest

from reflexd_core.profiles import (
    AIDER,
    CLAUDE_CODE,
    CLINE,
    CODEX,
    CONTINUE,
    GEMINI_CLI,
    OPENCODE,
    OTHER,
    PROFILES,
    QWEN_CODE,
    Profile,
    profile_of,
    settled,
)
from reflexd_core.scrubs import CHUNK_ID, SCRUBS, WALL_TIME


@pytest.mark.parametrize(
    ("agent", "profile"),
    [
        (b"claude-cli/2.1.197 (external, sdk-cli)", CLAUDE_CODE),
        (b"claude-code/2.1.197", CLAUDE_CODE),
        (b"codex_exec/0.169.0 (Debian 12.0.0; x86_64) xterm (codex_exec; 0.169.0)", CODEX),
        (b"codex_cli_rs/0.100.0", CODEX),
        (b"opencode/1.18.33 ai-sdk/provider-utils/4.0.46 runtime/bun/1.3.14", OPENCODE),
        (b"GeminiCLI-tui/0.61.0/gemini-2.5-flash (linux; x64; terminal)", GEMINI_CLI),
        (b"QwenCode/0.15.10 (linux; x64)", QWEN_CODE),
        (b"OpenAI/Python 2.20.0", OTHER),
        (b"ls/JS 5.23.2", OTHER),
        (b"my-claude-cli/1", OTHER),
        (b"", OTHER),
        (b"\xff", OTHER),
    ],
)
def test_an_agent_is_known_by_its_headers(agent: bytes, profile: Profile) -> None:
    assert profile_of({b"user-agent": agent}) == profile


def test_openrouters_clients_name_themselves_elsewhere() -> None:
    assert profile_of({b"user-agent": b"OpenAI/Python 2.20.0", b"x-title": b"Aider"}) == AIDER
    assert profile_of({b"x-title": b"Cline"}) == CLINE
    assert profile_of({}) == OTHER


@pytest.mark.parametrize(
    ("system", "profile"),
    [
        ("Act as an expert software developer.\nAlways use best practices.", AIDER),
        ("Act as an expert code analyst.\nAnswer questions.", AIDER),
        ("Act as an expert architect engineer and provide direction.", AIDER),
        ("You are an agent in the Continue CLI. Given the user's prompt", CONTINUE),
        ("You are Cline, an AI coding agent.", CLINE),
        ("Act as an expert plumber.", OTHER),
        ("", OTHER),
    ],
)
def test_agents_whose_headers_name_their_sdk_alone_are_known_by_their_opening(system: str, profile: Profile) -> None:
    assert settled(OTHER, system) == profile
    assert settled(CODEX, system) is CODEX
    assert settled(replace(OTHER, portable=True), system) == replace(profile, portable=True)


def test_a_tenant_switches_scrubs_off_and_portability_on() -> None:
    codex = {b"user-agent": b"codex_exec/0.169.0"}
    assert profile_of(codex).scrubs == (CHUNK_ID, WALL_TIME)
    assert profile_of(codex, scrubs=frozenset(SCRUBS) - {"scrub-chunk-id"}).scrubs == (WALL_TIME,)
    assert profile_of(codex, scrubs=frozenset({"scrub-chunk-id"}), portable=True) == replace(
        CODEX, scrubs=(CHUNK_ID,), portable=True
    )
    assert profile_of(codex, scrubs=frozenset()).scrubs == ()


def test_every_agent_has_a_profile() -> None:
    assert [profile.name for profile in PROFILES] == [
        *("claude-code", "codex", "opencode", "aider", "gemini-cli", "qwen-code", "continue", "cline")
    ]
    assert {scrub for profile in PROFILES for scrub in profile.scrubs} == set(SCRUBS.values())
