"""Upstream keys: the keyring's, the environment's, and what happens where a keyring gives no answer."""

from collections.abc import Iterator
from typing import Any

import anyio
import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from reflexd_core.routing import PRESETS
from reflexd_io import keyrings, keys
from reflexd_io.keys import Keys, Source, UnusableKey, survey
from support.keyrings import SmallKeyring

pytestmark = pytest.mark.anyio

OPENAI, GROQ = PRESETS["openai"], PRESETS["groq"]


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
    held = await store.held("team", GROQ)
    assert (held.source, held.fault and held.fault.code) == (Source.NONE, "no_keyring")
    assert (await store.held("team", OPENAI)).source is Source.ENVIRONMENT


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
    monkeypatch.setattr(keyrings, "TIMEOUT", 0.1)
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
    store = Keys()
    assert await store.get("default", OPENAI) is None
    held = await store.held("default", OPENAI)
    assert (held.source, held.fault and held.fault.code) == (Source.NO_ANSWER, "keyring_failed")


async def test_a_key_that_was_changed_is_noticed_once_it_is_told() -> None:
    ring = _use(SmallKeyring(default__openai="sk-old"))
    store = Keys()
    assert await store.get("default", OPENAI) == "sk-old"
    ring.stored["default/openai"] = "sk-new"
    assert await store.get("default", OPENAI) == "sk-old"
    store.forget()
    assert await store.get("default", OPENAI) == "sk-new"


async def test_a_keyring_that_was_silent_is_asked_at_once_when_a_key_was_changed() -> None:
    ring = _use(SmallKeyring(default__openai="sk-stored"))
    ring.locked = True
    store = Keys()
    assert await store.get("default", OPENAI) is None
    ring.locked = False
    store.forget()
    assert await store.get("default", OPENAI) == "sk-stored"


async def test_an_answer_from_before_a_change_is_not_remembered() -> None:
    ring = _use(SmallKeyring(default__openai="sk-old"))
    ring.answers.clear()
    store = Keys()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.get, "default", OPENAI)
            with anyio.fail_after(10):
                while not ring.asked:  # noqa: ASYNC110 - the backend is asked in a thread
                    await anyio.sleep(0.01)
            store.forget()
            ring.answers.set()
    finally:
        ring.answers.set()
    ring.stored["default/openai"] = "sk-new"
    assert await store.get("default", OPENAI) == "sk-new"


async def test_what_is_shown_of_a_key_is_its_end_and_of_a_short_one_nothing() -> None:
    _use(SmallKeyring(default__openai="sk-proj-0123456789abcd", default__groq="gsk_short"))
    store = Keys()
    openai, groq = await store.held("default", OPENAI), await store.held("default", GROQ)
    assert (openai.hint, groq.hint) == ("abcd", "")
    assert "0123" not in repr(openai)


async def test_a_survey_says_of_every_upstream_where_its_key_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = _use(SmallKeyring(default__openai="sk-proj-0123456789abcd"))
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789")
    found = {held.upstream.name: held.source for held in survey("default", PRESETS.values())}
    assert found["openai"] is Source.KEYRING
    assert found["groq"] is Source.ENVIRONMENT
    assert found["ollama"] is Source.NOT_NEEDED
    assert found["anthropic"] is Source.NONE
    assert len(ring.asked) == len(PRESETS)
    assert {held.source for held in survey("team", [OPENAI, GROQ])} == {Source.NONE}


async def test_a_survey_asks_a_locked_keyring_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = _use(SmallKeyring())
    ring.locked = True
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789")
    found = {held.upstream.name: held for held in survey("default", PRESETS.values())}
    assert len(ring.asked) == 1
    assert found["groq"].source is Source.ENVIRONMENT
    assert found["openai"].source is Source.NO_ANSWER
    assert found["openai"].fault is not None
    assert "unlock" in str(found["openai"].fault)
