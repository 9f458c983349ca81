"""Tokens: made of random bytes, known by their digest, and told from what was mistyped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflexd_core.tokens import PREFIX, digest_of, is_token, is_whole, make_token

SECRETS = st.binary(min_size=32, max_size=32)


@given(SECRETS, SECRETS)
def test_every_secret_has_a_token_of_its_own(one: bytes, other: bytes) -> None:
    token = make_token(one)
    assert (token == make_token(other)) is (one == other)
    assert (len(token), token.startswith(PREFIX), token.isascii()) == (53, True, True)
    assert is_token(token)
    assert is_whole(token)
    assert len(digest_of(token)) == 32


@given(SECRETS, st.integers(4, 52), st.sampled_from("0aZ"))
def test_a_slip_of_one_letter_is_seen(secret: bytes, place: int, letter: str) -> None:
    token = make_token(secret)
    slip = token[:place] + letter + token[place + 1 :]
    assert is_whole(slip) is (slip == token)
    assert not is_whole(token[:place])
    assert not is_whole(token + letter)


@pytest.mark.parametrize("secret", [b"", bytes(31), bytes(33)])
def test_a_token_has_32_bytes_of_chance(secret: bytes) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        make_token(secret)


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        ("rfx_", True),
        ("rfx_x", True),
        ("sk-1, Bearer rfx_x", True),
        ("a,rfx_x", True),
        ("sk-rfx_x", False),
        ("", False),
    ],
)
def test_what_is_meant_as_a_token_is_seen_also_behind_something_else(credential: str, expected: bool) -> None:
    assert is_token(credential) is expected
    assert not is_whole(credential)


def test_all_secrets_fit() -> None:
    assert is_whole(make_token(b"\xff" * 32))
    assert make_token(bytes(32))[4:47] == "0" * 43
