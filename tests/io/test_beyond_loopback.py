"""Beyond loopback: another machine must show a token, and gets neither the control API nor what Reflex knows."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reflexd_io.runtime import Runtime
from reflexd_io.settings import Settings
from support.daemon import daemon, settings_for
from support.machines import ADDRESS, another_machine, no_machines
from support.process import command, environment
from support.tokens import issued
from support.upstream import Reply, ScriptedUpstream
from support.wire import Wire, chat, completion, get, post

_ASK = """
import sys, urllib.request, urllib.error
for line in sys.stdin.read().splitlines():
    url, body, *headers = line.split("\\t")
    request = urllib.request.Request(url, body.encode() or None)
    for header in headers:
        request.add_header(*header.split(": "))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            print(answer.status, answer.read().decode())
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode())
"""

Ask = Callable[..., str]


@pytest.fixture(scope="module")
def there() -> Iterator[list[str]]:
    reason = no_machines()
    if reason is not None:
        pytest.skip(reason)
    with another_machine() as found:
        yield found


@pytest.fixture
def ask(there: list[str]) -> Ask:
    def run(running: Runtime, path: str, body: str = "", *headers: str) -> str:
        """Status and body of what another machine is told."""
        line = "\t".join((f"http://{ADDRESS}:{running.port}{path}", body, *headers))
        program = [*there, sys.executable, "-c", _ASK]
        return subprocess.run(program, input=line, capture_output=True, text=True, timeout=60, check=True).stdout

    return run


def _open(tmp_path: Path, upstream: ScriptedUpstream, **changes: object) -> Settings:
    upstream.answers(Reply(body=completion()))
    return settings_for(tmp_path / "s", upstream.url, bind_addr="0.0.0.0", **changes)


CHAT = chat().decode()


def test_a_client_of_another_machine_needs_a_token(ask: Ask, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    settings = _open(tmp_path, upstream)
    token = issued(settings)
    path = "/v1/chat/completions"
    with daemon(settings) as running:
        for headers in ((), ("Authorization: Bearer reflex",), (f"Authorization: Bearer sk-proj-{'0' * 30}",)):
            refused = ask(running, path, CHAT, *headers)
            assert refused.startswith("400"), refused
            assert "token_required" in refused
        assert "unknown_token" in ask(running, path, CHAT, f"Authorization: Bearer rfx_{'0' * 49}")
        assert ask(running, "/v1/models").startswith("400")
        assert upstream.calls == 0
        assert ask(running, path, CHAT, f"Authorization: Bearer {token}").startswith("200")
        assert ask(running, path, CHAT, f"x-reflex-token: {token}", "Authorization: Bearer reflex").startswith("200")
        with Wire(running.url) as wire:  # and one of this machine does too
            assert wire.ask(post(chat())).status == 400


def test_another_machine_sees_that_it_is_well_and_no_more(
    ask: Ask, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    with daemon(_open(tmp_path, upstream)) as running:
        admin = f"Authorization: Bearer {running.admin_token}"
        assert ask(running, "/healthz") == '200 {"status":"ok"}\n'
        assert ask(running, "/") == '200 {"name":"reflexd"}\n'
        assert ask(running, "/ready") == '200 {"status":"ok"}\n'
        assert ask(running, "/health") == '200 {"status":"ok"}\n'
        assert json.loads(ask(running, "/health", "", admin)[4:])["tenant"] == "default"
        assert ask(running, "/metrics").startswith("401")
        assert ask(running, "/metrics", "", admin).startswith("200")


def test_the_control_api_is_this_machines_unless_it_is_opened(
    ask: Ask, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    with daemon(_open(tmp_path, upstream)) as running:
        admin = f"Authorization: Bearer {running.admin_token}"
        assert "own machine only" in ask(running, "/admin/keys", "", admin)
        for path in ("/admin/nowhere", "/dashboard", "/dashboard/session", "/cache/stats"):
            assert ask(running, path).startswith("403"), path
        with Wire(running.url) as wire:
            assert wire.ask(get("/admin/openapi.json", admin)).status == 200
    with daemon(_open(tmp_path, upstream, remote_admin=True)) as running:
        admin = f"Authorization: Bearer {running.admin_token}"
        assert ask(running, "/admin/openapi.json", "", admin).startswith("200")
        assert ask(running, "/admin/openapi.json").startswith("401")


def test_names_are_rebound_and_addresses_are_not(ask: Ask, upstream: ScriptedUpstream, tmp_path: Path) -> None:
    with daemon(_open(tmp_path, upstream)) as running:
        for host in ("evil.example", f"{ADDRESS}.evil.example", "192.0.2.77"):
            assert ask(running, "/healthz", "", f"Host: {host}").startswith("403"), host
        assert ask(running, "/healthz", "", "Origin: http://evil.example").startswith("403")


def test_the_start_warns_of_it(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    program = command(tmp_path / "s", "--bind-addr", "0.0.0.0")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(program, env=environment(upstream.url), **pipes) as process:  # type: ignore[call-overload]
        try:
            assert json.loads(process.stdout.readline())["base_url"].startswith("http://127.0.0.1:")
            warned = process.stderr.readline()
        finally:
            process.kill()
    assert "warning: this listens beyond this machine, on 0.0.0.0" in warned
    assert "tenants token" in warned
