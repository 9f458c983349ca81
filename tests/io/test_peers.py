"""Peers: whose a connection is, asked of the real kernel; other users of this machine are refused."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import pytest

from reflexd_io import peers
from reflexd_io.peers import Peers, ask_kernel, ask_table, way_to_tell
from reflexd_io.settings import Settings
from support.daemon import daemon, settings_for
from support.machines import OTHER, as_another_user, no_users
from support.tokens import issued
from support.upstream import Reply, ScriptedUpstream
from support.wire import Wire, chat, completion, get, post

linux = pytest.mark.skipif(sys.platform != "linux", reason="the owners of sockets are told on Linux")
as_root = pytest.mark.skipif(no_users() is not None, reason=no_users() or "")

WAYS = [pytest.param(ask_kernel, id="kernel"), pytest.param(ask_table, id="table")]
FAMILIES = [
    pytest.param(socket.AF_INET, "127.0.0.1", id="IPv4"),
    pytest.param(socket.AF_INET6, "::1", id="IPv6"),
]
Ask = Callable[[tuple[str, int], tuple[str, int]], int | None]


@contextmanager
def _connected(family: int, address: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    with closing(socket.create_server((address, 0), family=family)) as listener:  # type: ignore[arg-type]
        client = socket.create_connection(listener.getsockname()[:2])
        server, _ = listener.accept()
        with closing(client), closing(server):
            yield client, server


@linux
@pytest.mark.parametrize("ask", WAYS)
@pytest.mark.parametrize(("family", "address"), FAMILIES)
def test_the_owner_of_a_connection_is_told_until_it_is_closed(ask: Ask, family: int, address: str) -> None:
    with _connected(family, address) as (client, server):
        ends = server.getpeername()[:2], server.getsockname()[:2]
        assert ask(*ends) == os.geteuid()
        client.shutdown(socket.SHUT_WR)
        assert ask(*ends) == os.geteuid()  # who only has said all still waits for the answer
        client.close()
        assert ask(*ends) is None
        assert ask((address, 1), ends[1]) is None


@linux
@pytest.mark.parametrize("ask", WAYS)
def test_ipv4_by_an_ipv6_socket_is_found_too(ask: Ask) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener, socket.socket(socket.AF_INET6) as client:
        client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
        with closing(listener.accept()[0]) as server:
            assert ask(server.getpeername(), server.getsockname()) == os.geteuid()


@as_root
@pytest.mark.parametrize("ask", WAYS)
def test_another_users_connection_is_told_from_ours(ask: Ask) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        code = f"import socket; s = socket.create_connection(('127.0.0.1', {listener.getsockname()[1]})); s.recv(1)"
        command = as_another_user("/usr/bin/env", "python3", "-c", code)
        with subprocess.Popen(command) as other, closing(listener.accept()[0]) as server:
            assert ask(server.getpeername(), server.getsockname()) == OTHER
            server.close()
            other.wait(10)


@linux
def test_the_kernel_is_asked_where_it_takes_questions_else_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert way_to_tell() is ask_kernel

    def refused(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(peers, "ask_kernel", refused)
    assert way_to_tell() is ask_table
    monkeypatch.setattr(peers, "ask_table", lambda *_: None)  # as where no module of the kernel knows
    assert way_to_tell() is None


@pytest.mark.anyio
async def test_where_it_cannot_be_told_all_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "way_to_tell", lambda: None)
    met = Peers(Settings())
    listeners = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with (
        listeners,
        await anyio.connect_tcp("127.0.0.1", listeners.extra(_PORT)),
        await listeners.listeners[0].accept() as stream,  # type: ignore[attr-defined]
    ):
        peer = await met.meet(stream)
    assert (peer.address, peer.here, peer.is_local, peer.fault) == ("127.0.0.1", "127.0.0.1", True, None)


_PORT = anyio.abc.SocketAttribute.local_port

_ASK = """
import sys, urllib.request, urllib.error
try:
    request = urllib.request.Request(sys.argv[1], sys.argv[2].encode() or None)
    request.add_header("Content-Type", "application/json")
    for header in sys.argv[3:]:
        request.add_header(*header.split(": "))
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""


def _as_other(url: str, body: str = "", *headers: str) -> str:
    command = as_another_user("/usr/bin/env", "python3", "-c", _ASK, url, body, *headers)
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, cwd="/").stdout


@as_root
def test_another_user_of_this_machine_gets_nothing(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=completion()))
    with daemon(settings_for(tmp_path / "s", upstream.url)) as running:
        token = f"Authorization: Bearer {running.admin_token}"
        for path, body in (("/", ""), ("/health", ""), ("/metrics", ""), ("/v1/models", ""), ("/v1/x", "{}")):
            assert _as_other(running.url + path, body).startswith("403"), path
        assert _as_other(f"{running.url}/v1/chat/completions", chat().decode()).startswith("403")
        assert f"allowed_users = [{OTHER}]" in _as_other(f"{running.url}/admin/keys", "", token)
        assert upstream.calls == 0
        with Wire(running.url) as wire:
            assert wire.ask(post(chat())).status == 200


@as_root
@pytest.mark.parametrize("allowed", [frozenset({OTHER}), None])
def test_a_user_who_is_let_in_is_served(
    allowed: frozenset[int] | None, upstream: ScriptedUpstream, tmp_path: Path
) -> None:
    upstream.answers(Reply(body=completion()))
    with daemon(settings_for(tmp_path / "s", upstream.url, allowed_users=allowed)) as running:
        assert _as_other(f"{running.url}/v1/chat/completions", chat().decode()).startswith("200")


@as_root
def test_a_token_lets_another_user_in_but_not_to_the_control_api(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=completion()))
    settings = settings_for(tmp_path / "s", upstream.url, auth_required=True)
    token = issued(settings)
    with daemon(settings) as running:
        url = f"{running.url}/v1/chat/completions"
        assert _as_other(url, chat().decode(), f"Authorization: Bearer {token}").startswith("200")
        refused = _as_other(url, chat().decode())
        assert refused.startswith("400")
        assert "token_required" in refused
        assert _as_other(f"{running.url}/admin/keys", "", f"Authorization: Bearer {running.admin_token}")[:3] == "403"
        told = _as_other(f"{running.url}/health")
        assert (told[:3], "pid" in told, "default" in told) == ("200", False, False)


@as_root
def test_who_closes_at_once_is_not_taken_for_root(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=completion()))
    code = (
        "import socket, struct, sys\n"
        "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "if sys.argv[2] == 'reset':\n"
        "    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))\n"
        "s.sendall(sys.stdin.buffer.read())\n"
        "s.close()\n"
    )
    with daemon(settings_for(tmp_path / "s", upstream.url)) as running:
        for how in ("close", "reset") * 10:
            command = as_another_user("/usr/bin/env", "python3", "-c", code, str(running.port), how)
            subprocess.run(command, input=post(chat()), check=True, timeout=20, cwd="/")
        with Wire(running.url) as wire:
            assert wire.ask(get("/healthz")).status == 200
        assert upstream.calls == 0
