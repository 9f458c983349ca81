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


@pytest.mark.skipif(os.name != "posix", reason="descriptor limits are POSIX")
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
