"""No error that anybody is sent names a folder, a key or a token, and no line of the log a key or a token."""

import errno
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from reflexd_core.routing import PRESETS
from reflexd_io.runtime import Runtime
from reflexd_io.stats.file import StatsFile
from reflexd_io.store import files
from support.daemon import daemon, settings_for
from support.tokens import issued
from support.upstream import Reply, ScriptedUpstream
from support.wire import Answer, Wire, chat, completion, eventually, get, post

KEYS = (
    "sk-proj-SECRETSECRETSECRETSECRET",
    "sk-ant-SECRETSECRETSECRETSECRET",
    "AIzaSECRETSECRETSECRETSECRET",
    "SECRETSECRETSECRETSECRETSECRET",
)


@dataclass
class Place:
    running: Runtime
    storage: Path
    token: str

    def ask(self, request: bytes) -> Answer:
        with Wire(self.running.url) as wire:
            return wire.ask(request)

    def admin(self, method: str, path: str, body: bytes = b"") -> Answer:
        head = (f"Authorization: Bearer {self.running.admin_token}", f"Content-Length: {len(body)}")
        return self.ask(get(path, *head, method=method) + body)


@pytest.fixture
def place(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Place]:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())  # a variable would come too late where another test has asked for one
    monkeypatch.setenv("XAI_API_KEY", "xai-SECRET\nSECRET")
    for preset in PRESETS.values():
        if preset.name != "xai":
            monkeypatch.delenv(preset.key_env, raising=False)
    caplog.set_level(logging.DEBUG)
    upstream.answers(Reply(body=completion()))
    upstreams = {
        name: replace(preset, base_url=upstream.url if name == "openai" else "http://127.0.0.1:1/v1")
        for name, preset in PRESETS.items()
    }
    storage = tmp_path / "a-folder-of-mine"
    settings = settings_for(storage, upstream.url, upstreams=upstreams)
    token = issued(settings)
    with daemon(settings) as running:
        yield Place(running, storage, token)
    keyring.set_keyring(before)


def _bearing(running: Runtime) -> tuple[str, ...]:
    return (f"Authorization: Bearer {running.admin_token}", "Content-Length: 0")


def _telling(place: Place, said: str) -> list[str]:
    """What is in there that should not be."""
    secrets = ("SECRET", "a-folder-of-mine", str(place.storage.parent), place.token, place.running.admin_token)
    return [secret for secret in (*secrets, str(Path.home()) + "/") if secret in said]


def _requests(place: Place) -> Iterator[bytes]:
    for key in KEYS:
        for header in (
            f"Authorization: Bearer {key}",
            f"x-api-key: {key}",
            f"api-key: {key}",
            f"Authorization: {key}",
        ):
            for path in ("/v1/chat/completions", "/u/nowhere/v1/x", "/t/nobody/v1/chat/completions", "/v1/messages"):
                yield post(chat(), header, path=path)
            yield get("/nowhere", header)
            yield get("/admin/keys", header)
        yield post(chat(), "Authorization: Bearer reflex", path=f"/v1/chat/completions?key={key}")
        yield post(chat(), "Authorization: Bearer sk-ant-x", path=f"/v1/chat/completions?key={key}")
        yield get("/healthz", "Host: evil.example", f"Authorization: Bearer {key}").replace(
            b"Host: localhost\r\n", b""
        )
        yield get("/healthz", "Origin: https://evil.example", f"Authorization: Bearer {key}")
    for token in (place.token + "x", place.token[:-1]):
        yield post(chat(), f"Authorization: Bearer {token}")
        yield post(chat(), "Authorization: Bearer reflex", path=f"/v1/chat/completions?key={token}")
        yield post(chat(), f"x-reflex-token: {token}", "x-reflex-tenant: other")
    yield post(chat(), "Authorization: Bearer reflex")  # no key at all
    yield post(chat(), "Authorization: Bearer reflex", path="/u/xai/v1/chat/completions")  # one that is none
    yield post(chat(), "Authorization: Bearer reflex", "Cache-Control: only-if-cached")
    yield post(b"", f"Authorization: Bearer {KEYS[0]}", path="/dashboard/session")
    yield get("/v1/responses", "Upgrade: websocket", f"Authorization: Bearer {KEYS[0]}")
    yield get("/metrics", f"Authorization: Bearer {KEYS[0]}", method="POST")
    yield f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEYS[0]}\r\nBad header\r\n\r\n".encode()
    for line in (f"Authorization: Bearer {KEYS[0]}\x01", f"Authorization Bearer {KEYS[0]}", f"{KEYS[0]} x: y"):
        yield f"GET / HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n".encode()
    yield f"GET /v1/x?key={KEYS[0]}\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    yield post(b"", "Transfer-Encoding: chunked", framed=False) + f"{KEYS[0]}\r\n\r\n".encode()
    yield b"GET ftp://x/ HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_what_clients_are_refused_with_tells_nothing(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    refused = 0
    for request in _requests(place):
        answer = place.ask(request)
        if answer.status < 400:
            continue
        refused += 1
        said = answer.body.decode() + repr(answer.headers)
        shown = request.split(b"\r\n", 1)[0].decode()
        assert _telling(place, said) == [], shown
        assert answer.header("x-content-type-options") == "nosniff", shown
        assert "frame-ancestors 'none'" in (answer.header("content-security-policy") or ""), shown
    assert refused > 60
    assert not [secret for secret in ("SECRET", place.token, place.running.admin_token) if secret in caplog.text]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/admin/nowhere", b""),
        ("PATCH", "/admin/keys", b""),
        ("GET", "/admin/keys?tenant=nobody", b""),
        ("GET", "/admin/keys?who=SECRET", b""),
        ("PUT", "/admin/keys/default/openai", b'{"key": "SECRETSECRETSECRET"}'),
        ("PUT", "/admin/keys/default/openai", b'{"key": "SECRET SECRET"}'),
        ("PUT", "/admin/keys/default/openai", b'{"kee": "SECRETSECRETSECRET"}'),
        ("PUT", "/admin/keys/default/openai", b'"SECRETSECRETSECRET"'),
        ("PUT", "/admin/keys/default/openai", b"SECRETSECRETSECRET"),
        ("DELETE", "/admin/keys/default/openai", b""),
        ("POST", "/admin/keys/default/xai/test", b""),
        ("POST", "/admin/tenants", b'{"name": "../x"}'),
        ("GET", "/admin/entries/none", b""),
        ("GET", "/admin/entries?sort=x", b""),
        ("POST", "/admin/trash/none/restore", b""),
    ],
)
def test_what_faces_are_refused_with_tells_nothing(place: Place, method: str, path: str, body: bytes) -> None:
    answer = place.admin(method, path, body)
    assert answer.status >= 400, answer.body
    assert _telling(place, answer.body.decode()) == []
    assert answer.header("x-content-type-options") == "nosniff"


def test_a_disk_that_fails_is_told_without_its_folders(place: Place) -> None:
    control = place.storage / "control.json"
    control.unlink()
    control.mkdir()
    (control / "x").touch()
    answer = place.admin("POST", "/admin/tenants", b'{"name": "work"}')
    assert answer.status == 503, answer.body
    assert b"control.json" in answer.body
    assert _telling(place, answer.body.decode()) == []


def test_statistics_that_cannot_be_written_are_told_without_their_folder(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: StatsFile, *_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(file._path))

    monkeypatch.setattr(StatsFile, "add", fail)
    assert place.ask(post(chat(), "Authorization: Bearer reflex")).status == 400  # which is counted
    assert place.admin("GET", "/admin/stats").status == 200  # whose first look tries to write
    told = [place.ask(get(path)).body.decode() for path in ("/ready", "/health")]
    told.append(place.admin("GET", "/admin/stats").body.decode())
    for said in told:
        assert "Read-only file system" in said
        assert _telling(place, said) == []


def test_a_file_that_cannot_be_removed_is_told_without_its_folder(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, tenant: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(folder / f"{tenant}.sqlite3"))

    assert place.admin("POST", "/admin/tenants", b'{"name": "job"}').status == 200
    asked = post(chat(), f"Authorization: Bearer {KEYS[0]}", "x-reflex-tenant: job")
    assert place.ask(asked).told == "miss"
    eventually((place.storage / "tenants" / "job.sqlite3").exists, "its file")
    remove = files.remove
    monkeypatch.setattr(files, "remove", fail)
    for _ in range(2):
        answer = place.admin("DELETE", "/admin/tenants/job")
        assert (answer.status, b"Read-only file system" in answer.body) == (503, True), answer.body
        assert _telling(place, answer.body.decode()) == []
    assert place.ask(asked).status == 400
    monkeypatch.setattr(files, "remove", remove)
    assert place.admin("DELETE", "/admin/tenants/job").status == 200
    assert not (place.storage / "tenants" / "job.sqlite3").exists()
    assert place.admin("DELETE", "/admin/tenants/job").status == 404


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models/x"])
def test_a_token_never_leaves_for_a_provider(path: str, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=completion()))
    settings = settings_for(tmp_path / "s", upstream.url, auth_required=True)
    token = issued(settings)
    with daemon(settings) as running, Wire(running.url) as wire:
        assert wire.ask(post(chat(), f"Authorization: Bearer {KEYS[0]}", path=path)).status == 400
        assert upstream.calls == 0
        for number, headers in enumerate(
            (
                (f"Authorization: Bearer {token}",),
                ("Authorization: Bearer reflex", f"x-api-key: {token}"),
                (f"Authorization: Bearer {KEYS[0]}", f"x-reflex-token: {token}"),
                (f"Authorization: Bearer {KEYS[0]}", f"api-key: {token}"),
                (f"Authorization: Bearer {token}", f"Cookie: a=b; token={token}", f"X-Auth-Token: {token}"),
            )
        ):
            assert wire.ask(post(chat(str(number)), *headers, path=path)).status == 200
        assert upstream.calls == 5
        for query in (f"key={token}", f"key=a&key={token}", f"k%65y={token}", f"a=b&api-key={token}", token):
            shown = wire.ask(post(chat(), f"Authorization: Bearer {token}", path=f"{path}?{query}"))
            assert (shown.status, b"token_in_query" in shown.body, token.encode() in shown.body) == (400, True, False)
        assert upstream.calls == 5
        assert token not in repr(upstream.seen)
        assert upstream.seen[2].header("authorization") == f"Bearer {KEYS[0]}"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models/x", "/v1//admin/stats", "/v1/%61dmin/stats"])
def test_the_admin_token_never_leaves_for_a_provider(path: str, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=completion()))
    with daemon(settings_for(tmp_path / "s", upstream.url)) as running, Wire(running.url) as wire:
        code = json.loads(wire.ask(get("/admin/dashboard/code", *_bearing(running), method="POST")).body)["code"]
        opened = json.dumps({"code": code}).encode()
        session = json.loads(wire.ask(post(opened, path="/dashboard/session")).body)["token"]
        for secret in (running.admin_token, session):
            for request in (
                post(chat(), f"Authorization: Bearer {secret}", path=path),
                post(chat(), f"authorization: bearer  {secret}", path=path),
                post(chat(), f"Authorization: Bearer {KEYS[0]}", f"x-api-key: {secret}", path=path),
                post(chat(), path=f"{path}?key={secret}"),
            ):
                answer = wire.ask(request)
                assert (answer.status, b"admin_token" in answer.body) == (400, True), answer.body
                assert secret.encode() not in answer.body
        assert upstream.calls == 0
        assert wire.ask(post(chat(), "Authorization: Bearer reflex")).status == 200
