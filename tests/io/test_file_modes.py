"""What a daemon leaves on the disk is its owner's alone, whatever the umask it was started with."""

import json
import os
import stat
import subprocess
import urllib.request
from pathlib import Path

import pytest

from support.process import command, environment
from support.upstream import Reply, ScriptedUpstream
from support.wire import completion

pytestmark = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def test_every_file_is_0600_and_every_folder_0700(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    upstream.answers(Reply(body=completion()))
    storage = tmp_path / "deep" / "storage"
    (tmp_path / "deep").mkdir()
    with subprocess.Popen(
        command(storage),
        env=environment(upstream.url, "cpu"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        umask=0,
    ) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["base_url"]
            for number in range(3):
                body = {"model": "m", "messages": [{"role": "user", "content": f"How do I sort list {number}?"}]}
                request = urllib.request.Request(
                    f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
                )
                with urllib.request.urlopen(request, timeout=30) as answer:
                    assert answer.status == 200
            _check(storage)
        finally:
            process.terminate()
            process.wait(40)
    _check(storage)


def _check(storage: Path) -> None:
    found = [storage, *storage.rglob("*")]
    assert any(path.suffix == ".sqlite3" for path in found)
    wrong = {}
    for path in found:
        try:
            mode = stat.S_IMODE(path.lstat().st_mode)
        except FileNotFoundError:  # a log that SQLite has put away meanwhile
            continue
        if mode != (0o700 if path.is_dir() else 0o600):
            wrong[str(path.relative_to(storage))] = oct(mode)
    assert not wrong
