"""``reflex-tui`` in a real terminal, tmux's, before the real daemon and its mock provider: all its views."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.asking import chat, fetch
from support.process import command, environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed (Debian: apt-get install tmux)"),
]
LIMIT = 30.0


@contextmanager
def mocked(storage: Path) -> Iterator[str]:
    """The address of a real daemon whose every upstream is the mock provider."""
    env = {**environment("http://127.0.0.1:9/v1"), "REFLEX_MOCK_PROVIDER": "1"}
    del env["REFLEX_UPSTREAM_OPENAI_URL"]
    with subprocess.Popen(
        command(storage), env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as popen:
        try:
            assert popen.stdout is not None
            line = popen.stdout.readline()
            assert line, "the daemon did not start"
            yield json.loads(line)["base_url"].removesuffix("/v1")
        finally:
            popen.kill()


class Tmux:
    """A tmux server of its own, with one window."""

    def __init__(self, socket: Path) -> None:
        self._base = ["tmux", "-S", str(socket), "-f", "/dev/null"]

    def run(self, *args: str) -> str:
        done = subprocess.run([*self._base, *args], capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    def press(self, *keys: str) -> None:
        self.run("send-keys", "-t", "tui", *keys)

    def screen(self) -> str:
        return self.run("capture-pane", "-p", "-t", "tui")

    def shows(self, *texts: str, without: str = "\0") -> str:
        """The screen, once it holds all of them."""
        ends = time.monotonic() + LIMIT
        while True:
            screen = self.screen()
            if all(text in screen for text in texts) and without not in screen:
                return screen
            assert time.monotonic() < ends, f"{texts} is not to be seen:\n{screen}"
            time.sleep(0.1)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    made = Tmux(tmp_path / "tmux")
    try:
        yield made
    finally:
        made.run("kill-server")


def test_every_view_in_a_real_terminal(tmux: Tmux, tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    home = tmp_path / "home"
    home.mkdir()
    with mocked(storage) as url:
        tui = f"{sys.executable} -m reflexd_tui --storage-path {storage}; echo it ended with $?; sleep 60"
        settings = [f"HOME={home}", f"PATH={os.environ['PATH']}", "LANG=C.UTF-8", "TERM=screen-256color"]
        tmux.run("new-session", "-d", "-s", "tui", "-x", "120", "-y", "34", "env", "-i", *settings, "sh", "-c", tui)
        tmux.shows("● caching", "⌂ default", "No requests yet", f"OPENAI_BASE_URL={url}/v1")

        for question in ("How do I centre a div?", "How do I centre a div?", "What is a quine?"):
            assert chat(url, question)[0] == 200
        tmux.shows("○ miss", "● exact", "What is a quine?", "following", "3 exchanges")
        tmux.press("Enter")
        tmux.shows("Tiers walked", "L1 exact key", "provider")
        tmux.press("l")
        tmux.shows("Compared with", "$.messages[0].content")
        tmux.press("l", "l")
        tmux.shows("mock provider")
        tmux.press("Escape")
        tmux.shows("following")

        tmux.press("/")
        tmux.press("-l", "status:hit")
        tmux.shows("1 of 3 shown", without="What is a quine?")
        tmux.press("Escape")
        tmux.shows("3 exchanges")
        tmux.press("Escape")
        time.sleep(0.5)  # a key right behind it would be Alt and that key
        tmux.press("2")
        tmux.shows("2 of 2", "Stored", "What is a quine?")
        tmux.press("d")
        tmux.shows("Purge these entries?", "Cancel")
        tmux.press("Tab", "Enter")
        tmux.shows("1 entry purged", "1 of 1")
        tmux.press("u")
        tmux.shows("2 of 2")
        tmux.press("3")
        tmux.shows("Policy", "default", "Provider keys")
        tmux.press("4")
        tmux.shows("Hit rate", "33%", "Answered by")
        tmux.press("?")
        tmux.shows("Everywhere", "Pause/resume")
        tmux.press("Escape")
        tmux.shows("Hit rate", without="Everywhere")

        for wide, high in ((1, 1), (10, 3), (80, 24), (200, 50)):
            tmux.run("resize-window", "-t", "tui", "-x", str(wide), "-y", str(high))
            time.sleep(0.5)
        tmux.press("1")
        tmux.shows("● caching", "following", "What is a quine?")
        tmux.press("q")
        assert "Traceback" not in tmux.shows("it ended with 0")
        assert fetch(f"{url}/health")[0] == 200
        assert chat(url, "What is a quine?")[1]["x-reflex-status"] == "hit-l1-exact"
