"""A terminal for a program that wants one: what it has written, without the colours."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

_CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_=>])")


@dataclass
class Terminal:
    master: int
    popen: "subprocess.Popen[bytes]"
    written: bytearray = field(default_factory=bytearray)

    def text(self) -> str:
        return _CONTROL.sub("", self.written.decode("utf-8", "replace"))

    def press(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def shows(self, wanted: str, seconds: float = 30.0) -> float:
        """The seconds until it was written."""
        begun = time.monotonic()
        while wanted not in self.text():
            left = seconds - (time.monotonic() - begun)
            assert left > 0, f"{wanted!r} was never written: {self.text()[-2000:]!r}"
            if select.select([self.master], [], [], left)[0]:
                try:
                    self.written += os.read(self.master, 65536)
                except OSError:  # Linux says so when the program has ended
                    raise AssertionError(f"it ended: {self.text()[-2000:]!r}") from None
        return time.monotonic() - begun

    def ended(self, seconds: float = 20.0) -> int:
        """Its exit code; what it still writes is read, so that it need not wait for us."""
        deadline = time.monotonic() + seconds
        while self.popen.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.written += os.read(self.master, 65536)
                except OSError:
                    break
        return self.popen.wait(5)


@contextmanager
def terminal(command: list[str], environ: Mapping[str, str], size: tuple[int, int] = (40, 120)) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    popen = subprocess.Popen(
        command, env=dict(environ), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    try:
        yield Terminal(master, popen)
    finally:
        popen.kill()
        popen.wait(10)
        os.close(master)
