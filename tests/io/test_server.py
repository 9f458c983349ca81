"""The server: what goes wrong with one connection, or with taking one, never ends the others."""

import errno
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.abc
import pytest

from reflexd_io import app, server
from reflexd_io.cli import serve
from support.daemon import daemon, settings_for
from support.upstream import ScriptedUpstream


def test_a_connection_that_cannot_be_taken_costs_nothing_but_a_pause(
    upstream: ScriptedUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ACCEPT_PAUSE", 0.01)
    failures = iter([OSError(errno.EMFILE, "Too many open files"), OSError(errno.ECONNABORTED, "gone")])
    took = server.Server._accept
    failed = threading.Event()

    async def accept(self: server.Server, listener: anyio.abc.SocketListener, handlers: anyio.abc.TaskGroup) -> None:
        class Failing:
            async def accept(self) -> anyio.abc.SocketStream:
                error = next(failures, None)
                if error is not None:
                    raise error
                failed.set()
                return await listener.accept()

        await took(self, Failing(), handlers)  # type: ignore[arg-type]

    monkeypatch.setattr(server.Server, "_accept", accept)
    with daemon(settings_for(tmp_path / "s", upstream.url)) as runtime:
        assert failed.wait(5)
        with urllib.request.urlopen(f"{runtime.url}/healthz", timeout=5) as answer:
            assert answer.status == 200


@pytest.mark.anyio
async def test_signals_are_heard_where_event_loops_know_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise NotImplementedError

    handlers: dict[int, Callable[[int, object], None]] = {}
    monkeypatch.setattr(app.anyio, "open_signal_receiver", unknown)
    monkeypatch.setattr(app.signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(app, "_SIGNAL_POLL", 0.001)
    stop = anyio.Event()
    with anyio.fail_after(5):
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
    failures = iter([OSError(code, os.strerror(code)) for code in codes])

    class Failing:
        async def accept(self) -> anyio.abc.SocketStream:
            error = next(failures, None)
            if error is not None:
                raise error
            tasks.cancel_scope.cancel()
            await anyio.sleep_forever()
            raise AssertionError

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.Server(None, None, None, most=8)._accept, Failing(), tasks)  # type: ignore[arg-type]
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
