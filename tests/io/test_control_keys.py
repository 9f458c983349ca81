"""The control API's keys: what faces may set, see, remove and try, and that no key ever comes out."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from reflexd_core.routing import PRESETS
from reflexd_io.control_client import BlockingClient, Place, Refused, calls
from support.daemon import daemon, settings_for
from support.keyrings import SmallKeyring
from support.upstream import Reply, ScriptedUpstream
from support.wire import Wire, chat, post

PLACEHOLDER = "Authorization: Bearer reflex"

KEY = "sk-proj-0123456789abcdefghij"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for preset in PRESETS.values():
        monkeypatch.delenv(preset.key_env, raising=False)
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def ring() -> SmallKeyring:
    made = SmallKeyring()
    keyring.set_keyring(made)
    return made


@pytest.fixture
def place(upstream: ScriptedUpstream, tmp_path: Path) -> Iterator[Place]:
    upstreams = {
        name: replace(preset, base_url=upstream.url, keyless=preset.keyless) for name, preset in PRESETS.items()
    }
    with daemon(settings_for(tmp_path / "storage", upstream.url, upstreams=upstreams)) as running:
        yield Place(running.url, running.admin_token)


def test_a_key_goes_in_is_used_and_never_comes_out(
    ring: SmallKeyring, place: Place, upstream: ScriptedUpstream
) -> None:
    client = BlockingClient(place)
    with Wire(place.url) as wire:
        assert wire.ask(post(chat(), PLACEHOLDER)).status == 400
    status, body = client.send("PUT", "/admin/keys/default/openai", b'{"key": " %s\\n"}' % KEY.encode())
    assert status == 200
    assert KEY.encode() not in body
    assert ring.stored == {"default/openai": KEY}
    upstream.answers(Reply(200, body=b"{}"))
    with Wire(place.url) as wire:
        assert wire.ask(post(chat(), PLACEHOLDER)).status == 200
    assert upstream.seen[-1].header("authorization") == f"Bearer {KEY}"
    status, body = client.send("GET", "/admin/keys")
    assert KEY.encode() not in body
    found = client.do(calls.list_keys())
    shown = {row.upstream: (row.source, row.hint, row.variable) for row in found.items}
    assert (found.keyring or "").endswith("SmallKeyring")
    assert shown["openai"] == ("keyring", "ghij", "OPENAI_API_KEY")
    assert shown["anthropic"] == ("none", "", "ANTHROPIC_API_KEY")
    assert shown["ollama"][0] == "not needed"
    assert client.do(calls.test_key("default", "openai")).verdict == "ok"
    assert "removed" in client.do(calls.remove_key("default", "openai")).message
    assert ring.stored == {}
    with Wire(place.url) as wire:
        assert wire.ask(post(chat("again"), PLACEHOLDER)).status == 400
    assert client.do(calls.test_key("default", "openai")).verdict == "no key"


def test_a_key_that_another_program_changed_is_used_once_it_is_told(
    ring: SmallKeyring, place: Place, upstream: ScriptedUpstream
) -> None:
    upstream.answers(Reply(200, body=b"{}"))
    client = BlockingClient(place)
    with Wire(place.url) as wire:
        assert wire.ask(post(chat(), PLACEHOLDER)).status == 400
        ring.stored["default/openai"] = KEY
        assert wire.ask(post(chat(), PLACEHOLDER)).status == 400
        assert client.do(calls.key_changed("default", "openai")).source == "keyring"
        assert wire.ask(post(chat(), PLACEHOLDER)).status == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"key": "sk one"}', 400, "unusable_key"),
        (b'{"key": ""}', 400, "unusable_key"),
        (b'{"key": "a\\nb"}', 400, "unusable_key"),
        (b'{"key": 1}', 400, "bad_body"),
        (b"{}", 400, "bad_body"),
        (b"sk-proj-0123456789abcdefghij", 400, "bad_body"),
    ],
)
def test_what_is_no_key_is_refused(ring: SmallKeyring, place: Place, body: bytes, status: int, code: str) -> None:
    found, said = BlockingClient(place).send("PUT", "/admin/keys/default/openai", body)
    assert found == status
    assert f'"code":"{code}"'.encode() in said
    assert b"0123456789" not in said
    assert ring.stored == {}


def test_names_that_nobody_knows_are_told(ring: SmallKeyring, place: Place) -> None:
    client = BlockingClient(place)
    for ask in (
        calls.list_keys("nope"),
        calls.set_key("nope", "openai", KEY),
        calls.set_key("default", "nope", KEY),
        calls.remove_key("default", "nope"),
        calls.test_key("default", "nope"),
        calls.key_changed("default", "nope"),
    ):
        with pytest.raises(Refused, match="'nope'; it knows: ") as refused:
            client.do(ask)
        assert (refused.value.status, refused.value.code) == (404, "not_found")
    assert ring.stored == {}


def test_a_locked_keyring_is_told_by_code_and_in_words_and_asked_once(ring: SmallKeyring, place: Place) -> None:
    ring.locked = True
    client = BlockingClient(place)
    for ask in (calls.set_key("default", "openai", KEY), calls.remove_key("default", "openai")):
        with pytest.raises(Refused, match="unlock it") as refused:
            client.do(ask)
        assert (refused.value.status, refused.value.code) == (503, "keyring_locked")
    client.do(calls.list_keys())
    asked = len(ring.asked)
    rows = client.do(calls.list_keys()).items
    with Wire(place.url) as wire:
        refused = wire.ask(post(chat(), PLACEHOLDER))
    assert (refused.status, refused.header("x-should-retry"), b"unlock it" in refused.body) == (400, "false", True)
    assert len(ring.asked) == asked  # each question might open a window
    assert {row.source for row in rows if row.upstream == "openai"} == {"no answer"}
    assert "unlock it" in rows[0].problem


def test_without_a_keyring_the_variable_is_named(place: Place) -> None:
    keyring.set_keyring(NoKeyring())
    client = BlockingClient(place)
    assert client.do(calls.list_keys()).keyring is None
    with pytest.raises(Refused, match="OPENAI_API_KEY") as refused:
        client.do(calls.set_key("default", "openai", KEY))
    assert (refused.value.status, refused.value.code) == (503, "no_keyring")


def test_the_providers_own_words_come_back_without_the_key(
    ring: SmallKeyring, place: Place, upstream: ScriptedUpstream
) -> None:
    ring.stored["default/openai"] = KEY
    upstream.answers(Reply(401, body=b'{"error":{"message":"Incorrect API key: %s."}}' % KEY.encode()))
    found = BlockingClient(place).do(calls.test_key("default", "openai"))
    assert (found.ok, found.verdict, found.http_status) == (False, "refused", 401)
    assert found.message == "Incorrect API key: …."


def test_a_tenants_keys_stay_its_own_through_a_rename(
    ring: SmallKeyring, place: Place, upstream: ScriptedUpstream
) -> None:
    upstream.answers(Reply(200, body=b"{}"))
    client = BlockingClient(place)
    client.do(calls.add_tenant("work"))
    client.do(calls.set_key("work", "openai", KEY))
    client.do(calls.rename_tenant("work", "job"))
    shown = {row.upstream: (row.source, row.entry) for row in client.do(calls.list_keys("job")).items}
    assert shown["openai"] == ("keyring", "work/openai")
    with Wire(place.url) as wire:
        assert wire.ask(post(chat(), PLACEHOLDER, path="/t/job/v1/chat/completions")).status == 200
        assert upstream.seen[-1].header("authorization") == f"Bearer {KEY}"
        client.do(calls.add_tenant("work"))  # another one, under the old name
        assert wire.ask(post(chat(), PLACEHOLDER, path="/t/work/v1/chat/completions")).status == 400
    assert ring.stored == {"work/openai": KEY}
