"""Upstream keys: the keyring's, the environment's, and what happens where a keyring gives no answer."""

import threading
from collections.abc import Iterator
from typing import Any

import anyio
import keyring
import keyring.errors
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from reflexd_core.routing import PRESETS
from reflexd_io import keys
from reflexd_io.keys import Keys, UnusableKey, keyring_name, read_keyring

pytestmark = pytest.mark.anyio

OPENAI, GROQ = PRESETS["openai"], PRESETS["groq"]


class SmallKeyring(KeyringBackend):  # type: ignore[misc]
    """Passwords in a dictionary; may be locked, or slow until told otherwise."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, **stored: str) -> None:
        super().__init__()
        self.stored = {name.replace("__", "/"): secret for name, secret in stored.items()}
        self.asked: list[str] = []
        self.locked = False
        self.answers = threading.Event()
        self.answers.set()

    def get_password(self, service: str, username: str) -> str | None:
        assert service == "reflexd"
        self.asked.append(username)
        self.answers.wait(20)
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        return self.stored.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("Reflex stores no keys by itself")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for upstream in PRESETS.values():
        monkeypatch.delenv(upstream.key_env, raising=False)
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


def _use(backend: Any) -> Any:
    keyring.set_keyring(backend)
    return backend


async def test_a_tenants_key_comes_from_the_keyring_and_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = _use(SmallKeyring(default__openai="sk-stored", team__openai="sk-team"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    store = Keys()
    for _ in range(3):
        assert await store.get("default", OPENAI) == "sk-stored"
        assert await store.get("team", OPENAI) == "sk-team"
    assert ring.asked == ["default/openai", "team/openai"]


async def test_the_default_tenant_takes_the_environments_where_the_keyring_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _use(SmallKeyring())
    monkeypatch.setenv("OPENAI_API_KEY", "  sk-environment\n")
    monkeypatch.setenv("GROQ_API_KEY", "   ")
    store = Keys()
    assert await store.get("default", OPENAI) == "sk-environment"
    assert await store.get("default", GROQ) is None
    assert await store.get("team", OPENAI) is None  # it could have a key of its own, and has none


async def test_without_any_keyring_the_environments_key_is_everybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(NoKeyring())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    store = Keys()
    assert await store.get("default", OPENAI) == "sk-environment"
    assert await store.get("team", OPENAI) == "sk-environment"
    assert await store.get("team", GROQ) is None
    assert read_keyring("default", "openai") == (None, False)
    assert keyring_name() is None


@pytest.mark.parametrize("key", ["sk-SECRET\nsecond", "sk-SECRET second", "sk-SECRET\x00", "sk-SECRET\u2026"])
async def test_a_key_that_no_header_can_hold_is_refused_by_the_name_of_its_place(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _use(SmallKeyring(team__openai=key))
    monkeypatch.setattr(keys.os, "environ", {"GROQ_API_KEY": key})  # a real one cannot hold a zero byte
    for tenant, upstream, place in (("team", OPENAI, "reflexd team/openai"), ("default", GROQ, "GROQ_API_KEY")):
        with pytest.raises(UnusableKey, match=place) as refused:
            await Keys().get(tenant, upstream)
        assert "SECRET" not in str(refused.value)


async def test_white_space_around_a_stored_key_is_no_part_of_it() -> None:
    _use(SmallKeyring(default__openai=" sk-stored\n", default__groq=" "))
    assert await Keys().get("default", OPENAI) == "sk-stored"
    assert await Keys().get("default", GROQ) is None


async def test_a_locked_keyring_never_makes_one_tenant_pay_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = _use(SmallKeyring(team__openai="sk-team"))
    ring.locked = True
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    store = Keys()
    assert await store.get("team", OPENAI) is None
    assert await store.get("default", OPENAI) == "sk-environment"


async def test_a_keyring_that_is_unlocked_later_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = _use(SmallKeyring(default__openai="sk-stored"))
    ring.locked = True
    store = Keys()
    assert await store.get("default", OPENAI) is None
    assert await store.get("default", OPENAI) is None
    assert len(ring.asked) == 1  # not with every request
    ring.locked = False
    monkeypatch.setattr(keys, "monotonic", lambda: 1e12)
    assert await store.get("default", OPENAI) == "sk-stored"


async def test_a_keyring_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = _use(SmallKeyring(default__openai="sk-stored"))
    ring.answers.clear()
    monkeypatch.setattr(keys, "KEYRING_TIMEOUT", 0.1)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    store = Keys()
    found: list[str | None] = []

    async def ask() -> None:
        found.append(await store.get("default", OPENAI))

    try:
        with anyio.fail_after(2):  # twenty times a tenth of a second would be as much
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(ask)
    finally:
        ring.answers.set()
    assert found == ["sk-environment"] * 20
    assert len(ring.asked) == 1


async def test_a_key_that_is_known_is_not_kept_waiting_by_another_that_is_asked_for() -> None:
    ring = _use(SmallKeyring(default__openai="sk-stored"))
    store = Keys()
    await store.get("default", OPENAI)
    ring.answers.clear()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.get, "default", GROQ)
            with anyio.fail_after(10):
                while len(ring.asked) < 2:  # noqa: ASYNC110 - the backend is asked in a thread
                    await anyio.sleep(0.01)
                assert await store.get("default", OPENAI) == "sk-stored"
            ring.answers.set()
    finally:
        ring.answers.set()


async def test_a_backend_that_fails_in_its_own_way_is_as_good_as_locked() -> None:
    class Broken(SmallKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            raise ZeroDivisionError

    _use(Broken())
    assert read_keyring("default", "openai") == (None, None)
    assert await Keys().get("default", OPENAI) is None


async def test_the_backend_has_a_name_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    _use(SmallKeyring())
    assert (keyring_name() or "").endswith(".SmallKeyring")

    def broken() -> None:
        raise ImportError("no such backend")

    monkeypatch.setattr(keyring, "get_keyring", broken)
    assert keyring_name() is None
