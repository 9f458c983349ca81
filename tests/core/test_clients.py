"""Who asks, by its headers."""

import pytest

from reflexd_core.clients import client_of, session_of


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (b"OpenAI/Python 2.20.0", "openai-python"),
        (b"AsyncOpenAI/Python 3.52.0", "openai-python"),
        (b"AsyncAnthropic/Python 2.11.0", "anthropic-python"),
        (b"Anthropic/JS 0.90.1", "anthropic-js"),
        (b"ai-sdk/openai-compatible/2.0.87 ai-sdk/provider-utils", "ai-sdk"),
        (b"curl/8.5.0", "curl"),
        (b"litellm/1.81.10", "litellm"),
        (b"\x1b[31mevil", ""),
        (b"", ""),
    ],
)
def test_a_library_says_its_name(user_agent: bytes, name: str) -> None:
    assert client_of("", user_agent) == name


def test_an_agent_is_called_as_its_profile_is() -> None:
    assert client_of("aider", b"litellm/1.81.10") == "aider"


def test_agents_name_their_session() -> None:
    assert session_of({b"x-claude-code-session-id": b"0b5e"}) == "0b5e"
    assert session_of({b"session-id": b"\xe4" * 300}) == "ä" * 100
    assert session_of({b"session-id": b"", b"x-session-id": b"7"}) == "7"
    assert session_of({}) is None
