"""The runtime file, the lock and the salt: real files, real processes."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reflexd_io import runtime
from reflexd_io.runtime import AlreadyRunning

_HOLD = """
import sys, time
from pathlib import Path
from reflexd_io import runtime
with runtime.single_instance(Path(sys.argv[1])), runtime.announced(Path(sys.argv[1]), "127.0.0.1", 4711, "secret"):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def _holder(storage: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the folder."""
    command = [sys.executable, "-c", _HOLD, str(storage)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


posix = pytest.mark.skipif(os.name != "posix", reason="file modes and kill -9 are POSIX's")


@posix
def test_everything_is_readable_for_its_owner_only(tmp_path: Path) -> None:
    storage = tmp_path / "deep" / "storage"
    previous = os.umask(0)
    try:
        with runtime.single_instance(storage), runtime.announced(storage, "127.0.0.1", 1, "secret"):
            runtime.salt(storage)
            assert _mode(storage) == 0o700
            for name in ("runtime.json", "salt", "reflexd.lock"):
                assert _mode(storage / name) == 0o600, name
    finally:
        os.umask(previous)


@posix
def test_a_file_that_somebody_left_open_to_all_is_made_anew(tmp_path: Path) -> None:
    for name in ("runtime.json", "runtime.new"):
        (tmp_path / name).write_text("{}")
        (tmp_path / name).chmod(0o666)
    with runtime.announced(tmp_path, "127.0.0.1", 1, "secret"):
        assert _mode(tmp_path / "runtime.json") == 0o600
    assert not list(tmp_path.iterdir())


def test_the_file_says_where_the_daemon_is_for_as_long_as_it_runs(tmp_path: Path) -> None:
    assert runtime.read(tmp_path) is None
    before = time.time()
    with runtime.announced(tmp_path, "127.0.0.1", 4711, runtime.make_admin_token()) as announced:
        assert runtime.read(tmp_path) == announced
        assert (announced.url, announced.port, announced.pid) == ("http://127.0.0.1:4711", 4711, os.getpid())
        assert len(announced.admin_token) >= 43
        assert before <= announced.started <= time.time()
    assert runtime.read(tmp_path) is None
    with runtime.announced(tmp_path, "::1", 4711, "secret") as again:
        assert again.url == "http://[::1]:4711"
        assert again.admin_token != announced.admin_token


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"port": 1}', b"\xff", b"null"])
def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "runtime.json").write_bytes(content)
    assert runtime.read(tmp_path) is None


def test_one_daemon_a_folder(tmp_path: Path) -> None:
    assert not runtime.is_held(tmp_path)
    with _holder(tmp_path) as holder:
        assert runtime.is_held(tmp_path)
        with (
            pytest.raises(AlreadyRunning, match=rf"127\.0\.0\.1:4711 \(pid {holder.pid}\)"),
            runtime.single_instance(tmp_path),
        ):
            raise AssertionError("held twice")
        with runtime.single_instance(tmp_path / "another"):
            pass


@posix
def test_a_daemon_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    with _holder(tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        assert json.loads((tmp_path / "runtime.json").read_text())["pid"] == holder.pid
        assert not runtime.is_held(tmp_path)
        with runtime.single_instance(tmp_path), runtime.announced(tmp_path, "127.0.0.1", 1, "secret") as announced:
            assert runtime.read(tmp_path) == announced


def test_who_looks_for_the_lock_does_not_keep_a_daemon_from_starting(tmp_path: Path) -> None:
    with runtime.single_instance(tmp_path):
        pass
    for _ in range(20):
        assert not runtime.is_held(tmp_path)
        with runtime.single_instance(tmp_path):
            pass


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError), runtime.single_instance(tmp_path / "file" / "storage"):
        raise AssertionError("held a folder below a file")


def test_the_salt_is_made_once_and_of_this_installation(tmp_path: Path) -> None:
    made = runtime.salt(tmp_path)
    assert len(made) == 32
    assert runtime.salt(tmp_path) == made
    (tmp_path / "other").mkdir()
    assert runtime.salt(tmp_path / "other") != made


@pytest.mark.parametrize("found", [b"", b"short", b"x" * 33])
def test_a_damaged_salt_is_told_and_left_alone(tmp_path: Path, found: bytes) -> None:
    """Another one would orphan every anonymous tenant without a word."""
    (tmp_path / "salt").write_bytes(found)
    with pytest.raises(OSError, match="instead of 32") as told:
        runtime.salt(tmp_path)
    assert str(tmp_path) in str(told.value)
    assert (tmp_path / "salt").read_bytes() == found


def test_a_salt_that_was_half_written_was_never_one(tmp_path: Path) -> None:
    (tmp_path / "salt.new").write_bytes(b"half")
    made = runtime.salt(tmp_path)
    assert len(made) == 32
    assert runtime.salt(tmp_path) == made
    assert not (tmp_path / "salt.new").exists()
