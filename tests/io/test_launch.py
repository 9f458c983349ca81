"""A face that finds no daemon starts one, which outlives it."""

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from reflexd_io import runtime
from reflexd_io.control_client import BlockingClient, NotThere, start_daemon
from support.process import environment


def test_a_started_daemon_answers_and_is_no_part_of_us(tmp_path: Path) -> None:
    storage = tmp_path / "store"
    place = start_daemon("--port", "0", storage=storage, environ=environment("http://127.0.0.1:9/v1"))
    running = runtime.read(storage)
    assert running is not None
    try:
        assert BlockingClient(place).send("GET", "/healthz")[0] == 200
        assert os.getsid(running.pid) != os.getsid(0)
        assert {stat.S_IMODE(file.stat().st_mode) for file in storage.glob("*.log")} == {0o600}
    finally:
        os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + 60
    while runtime.is_held(storage) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not runtime.is_held(storage)


def test_why_it_did_not_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotThere, match="port"):
        start_daemon("--port", "nonsense", storage=tmp_path / "store", environ=environment("http://127.0.0.1:9/v1"))
