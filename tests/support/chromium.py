"""A real headless Chromium, driven by its DevTools protocol over two pipes, so that no library is needed for it."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 30.0
NAVIGATED = ("navigated", "context was destroyed", "default execution context", "context with specified id")
"""What a script is told (in part) whose page went away, or whose next page is not there yet."""
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def found() -> str:
    """Where it is. Skips where it is not."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None or sys.platform == "win32":
        pytest.skip("there is no chromium here (Debian: apt-get install chromium)")
    return path


class NavigatedError(AssertionError):
    """The page went away while a script was asked for."""


class Chromium:
    def __init__(self, sent: int, heard: int) -> None:
        self._sent = sent
        self._heard = heard
        self._waiting = b""
        self._numbers = itertools.count(1)
        self._session = ""
        self.problems: list[str] = []
        """Errors of the page's scripts, and what its security policy stopped."""
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.do("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._sent, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == number:
                error = told.get("error")
                if error and any(words in error["message"] for words in NAVIGATED):
                    raise NavigatedError(method, error)
                assert not error, (method, error)
                result: dict[str, Any] = told["result"]
                return result
            self._note(told)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            piece = os.read(self._heard, 1 << 20)
            assert piece, "the browser has ended"
            self._waiting += piece
        line, _, self._waiting = self._waiting.partition(b"\0")
        told: dict[str, Any] = json.loads(line)
        return told

    def _note(self, told: dict[str, Any]) -> None:
        if told.get("method") == "Runtime.exceptionThrown":
            details = told["params"]["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
            entry = told["params"]["entry"]
            self.problems.append(f"{entry['text']} {entry.get('url', '')}")

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        told = self.do("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, script: str, patience: float = PATIENCE) -> None:
        """Wait until the expression is true; while the page is loading, what it asks for may not be there."""
        deadline = time.monotonic() + patience
        while not self._holds(script):
            assert time.monotonic() < deadline, f"not in time: {script}\n{self.run('document.body.innerText')}"
            time.sleep(0.05)

    def _holds(self, script: str) -> bool:
        try:
            return bool(self.run(f"(() => {{ try {{ return Boolean({script}) }} catch {{ return false }} }})()"))
        except NavigatedError:
            return False

    def visit(self, url: str) -> None:
        self.do("Page.navigate", url=url)
        self.until("location.protocol.startsWith('http') && document.readyState === 'complete'")

    def look(self, *, width: int = 1280, height: int = 800, dark: bool = False, phone: bool = False) -> None:
        """What the page takes its window for."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self.do("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.do("Emulation.setEmulatedMedia", features=[scheme])

    def press(self, key: str) -> None:
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        code = {"Enter": 13, "Tab": 9, "Escape": 27}.get(key, 0)
        self.do("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self.do("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        self.do("Input.insertText", text=text)

    def picture(self, path: Path, *, whole: bool = False) -> Path:
        data = self.do("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))
        return path


@contextmanager
def chromium(folder: Path) -> Iterator[Chromium]:
    """A browser with a profile of its own in the folder, and one page."""
    path = found()
    to_browser, from_us = os.pipe()
    to_us, from_browser = os.pipe()

    def place() -> None:  # the browser reads from 3 and writes to 4
        os.dup2(to_browser, 10)
        os.dup2(from_browser, 11)
        os.dup2(10, 3)
        os.dup2(11, 4)

    flags = [
        *("--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
        *("--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--no-sandbox"),
        *("--no-proxy-server", "--force-color-profile=srgb", f"--user-data-dir={folder / 'profile'}", "about:blank"),
    ]
    popen = subprocess.Popen(
        [path, *flags],
        close_fds=False,
        preexec_fn=place,  # noqa: PLW1509 - it sets two descriptors and nothing else
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        yield Chromium(from_us, to_us)
    finally:
        popen.kill()
        popen.wait(10)
        os.close(from_us)
        os.close(to_us)
