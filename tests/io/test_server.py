"""The server: what goes wrong with one connection, or with taking one, never ends the others."""

import errno
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import anyio.abc
import pytest

from reflexd_io import app, server
from reflexd_io.cli import serve
from support.daemon import daemon, settings_for
from support.upstream import ScriptedUpstream


class Failing(socket.socket):
    """Listens, and fails as often as there are failures before it takes a connection."""

    failures: Iterator[OSError]

    def accept(self) -> tuple[socket.socket, object]:
        error = next(self.failures, None)
        if error is not None:
            raise error
        return super().accept()


class Taking(server.Server):
    """Notes that a connection was taken, and does nothing with it."""

    def __init__(self) -> None:
        super().__init__(None, None, None, most=8)  # type: ignore[arg-type]
        self.taken = anyio.Event()

    async def _serve_connection(self, theirs: socket.socket, has_room: bool) -> None:
        theirs.close()
        self.taken.set()


class FailingListener:
    def __init__(self, ours: socket.socket, codes: list[int]) -> None:
        self._socket = Failing(fileno=os.dup(ours.fileno()))
        self._socket.setblocking(False)
        self._socket.failures = iter([OSError(code, os.strerror(code)) for code in codes])

    def extra(self, _: object) -> socket.socket:
        return self._socket

    async def aclose(self) -> None:
        self._socket.close()


def test_a_connection_that_cannot_be_taken_costs_nothing_but_a_pause(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ACCEPT_PAUSE", 0.01)
    serve = server.Server.serve

    async def failing(self: server.Server, listener: anyio.abc.SocketListener, stop: anyio.Event) -> None:
        raw: socket.socket = listener.extra(anyio.abc.SocketAttribute.raw_socket)
        await serve(self, FailingListener(raw, [errno.EMFILE, errno.ECONNABORTED]), stop)  # type: ignore[arg-type]

    monkeypatch.setattr(server.Server, "serve", failing)
    with (
        daemon(settings_for(tmp_path / "s", upstream.url)) as runtime,
        urllib.request.urlopen(f"{runtime.url}/healthz", timeout=5) as answer,
    ):
        assert answer.status == 200


@pytest.mark.anyio
async def test_no_connection_is_taken_and_lost_when_taking_them_ends() -> None:
    """It is served, or waits in the kernel, where a socket that outlives the daemon keeps it for the next one."""
    stop, taking = anyio.Event(), Taking()

    async def cancel_when_stopped() -> None:
        await stop.wait()
        tasks.cancel_scope.cancel()

    with socket.create_server(("127.0.0.1", 0)) as ours:
        listener = await anyio.abc.SocketListener.from_socket(ours.dup())
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(taking._accept, listener, tasks)
            tasks.start_soon(cancel_when_stopped)
            await anyio.wait_all_tasks_blocked()
            client = socket.create_connection(ours.getsockname())
            stop.set()  # so that the event loop hears of both at once
        with client:
            if not taking.taken.is_set():
                ours.settimeout(5)
                ours.accept()[0].close()


@pytest.mark.anyio
async def test_signals_are_heard_where_event_loops_know_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise NotImplementedError

    handlers: dict[int, Callable[[int, object], None]] = {}
    monkeypatch.setattr(app.anyio, "open_signal_receiver", unknown)
    monkeypatch.setattr(app.signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(app, "_SIGNAL_POLL", 0.001)
    stop = anyio.Event()
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app.stop_on_signals, stop, tasks.cancel_scope)
            await anyio.wait_all_tasks_blocked()
            handlers[signal.SIGTERM](signal.SIGTERM, None)
            await stop.wait()
            handlers[signal.SIGINT](signal.SIGINT, None)
            await anyio.sleep_forever()


@pytest.mark.anyio
async def test_a_spell_without_descriptors_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server, "ACCEPT_PAUSE", 0.0)
    codes = [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED, errno.EPERM]
    taking = Taking()
    with anyio.fail_after(30), socket.create_server(("127.0.0.1", 0)) as ours:
        listener = FailingListener(ours, codes)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(taking._accept, listener, tasks)  # type: ignore[arg-type]
            with socket.create_connection(ours.getsockname()):
                await taking.taken.wait()
            tasks.cancel_scope.cancel()
        await listener.aclose()
    assert len(caplog.records) == 1


@pytest.mark.skipif(os.name != "posix", reason="descriptor limits are POSIX")
def test_as_many_descriptors_as_may_be_had_are_taken() -> None:
    code = (
        "import resource; from reflexd_io.cli import serve\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))\n"
        "serve._raise_descriptor_limit()\n"
        "soft, after = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "most = serve._DESCRIPTORS\n"
        "assert (soft, after) == (most if hard < 0 else min(hard, most), hard), (soft, after)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def test_only_what_the_storage_folder_raised_is_blamed_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raised = [OSError(errno.EMFILE, "Too many open files"), PermissionError(13, "denied", str(tmp_path / "s" / "x"))]

    async def failing(*_: object, **__: object) -> None:
        raise raised.pop(0)

    monkeypatch.setattr(app, "run", failing)
    settings = settings_for(tmp_path / "s", "http://127.0.0.1:1")
    with pytest.raises(ExceptionGroup):
        serve.run_until_stopped(settings, lambda *_: None)
    assert serve.run_until_stopped(settings, lambda *_: None) == 1
    assert "--storage-path" in capsys.readouterr().err


def test_a_key_with_a_line_break_is_never_shown(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "REFLEX_STORAGE_PATH": str(tmp_path),
        "OPENAI_API_KEY": "sk-SECRET\nsecond",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    command = (sys.executable, "-m", "reflexd_io.cli", "serve", "--port", "0")
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        request = urllib.request.Request(
            f"{url}/chat/completions", b'{"messages":[]}', {"Content-Type": "application/json"}
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)
        said = refused.value.read().decode()
        refused.value.close()
        process.terminate()
        out, err = process.communicate(timeout=40)
    assert refused.value.code == 400
    assert "OPENAI_API_KEY" in said
    assert "SECRET" not in said + out + err
