"""The OS keyring: kept, read, erased; and each way in which it can fail, in words that hold no key."""

from collections.abc import Callable, Iterator

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as NullKeyring

from reflexd_io import keyrings
from reflexd_io.keyrings import KeyringFault
from support.keyrings import SmallKeyring

SECRET = "sk-proj-0123456789abcdef"


@pytest.fixture(autouse=True)
def _before() -> Iterator[None]:
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


def _ring(**stored: str) -> SmallKeyring:
    ring = SmallKeyring(**stored)
    keyring.set_keyring(ring)
    return ring


def test_a_key_is_kept_read_and_erased() -> None:
    ring = _ring()
    keyrings.write("work", "openai", SECRET)
    assert ring.stored == {"work/openai": SECRET}
    assert keyrings.read("work", "openai") == SECRET
    assert keyrings.erase("work", "openai")
    assert keyrings.read("work", "openai") is None
    assert not keyrings.erase("work", "openai")


def test_the_backend_has_a_name_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    _ring()
    assert (keyrings.backend_name() or "").endswith(".SmallKeyring")
    keyring.set_keyring(NoKeyring())
    assert keyrings.backend_name() is None

    def broken() -> None:
        raise ImportError("no such backend")

    monkeypatch.setattr(keyring, "get_keyring", broken)
    assert keyrings.backend_name() is None


_CALLS: list[Callable[[], object]] = [
    lambda: keyrings.read("default", "openai"),
    lambda: keyrings.write("default", "openai", SECRET),
    lambda: keyrings.erase("default", "openai"),
]


@pytest.mark.parametrize("call", _CALLS)
def test_no_keyring_at_all_is_told(call: Callable[[], object]) -> None:
    keyring.set_keyring(NoKeyring())
    with pytest.raises(KeyringFault, match="no keyring") as fault:
        call()
    assert fault.value.code == "no_keyring"


@pytest.mark.parametrize("call", _CALLS)
def test_a_locked_keyring_is_told_with_what_helps(call: Callable[[], object]) -> None:
    _ring(default__openai="x").locked = True
    with pytest.raises(KeyringFault, match="unlock it") as fault:
        call()
    assert fault.value.code == "keyring_locked"


def test_a_keyring_that_keeps_nothing_is_found_out() -> None:
    _ring().forgetful = True
    with pytest.raises(KeyringFault, match="did not keep it"):
        keyrings.write("default", "openai", SECRET)
    keyring.set_keyring(NullKeyring())
    with pytest.raises(KeyringFault, match="did not keep it"):
        keyrings.write("default", "openai", SECRET)


def test_a_backend_that_quotes_what_it_was_given_is_not_quoted() -> None:
    class Talkative(SmallKeyring):
        def set_password(self, service: str, username: str, password: str) -> None:
            raise ValueError(f"cannot keep {password}")

        def get_password(self, service: str, username: str) -> str | None:
            raise ValueError("the collection is damaged")

    keyring.set_keyring(Talkative())
    with pytest.raises(KeyringFault, match="ValueError") as fault:
        keyrings.write("default", "openai", SECRET)
    assert SECRET not in str(fault.value)
    assert fault.value.__cause__ is None
    with pytest.raises(KeyringFault, match="the collection is damaged"):
        keyrings.read("default", "openai")


def test_a_keyring_that_does_not_answer_is_given_up() -> None:
    ring = _ring(default__openai=SECRET)
    ring.answers.clear()
    try:
        with pytest.raises(KeyringFault, match="waits for your password") as fault:
            keyrings.within(0.05, lambda: keyrings.read("default", "openai"))
        assert fault.value.code == "keyring_silent"
    finally:
        ring.answers.set()
    assert keyrings.within(5, lambda: keyrings.read("default", "openai")) == SECRET


def test_what_goes_wrong_in_time_is_raised_where_it_was_asked() -> None:
    _ring().locked = True
    with pytest.raises(KeyringFault, match="locked"):
        keyrings.within(5, lambda: keyrings.read("default", "openai"))
