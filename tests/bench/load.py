"""Load and measurement for the benchmarks: raw sockets as clients, the server's CPU time from the kernel."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    requests: int
    seconds: float
    cpu_seconds: float

    @property
    def cpu_us(self) -> float:
        return self.cpu_seconds / self.requests * 1e6

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def http_request(port: int, body: bytes, **headers: str) -> bytes:
    lines = {
        "Host": f"127.0.0.1:{port}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "OpenAI/Python 3.52.0",
        "X-Stainless-Lang": "python",
        "X-Stainless-Retry-Count": "0",
        "Authorization": "Bearer sk-bench-0123456789abcdefghijklmnop",
        "Content-Type": "application/json",
        **headers,
        "Content-Length": str(len(body)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode() + body


def exchange(sock: socket.socket, request: bytes) -> bytes:
    """One request and its whole response (which must have a Content-Length)."""
    sock.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = sock.recv(1 << 16)
        if not chunk:
            raise ConnectionError("closed before the head")
        received += chunk
    head, _, rest = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    pieces, left = [received], length - len(rest)
    while left > 0:
        chunk = sock.recv(1 << 16)
        if not chunk:
            raise ConnectionError("closed in mid-body")
        pieces.append(chunk)
        left -= len(chunk)
    return b"".join(pieces)


def connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_of(pid: int, what: str = "VmRSS") -> float:
    """MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(port: int, pid: int, request: Callable[[int], bytes], *, seconds: float, connections: int) -> Sample:
    """Send ``request(n)`` over keep-alive connections for about ``seconds``."""
    counts = [0] * connections
    stop_at = time.perf_counter() + seconds

    def client(index: int) -> None:
        with connect(port) as sock:
            number = index
            while time.perf_counter() < stop_at:
                exchange(sock, request(number))
                counts[index] += 1
                number += connections

    began, cpu = time.perf_counter(), cpu_of(pid)
    threads = [threading.Thread(target=client, args=(index,)) for index in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Sample(sum(counts), time.perf_counter() - began, cpu_of(pid) - cpu)


@contextmanager
def process(*command: str, **env: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server as a process of its own; gives it and the first line that it printed."""
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, **env}
    )
    try:
        assert child.stdout is not None
        yield child, child.stdout.readline().strip()
    finally:
        child.terminate()
        child.wait(60)


@contextmanager
def reflexd(storage: Path, upstream_url: str, *flags: str, **env: str) -> Iterator[tuple[int, int]]:
    """The daemon; gives port and pid."""
    command = (sys.executable, "-m", "reflexd_io.cli", "serve", "--port", "0", "--json", *flags)
    env = {"REFLEX_STORAGE_PATH": str(storage), "REFLEX_UPSTREAM_OPENAI_URL": upstream_url, **env}
    with process(*command, **env) as (child, line):
        yield int(json.loads(line)["base_url"].split(":")[2].split("/")[0]), child.pid


@contextmanager
def bare(response: bytes, folder: Path) -> Iterator[tuple[int, int]]:
    """The bare server sending ``response``; gives port and pid."""
    path = folder / "response.http"
    path.write_bytes(response)
    with process(sys.executable, str(HERE / "bare.py"), str(path)) as (child, line):
        yield int(line), child.pid
