"""Tenants while the daemon runs: each test drives a real daemon by its control API and asks it as clients do."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import keyring
import pytest

from reflexd_core.policy import Policy
from reflexd_io.runtime import Runtime
from reflexd_io.settings import Settings
from support.asking import answer, fetch
from support.daemon import daemon, settings_for
from support.keyrings import SmallKeyring
from support.upstream import Reply, ScriptedUpstream
from support.wire import eventually

OWN_KEY = "sk-proj-0123456789abcdef"
OTHER_KEY = "sk-proj-fedcba9876543210"


class Daemon:
    """One daemon, asked both ways."""

    def __init__(self, running: Runtime) -> None:
        self.running = running

    def control(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        raw = json.dumps(body).encode() if body is not None else None
        admin = f"Bearer {self.running.admin_token}"
        status, _, said = fetch(self.running.url + "/admin" + path, raw, method, Authorization=admin)
        return status, json.loads(said)

    def do(self, method: str, path: str, body: Any = None) -> Any:
        status, said = self.control(method, path, body)
        assert status == 200, (status, said)
        return said

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        status, said = self.control(method, path, body)
        assert status >= 400, said
        return status, said["error"]["code"], said["error"]["message"]

    def ask(self, question: str, key: str = "reflex", path: str = "", **headers: str) -> tuple[int, str, Any]:
        """HTTP status, the cache's word, and the answer."""
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": question}]}
        sent = {"Content_Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {}), **headers}
        url = f"{self.running.url}{path}/v1/chat/completions"
        status, told, said = fetch(url, json.dumps(body).encode(), **sent)
        return status, told.get("x-reflex-status", ""), json.loads(said)

    def status(self, question: str, key: str = "reflex", path: str = "", **headers: str) -> str:
        status, told, said = self.ask(question, key, path, **headers)
        assert status == 200, (status, said)
        return told

    def error(self, question: str, key: str = "reflex", path: str = "", **headers: str) -> tuple[int, str]:
        status, _, said = self.ask(question, key, path, **headers)
        assert status >= 400
        return status, said["error"]["code"]

    def token(self, tenant: str, **more: Any) -> str:
        token: str = self.do("POST", f"/tenants/{tenant}/tokens", more)["token"]
        return token

    def row(self, name: str) -> Any:
        return next(row for row in self.do("GET", "/tenants")["items"] if row["name"] == name)

    def names(self) -> list[str]:
        return [row["name"] for row in self.do("GET", "/tenants")["items"]]


@pytest.fixture
def settings(upstream: ScriptedUpstream, tmp_path: Path) -> Settings:
    upstream.answers(Reply(body=answer()))
    made = settings_for(tmp_path / "storage", upstream.url)
    return replace(made, tenants={"default": Policy(), "fixed": Policy()})


@contextmanager
def serving(settings: Settings) -> Iterator[Daemon]:
    with daemon(settings) as running:
        yield Daemon(running)


@pytest.fixture
def reflexd(settings: Settings) -> Iterator[Daemon]:
    with serving(settings) as running:
        yield running


def test_a_new_tenant_is_reached_by_path_header_and_token_and_shares_nothing(reflexd: Daemon) -> None:
    assert reflexd.error("q", path="/t/acme") == (400, "unknown_tenant")
    row = reflexd.do("POST", "/tenants", {"name": "acme"})
    assert (row["name"], row["active"], row["from_config"], row["entries"]) == ("acme", False, False, 0)
    assert reflexd.status("q") == "miss"
    assert reflexd.status("q", path="/t/acme") == "miss"
    assert reflexd.status("q", x_reflex_tenant="acme") == "hit-l1-exact"
    token = reflexd.token("acme")
    assert reflexd.status("q", key=token) == "hit-l1-exact"
    assert reflexd.status("q", key=OWN_KEY) == "miss"
    assert reflexd.status("q", key=OWN_KEY, x_reflex_token=token) == "hit-l1-exact"


def test_a_token_never_leaves_this_machine(upstream: ScriptedUpstream, reflexd: Daemon) -> None:
    token = reflexd.token("fixed")
    for headers in ({"x_api_key": token}, {"x_reflex_token": token}, {"x_goog_api_key": token}, {"api_key": token}):
        assert reflexd.ask(f"by {next(iter(headers))}", key=OWN_KEY, **headers)[0] == 200
    assert reflexd.ask("alone", key=token)[0] == 200
    status, _, _ = fetch(f"{reflexd.running.url}/v1/models", None, "GET", Authorization=f"Bearer {token}")
    assert status == 200
    assert len(upstream.seen) == 6
    assert [seen for seen in upstream.seen if any(token in value for _, value in seen.headers)] == []
    assert [seen.header("authorization") for seen in upstream.seen] == [*[f"Bearer {OWN_KEY}"] * 4, None, None]


def test_a_token_is_kept_as_its_digest_and_shown_once(reflexd: Daemon, settings: Settings) -> None:
    token = reflexd.token("fixed", name="laptop")
    rows = reflexd.do("GET", "/tenants/fixed/tokens")["items"]
    assert [(row["name"], row["hint"], row["expires"], row["expired"]) for row in rows] == [
        ("laptop", token[-4:], None, False)
    ]
    assert token not in json.dumps(rows)
    file = settings.storage_path / "control.json"
    assert token not in file.read_text()
    assert token[4:47] not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_tokens_that_are_revoked_expired_unknown_or_mistyped_are_refused_in_words(reflexd: Daemon) -> None:
    token = reflexd.token("fixed", name="laptop")
    assert reflexd.status("q", key=token) == "miss"
    assert reflexd.row("fixed")["tokens"] == 1
    reflexd.do("DELETE", "/tenants/fixed/tokens/laptop")
    status, _, said = reflexd.ask("q", key=token)
    assert (status, said["error"]["code"]) == (400, "revoked_token")
    assert "reflexd tenants token" in said["error"]["message"]
    assert token not in json.dumps(said)
    brief = reflexd.token("fixed", expires_in=0.2)
    assert reflexd.status("q", key=brief) == "hit-l1-exact"
    time.sleep(0.25)
    assert reflexd.error("q", key=brief) == (400, "expired_token")
    assert reflexd.error("q", key=token[:-1]) == (400, "unknown_token")
    assert reflexd.error("q", key=token[:-1] + ("a" if token[-1] != "a" else "b")) == (400, "unknown_token")
    assert reflexd.error("q", key="rfx_") == (400, "unknown_token")
    assert reflexd.row("fixed")["tokens"] == 0


def test_what_contradicts_itself_is_refused(reflexd: Daemon) -> None:
    ours, theirs = reflexd.token("fixed"), reflexd.token("default")
    assert reflexd.error("q", key=ours, x_reflex_token=theirs) == (400, "contradicting_tokens")
    assert reflexd.error("q", key=ours, path="/t/default") == (400, "contradicting_tenants")
    assert reflexd.error("q", key=ours, x_reflex_tenant="nobody") == (400, "contradicting_tenants")
    assert reflexd.error("q", path="/t/default", x_reflex_tenant="fixed") == (400, "contradicting_tenants")
    assert reflexd.status("q", key=ours, path="/t/fixed") == "miss"


def test_a_rename_takes_entries_and_tokens_along_and_frees_the_name(reflexd: Daemon) -> None:
    reflexd.do("POST", "/tenants", {"name": "work"})
    token = reflexd.token("work")
    assert reflexd.status("q", path="/t/work") == "miss"
    row = reflexd.do("PATCH", "/tenants/work", {"name": "job"})
    assert (row["name"], row["tokens"]) == ("job", 1)
    assert reflexd.error("q", path="/t/work") == (400, "unknown_tenant")
    assert reflexd.status("q", path="/t/job") == "hit-l1-exact"
    assert reflexd.status("q", key=token) == "hit-l1-exact"
    reflexd.do("POST", "/tenants", {"name": "work"})
    assert reflexd.status("q", path="/t/work") == "miss"
    assert reflexd.row("work")["tokens"] == 0


def test_after_a_rename_everything_is_told_by_the_new_name(reflexd: Daemon) -> None:
    reflexd.do("POST", "/tenants", {"name": "work"})
    assert reflexd.status("q", path="/t/work") == "miss"
    reflexd.do("PATCH", "/tenants/work", {"name": "job"})
    assert reflexd.status("q", path="/t/job") == "hit-l1-exact"
    assert [row["tenant"] for row in reflexd.do("GET", "/exchanges?tenant=job")["items"]] == ["job", "job"]
    for path in ("/exchanges", "/stats", "/audits", "/events"):
        assert reflexd.control("GET", f"{path}?tenant=work")[0] == 404
    assert reflexd.do("GET", "/stats?tenant=job")["hits"] == 1
    assert reflexd.row("job")["hits"] == 1
    eventually(lambda: reflexd.row("job")["entries"], "storing")
    assert len(reflexd.do("GET", "/entries?tenant=job")["items"]) == 1
    assert reflexd.control("GET", "/entries?tenant=work")[0] == 404


def test_a_request_under_way_survives_a_rename(upstream: ScriptedUpstream, reflexd: Daemon) -> None:
    going = threading.Event()
    upstream.answers(Reply(body=[going, answer()]))
    reflexd.do("POST", "/tenants", {"name": "work"})
    got: list[tuple[int, str, Any]] = []
    asking = threading.Thread(target=lambda: got.append(reflexd.ask("q", path="/t/work")))
    asking.start()
    eventually(lambda: upstream.seen, "the call")
    reflexd.do("PATCH", "/tenants/work", {"name": "job"})
    going.set()
    asking.join()
    assert got[0][:2] == (200, "miss")
    assert reflexd.status("q", path="/t/job") == "hit-l1-exact"


def test_removing_leaves_nothing_and_the_name_begins_anew(reflexd: Daemon, settings: Settings) -> None:
    reflexd.do("POST", "/tenants", {"name": "gone"})
    token = reflexd.token("gone")
    assert reflexd.status("q", path="/t/gone") == "miss"
    folder = settings.storage_path / "tenants"
    eventually((folder / "gone.sqlite3").exists, "storing")
    done = reflexd.do("DELETE", "/tenants/gone")
    assert "removed" in done["message"]
    assert list(folder.glob("gone*")) == []
    assert "gone" not in reflexd.names()
    assert reflexd.error("q", key=token) == (400, "revoked_token")
    reflexd.do("POST", "/tenants", {"name": "gone"})
    assert reflexd.status("q", path="/t/gone") == "miss"
    assert reflexd.status("q", path="/t/gone") == "hit-l1-exact"


def test_a_removal_that_was_cut_short_is_finished_by_the_next_start(settings: Settings) -> None:
    with serving(settings) as reflexd:
        reflexd.do("POST", "/tenants", {"name": "gone"})
        assert reflexd.status("q", path="/t/gone") == "miss"
        eventually(lambda: reflexd.row("gone")["entries"], "storing")
    file = settings.storage_path / "tenants" / "gone.sqlite3"
    held = file.read_bytes()
    with serving(settings) as reflexd:
        reflexd.do("DELETE", "/tenants/gone")
    file.write_bytes(held)
    with serving(settings) as reflexd:
        assert not file.exists()
        assert "gone" not in reflexd.names()


def test_removing_takes_keys_out_of_the_keyring(reflexd: Daemon) -> None:
    before, kept = keyring.get_keyring(), SmallKeyring()
    keyring.set_keyring(kept)
    try:
        reflexd.do("POST", "/tenants", {"name": "gone"})
        keyring.set_password("reflexd", "gone/groq", "gsk_0123456789")
        keyring.set_password("reflexd", "gone2/groq", "gsk_9876543210")
        assert "1 keys of its" in reflexd.do("DELETE", "/tenants/gone")["message"]
        assert keyring.get_password("reflexd", "gone/groq") is None
        assert keyring.get_password("reflexd", "gone2/groq") == "gsk_9876543210"
    finally:
        keyring.set_keyring(before)


def test_an_answer_that_ends_after_its_tenant_was_removed_is_served_and_not_kept(
    upstream: ScriptedUpstream, reflexd: Daemon, settings: Settings
) -> None:
    going = threading.Event()
    upstream.answers(Reply(body=[going, answer()]))
    reflexd.do("POST", "/tenants", {"name": "gone"})
    got: list[tuple[int, str, Any]] = []
    asking = threading.Thread(target=lambda: got.append(reflexd.ask("q", path="/t/gone")))
    asking.start()
    eventually(lambda: upstream.seen, "the call")
    reflexd.do("DELETE", "/tenants/gone")
    going.set()
    asking.join()
    assert got[0][:2] == (200, "miss")
    reflexd.do("POST", "/tenants", {"name": "gone"})
    assert reflexd.status("q", path="/t/gone") == "miss"
    assert list((settings.storage_path / "tenants").glob("gone.sqlite3*")) == []


def test_what_may_not_be_removed_says_so(reflexd: Daemon) -> None:
    assert reflexd.refused("DELETE", "/tenants/default")[:2] == (409, "refused")
    assert reflexd.refused("DELETE", "/tenants/fixed")[:2] == (409, "configured")
    assert reflexd.refused("DELETE", "/tenants/nobody")[:2] == (404, "not_found")
    reflexd.do("POST", "/tenants", {"name": "acme"})
    reflexd.do("PUT", "/active-tenant", {"tenant": "acme"})
    assert reflexd.refused("DELETE", "/tenants/acme")[:2] == (409, "refused")
    reflexd.do("DELETE", "/tenants/acme?force=true")
    assert reflexd.do("GET", "/tenants")["active"] == "default"
    assert reflexd.status("q") == "miss"
    assert reflexd.status("q") == "hit-l1-exact"
    reflexd.do("DELETE", "/tenants/default?force=true")
    assert reflexd.status("q") == "miss"


@pytest.mark.parametrize("name", ["", "a/b", "ä", "anon-x", "-a", ".", "a" * 65, "con", "a b", "NUL.txt"])
def test_a_malformed_name_is_refused_in_words(reflexd: Daemon, name: str) -> None:
    status, code, message = reflexd.refused("POST", "/tenants", {"name": name})
    assert (status, code) == (400, "bad_name")
    assert len(message) > 20
    assert reflexd.refused("POST", "/tenants", {"nom": name})[:2] == (400, "bad_body")


def test_names_that_are_taken_are_refused_be_it_in_capitals(reflexd: Daemon) -> None:
    reflexd.do("POST", "/tenants", {"name": "acme"})
    assert reflexd.refused("POST", "/tenants", {"name": "acme"})[:2] == (409, "taken")
    assert reflexd.refused("POST", "/tenants", {"name": "ACME"})[:2] == (409, "taken")
    assert reflexd.refused("POST", "/tenants", {"name": "fixed"})[:2] == (409, "taken")
    assert reflexd.refused("PATCH", "/tenants/acme", {"name": "fixed"})[:2] == (409, "taken")
    assert reflexd.refused("PATCH", "/tenants/fixed", {"name": "acme2"})[:2] == (409, "configured")
    assert reflexd.do("PATCH", "/tenants/acme", {"name": "Acme"})["name"] == "Acme"


def test_the_active_tenant_is_switched_for_the_very_next_request_and_stays_so(settings: Settings) -> None:
    with serving(settings) as reflexd:
        reflexd.do("POST", "/tenants", {"name": "acme"})
        assert reflexd.status("q") == "miss"
        assert reflexd.do("PUT", "/active-tenant", {"tenant": "acme"})["active"] == "acme"
        assert reflexd.status("q") == "miss"
        assert reflexd.status("q") == "hit-l1-exact"
        assert reflexd.status("q", path="/t/acme") == "hit-l1-exact"
        assert reflexd.refused("PUT", "/active-tenant", {"tenant": "nobody"})[:2] == (404, "not_found")
    with serving(settings) as reflexd:
        assert reflexd.do("GET", "/state")["active_tenant"] == "acme"
        assert reflexd.status("q") == "hit-l1-exact"
    with serving(replace(settings, active_tenant="fixed")) as reflexd:  # said later than the switch
        assert reflexd.do("GET", "/state")["active_tenant"] == "fixed"


def test_tenants_tokens_policies_and_adopted_keys_outlive_a_restart(settings: Settings) -> None:
    with serving(settings) as reflexd:
        reflexd.do("POST", "/tenants", {"name": "acme"})
        token = reflexd.token("acme")
        reflexd.do("PATCH", "/tenants/acme/policy", {"settings": {"exact_lifetime": 60}})
        assert reflexd.status("q", key=OWN_KEY) == "miss"
        (key,) = [seen["tenant"] for seen in reflexd.do("GET", "/seen-keys")["items"]]
        reflexd.do("POST", "/tenants/acme/adopted", {"key": key})
        assert reflexd.status("q", key=OWN_KEY) == "miss"
    with serving(settings) as reflexd:
        assert reflexd.status("q", key=token) == "hit-l1-exact"
        assert reflexd.status("q", key=OWN_KEY) == "hit-l1-exact"
        assert setting(reflexd, "acme", "exact_lifetime")["value"] == 60
        assert reflexd.do("GET", "/tenants/acme/tokens")["items"][0]["used"] is not None


def test_a_key_that_was_seen_is_adopted_and_given_up(reflexd: Daemon) -> None:
    assert reflexd.status("q", key=OWN_KEY) == "miss"
    assert reflexd.status("q", key=OTHER_KEY) == "miss"
    seen = reflexd.do("GET", "/seen-keys")["items"]
    assert {key["hint"] for key in seen} == {OWN_KEY[-4:], OTHER_KEY[-4:]}
    assert all(key["tenant"].startswith("anon-") and key["used"] > time.time() - 60 for key in seen)
    assert OWN_KEY not in json.dumps(seen)
    key = next(key["tenant"] for key in seen if key["hint"] == OWN_KEY[-4:])
    reflexd.do("POST", "/tenants/fixed/adopted", {"key": key})
    assert reflexd.row("fixed")["adopted"] == [key]
    assert reflexd.status("q", key=OWN_KEY) == "miss"
    assert reflexd.status("q", path="/t/fixed") == "hit-l1-exact"
    assert reflexd.status("q", key=OTHER_KEY) == "hit-l1-exact"
    assert reflexd.refused("POST", "/tenants/default/adopted", {"key": key})[:2] == (409, "taken")
    reflexd.do("DELETE", f"/tenants/fixed/adopted/{key}")
    assert reflexd.status("q", key=OWN_KEY) == "hit-l1-exact"
    assert reflexd.refused("DELETE", f"/tenants/fixed/adopted/{key}")[:2] == (404, "not_found")
    assert reflexd.refused("POST", "/tenants/fixed/adopted", {"key": "anon-0"})[:2] == (404, "not_found")


def test_anonymous_tenants_are_listed_and_can_be_removed(reflexd: Daemon, settings: Settings) -> None:
    assert reflexd.status("q", key=OWN_KEY) == "miss"
    folder = settings.storage_path / "tenants"
    eventually(lambda: reflexd.names()[-1].startswith("anon-"), "storing")
    name = reflexd.names()[-1]
    assert reflexd.row(name)["anonymous"]
    reflexd.do("DELETE", f"/tenants/{name}")
    assert list(folder.glob("anon-*")) == []
    assert reflexd.status("q", key=OWN_KEY) == "miss"


def setting(reflexd: Daemon, tenant: str, name: str) -> Any:
    found = reflexd.do("GET", f"/tenants/{tenant}/policy")["settings"]
    return next(row for row in found if row["name"] == name)


def test_a_policy_is_changed_at_run_time_and_taken_back(reflexd: Daemon) -> None:
    assert reflexd.status("q") == "miss"
    assert setting(reflexd, "default", "caching") == {
        "name": "caching",
        "value": True,
        "origin": "default",
        "expected": "true or false",
        "inherited": True,
    }
    reflexd.do("PATCH", "/tenants/default/policy", {"settings": {"caching": False, "scrubs": []}})
    assert reflexd.status("q") == "bypass"
    assert setting(reflexd, "default", "caching")["origin"] == "tenant"
    reflexd.do("PATCH", "/tenants/default/policy", {"settings": {"caching": None}})
    assert reflexd.status("q") == "hit-l1-exact"
    assert setting(reflexd, "default", "scrubs")["value"] == []


def test_where_a_value_comes_from_is_told(settings: Settings) -> None:
    given = replace(
        settings,
        policy=Policy(exact_lifetime=60.0),
        tenants={"default": Policy(exact_lifetime=60.0), "fixed": Policy(exact_lifetime=60.0, portable=True)},
        policy_names={"": frozenset({"exact_lifetime"}), "fixed": frozenset({"portable"})},
    )
    with serving(given) as reflexd:
        assert setting(reflexd, "default", "exact_lifetime")["origin"] == "config"
        assert setting(reflexd, "default", "portable")["origin"] == "default"
        assert setting(reflexd, "fixed", "portable")["origin"] == "config"
        reflexd.do("PATCH", "/tenants/fixed/policy", {"settings": {"portable": False}})
        found = setting(reflexd, "fixed", "portable")
        assert (found["value"], found["origin"], found["inherited"]) == (False, "tenant", True)


@pytest.mark.parametrize(
    "given",
    [
        {"caching": 1},
        {"exact_lifetime": 0},
        {"semantic": "sometimes"},
        {"threshold": 1.5},
        {"scrubs": ["nothing"]},
        {"storage_bytes": 10},
        {"storage_bytes": 2.5e6},
        {"cashing": True},
    ],
)
def test_a_bad_setting_is_refused_with_what_was_expected_and_nothing_changes(
    reflexd: Daemon, given: dict[str, Any]
) -> None:
    change = {"settings": {"portable": True, **given}}
    status, code, message = reflexd.refused("PATCH", "/tenants/fixed/policy", change)
    assert (status, code) == (400, "bad_setting")
    assert next(iter(given)) in message
    assert "expected" in message or "did you mean" in message
    assert setting(reflexd, "fixed", "portable")["value"] is False


def test_a_pause_passes_through_ends_by_itself_and_outlives_a_restart(settings: Settings) -> None:
    with serving(settings) as reflexd:
        assert reflexd.status("q") == "miss"
        state = reflexd.do("POST", "/pause", {"seconds": 0.5})
        assert (state["caching"], state["paused_until"] > time.time()) == (False, True)
        assert reflexd.status("q") == "bypass"
        assert reflexd.status("q", path="/t/fixed") == "bypass"
        time.sleep(0.6)
        assert reflexd.status("q") == "hit-l1-exact"
        assert reflexd.do("GET", "/state")["paused_until"] is None
        assert reflexd.do("POST", "/pause", {})["paused_until"] == -1
        reflexd.do("POST", "/pause", {"tenant": "fixed", "seconds": 3600})
    with serving(settings) as reflexd:
        assert reflexd.status("q") == "bypass"
        assert reflexd.do("POST", "/resume", {})["caching"] is True
        assert reflexd.status("q") == "hit-l1-exact"
        assert reflexd.status("q", path="/t/fixed") == "bypass"
        assert reflexd.row("fixed")["paused_until"] > time.time()
        reflexd.do("POST", "/resume", {"tenant": "fixed"})
        assert reflexd.status("q", path="/t/fixed") == "miss"
        assert reflexd.refused("POST", "/pause", {"tenant": "nobody"})[:2] == (404, "not_found")
        assert reflexd.refused("POST", "/pause", {"seconds": -1})[:2] == (400, "bad_time")


def test_the_mode_stands_over_policies_and_outlives_a_restart(settings: Settings) -> None:
    with serving(settings) as reflexd:
        assert reflexd.do("PUT", "/mode", {"mode": "shadow"})["mode"] == "shadow"
        assert reflexd.row("fixed")["semantic"] == "shadow"
        reflexd.do("PATCH", "/tenants/fixed/policy", {"settings": {"semantic": "off"}})
        assert reflexd.row("fixed")["semantic"] == "off"
        reflexd.do("PUT", "/mode", {"mode": "exact"})
    with serving(settings) as reflexd:
        assert reflexd.do("GET", "/state")["mode"] == "exact"
        assert reflexd.row("default")["semantic"] == "off"
        assert setting(reflexd, "default", "semantic")["value"] == "on"
        assert reflexd.refused("PUT", "/mode", {"mode": "fast"})[:2] == (400, "bad_body")


def test_a_tenant_goes_to_upstreams_of_its_own(settings: Settings, upstream: ScriptedUpstream) -> None:
    with ScriptedUpstream().running() as own, serving(settings) as reflexd:
        own.answers(Reply(body=answer()))
        change = {"upstreams": {"mine": own.url}, "default": "mine"}
        told = reflexd.do("PATCH", "/tenants/fixed/upstreams", change)
        assert (told["default"], told["default_is_own"]) == ("mine", True)
        assert reflexd.status("q", path="/t/fixed") == "miss"
        assert (own.calls, upstream.calls) == (1, 0)
        assert reflexd.status("q") == "miss"
        assert (own.calls, upstream.calls) == (1, 1)
        assert reflexd.error("q", path="/t/default/u/mine") == (400, "unknown_upstream")
        assert reflexd.refused("PATCH", "/tenants/fixed/upstreams", {"upstreams": {"x": "ftp://x"}})[0] == 400
        assert reflexd.refused("PATCH", "/tenants/fixed/upstreams", {"default": "nobody"})[:2] == (404, "not_found")
        reflexd.do("PATCH", "/tenants/fixed/upstreams", {"upstreams": {"mine": None}, "default": ""})
        assert reflexd.status("q2", path="/t/fixed") == "miss"
        assert (own.calls, upstream.calls) == (1, 2)


def test_a_registry_that_cannot_be_written_refuses_and_changes_nothing(
    reflexd: Daemon, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reflexd_io.tenants.registry.save", full)
    status, code, message = reflexd.refused("POST", "/tenants", {"name": "acme"})
    assert (status, code) == (503, "not_kept")
    assert "No space left" in message
    assert "acme" not in reflexd.names()
    assert reflexd.status("q") == "miss"


@pytest.mark.parametrize("written", [b'{"version": 2}', b'{"active": {"tenant": "\xff", "instead_of": ""}}'])
def test_a_damaged_registry_stops_the_start_and_says_what_to_do(settings: Settings, written: bytes) -> None:
    settings.storage_path.mkdir()
    (settings.storage_path / "control.json").write_bytes(written)
    with pytest.raises(OSError, match=r"control\.json is damaged or of a newer version"), serving(settings):
        pass
